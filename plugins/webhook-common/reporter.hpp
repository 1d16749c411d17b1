#pragma once
/// Says what went wrong with a webhook: to who asked, and, where that tells nobody else, to the
/// log; not too often. Threads: any. Errors: report throws std::bad_alloc.

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

/// Who logs what fails a question. answered: the broker, since it is told. logged: the webhook,
/// since nobody is.
enum class Faults { answered, logged };

class Reporter {
 public:
  /// `subject`: "<variable>: <host>", what every line begins with.
  Reporter(plugin::Host host, std::string subject, Faults faults)
      : host_(std::move(host)), subject_(std::move(subject)), who_(faults) {}

  /// "<subject>: <why>", the line for who asked.
  std::string report(std::string_view why) {
    std::string sentence = sentence_of(why);
    if (who_ == Faults::logged) log(plugin::LogLevel::warn, faults_.note(now(), sentence));
    return sentence;
  }

  /// A fault that the answer does not tell of.
  void log_fault(std::string_view why) noexcept {
    or_not_at_all([&] { log(plugin::LogLevel::warn, faults_.note(now(), sentence_of(why))); });
  }

  /// A status that says no. It is an answer, but a server may also mean the broker by it.
  void note_refusal(unsigned status) noexcept {
    or_not_at_all([&] {
      log(plugin::LogLevel::info,
          refusals_.note(now(),
                         sentence_of("answered " + std::to_string(status) + ", which is a no")));
    });
  }

  /// `why()` is something about the host's addresses that no question suffers from.
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

  /// A line for which there is no memory is not worth a question.
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
