#pragma once
/// Reports the faults of a webhook: to the caller, and, rate-limited, to the log where there is no
/// caller. Threads: any. Errors: report throws std::bad_alloc.

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

/// Who logs a failed question. answered: the broker, which gets the failure as the answer. logged:
/// the webhook itself, since no caller waits for an answer.
enum class Faults { answered, logged };

class Reporter {
 public:
  /// `subject`: "<variable>: <host>", what every line begins with.
  Reporter(plugin::Host host, std::string subject, Faults faults)
      : host_(std::move(host)), subject_(std::move(subject)), who_(faults) {}

  /// "<subject>: <why>", the line to answer with.
  std::string report(std::string_view why) {
    std::string sentence = sentence_of(why);
    if (who_ == Faults::logged) log(plugin::LogLevel::warn, faults_.note(now(), sentence));
    return sentence;
  }

  /// Logs a fault that the answer does not report.
  void log_fault(std::string_view why) noexcept {
    or_not_at_all([&] { log(plugin::LogLevel::warn, faults_.note(now(), sentence_of(why))); });
  }

  /// A status that counts as "no". It is an answer, but the server may also be refusing the broker.
  void note_refusal(unsigned status) noexcept {
    or_not_at_all([&] {
      log(plugin::LogLevel::info,
          refusals_.note(
              now(), sentence_of("answered " + std::to_string(status) + ", taken as a refusal")));
    });
  }

  /// `why()` is a fault of one of the host's addresses that did not make a question fail.
  template <class Why>
  void note_address(Why&& why) noexcept {
    or_not_at_all([&] { log(plugin::LogLevel::warn, addresses_.note(now(), sentence_of(why()))); });
  }

  std::optional<FaultLog::TimePoint> due() const {
    std::optional<FaultLog::TimePoint> first;
    for (const FaultLog* each : {&faults_, &refusals_, &addresses_}) {
      const auto due = each->due();
      if (due && (!first || *due < *first)) first = due;
    }
    return first;
  }
  void report_left_out(FaultLog::TimePoint now) noexcept {
    or_not_at_all([&] {
      log(plugin::LogLevel::warn, faults_.left_out(now));
      log(plugin::LogLevel::info, refusals_.left_out(now));
      log(plugin::LogLevel::warn, addresses_.left_out(now));
    });
  }

 private:
  static constexpr std::chrono::seconds kBetweenRefusals{60};
  static constexpr std::chrono::seconds kBetweenAddresses{60};

  static FaultLog::TimePoint now() { return std::chrono::steady_clock::now(); }

  /// If there is no memory for a log line, it is skipped: the question must not fail because of it.
  template <class Say>
  static void or_not_at_all(Say&& say) noexcept {
    try {
      say();
    } catch (const std::bad_alloc&) {
    }
  }

  std::string sentence_of(std::string_view why) const {
    return std::string(subject_).append(": ").append(why);
  }

  void log(plugin::LogLevel level, const std::optional<std::string>& line) const {
    if (line) host_.log(level, *line);
  }

  const plugin::Host host_;
  const std::string subject_;
  const Faults who_;
  FaultLog faults_;
  FaultLog refusals_{kBetweenRefusals};
  FaultLog addresses_{kBetweenAddresses};
};

}  // namespace crolang::webhook_common
