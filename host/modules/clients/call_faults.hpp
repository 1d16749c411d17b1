#pragma once
/// Counts and logs faults of plugin calls. A repeated fault is logged a few times a second at most,
/// with a separate limit for each plugin, question and fault, so that a flood of one does not hide
/// another.
///
/// Threads: any. Errors: none. Time is an argument.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "modules/clients/pending_calls.hpp"
#include "telemetry/event_hub.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/module_faults.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::modules {

/// std::nullopt: this fault is logged, but not counted.
std::optional<telemetry::Counter> counter_of(CallFault fault, Question question) noexcept;

/// Limits how often each plugin's faults are logged. Lock-free, does not allocate.
class CallFaultThrottles {
 public:
  /// `plugin_id` is identified by its address: it is in the module table, which outlives the
  /// throttles. std::nullopt: do not log. Else how many were not logged since the last line.
  std::optional<std::uint64_t> admit(const std::string& plugin_id, Question question,
                                     CallFault fault, TimePoint now) noexcept;

 private:
  // If there are more plugins, they share the last entry.
  static constexpr std::size_t kPlugins = 16;
  static constexpr std::uint32_t kPerSecond = 10;

  struct OfPlugin {
    std::atomic<const std::string*> plugin_id{nullptr};
    telemetry::NumberedThrottles<kQuestions * kCallFaults> throttles{kPerSecond};
  };
  OfPlugin& of(const std::string& plugin_id) noexcept;

  std::array<OfPlugin, kPlugins> plugins_;
};

/// Writes a line, unless this plugin has exceeded its limit for such faults in this second.
void log_call_fault(CallFault fault, Question question, const std::string& plugin_id,
                    std::string_view detail, TimePoint now);

/// Keeps it as the last fault of its kind of module, and publishes it, with the limits of
/// log_call_fault. Slow calls and stray answers are neither.
void publish_call_fault(telemetry::EventHub& events, telemetry::ModuleFaults& last, CallFault fault,
                        Question question, const std::string& plugin_id, std::string_view detail,
                        TimePoint now);

}  // namespace crolang::modules
