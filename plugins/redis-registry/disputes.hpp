#pragma once
/// Leases of live sessions at whose key Redis has another session's token: what to do until one
/// of the two has it. That happens after a failover, if the new primary has not received the last
/// releases and claims; mostly the other session has left. No IO; time is an argument. Threads: the
/// holder of the service's lock.
///
/// A session gives up its id only to a session that was found alive after its token was read from
/// Redis, or that cannot be asked about for kTimeout. While a lease is disputed nothing but `write`
/// writes it. So of several live sessions all but one give up, never all: the session that was
/// read last by one that gave up has not read another one since, so it has not given up.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "redis-registry/leases.hpp"

namespace crolang::redis_registry {

class Disputes {
 public:
  /// How long the other session's broker may stay unreachable: longer than any broker takes to
  /// follow a failover.
  static constexpr std::chrono::milliseconds kTimeout{3000};
  /// Between two attempts meanwhile.
  static constexpr std::chrono::milliseconds kPause{250};
  /// The maximum of questions without an answer; other disputes wait.
  static constexpr std::size_t kMostQuestions = 1024;

  enum class Step {
    none,
    write,   ///< to Redis, over rival().token if that is not 0; on_found or end follows
    ask,     ///< the broker of rival(), as question(); on_answer follows
    give_up  ///< the session has lost its id
  };

  /// The session whose token Redis has.
  struct Rival {
    std::uint64_t token = 0;
    SessionAddress address;
    std::string instance;
  };

  enum class Answer { alive, gone, unknown };

  struct Due {
    std::uint64_t token;
    Step step;
  };

  /// `instance`: this broker, whose leases those are.
  Disputes(std::string instance, const Leases& leases)
      : instance_(std::move(instance)), leases_(leases) {}

  /// Redis has this value where the lease of `token` should be: the dispute begins or goes on.
  [[nodiscard]] Step on_found(std::uint64_t token, std::string_view value, TimePoint now);
  /// The answer to a question; take_due says what follows. Call it once for each question.
  void on_answer(std::uint64_t token, std::uint64_t question, Answer answer) noexcept;
  /// What is due now.
  [[nodiscard]] std::vector<Due> take_due(TimePoint now);

  bool contains(std::uint64_t token) const { return disputes_.contains(token); }
  /// Of a disputed lease.
  const Rival& rival(std::uint64_t token) const { return disputes_.at(token).rival; }
  std::uint64_t question(std::uint64_t token) const { return disputes_.at(token).question; }

  /// Restoring all leases waits for the end of this dispute. False: it did already, or there is no
  /// such dispute.
  bool await(std::uint64_t token);

  struct Ended {
    bool existed = false;
    bool was_awaited = false;
  };
  /// It is settled, or its session has left.
  Ended end(std::uint64_t token);
  /// The connection was lost: what Redis has is read again. Answers to what was asked before count
  /// no more.
  void clear() {
    disputes_.clear();
    open_questions_ = 0;
    forgotten_ = last_question_;
  }

 private:
  enum class Stage { writing, asking, answered, waiting };

  struct Dispute {
    Rival rival;
    TimePoint latest;
    Stage stage = Stage::writing;
    TimePoint again_at{};        // waiting
    std::uint64_t question = 0;  // asking
    Answer answer = Answer::unknown;
    bool is_awaited = false;
  };

  Step wait_or_give_up(Dispute& dispute, TimePoint now);
  Step next_step(Dispute& dispute, TimePoint now);

  const std::string instance_;
  const Leases& leases_;
  std::unordered_map<std::uint64_t, Dispute> disputes_;
  TimePoint due_ = TimePoint::max();  // none is before
  std::uint64_t last_question_ = 0;
  std::size_t open_questions_ = 0;
  std::uint64_t forgotten_ = 0;  // questions up to this one
};

}  // namespace crolang::redis_registry
