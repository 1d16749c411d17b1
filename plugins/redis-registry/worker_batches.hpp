#pragma once
/// Batches that were published, until Redis has answered: if another server of the cluster has to
/// publish one, it is sent again. In order. Allocates nothing once its buffers have grown. Threads:
/// one at a time. Errors: after std::bad_alloc nothing has changed.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/slot_map.hpp"

namespace crolang::redis_registry {

/// A view.
struct WorkerBatch {
  std::uint64_t number;
  Slot slot;  ///< of the channel
  std::string_view channel;
  std::string_view text;
  /// Until when it may be sent again; the default: it has not been sent again yet.
  std::chrono::steady_clock::time_point deadline{};
};

class WorkerBatches {
 public:
  void push(const WorkerBatch& batch) {
    entries_.push_back(
        {batch.number, batch.slot, batch.channel.size(), batch.text.size(), batch.deadline});
    const std::size_t before = bytes_.size();
    try {
      bytes_.append(batch.channel).append(batch.text);
    } catch (const std::bad_alloc&) {
      bytes_.resize(before);
      entries_.pop_back();
      throw;
    }
  }

  bool is_empty() const { return first_ == entries_.size(); }
  std::size_t size() const { return entries_.size() - first_; }
  bool has(Slot slot) const {
    return std::any_of(begin(), entries_.end(),
                       [slot](const Entry& each) { return each.slot == slot; });
  }
  /// Calls `use(number, slot)` for each.
  template <class Use>
  void for_each(Use&& use) const {
    std::for_each(begin(), entries_.end(), [&](const Entry& each) { use(each.number, each.slot); });
  }

  /// The oldest. Valid until the next change.
  WorkerBatch front() const {
    const Entry& entry = entries_[first_];
    const std::string_view bytes = std::string_view(bytes_).substr(begin_);
    return {entry.number, entry.slot, bytes.substr(0, entry.channel),
            bytes.substr(entry.channel, entry.text), entry.deadline};
  }
  void pop_front() {
    const Entry& entry = entries_[first_++];
    begin_ += entry.channel + entry.text;
    if (is_empty()) {
      clear();
    } else if (first_ >= kDropped && first_ * 2 >= entries_.size()) {
      entries_.erase(entries_.begin(), begin());
      bytes_.erase(0, begin_);
      first_ = begin_ = 0;
    }
  }
  /// The newest.
  void pop_back() {
    bytes_.resize(bytes_.size() - entries_.back().channel - entries_.back().text);
    entries_.pop_back();
    if (is_empty()) clear();
  }
  void clear() {
    entries_.clear();
    bytes_.clear();
    if (bytes_.capacity() > kKeptBytes) bytes_ = {};
    first_ = begin_ = 0;
  }

 private:
  static constexpr std::size_t kDropped = 64;  // together
  // A buffer that has grown larger is freed.
  static constexpr std::size_t kKeptBytes = 1 << 20;

  struct Entry {
    std::uint64_t number;
    Slot slot;
    std::size_t channel;  // its bytes
    std::size_t text;
    std::chrono::steady_clock::time_point deadline;
  };

  std::vector<Entry>::const_iterator begin() const {
    return entries_.begin() + static_cast<std::ptrdiff_t>(first_);
  }

  std::vector<Entry> entries_;
  std::size_t first_ = 0;  // of entries_, that was not removed
  std::string bytes_;      // channels and texts
  std::size_t begin_ = 0;  // of bytes_, where the first one begins
};

}  // namespace crolang::redis_registry
