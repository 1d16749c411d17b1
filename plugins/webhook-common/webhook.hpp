#pragma once
/// The webhook engine: asks one URL, many questions at a time, from a thread of its own.
///
/// A question is a POST with a JSON body. It is answered with the body of a 2xx answer, or with the
/// reason why there is none; either within its limit, whatever the server does. Nothing that a
/// server sends can do more than fail its question, and so can a lack of memory, threads or files.
/// Threads: see each function. Errors: the constructor throws, naming the variable at fault; ask
/// throws std::bad_alloc, and then has not taken the question.

#include <chrono>
#include <concepts>
#include <crolang/plugin.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "webhook-common/reporter.hpp"
#include "webhook-common/settings.hpp"

namespace crolang::webhook_common {

/// What came of a question. It is lent for the length of a call.
class Reply {
 public:
  Reply(plugin::Status status, std::string_view text, Reporter& reporter,
        unsigned http_status = 0) noexcept
      : status_(status), text_(text), reporter_(reporter), http_status_(http_status) {}

  plugin::Status status() const noexcept { return status_; }
  bool ok() const noexcept { return status_ == plugin::Status::ok; }
  /// The server said no by its status; then it is ok, and has no text.
  bool refused() const noexcept { return refused_; }
  /// Of a complete answer; 0: there was none.
  unsigned http_status() const noexcept { return http_status_; }
  /// If ok the body; else one line for the log, which names the webhook's variable.
  std::string_view text() const noexcept { return text_; }
  static Reply refusal(Reporter& reporter) noexcept {
    Reply reply(plugin::Status::ok, {}, reporter);
    reply.refused_ = true;
    return reply;
  }

  /// The body makes no sense: the line that says so.
  std::string senseless(std::string_view why) const;
  /// What no answer tells of: to the log, not too often.
  void log(std::string_view why) const noexcept { reporter_.log_fault(why); }

 private:
  plugin::Status status_;
  std::string_view text_;
  Reporter& reporter_;
  unsigned http_status_;
  bool refused_ = false;
};

/// one_request_for_all: questions with the same body that are open at the same time share a
/// request.
enum class Sharing { one_request_for_all, one_request_each };

/// What 401 and 403 are (RFC 9110 15.5.2, 15.5.4): the "no" of a server that was asked for leave,
/// whatever its body says, or a fault like every other status but 2xx.
enum class Forbidden { is_a_no, is_a_fault };

class Webhook {
 public:
  Webhook(const plugin::Host& host, const Settings& settings, Sharing sharing,
          Forbidden forbidden = Forbidden::is_a_fault, Faults faults = Faults::answered);
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;
  ~Webhook();

  /// `told(const Reply&)` is called once: from the webhook's thread, or at once if there is no room
  /// for more questions. If it throws, it must not have answered yet: it is then called once more,
  /// with a reply that says so. Thread: any.
  template <std::invocable<const Reply&> F>
  void ask(std::string body, std::chrono::milliseconds limit, F&& told) {
    struct Told final : Asker {
      explicit Told(F&& given) : function(std::forward<F>(given)) {}
      void operator()(const Reply& reply) override { function(reply); }
      std::decay_t<F> function;
    };
    ask(std::move(body), limit, std::make_unique<Told>(std::forward<F>(told)));
  }

  /// Reads WEBHOOK_SIGNING_SECRET and WEBHOOK_CA_FILE again: what is asked from now on is signed
  /// anew, and new connections trust anew. Throws, naming the variable, with nothing changed.
  /// Thread: control.
  void reload();

  /// Cancels what is open and ends the thread. Thread: control. Once or more often.
  void stop();

  struct Asker {
    virtual ~Asker() = default;
    virtual void operator()(const Reply& reply) = 0;
  };

 private:
  class Loop;

  void ask(std::string body, std::chrono::milliseconds limit, std::unique_ptr<Asker> asker);

  std::unique_ptr<Loop> loop_;
};

/// Throws, naming WEBHOOK_CA_FILE, if no https webhook could be asked with it. Empty: the system's.
void check_ca_file(const std::string& ca_file);

/// The member of the reply that must be true or false; false of one that refuses. nullopt: `answer`
/// has failed.
std::optional<bool> read_or_fail(const Reply& reply, std::string_view member,
                                 plugin::YesNo& answer);

}  // namespace crolang::webhook_common
