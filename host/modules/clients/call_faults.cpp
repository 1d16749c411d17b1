#include "modules/clients/call_faults.hpp"

#include "telemetry/log.hpp"

namespace crolang::modules {

using telemetry::PluginEvent;

namespace {

std::optional<PluginEvent> event_of(CallFault fault) noexcept {
  switch (fault) {
    case CallFault::timed_out:
      return PluginEvent::timeout;
    case CallFault::late:
      return PluginEvent::late_answer;
    case CallFault::answered_twice:
      return PluginEvent::double_answer;
    case CallFault::too_many_open:
      return PluginEvent::over_bound;
    case CallFault::failed:
      return PluginEvent::failed;
    case CallFault::slow:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string_view describe(CallFault fault) noexcept {
  switch (fault) {
    case CallFault::timed_out:
      return "a plugin did not answer in time";
    case CallFault::late:
      return "a plugin answered after its deadline";
    case CallFault::answered_twice:
      return "a plugin answered a question twice";
    case CallFault::too_many_open:
      return "too many pending calls to a plugin";
    case CallFault::slow:
      return "a plugin blocked a worker for more than 5 ms";
    case CallFault::failed:
      return "plugin call failed";
  }
  return {};
}

}  // namespace

std::optional<telemetry::Counter> counter_of(CallFault fault, Question question) noexcept {
  const auto event = event_of(fault);
  if (!event) return std::nullopt;
  return telemetry::plugin_counter(kinds::describe(question).kind, *event);
}

CallFaultThrottles::OfPlugin& CallFaultThrottles::of(const std::string& plugin_id) noexcept {
  for (OfPlugin& each : plugins_) {
    const std::string* known = each.plugin_id.load(std::memory_order_relaxed);
    if (known == nullptr && each.plugin_id.compare_exchange_strong(known, &plugin_id)) return each;
    if (known == &plugin_id) return each;
  }
  return plugins_.back();
}

std::optional<std::uint64_t> CallFaultThrottles::admit(const std::string& plugin_id,
                                                       Question question, CallFault fault,
                                                       TimePoint now) noexcept {
  const std::size_t reason = static_cast<std::size_t>(question) * kCallFaults +  //
                             static_cast<std::size_t>(fault);
  return of(plugin_id).throttles.admit(reason, now);
}

void log_call_fault(CallFault fault, Question question, const std::string& plugin_id,
                    std::string_view detail, TimePoint now) {
  static CallFaultThrottles throttles;
  const auto suppressed = throttles.admit(plugin_id, question, fault, now);
  if (!suppressed) return;
  const std::string_view plugin = plugin_id.empty() ? std::string_view("built in") : plugin_id;
  telemetry::log::error(describe(fault), {{"plugin", plugin},
                                          {"question", question_name(question)},
                                          {"detail", detail},
                                          {"suppressed", *suppressed}});
}

void publish_call_fault(telemetry::EventHub& events, telemetry::ModuleFaults& last, CallFault fault,
                        Question question, const std::string& plugin_id, std::string_view detail,
                        TimePoint now) {
  switch (fault) {
    case CallFault::timed_out:
    case CallFault::too_many_open:
    case CallFault::failed:
      break;
    case CallFault::late:
    case CallFault::answered_twice:
    case CallFault::slow:
      return;
  }
  const kinds::Description kind = kinds::describe(kinds::describe(question).kind);
  last.note(kind.kind, describe(fault), detail, now);
  if (!events.is_watched()) return;
  static CallFaultThrottles throttles;
  const auto suppressed = throttles.admit(plugin_id, question, fault, now);
  if (!suppressed) return;
  events.publish(telemetry::EventKind::module, {{"kind", kind.label()},
                                                {"plugin", std::string_view(plugin_id)},
                                                {"question", question_name(question)},
                                                {"fault", describe(fault)},
                                                {"detail", detail},
                                                {"suppressed", *suppressed}});
}

}  // namespace crolang::modules
