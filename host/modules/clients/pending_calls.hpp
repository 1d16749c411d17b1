#pragma once
/// The questions of one worker that wait for answers of modules, with a guard around every answer.
///
/// A call may be answered from any thread, before the question has returned, after its deadline,
/// or, by a defective plugin, twice. Call objects are never freed while the process lives, so an
/// answer can never hit a dangling pointer. They are reused, and carry a generation, so that a
/// second answer is distinguished from the first answer to the next question.
///
/// Threads: `ask`, `tick`, `collect` on the owning worker; answers from any thread.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crolang/enum_count.hpp"
#include "crolang/plugin.h"
#include "kinds/kinds.hpp"
#include "modules/answer.hpp"
#include "modules/clients/own_time.hpp"
#include "modules/lease.hpp"
#include "modules/receipt.hpp"

namespace crolang::modules {

using TimePoint = std::chrono::steady_clock::time_point;

using kinds::kQuestions;
using kinds::Question;
using kinds::question_name;

/// Faults of a call, for log and counters. Reported on any thread.
enum class CallFault : std::uint8_t {
  timed_out,       ///< no answer within the deadline
  late,            ///< the answer came after the deadline and was dropped
  answered_twice,  ///< a defect of the plugin
  too_many_open,   ///< the question was not asked
  slow,            ///< the plugin's function computed or waited for more than 5 ms
  failed,          ///< the plugin answered with a status other than OK
};
inline constexpr std::size_t kCallFaults = enum_count<CallFault>();

class PendingCalls {
 public:
  struct Hooks {
    /// Wakes the owning worker, which then calls collect(). Any thread.
    std::function<void()> wake;
    /// Whether the owning worker sleeps, as far as another thread can tell. If so, receipts are
    /// redeemed. Any thread.
    std::function<bool()> sleeps;
    /// Sends the acknowledgement to the sender if the receipt is still valid. Any thread; a mutex
    /// is held, so it must not call other components. Throws std::bad_alloc.
    std::function<Redeemed(const Receipt&)> redeem;
    /// A receipt of this issuer was redeemed: sends the remaining data. Any thread.
    std::function<void(void* issuer, Redeemed how)> redeemed;
    /// Any thread.
    std::function<void(CallFault, Question, const std::string& plugin_id, std::string_view detail)>
        fault;
    /// A claim was granted after its deadline: it must be released. Owning worker.
    std::function<void(const std::string& id, std::uint64_t token)> granted_late;
    /// There was not enough memory to process an answer for this asker. Owning worker.
    std::function<void(std::uint64_t asker)> out_of_memory;
    /// A plugin has answered, or its deadline has passed. Owning worker. May be empty.
    std::function<void(Question, std::chrono::nanoseconds taken)> answered{};
  };

  PendingCalls(Hooks hooks, std::size_t max_open);
  ~PendingCalls();
  PendingCalls(const PendingCalls&) = delete;
  PendingCalls& operator=(const PendingCalls&) = delete;

  /// Asks by `invoke(call)`. Returns the answer if it is available at once (valid until the next
  /// question), else nullptr: the answer, or CROLANG_TIMEOUT, goes to the waiter's sink later.
  /// `expected`: how many flags or holders a valid answer has. `receipt`: redeemed if the answer is
  /// yes; copied.
  template <class Invoke>
  const Answer* ask(Question question, const std::string& plugin_id, const Waiter& waiter,
                    std::chrono::milliseconds timeout, std::size_t expected, const Lease& claim,
                    Invoke&& invoke, const Receipt& receipt = kNoReceipt) {
    Call* call = begin(question, plugin_id, waiter, expected, claim);
    if (call == nullptr) return refusal_;
    // Hot: nearly all questions have none.
    call->receipt.issuer = nullptr;
    if (receipt.issuer != nullptr) call->receipt = receipt;
    // Built-in modules are not timed: reading the clock twice would be a large part of their cost.
    std::optional<Asked> asked;
    if (plugin_id.empty()) {
      invoke(handle_of(call));
    } else {
      asked = time(question, plugin_id, [&] { invoke(handle_of(call)); });
    }
    return leave(call, timeout, asked);
  }

  /// When a plugin's function was called, and when it had returned.
  struct Asked {
    TimePoint at;
    TimePoint returned;
  };
  /// Calls a plugin, and reports it if it blocks the worker.
  template <class Invoke>
  Asked time(Question question, const std::string& plugin_id, Invoke&& invoke) {
    const TimePoint before = std::chrono::steady_clock::now();
    own_time_.before_call(before);
    invoke();
    const TimePoint after = std::chrono::steady_clock::now();
    if (after - before >= OwnTime::kSlow) note_slow(question, plugin_id, before, after);
    return {before, after};
  }

  /// Owning worker: delivers the answers that have arrived. Call it at the start of each loop
  /// iteration, since not all answers wake the worker. If a sink throws, the next call continues
  /// after that answer.
  void collect();
  /// Owning worker: if true, it must not go to sleep. True for every answer whose receipt was
  /// redeemed before the worker revoked it.
  bool has_arrived() const noexcept {
    return has_arrived_.load(std::memory_order_relaxed) || collecting_ != nullptr;
  }
  /// Owning worker: gives up on questions whose deadline has passed.
  void tick(TimePoint now);
  /// When tick is due next; TimePoint::max() if no question waits.
  TimePoint deadline() const noexcept;
  std::size_t open() const noexcept { return open_; }

  // The answer functions passed to plugins. Any thread. They do not throw: an answer that cannot be
  // stored for lack of memory becomes CROLANG_UNAVAILABLE.
  static void on_done(void* call, crolang_status status, crolang_str error);
  static void on_yes_no(void* call, crolang_status status, bool yes, crolang_str error);
  static void on_authenticated(void* call, crolang_status status, bool yes,
                               std::uint64_t valid_for_ms, crolang_str error);
  static void on_text(void* call, crolang_status status, crolang_str text, crolang_str error);
  static void on_flags(void* call, crolang_status status, const bool* flags, std::size_t count,
                       crolang_str error);
  static void on_claimed(void* call, crolang_status status, std::int32_t outcome,
                         crolang_holder holder, crolang_str error);
  static void on_probed(void* call, crolang_status status, std::int32_t result, crolang_str error);
  static void on_located(void* call, crolang_status status, const crolang_holder* holders,
                         std::size_t count, crolang_str error);
  static void on_instances(void* call, crolang_status status, const crolang_instance* instances,
                           std::size_t count, crolang_str error);

 private:
  struct Call {
    std::atomic<std::uint32_t> state{0};  // generation << 8 | flags
    PendingCalls* calls = nullptr;
    // Atomic only because a second answer may read them while the call already serves its next
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
    std::optional<TimePoint> asked;  // nullopt: a built-in module, which is not measured
    Call* earlier = nullptr;         // list of waiting questions, by deadline
    Call* later = nullptr;
    bool listed = false;
    Call* next_arrived = nullptr;  // list of answered calls, in the order of arrival
  };

  void add_call();
  Call* free_call(Question question);
  Call* begin(Question question, const std::string& plugin_id, const Waiter& waiter,
              std::size_t expected, const Lease& claim);
  /// `asked`: nullopt: the clock was not read.
  const Answer* leave(Call* call, std::chrono::milliseconds timeout,
                      const std::optional<Asked>& asked);
  void recycle(Call* call);
  void list(Call* call);
  void unlist(Call* call);
  /// `now`: when the worker began to collect.
  void deliver(Call* call, TimePoint now);
  /// Passes an answer to its sink.
  void tell(const Waiter& waiter, const Answer& answer);
  void note_slow(Question question, const std::string& plugin_id, TimePoint before,
                 TimePoint after);
  void note_answer(const Call& call) const;
  void measure(const Call& call, TimePoint answered) const;
  static void* handle_of(const Call* call) noexcept;
  /// The call behind a handle if this is its first answer; nullptr otherwise.
  static Call* accept(void* handle);
  /// Copies the answer; false: there is no memory, and the call was answered CROLANG_UNAVAILABLE.
  template <class Copy>
  static bool kept(Call* call, Copy&& copy) noexcept;
  static void finish(Call* call, crolang_status status, crolang_str error) noexcept;

  Hooks hooks_;
  OwnTime own_time_;
  const std::size_t max_open_;
  std::size_t open_ = 0;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<Call*> free_;
  Call* first_ = nullptr;
  Call* last_ = nullptr;
  Answer refused_;
  Answer out_of_memory_;
  const Answer* refusal_ = nullptr;  // points to the answer of the last refused question

  std::mutex arrived_mutex_;  // guards what follows, up to woken_
  Call* arrived_ = nullptr;
  Call* last_arrived_ = nullptr;
  std::size_t arrived_count_ = 0;
  bool woken_ = false;  // the worker has been woken to collect them
  // Read without the lock. Set before a receipt is redeemed.
  std::atomic<bool> has_arrived_{false};
  Call* collecting_ = nullptr;
};

}  // namespace crolang::modules
