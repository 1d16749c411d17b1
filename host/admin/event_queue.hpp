#pragma once
/// The events that wait for one reader of the stream, and how an event is written. A reader that is
/// too slow loses the oldest, and is told how many.
/// Threads: one at a time. Errors: std::bad_alloc.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "telemetry/event_hub.hpp"

namespace crolang::admin {

/// An event as it is sent (WHATWG HTML, server-sent events); written once for all readers.
using EventText = std::shared_ptr<const std::string>;

EventText text_of(const telemetry::Event& event);
std::string lost_text(std::uint64_t count, std::chrono::system_clock::time_point now);

class EventQueue {
 public:
  static constexpr std::size_t kMaxEvents = 1024;
  static constexpr std::size_t kMostBytes = std::size_t{256} * 1024;

  void push(EventText event);
  /// Events that never came here.
  void add_lost(std::uint64_t count) noexcept { lost_ += count; }
  bool is_empty() const noexcept { return events_.empty() && lost_ == 0; }
  /// Moves about `most` bytes to the end of `out`, if something was lost that first.
  void take(std::string& out, std::size_t most, std::chrono::system_clock::time_point now);
  /// Of this reader, so far.
  std::uint64_t lost() const noexcept { return all_lost_ + lost_; }

 private:
  std::deque<EventText> events_;
  std::size_t bytes_ = 0;
  std::uint64_t lost_ = 0;      // not yet told
  std::uint64_t all_lost_ = 0;  // told
};

}  // namespace crolang::admin
