#pragma once
/// Says what went wrong with a webhook: to who asked, and, not too often, to the log.
/// Threads: any. Errors: report throws std::bad_alloc.

#include <algorithm>
#include <chrono>
#include <crolang/plugin.hpp>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "webhook-common/fault_log.hpp"

namespace crolang::webhook_common {

class Reporter {
 public:
  Reporter(plugin::Host host, std::string variable)
      : host_(std::move(host)), variable_(std::move(variable)) {}

  /// "<variable>: <why>", logged if it is time for it.
  std::string report(std::string_view why) {
    std::string sentence = variable_ + ": ";
    sentence += why;
    log(plugin::LogLevel::warn, faults_.note(std::chrono::steady_clock::now(), sentence));
    return sentence;
  }

  /// A status that says no. It is an answer, but a server may also mean the broker by it.
  void note_refusal(unsigned status) noexcept {
    or_not_at_all([&] {
      log(plugin::LogLevel::info,
          refusals_.note(std::chrono::steady_clock::now(),
                         variable_ + ": answered " + std::to_string(status) + ", which is a no"));
    });
  }

  std::optional<FaultLog::TimePoint> due() const {
    const auto fault = faults_.due();
    const auto refusal = refusals_.due();
    return fault && refusal ? std::min(fault, refusal) : fault ? fault : refusal;
  }
  void report_left_out(FaultLog::TimePoint now) noexcept {
    or_not_at_all([&] {
      log(plugin::LogLevel::warn, faults_.left_out(now));
      log(plugin::LogLevel::info, refusals_.left_out(now));
    });
  }

 private:
  static constexpr std::chrono::seconds kBetweenRefusals{60};

  /// A line for which there is no memory is not worth a question.
  template <class Say>
  static void or_not_at_all(Say&& say) noexcept {
    try {
      say();
    } catch (const std::bad_alloc&) {
    }
  }

  void log(plugin::LogLevel level, const std::optional<std::string>& line) const {
    if (line) host_.log(level, *line);
  }

  const plugin::Host host_;
  const std::string variable_;
  FaultLog faults_;
  FaultLog refusals_{kBetweenRefusals};
};

}  // namespace crolang::webhook_common
