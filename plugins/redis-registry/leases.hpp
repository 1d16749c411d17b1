#pragma once
/// The leases of this broker: which it has asked for or holds, what stands in Redis for each, and
/// when each is due to be extended. No IO; time is an argument. Threads: whoever has the service's
/// turn.

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace crolang::redis_registry {

using TimePoint = std::chrono::steady_clock::time_point;

/// The value of a key: who holds the id. As text: the token in 16 hexadecimal digits, '+' once the
/// session has joined, else '-', the instance.
struct Holding {
  std::uint64_t token = 0;
  bool announced = false;
  std::string_view instance;
};

std::string token_text(std::uint64_t token);
std::string to_value(const Holding& holding);
/// A view of the value. nullopt: no broker wrote this.
std::optional<Holding> parse_value(std::string_view value);

class Leases {
 public:
  struct Lease {
    std::string id;
    bool held = false;  ///< false: asked for, not answered yet
    bool announced = false;
    TimePoint due = TimePoint::max();
  };

  /// A lease is extended after a third of `ttl`, or a bit earlier, so that leases that were taken
  /// together part.
  Leases(std::string instance, std::chrono::milliseconds ttl);

  /// Whatever becomes of it later takes no memory, so that no lease is lost for want of some.
  void ask(std::string_view id, std::uint64_t token);
  /// False: given up meanwhile.
  bool hold(std::uint64_t token, TimePoint now);
  /// False: there is no such lease.
  bool announce(std::uint64_t token);
  bool erase(std::uint64_t token);
  const Lease* find(std::uint64_t token) const;
  /// All of them, held or not.
  std::vector<std::uint64_t> tokens() const;

  /// Up to `count` held leases that are due, which become due again after a third of the TTL.
  std::vector<std::uint64_t> take_due(TimePoint now, std::size_t count);
  /// To be extended at that time, because it could not be now.
  void put_off(std::uint64_t token, TimePoint until);
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
