#pragma once
/// Tells which batches arrive at a worker link twice or late. Each worker link gives its batches
/// with messages ascending numbers, and publishes them in that order; a broker that starts again
/// has another name. In a cluster some arrive otherwise where a master is replaced, since a replica
/// passes on what its master publishes, but Redis does not count who receives it there:
///
/// - A worker link that follows its slot has two subscriptions, which may both get the same.
/// - What only a subscriber of the replica has received had no receiver as Redis counts, so it is
///   sent again. The receiver may not know of the new master yet.
/// - A replica publishes itself as well: to its own subscribers, which Redis counts, and some time
///   later to those of its master, which it does not. So what a sender has given up for want of a
///   subscriber may still arrive, after what it has sent since then.
///
/// Time is an argument. Threads: one at a time. Errors: without memory a batch is not remembered.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <unordered_map>

#include "crolang/keyed_hash.hpp"
#include "redis-registry/peer_format.hpp"

namespace crolang::redis_registry {

class BatchOrder {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Result : std::uint8_t {
    fresh,
    late,  ///< a later one of its sender has come
    repeated,
  };
  /// Hot: per batch. Allocates only for a sender that was silent.
  Result check(std::string_view batch, TimePoint now) {
    const BatchReader reader(batch);
    if (reader.number() == 0) return Result::fresh;
    if (now >= sweep_at_) sweep(now);
    const std::uint64_t sender = KeyedHash()(reader.sender());
    const auto known = newest_.find(sender);
    if (known == newest_.end()) {
      try {
        // Anyone may choose the name that a sender states: limits the number of senders.
        if (newest_.size() < kMostSenders) newest_.emplace(sender, Newest{reader.number(), now});
      } catch (const std::bad_alloc&) {
        // Treated as a fresh one.
      }
      return Result::fresh;
    }
    Newest& newest = known->second;
    if (reader.number() == newest.number) return Result::repeated;
    if (reader.number() < newest.number) return Result::late;
    newest = {reader.number(), now};
    return Result::fresh;
  }

 private:
  /// A batch is sent again for a second at most, and other brokers learn within another one where
  /// the channels are.
  static constexpr std::chrono::milliseconds kMemory{5000};
  static constexpr std::size_t kMostSenders = std::size_t{1} << 14;

  struct Newest {
    std::uint64_t number;
    TimePoint came;
  };

  void sweep(TimePoint now) {
    sweep_at_ = now + kMemory;
    std::erase_if(newest_, [now](const auto& each) { return now - each.second.came >= kMemory; });
  }

  std::unordered_map<std::uint64_t, Newest> newest_;  // by hash of the sender
  TimePoint sweep_at_{};
};

}  // namespace crolang::redis_registry
