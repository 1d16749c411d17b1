#pragma once
/// The questions that one worker has open with modules: the guard around every answer.
///
/// An op is answered once, from any thread, perhaps before the question has returned, perhaps after
/// its deadline, perhaps twice. The desk gives out ops that are never freed while the process
/// lives, so an answer can never hit a dangling pointer, and that carry a generation, so a second
/// answer is told from the first of the op's next life.
///
/// Threads: `ask`, `tick`, `collect` on the owning worker; answers from any thread.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "crolang/plugin.h"
#include "modules/answer.hpp"
#include "modules/clients/own_time.hpp"
#include "modules/receipt.hpp"

namespace crolang::modules {

using TimePoint = std::chrono::steady_clock::time_point;

enum class Question : std::uint8_t {
  authenticate,
  claim,
  replace,
  announce,
  release,
  probe,
  lookup,
  send,
  resolve_rtc,
  authorize,
  check_validity,
  flush,  ///< not a question, but a call like one
};
inline constexpr std::size_t kQuestions = 12;
const char* question_name(Question question) noexcept;

/// What goes wrong around a call, for log and counters. Called on any thread.
enum class CallFault : std::uint8_t {
  timed_out,       ///< no answer within the deadline
  late,            ///< the answer came after the deadline and was dropped
  answered_twice,  ///< a defect of the plugin
  too_many_open,   ///< the question was not asked
  slow,            ///< the question itself computed or waited for more than 5 ms
  could_not_ask,   ///< the plugin answered with a status other than OK
};
inline constexpr std::size_t kCallFaults = 6;

class CallDesk {
 public:
  struct Hooks {
    /// Wakes the owning worker, which then calls collect(). Any thread.
    std::function<void()> wake;
    /// Does it sleep, as far as anybody else can know? Then receipts are redeemed. Any thread.
    std::function<bool()> sleeps;
    /// Sends what a receipt has left to be sent. Any thread.
    std::function<void(session::DirtyList&)> flush;
    /// Any thread.
    std::function<void(CallFault, Question, const std::string& plugin_id, std::string_view detail)>
        fault;
    /// A claim was granted after nobody waited any more: it must be released. Owning worker.
    std::function<void(const std::string& id, std::uint64_t token)> granted_late;
    /// There was no memory to make use of an answer for this session. Owning worker.
    std::function<void(const session::SessionHandle&)> starved;
  };

  CallDesk(Hooks hooks, std::size_t max_open);
  ~CallDesk();
  CallDesk(const CallDesk&) = delete;
  CallDesk& operator=(const CallDesk&) = delete;

  struct Claim {
    std::string_view id;
    std::uint64_t token = 0;
  };

  /// Asks by `call(op)`. Returns the answer if it is there already (valid until the next question),
  /// else nullptr: it, or CROLANG_TIMEOUT, goes to the waiter's sink later. `expected`: how many
  /// flags or holders a valid answer has. `receipt`: for a yes; copied.
  template <class Call>
  const Answer* ask(Question question, const std::string& plugin_id, const Waiter& waiter,
                    std::chrono::milliseconds timeout, std::size_t expected, const Claim& claim,
                    Call&& call, const Receipt& receipt = kNoReceipt) {
    Op* op = begin(question, plugin_id, waiter, expected, claim);
    if (op == nullptr) return refusal_;
    // Hot: nearly all questions have none.
    op->receipt.outlet = nullptr;
    if (receipt.outlet != nullptr) op->receipt = receipt;
    // The built-ins are not timed: two readings of the clock are a good part of what they cost.
    if (plugin_id.empty()) {
      call(handle_of(op));
    } else {
      time(question, plugin_id, [&] { call(handle_of(op)); });
    }
    return leave(op, timeout);
  }

  /// Calls a plugin, and says so if it holds up the worker.
  template <class Call>
  void time(Question question, const std::string& plugin_id, Call&& call) {
    const TimePoint before = std::chrono::steady_clock::now();
    own_time_.before_call(before);
    call();
    const TimePoint after = std::chrono::steady_clock::now();
    if (after - before >= kSlow) note_slow(question, plugin_id, before, after);
  }

  /// Owning worker: hands out the answers that have arrived. At the beginning of each turn, since
  /// not all of them wake it. If a sink throws, the next call goes on behind it.
  void collect();
  /// Owning worker, which must not go to sleep then. True for every answer whose receipt was
  /// redeemed before the worker revoked it.
  bool has_arrived() const noexcept {
    return has_arrived_.load(std::memory_order_relaxed) || collecting_ != nullptr;
  }
  /// Owning worker: gives up on questions whose deadline has passed.
  void tick(TimePoint now);
  /// When tick is due next; TimePoint::max() if nothing waits.
  TimePoint deadline() const noexcept;
  std::size_t open() const noexcept { return open_; }

  // The answer functions that plugins are given. Any thread. They throw nothing: what there is no
  // memory to keep becomes CROLANG_UNAVAILABLE.
  static void on_done(void* op, crolang_status status, crolang_str error);
  static void on_yes_no(void* op, crolang_status status, bool yes, crolang_str error);
  static void on_text(void* op, crolang_status status, crolang_str text, crolang_str error);
  static void on_flags(void* op, crolang_status status, const bool* flags, std::size_t count,
                       crolang_str error);
  static void on_claimed(void* op, crolang_status status, std::int32_t outcome,
                         crolang_holder holder, crolang_str error);
  static void on_verdict(void* op, crolang_status status, std::int32_t verdict, crolang_str error);
  static void on_located(void* op, crolang_status status, const crolang_holder* holders,
                         std::size_t count, crolang_str error);

 private:
  struct Op {
    std::atomic<std::uint32_t> state{0};  // generation << 8 | flags
    CallDesk* desk = nullptr;
    // Atomic only because a second answer reads them while the op may already serve its next
    // question.
    std::atomic<Question> question{};
    std::atomic<const std::string*> plugin_id{nullptr};
    Waiter waiter;
    std::size_t expected = 0;
    Answer answer;
    Receipt receipt;
    std::string claim_id;
    std::uint64_t claim_token = 0;
    TimePoint deadline;
    Op* earlier = nullptr;  // list of waiting questions, by deadline
    Op* later = nullptr;
    bool listed = false;
    Op* next_arrived = nullptr;  // list of those that have, in their order
  };

  void add_op();
  Op* free_op(Question question);
  Op* begin(Question question, const std::string& plugin_id, const Waiter& waiter,
            std::size_t expected, const Claim& claim);
  const Answer* leave(Op* op, std::chrono::milliseconds timeout);
  void recycle(Op* op);
  void list(Op* op);
  void unlist(Op* op);
  void deliver(Op* op);
  /// Hands an answer to its sink.
  void tell(const Waiter& waiter, const Answer& answer);
  void note_slow(Question question, const std::string& plugin_id, TimePoint before,
                 TimePoint after);
  void note_answer(const Op& op) const;
  static void* handle_of(const Op* op) noexcept;
  /// The op behind a handle if this is its first answer; nullptr otherwise.
  static Op* accept(void* handle);
  /// Copies what was answered; false: there is no memory for it, and that is the answer.
  template <class Copy>
  static bool kept(Op* op, Copy&& copy) noexcept;
  static void finish(Op* op, crolang_status status, crolang_str error) noexcept;

  static constexpr auto kSlow = std::chrono::milliseconds(5);

  Hooks hooks_;
  OwnTime own_time_;
  const std::size_t max_open_;
  std::size_t open_ = 0;
  std::vector<std::unique_ptr<Op>> ops_;
  std::vector<Op*> free_;
  Op* first_ = nullptr;
  Op* last_ = nullptr;
  Answer refused_;
  Answer starved_;
  const Answer* refusal_ = nullptr;  // the one that counts

  std::mutex arrived_mutex_;  // guards what follows, up to woken_
  Op* arrived_ = nullptr;
  Op* last_arrived_ = nullptr;
  std::size_t arrived_count_ = 0;
  bool woken_ = false;  // for some of them
  // For a look without the lock. Set before a receipt is redeemed.
  std::atomic<bool> has_arrived_{false};
  Op* collecting_ = nullptr;
};

}  // namespace crolang::modules
