#pragma once
/// The times of a connection to Redis, the same for the service's links and for those of the
/// workers, and the pause before it is made again.

#include <chrono>
#include <cstdint>
#include <random>

namespace crolang::redis_registry {

/// The timeout during the handshake. Short, since every broker must be able to reconnect within a
/// second, before the grace period ends.
inline constexpr std::chrono::milliseconds kHandshakeTimeout{600};
/// Once up, a slow command of another client may block Redis for a while.
inline constexpr std::chrono::milliseconds kReplyTimeout{3000};
inline constexpr std::chrono::milliseconds kHeartbeatAfter{1000};

/// Chosen at random, so that brokers do not all come at the same moment. Threads: one at a time.
class RetryPause {
 public:
  std::chrono::milliseconds next() {
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::int64_t>(kShortestMs, kLongestMs)(random_));
  }

 private:
  static constexpr std::int64_t kShortestMs = 50;
  static constexpr std::int64_t kLongestMs = 250;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace crolang::redis_registry
