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
/// A copy of a batch that has come is no loss. One that comes late for the first time may be: a
/// sender publishes again what had no receiver, though a later batch may have been passed on by a
/// replica meanwhile. So the two are told apart, by the last numbers of each sender.
///
/// Time is an argument. Threads: one at a time. Errors: without memory a batch is not remembered.

#include <algorithm>
#include <array>
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
    late,      ///< a later one of its sender has come, and this one has not
    repeated,  ///< or too old to tell
  };
  /// Hot: per batch. Allocates only for a sender that was silent.
  Result check(std::string_view batch, TimePoint now) {
    const BatchReader reader(batch);
    if (reader.number() == 0) return Result::fresh;
    if (now >= sweep_at_) sweep(now);
    const std::uint64_t sender = KeyedHash()(reader.sender());
    auto known = senders_.find(sender);
    if (known == senders_.end()) {
      // Anyone may choose the name that a sender states: limits the number of senders.
      if (senders_.size() >= kMostSenders) return Result::fresh;
      try {
        known = senders_.try_emplace(sender).first;
      } catch (const std::bad_alloc&) {
        return Result::fresh;
      }
    }
    return known->second.check(reader.number(), now);
  }

 private:
  /// A batch is sent again for a second at most, and other brokers learn within another one where
  /// the channels are.
  static constexpr std::chrono::milliseconds kMemory{5000};
  /// Other worker links: one of each broker, or a few.
  static constexpr std::size_t kMostSenders = std::size_t{1} << 12;
  /// What a sender publishes at most before it learns that nobody has received it.
  static constexpr std::size_t kMostNumbers = std::size_t{1} << 10;

  class Sender {
   public:
    Result check(std::uint64_t number, TimePoint now) {
      if (number > newest_) {
        newest_ = number;
        came_ = now;
        remember(number);
        return Result::fresh;
      }
      if (number <= forgotten_ || std::ranges::find(last_, number) != last_.end()) {
        return Result::repeated;
      }
      remember(number);
      return Result::late;
    }
    TimePoint came() const { return came_; }

   private:
    void remember(std::uint64_t number) {
      std::uint64_t& place = last_[next_];
      forgotten_ = std::max(forgotten_, place);
      place = number;
      next_ = (next_ + 1) % kMostNumbers;
    }

    std::uint64_t newest_ = 0;
    TimePoint came_{};
    std::uint64_t forgotten_ = 0;  // of this one and lower ones it is not known
    std::array<std::uint64_t, kMostNumbers> last_{};
    std::size_t next_ = 0;  // place in it
  };

  void sweep(TimePoint now) {
    sweep_at_ = now + kMemory;
    std::erase_if(senders_,
                  [now](const auto& each) { return now - each.second.came() >= kMemory; });
  }

  std::unordered_map<std::uint64_t, Sender> senders_;  // by hash of the name
  TimePoint sweep_at_{};
};

}  // namespace crolang::redis_registry
