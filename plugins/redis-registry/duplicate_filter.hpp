#pragma once
/// Batches that arrive twice or late while a worker link's channels move between masters of a
/// cluster. A replica passes on what its master publishes, so two subscriptions may both get it. It
/// also publishes itself: to its own subscribers, which Redis counts, and some time later to those
/// of its master, which it does not. So what a sender has given up for want of a subscriber may
/// still arrive, after what it has sent since then. Each batch with messages is unlike all others,
/// since requests are numbered. Time is an argument. Threads: one at a time. Errors: without memory
/// a batch is not remembered.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "crolang/keyed_hash.hpp"
#include "redis-registry/peer_format.hpp"

namespace crolang::redis_registry {

class DuplicateFilter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// There may be two subscriptions from now on.
  void begin(TimePoint now) {
    until_ = now + kLongest;
    is_active_ = true;
  }

  enum class Result : std::uint8_t {
    fresh,
    late,  ///< a later one of its sender has come since begin
    repeated,
  };
  Result check(std::string_view batch, TimePoint now) {
    if (!is_active_) return Result::fresh;
    if (now >= until_) {
      is_active_ = false;
      seen_ = {};
      newest_ = {};
      return Result::fresh;
    }
    try {
      if (seen_.size() < kMost && !seen_.insert(KeyedHash()(batch)).second) {
        return Result::repeated;
      }
      const BatchReader reader(batch);
      if (reader.number() == 0 || newest_.size() >= kMost) return Result::fresh;
      std::uint64_t& newest = newest_[KeyedHash()(reader.sender())];
      if (reader.number() < newest) return Result::late;
      newest = reader.number();
    } catch (const std::bad_alloc&) {
      // Treated as a fresh one.
    }
    return Result::fresh;
  }

 private:
  /// Other brokers learn within a second where the channels are, and send again for another one.
  static constexpr std::chrono::milliseconds kLongest{5000};
  static constexpr std::size_t kMost = std::size_t{1} << 18;

  bool is_active_ = false;
  TimePoint until_{};
  std::unordered_set<std::uint64_t> seen_;                     // hashes
  std::unordered_map<std::uint64_t, std::uint64_t> newest_{};  // number by hash of the sender
};

}  // namespace crolang::redis_registry
