#include "telemetry/event_hub.hpp"

#include <exception>

namespace crolang::telemetry {
namespace {

Event::Value owned(const EventField& field) {
  return std::visit(
      [](const auto& value) -> Event::Value {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string_view>) {
          return std::string(value);
        } else {
          return value;
        }
      },
      field.value);
}

}  // namespace

std::string_view name_of(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::joined:
      return "joined";
    case EventKind::left:
      return "left";
    case EventKind::refused:
      return "refused";
    case EventKind::negotiation:
      return "negotiation";
    case EventKind::module:
      return "module";
    case EventKind::instance:
      return "instance";
  }
  return {};
}

void EventHub::publish(EventKind kind, std::initializer_list<EventField> fields) noexcept {
  if (!is_watched()) return;
  Event event;
  bool is_complete = true;
  try {
    event.kind = kind;
    event.at = std::chrono::system_clock::now();
    event.fields.reserve(fields.size());
    for (const EventField& field : fields) event.fields.emplace_back(field.name, owned(field));
  } catch (const std::exception&) {
    is_complete = false;
  }
  const std::lock_guard lock(mutex_);
  if (!wake_) return;
  const bool was_idle = waiting_.empty() && lost_ == 0;
  // Once one is lost, those that follow are lost too, so that the reader knows where the gap is.
  if (!is_complete || lost_ != 0 || waiting_.size() >= kMostWaiting) {
    ++lost_;
  } else {
    try {
      waiting_.push_back(std::move(event));
    } catch (const std::exception&) {
      ++lost_;
    }
  }
  if (was_idle) wake_();
}

void EventHub::watch(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
  watched_.store(true, std::memory_order_relaxed);
}

void EventHub::unwatch() {
  const std::lock_guard lock(mutex_);
  watched_.store(false, std::memory_order_relaxed);
  wake_ = nullptr;
  waiting_ = {};
  lost_ = 0;
}

EventHub::Batch EventHub::take() {
  const std::lock_guard lock(mutex_);
  return {std::exchange(waiting_, {}), std::exchange(lost_, 0)};
}

}  // namespace crolang::telemetry
