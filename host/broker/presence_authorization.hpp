#pragma once
/// Asks the authorization module which nodes of a presence question its asker may send to, since it
/// learns nothing of the others (AUTHORIZE_PRESENCE).
///
/// One question may name a thousand ids, and the module serves messages too. So at most
/// kMaxOpenOfQuestion authorizations of a question and kMaxOpenForPresence of a worker are
/// requested at once, and questions are served in turn.
///
/// Threads: one per worker, owning worker only. Errors: std::bad_alloc.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/node.hpp"
#include "broker/ports.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::broker {

inline constexpr std::size_t kMaxOpenOfQuestion = 16;
inline constexpr std::size_t kMaxOpenForPresence = 256;

/// The ids of a question, and which of them its asker may know of.
struct Permitted {
  std::vector<std::string> ids;
  std::vector<bool> flags;  ///< empty: the module could not be asked, or the asker is gone
};

class PresenceAuthorizationEvents {
 public:
  /// The result of a question that `ask` has not answered at once.
  virtual void on_permitted(std::uint64_t question, const Permitted& permitted) = 0;

 protected:
  ~PresenceAuthorizationEvents() = default;
};

class PresenceAuthorization final : public modules::AnswerSink {
 public:
  PresenceAuthorization(modules::Clients& clients, LocalSessions& sessions,
                        PresenceAuthorizationEvents& events)
      : clients_(clients), sessions_(sessions), events_(events) {}

  /// The flags if all answers are available at once, empty if the module could not be asked;
  /// std::nullopt: the result is reported later. `question`: a number that is used once, below
  /// 2^44. `ids` are copied if they are needed longer. An id that no node can have is not asked
  /// about.
  std::optional<std::vector<bool>> ask(std::uint64_t question, const Node& asker,
                                       std::span<const std::string_view> ids,
                                       std::size_t max_id_bytes);

  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

  std::size_t open() const noexcept { return open_; }

 private:
  // MAX_PRESENCE_IDS is at most a million.
  static constexpr unsigned kIndexBits = 20;

  struct Question {
    session::SessionHandle asker;
    Permitted permitted;
    std::size_t max_id_bytes = 0;
    std::size_t next = 0;  // the first id that was not asked about
    std::size_t open = 0;
    bool failed = false;
  };

  /// Requests authorizations as far as the limits permit.
  template <class Ids>
  void advance(std::uint64_t number, Question& question, std::string_view asker, const Ids& ids);
  static bool is_done(const Question& question, std::size_t ids) {
    return question.failed || (question.next == ids && question.open == 0);
  }
  void report(std::uint64_t number);
  /// Lets waiting questions use what has become free.
  void serve_waiting();

  modules::Clients& clients_;
  LocalSessions& sessions_;
  PresenceAuthorizationEvents& events_;
  std::unordered_map<std::uint64_t, Question> questions_;
  std::deque<std::uint64_t> waiting_;  // questions that could go on but for the limit of the worker
  std::size_t open_ = 0;
};

}  // namespace crolang::broker
