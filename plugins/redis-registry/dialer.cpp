#include "redis-registry/dialer.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace crolang::redis_registry {
namespace {

constexpr std::chrono::milliseconds kSlowAnswer{1000};  // of a name server

}  // namespace

Dialer::Dialer(const std::vector<HostPort>& hosts) {
  for (const HostPort& each : hosts) hosts_.push_back({each});
}

bool Dialer::contains(const HostPort& host) const {
  return std::ranges::any_of(hosts_, [&](const Host& each) { return each.host == host; });
}

void Dialer::begin_round() {
  if (tried_ > 0) first_ = (first_ + tried_ - 1) % round_;
  round_ = hosts_.size();
  tried_ = 0;
  resolving_since_.reset();
}

void Dialer::renew(const std::vector<HostPort>& hosts) {
  const auto place_in = [](const std::vector<Host>& list, const HostPort& host) {
    return std::ranges::find_if(list, [&](const Host& each) { return each.host == host; });
  };
  std::vector<Host> next;
  next.reserve(hosts.size() + 1);
  for (const HostPort& each : hosts) next.push_back({each});
  std::size_t first = 0;
  if (tried_ > 0) {
    const HostPort& used = current().host;
    if (place_in(next, used) == next.end()) next.push_back({used});
    first = static_cast<std::size_t>(place_in(next, used) - next.begin());
  }
  // Nothing throws any more.
  for (Host& each : hosts_) {
    const auto place = place_in(next, each.host);
    if (place == next.end()) continue;
    const auto at = static_cast<std::size_t>(place - next.begin());
    next[at].resolver = std::move(each.resolver);
    next[at].addresses = std::move(each.addresses);
  }
  hosts_ = std::move(next);
  round_ = hosts_.size();
  first_ = first;
  tried_ = std::min<std::size_t>(tried_, 1);
}

void Dialer::skip_host() {
  if (tried_ > 0) next_address_ = current().addresses.size();
}

Dialer::State Dialer::next(TimePoint now) {
  if (!resolving_since_) {
    if (tried_ > 0 && next_address_ < current().addresses.size()) {
      target_ = {current().host, current().addresses[next_address_++]};
      return State::found;
    }
    if (tried_ == round_) return State::exhausted;
    ++tried_;
    resolving_since_ = now;
  }
  return resolve(now);
}

Dialer::State Dialer::resolve(TimePoint now) {
  Host& host = current();
  try {
    if (!host.resolver.is_asking()) host.resolver.ask(host.host.host);
  } catch (const std::system_error& error) {
    return fail(error.what());
  }
  if (host.resolver.has_answer()) {
    common::Resolver::Answer answer = host.resolver.take_answer();
    if (!answer.fault.empty()) return fail(answer.fault);
    host.addresses = std::move(answer.addresses);
  } else if (now - *resolving_since_ <= kSlowAnswer) {
    return State::resolving;
  } else if (host.addresses.empty()) {
    // Otherwise it may still have the known address.
    return fail("no reply yet from the name server");
  }
  resolving_since_.reset();
  next_address_ = 0;
  return next(now);
}

Dialer::State Dialer::fail(std::string_view why) {
  resolving_since_.reset();
  next_address_ = current().addresses.size();
  fault_ = ("cannot resolve " + current().host.host + ": ").append(why);
  return State::failed;
}

}  // namespace crolang::redis_registry
