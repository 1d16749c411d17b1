#include "admin/event_queue.hpp"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "admin/api.hpp"

namespace crolang::admin {
namespace {

std::string frame(std::string_view name, const nlohmann::json& data) {
  std::string text = "event: ";
  text.append(name).append("\ndata: ");
  // JSON has no line ends outside of texts, and escapes them there.
  text += data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return text + "\n\n";
}

}  // namespace

EventText text_of(const telemetry::Event& event) {
  nlohmann::json data{{"at", utc_text(event.at)}};
  for (const auto& [name, value] : event.fields) {
    std::visit([&](const auto& each) { data[std::string(name)] = each; }, value);
  }
  return std::make_shared<const std::string>(frame(telemetry::name_of(event.kind), data));
}

std::string lost_text(std::uint64_t count, std::chrono::system_clock::time_point now) {
  return frame("lost", {{"at", utc_text(now)}, {"count", count}});
}

void EventQueue::push(EventText event) {
  bytes_ += event->size();
  events_.push_back(std::move(event));
  while (events_.size() > kMaxEvents || bytes_ > kMostBytes) {
    bytes_ -= events_.front()->size();
    events_.pop_front();
    ++lost_;
  }
}

void EventQueue::take(std::string& out, std::size_t most,
                      std::chrono::system_clock::time_point now) {
  if (lost_ != 0) {
    out += lost_text(lost_, now);
    all_lost_ += std::exchange(lost_, 0);
  }
  while (!events_.empty() && out.size() < most) {
    out += *events_.front();
    bytes_ -= events_.front()->size();
    events_.pop_front();
  }
}

}  // namespace crolang::admin
