#pragma once
/// Gives questions their replies, whatever happens meanwhile. Threads: the webhook's. Errors: none:
/// an exception of a handler becomes its reply, and without memory a shorter text is used.

#include <crolang/plugin.hpp>
#include <exception>
#include <string>
#include <string_view>

#include "webhook-common/question_inbox.hpp"
#include "webhook-common/reply.hpp"
#include "webhook-common/request_queue.hpp"

namespace crolang::webhook_common {

/// For the log, since what() of std::bad_alloc is not readable.
const char* describe(const std::exception& error) noexcept;

class Replies {
 public:
  Replies(plugin::Host host, QuestionInbox& inbox, Reporter& reporter)
      : host_(std::move(host)), inbox_(inbox), reporter_(reporter) {}

  /// Replies to all questions that share the request.
  void send(const Request& request, const Reply& reply) noexcept {
    inbox_.close(request.handlers.size(), request.content.size());
    for (const auto& handler : request.handlers) call(*handler, reply);
  }

  /// `why()` returns why the request failed; it may throw std::bad_alloc.
  template <class Why>
  void fail(const Request& request, plugin::Status status, Why&& why,
            unsigned http_status = 0) noexcept {
    try {
      const std::string line = reporter_.report(why());
      send(request, {status, line, reporter_, http_status});
    } catch (const std::exception& error) {
      send(request, {status, describe(error), reporter_});
    }
  }

  /// Replies to a question for which no request was made. `bytes`: of its content.
  void send(Question& question, std::size_t bytes, plugin::Status status,
            std::string_view text) noexcept {
    inbox_.close(1, bytes);
    call(*question.handler, {status, text, reporter_});
  }

 private:
  void call(ReplyHandler& handler, const Reply& reply) noexcept;

  const plugin::Host host_;
  QuestionInbox& inbox_;
  Reporter& reporter_;
};

}  // namespace crolang::webhook_common
