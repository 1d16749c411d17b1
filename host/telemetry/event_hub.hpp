/// What happens to nodes, modules and instances, for the event stream of the admin interface. Those
/// who publish never wait for those who read: what is not read in time is dropped and counted.
///
///   if (events.is_watched()) events.publish(EventKind::joined, {{"node", id}, {"client",
///   address}});
///
/// Never publish secrets, authentication data or the content of messages.
///
/// Threads: is_watched and publish, any; the rest, one reader. Errors: none; an event for which
/// there is no memory is lost.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace crolang::telemetry {

enum class EventKind : std::uint8_t { joined, left, refused, negotiation, module, instance };

/// "joined", …: the name of the event in the stream.
std::string_view name_of(EventKind kind) noexcept;

/// A field of an event. The view of a text is valid during the call of publish only.
struct EventField {
  std::string_view name;  ///< lives as long as the process
  std::variant<std::string_view, double, std::uint64_t, bool> value;
};

struct Event {
  using Value = std::variant<std::string, double, std::uint64_t, bool>;

  EventKind kind{};
  std::chrono::system_clock::time_point at{};
  std::vector<std::pair<std::string_view, Value>> fields{};
};

class EventHub {
 public:
  /// Events that wait for the reader; beyond, the newest are lost.
  static constexpr std::size_t kMostWaiting = 4096;

  // Hot: check it before building anything. One relaxed load.
  bool is_watched() const noexcept { return watched_.load(std::memory_order_relaxed); }
  /// Does nothing while nobody watches.
  void publish(EventKind kind, std::initializer_list<EventField> fields) noexcept;

  /// From now on events are kept. `wake` is called by publishing threads when there are events
  /// again; it must not block, throw or call this object.
  void watch(std::function<void()> wake);
  /// Drops what waits. When it has returned, `wake` is not called any more.
  void unwatch();

  struct Batch {
    std::vector<Event> events;
    std::uint64_t lost = 0;  ///< after the last of `events`
  };
  /// All that waits.
  Batch take();

 private:
  std::atomic<bool> watched_{false};
  std::mutex mutex_;  // guards what follows
  std::function<void()> wake_;
  std::vector<Event> waiting_;
  std::uint64_t lost_ = 0;
};

}  // namespace crolang::telemetry
