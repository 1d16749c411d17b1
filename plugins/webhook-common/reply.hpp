#pragma once
/// The result of a question, and how plugins read a yes or no from it. Threads: the webhook's, for
/// the length of a call. Errors: std::bad_alloc.

#include <crolang/plugin.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "webhook-common/json.hpp"
#include "webhook-common/reporter.hpp"

namespace crolang::webhook_common {

/// Valid for the length of a call.
class Reply {
 public:
  Reply(plugin::Status status, std::string_view text, Reporter& reporter,
        unsigned http_status = 0) noexcept
      : status_(status), text_(text), reporter_(reporter), http_status_(http_status) {}

  plugin::Status status() const noexcept { return status_; }
  bool ok() const noexcept { return status_ == plugin::Status::ok; }
  /// The server said no by its status (401 or 403); then the reply is ok, and has no text.
  bool refused() const noexcept { return refused_; }
  /// The status of a complete answer; 0: there was none.
  unsigned http_status() const noexcept { return http_status_; }
  /// If ok, the body; else one line for the log, which names the webhook's variable.
  std::string_view text() const noexcept { return text_; }
  static Reply refusal(Reporter& reporter) noexcept {
    Reply reply(plugin::Status::ok, {}, reporter);
    reply.refused_ = true;
    return reply;
  }

  /// Reports that the body is unusable; returns the line to answer with.
  std::string unusable(std::string_view why) const { return reporter_.report(why); }
  /// Logs, rate-limited, a fault that no answer reports.
  void log(std::string_view why) const noexcept { reporter_.log_fault(why); }

 private:
  plugin::Status status_;
  std::string_view text_;
  Reporter& reporter_;
  unsigned http_status_;
  bool refused_ = false;
};

/// Why read_bool failed, for the log.
std::string why_no_bool(std::string_view text, std::string_view member);

/// The member of the reply that must be true or false; false if the reply is a refusal. nullopt:
/// `answer`, a YesNo or an Authenticated, has been answered with a failure.
template <class Answer>
std::optional<bool> read_or_fail(const Reply& reply, std::string_view member, Answer& answer) {
  if (!reply.ok()) {
    answer.fail(reply.status(), reply.text());
    return std::nullopt;
  }
  if (reply.refused()) return false;
  const auto said = read_bool(reply.text(), member);
  if (!said) {
    answer.fail(plugin::Status::invalid, reply.unusable(why_no_bool(reply.text(), member)));
  }
  return said;
}

}  // namespace crolang::webhook_common
