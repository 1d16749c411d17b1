#pragma once
/// The leases that were released on a server in the last seconds: a failover may bring them back,
/// and then nobody extends or releases them. No IO; time is an argument. Threads: the holder of the
/// service's lock.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <new>
#include <string>
#include <utility>

#include "redis-registry/leases.hpp"

namespace crolang::redis_registry {

/// A lease that is to be released, or was.
struct Withdrawn {
  std::string id;
  std::uint64_t token;
  TimePoint until;  ///< when it has expired in Redis by itself
};

class RecentReleases {
 public:
  /// Longer than a replaced primary continues to act as one: Sentinels reconfigure it after ten
  /// seconds.
  static constexpr std::chrono::milliseconds kRecent{15'000};
  /// The oldest are forgotten when there are more.
  static constexpr std::size_t kMost = 16'384;

  /// Forgets it if there is no memory: then it expires by itself.
  void add(Withdrawn released, TimePoint now) noexcept {
    try {
      releases_.push_back({std::move(released), now});
    } catch (const std::bad_alloc&) {
      return;
    }
    if (releases_.size() > kMost) releases_.pop_front();
  }

  /// Forgets those that are not recent. Not while the connection is lost: the server may have been
  /// replaced before.
  void expire(TimePoint now) {
    while (!releases_.empty() && now - releases_.front().at >= kRecent) releases_.pop_front();
  }

  template <class F>
  void take_all(F&& use) {
    for (Release& each : std::exchange(releases_, {})) use(std::move(each.lease));
  }

  std::size_t size() const { return releases_.size(); }

 private:
  struct Release {
    Withdrawn lease;
    TimePoint at;
  };

  std::deque<Release> releases_;
};

}  // namespace crolang::redis_registry
