#pragma once
/// Sends questions to one URL, many at a time, from its own thread.
///
/// A question is a POST with a JSON body. The reply is the body of a 2xx answer, or the reason why
/// there is none; it is given within the question's time limit, whatever the server does. Invalid
/// answers, and a lack of memory, threads or descriptors, only fail the question.
/// Threads: see each function. Errors: the constructor throws, naming the variable at fault; ask
/// throws std::bad_alloc, and then has not taken the question.

#include <chrono>
#include <concepts>
#include <crolang/plugin.hpp>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "webhook-common/http_status.hpp"
#include "webhook-common/question.hpp"
#include "webhook-common/reply.hpp"
#include "webhook-common/request_content.hpp"
#include "webhook-common/settings.hpp"

namespace crolang::webhook_common {

class RequestLoop;

class Webhook {
 public:
  Webhook(const plugin::Host& host, const Settings& settings, Sharing sharing,
          Forbidden forbidden = Forbidden::is_a_fault, Faults faults = Faults::answered);
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;
  ~Webhook();

  /// `handler(const Reply&)` is called once: from the webhook's thread, or at once if too many
  /// questions are open. If it throws, it must not have answered yet: it is then called once more,
  /// with a reply that says so. Thread: any.
  template <std::invocable<const Reply&> F>
  void ask(RequestContent content, std::chrono::milliseconds limit, F&& handler) {
    struct Handler final : ReplyHandler {
      explicit Handler(F&& given) : function(std::forward<F>(given)) {}
      void operator()(const Reply& reply) override { function(reply); }
      std::decay_t<F> function;
    };
    post(std::move(content), limit, std::make_unique<Handler>(std::forward<F>(handler)));
  }

  /// Reads WEBHOOK_SIGNING_SECRET and WEBHOOK_CA_FILE again, for new requests and new connections.
  /// Throws, naming the variable, with nothing changed. Thread: control.
  void reload();

  /// Cancels open questions and ends the thread. Thread: control. May be called more than once.
  void stop();

 private:
  void post(RequestContent content, std::chrono::milliseconds limit,
            std::unique_ptr<ReplyHandler> handler);

  const std::unique_ptr<RequestLoop> loop_;
};

}  // namespace crolang::webhook_common
