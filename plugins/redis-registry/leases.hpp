#pragma once
/// The leases that this broker has requested or holds, the value of each in Redis, and when each is
/// due to be extended. No IO; time is an argument. Threads: the holder of the service's lock.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "crolang/plugin.hpp"

namespace crolang::redis_registry {

using TimePoint = std::chrono::steady_clock::time_point;

/// The location of a session, opaque to all but its broker.
struct SessionAddress {
  std::uint64_t session = 0;
  std::uint32_t worker = 0;

  bool operator==(const SessionAddress&) const = default;
};

/// The value of a key: the holder of the id. As text: the token in 16 hexadecimal digits, '+' once
/// the session has joined, else '-', the worker in decimal digits, '.', the session in hexadecimal
/// digits, '@', the instance.
struct Holding {
  std::uint64_t token = 0;
  bool announced = false;
  SessionAddress address;
  std::string_view instance;

  plugin::Holder holder() const { return {instance, token, address.session, address.worker}; }
};

std::string token_text(std::uint64_t token);
std::string to_value(const Holding& holding);
/// A view of the value. nullopt: it was not written by a broker.
std::optional<Holding> parse_value(std::string_view value);

class Leases {
 public:
  struct Lease {
    std::string id;
    SessionAddress address;
    bool held = false;  ///< false: requested, not answered yet
    bool announced = false;
    TimePoint due = TimePoint::max();
  };

  /// A lease is extended after a third of `ttl`, or a little earlier at random, so that leases
  /// taken together are not extended together.
  Leases(std::string instance, std::chrono::milliseconds ttl);

  /// Later operations on the lease do not allocate, so that no lease is lost when there is no
  /// memory.
  void add_requested(std::string_view id, std::uint64_t token, SessionAddress address = {});
  /// False: it was released meanwhile.
  bool mark_held(std::uint64_t token, TimePoint now);
  /// False: there is no such lease.
  bool announce(std::uint64_t token);
  bool erase(std::uint64_t token);
  const Lease* find(std::uint64_t token) const;
  /// All leases, held or not.
  std::vector<std::uint64_t> tokens() const;
  /// The held ones whose id `wanted` names.
  std::vector<std::uint64_t> held_tokens(
      const std::function<bool(std::string_view id)>& wanted) const;
  /// Makes room for so many more.
  void reserve(std::size_t more) { leases_.reserve(leases_.size() + more); }
  /// The lease becomes one of `to`, which has room for it, and is due there now. Does not allocate.
  void move_to(Leases& to, std::uint64_t token, TimePoint now) noexcept;

  /// Up to `count` held leases that are due, which become due again after a third of the TTL.
  std::vector<std::uint64_t> take_due(TimePoint now, std::size_t count);
  /// The lease could not be extended now, and becomes due at that time.
  void postpone(std::uint64_t token, TimePoint until);
  /// All held leases become due now.
  void make_all_due(TimePoint now);

  std::string value(std::uint64_t token, const Lease& lease) const;
  std::size_t size() const { return leases_.size(); }
  std::chrono::milliseconds ttl() const { return ttl_; }

 private:
  void schedule(std::uint64_t token, Lease& lease, TimePoint due) noexcept;
  TimePoint next_due(TimePoint now);

  const std::string instance_;
  const std::chrono::milliseconds ttl_;
  std::unordered_map<std::uint64_t, Lease> leases_;
  std::set<std::pair<TimePoint, std::uint64_t>> due_;  // one for each; never, unless held
  std::minstd_rand random_;
};

}  // namespace crolang::redis_registry
