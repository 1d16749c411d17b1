#pragma once
/// Limits how fast each node of a worker sends messages, by a token bucket for each: a burst at
/// once, and a rate on average. Without a limit it holds nothing, and costs a message one
/// comparison.
///
/// The buckets are kept here by slot instead of in the nodes, so that a broker without a limit does
/// not pay for them with the memory of every idle node.
///
/// Threads: owning worker only. Time is an argument. Errors: std::bad_alloc from take, with nothing
/// changed.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "session/handle.hpp"

namespace crolang::broker {

class MessageRate {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// How long a node may exceed its limit before it is disconnected.
  static constexpr std::chrono::seconds kMaxTimeOver{10};

  /// `per_second`: messages; 0: no limit. `burst`: messages at once; 0: those of two seconds.
  MessageRate(std::uint32_t per_second, std::uint32_t burst) noexcept;

  enum class Result : std::uint8_t {
    within,
    over,
    long_over,  ///< for kMaxTimeOver, without a pause in which its whole burst became available
                ///< again
  };
  /// The node sends a message. One that is over the limit does not count against it.
  // Hot: per message.
  Result take(session::SessionHandle node, TimePoint now) {
    return interval_.count() == 0 ? Result::within : check(node, now);
  }

  std::size_t slots() const noexcept { return buckets_.size(); }

 private:
  struct Bucket {
    TimePoint full_at{};     // when the whole burst is available again
    TimePoint over_since{};  // until full_at; TimePoint(): it has not been over since it was full
    std::uint32_t generation = 0;
  };

  Result check(session::SessionHandle node, TimePoint now);

  const std::chrono::nanoseconds interval_;  // between two messages on average; 0: no limit
  const std::chrono::nanoseconds burst_;     // as time at that rate
  std::vector<Bucket> buckets_;              // by slot, of nodes that have sent messages
};

}  // namespace crolang::broker
