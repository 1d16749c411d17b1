#include "redis-registry/leases.hpp"

#include <charconv>

#include "crolang/plugin.h"

namespace crolang::redis_registry {
namespace {

constexpr std::size_t kTokenDigits = 16;

}  // namespace

std::string token_text(std::uint64_t token) {
  std::string text(kTokenDigits, '0');
  for (std::size_t i = kTokenDigits; token != 0; token >>= 4) {
    text[--i] = "0123456789abcdef"[token & 15];
  }
  return text;
}

std::string to_value(const Holding& holding) {
  return token_text(holding.token)
      .append(1, holding.announced ? '+' : '-')
      .append(holding.instance);
}

std::optional<Holding> parse_value(std::string_view value) {
  if (value.size() < kTokenDigits + 2 || value.size() > kTokenDigits + 1 + CROLANG_MAX_INSTANCE) {
    return std::nullopt;
  }
  Holding holding;
  const auto [stop, error] =
      std::from_chars(value.data(), value.data() + kTokenDigits, holding.token, 16);
  const char state = value[kTokenDigits];
  if (error != std::errc{} || stop != value.data() + kTokenDigits || holding.token == 0 ||
      (state != '+' && state != '-')) {
    return std::nullopt;
  }
  holding.announced = state == '+';
  holding.instance = value.substr(kTokenDigits + 1);
  return holding;
}

Leases::Leases(std::string instance, std::chrono::milliseconds ttl)
    : instance_(std::move(instance)), ttl_(ttl), random_(std::random_device{}()) {}

void Leases::ask(std::string_view id, std::uint64_t token) {
  erase(token);
  Lease lease{.id = std::string(id)};
  due_.emplace(lease.due, token);
  try {
    leases_.emplace(token, std::move(lease));
  } catch (...) {
    due_.erase({TimePoint::max(), token});
    throw;
  }
}

bool Leases::hold(std::uint64_t token, TimePoint now) {
  const auto found = leases_.find(token);
  if (found == leases_.end()) return false;
  found->second.held = true;
  schedule(token, found->second, next_due(now));
  return true;
}

bool Leases::announce(std::uint64_t token) {
  const auto found = leases_.find(token);
  if (found == leases_.end()) return false;
  found->second.announced = true;
  return true;
}

bool Leases::erase(std::uint64_t token) {
  const auto found = leases_.find(token);
  if (found == leases_.end()) return false;
  due_.erase({found->second.due, token});
  leases_.erase(found);
  return true;
}

const Leases::Lease* Leases::find(std::uint64_t token) const {
  const auto found = leases_.find(token);
  return found == leases_.end() ? nullptr : &found->second;
}

std::vector<std::uint64_t> Leases::tokens() const {
  std::vector<std::uint64_t> all;
  all.reserve(leases_.size());
  for (const auto& [token, lease] : leases_) all.push_back(token);
  return all;
}

std::vector<std::uint64_t> Leases::take_due(TimePoint now, std::size_t count) {
  std::vector<std::uint64_t> tokens;
  while (tokens.size() < count && !due_.empty() && due_.begin()->first <= now) {
    tokens.push_back(due_.begin()->second);
    schedule(tokens.back(), leases_.find(tokens.back())->second, next_due(now));
  }
  return tokens;
}

void Leases::put_off(std::uint64_t token, TimePoint until) {
  const auto found = leases_.find(token);
  if (found != leases_.end() && found->second.held) schedule(token, found->second, until);
}

void Leases::make_all_due(TimePoint now) {
  for (auto& [token, lease] : leases_) {
    if (lease.held) schedule(token, lease, now);
  }
}

std::string Leases::value(std::uint64_t token, const Lease& lease) const {
  return to_value({token, lease.announced, instance_});
}

void Leases::schedule(std::uint64_t token, Lease& lease, TimePoint due) noexcept {
  auto node = due_.extract({lease.due, token});
  lease.due = due;
  node.value().first = due;
  due_.insert(std::move(node));
}

TimePoint Leases::next_due(TimePoint now) {
  const auto latest = ttl_.count() / 3;
  std::uniform_int_distribution<std::int64_t> between(latest * 3 / 4, latest);
  return now + std::chrono::milliseconds(between(random_));
}

}  // namespace crolang::redis_registry
