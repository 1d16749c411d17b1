#include "redis-registry/leases.hpp"

#include <array>
#include <charconv>

#include "crolang/plugin.h"

namespace crolang::redis_registry {
namespace {

constexpr std::size_t kTokenDigits = 16;

/// False: the text is not a valid number.
template <class Number>
bool read_number(std::string_view text, int base, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc{} && stop == end;
}

/// Removes and returns the text before the separator, and the separator. Empty: there is none.
std::string_view take_until(std::string_view& rest, char sign) {
  const std::size_t at = rest.find(sign);
  if (at == std::string_view::npos) return {};
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return taken;
}

}  // namespace

std::string token_text(std::uint64_t token) {
  std::string text(kTokenDigits, '0');
  for (std::size_t i = kTokenDigits; token != 0; token >>= 4) {
    text[--i] = "0123456789abcdef"[token & 15];
  }
  return text;
}

std::string to_value(const Holding& holding) {
  std::array<char, 16> session{};
  const auto end = std::to_chars(session.begin(), session.end(), holding.address.session, 16).ptr;
  return token_text(holding.token)
      .append(1, holding.announced ? '+' : '-')
      .append(std::to_string(holding.address.worker))
      .append(1, '.')
      .append(session.data(), end)
      .append(1, '@')
      .append(holding.instance);
}

std::optional<Holding> parse_value(std::string_view value) {
  if (value.size() <= kTokenDigits) return std::nullopt;
  Holding holding;
  const std::string_view token = value.substr(0, kTokenDigits);
  const char state = value[kTokenDigits];
  std::string_view rest = value.substr(kTokenDigits + 1);
  if (!read_number(token, 16, holding.token) || holding.token == 0 ||
      (state != '+' && state != '-') ||
      !read_number(take_until(rest, '.'), 10, holding.address.worker) ||
      !read_number(take_until(rest, '@'), 16, holding.address.session) || rest.empty() ||
      rest.size() > CROLANG_MAX_INSTANCE) {
    return std::nullopt;
  }
  holding.announced = state == '+';
  holding.instance = rest;
  return holding;
}

Leases::Leases(std::string instance, std::chrono::milliseconds ttl)
    : instance_(std::move(instance)), ttl_(ttl), random_(std::random_device{}()) {}

void Leases::add_requested(std::string_view id, std::uint64_t token, SessionAddress address) {
  erase(token);
  Lease lease{.id = std::string(id), .address = address};
  due_.emplace(lease.due, token);
  try {
    leases_.emplace(token, std::move(lease));
  } catch (...) {
    due_.erase({TimePoint::max(), token});
    throw;
  }
}

bool Leases::mark_held(std::uint64_t token, TimePoint now) {
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

std::vector<std::uint64_t> Leases::held_tokens(
    const std::function<bool(std::string_view id)>& wanted) const {
  std::vector<std::uint64_t> some;
  for (const auto& [token, lease] : leases_) {
    if (lease.held && wanted(lease.id)) some.push_back(token);
  }
  return some;
}

void Leases::move_to(Leases& to, std::uint64_t token, TimePoint now) noexcept {
  auto lease = leases_.extract(token);
  auto due = due_.extract({lease.mapped().due, token});
  lease.mapped().due = now;
  due.value().first = now;
  to.leases_.insert(std::move(lease));
  to.due_.insert(std::move(due));
}

std::vector<std::uint64_t> Leases::take_due(TimePoint now, std::size_t count) {
  std::vector<std::uint64_t> tokens;
  while (tokens.size() < count && !due_.empty() && due_.begin()->first <= now) {
    tokens.push_back(due_.begin()->second);
    schedule(tokens.back(), leases_.find(tokens.back())->second, next_due(now));
  }
  return tokens;
}

void Leases::postpone(std::uint64_t token, TimePoint until) {
  const auto found = leases_.find(token);
  if (found != leases_.end() && found->second.held) schedule(token, found->second, until);
}

void Leases::make_all_due(TimePoint now) {
  for (auto& [token, lease] : leases_) {
    if (lease.held) schedule(token, lease, now);
  }
}

std::string Leases::value(std::uint64_t token, const Lease& lease) const {
  return to_value({token, lease.announced, lease.address, instance_});
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
