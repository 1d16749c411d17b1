#pragma once
/// Says what went wrong with a webhook: to who asked, and, not too often, to the log.
/// Threads: any. Errors: none.

#include <crolang/plugin.hpp>
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
    log(faults_.note(std::chrono::steady_clock::now(), sentence));
    return sentence;
  }

  std::optional<FaultLog::TimePoint> due() const { return faults_.due(); }
  void report_left_out(FaultLog::TimePoint now) { log(faults_.left_out(now)); }

 private:
  void log(const std::optional<std::string>& line) const {
    if (line) host_.log(plugin::LogLevel::warn, *line);
  }

  const plugin::Host host_;
  const std::string variable_;
  FaultLog faults_;
};

}  // namespace crolang::webhook_common
