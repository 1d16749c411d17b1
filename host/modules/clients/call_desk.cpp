#include "modules/clients/call_desk.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace crolang::modules {
namespace {

constexpr std::uint32_t kAnswered = 1;  // somebody has claimed the right to answer
constexpr std::uint32_t kReady = 2;     // the answer can be read
constexpr std::uint32_t kWaiting = 4;   // the question has returned without an answer
constexpr std::uint32_t kDetached = 8;  // the deadline has passed, nobody waits
constexpr std::uint32_t kFlagBits = 8;

// A handle is the op's address with its generation in the 16 bits that user-space addresses leave
// free, on every platform that Debian's g++ makes 64-bit code for.
constexpr unsigned kAddressBits = 48;
constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << kAddressBits) - 1;
constexpr std::uint32_t kGenerationMask = 0xffff;

// Answers that a sleeping worker has not heard of.
constexpr std::size_t kMaxAsleep = 16;

// For leases that must be given back or made known while there is no memory.
constexpr std::size_t kSpareOps = 16;

// Short enough to need no memory.
constexpr std::string_view kNoMemory = "no memory left";
static_assert(kNoMemory.size() <= 15);

std::string copy(crolang_str text) {
  return text.data == nullptr ? std::string() : std::string(text.data, text.size);
}

}  // namespace

const char* status_name(crolang_status status) noexcept {
  switch (status) {
    case CROLANG_OK:
      return "ok";
    case CROLANG_UNAVAILABLE:
      return "unavailable";
    case CROLANG_TIMEOUT:
      return "timeout";
    case CROLANG_CANCELLED:
      return "cancelled";
    case CROLANG_INVALID:
      return "invalid answer";
    default:
      return "internal error";
  }
}

const char* question_name(Question question) noexcept {
  constexpr const char* kNames[kQuestions] = {
      "authenticate", "claim", "replace", "announce",  "release",        "probe",
      "lookup",       "send",  "resolve", "authorize", "check validity", "flush"};
  return kNames[static_cast<std::size_t>(question)];
}

CallDesk::CallDesk(Hooks hooks, std::size_t max_open)
    : hooks_(std::move(hooks)), max_open_(max_open) {
  refused_.status = CROLANG_UNAVAILABLE;
  refused_.error = "too many questions open";
  starved_.status = CROLANG_UNAVAILABLE;
  starved_.error = kNoMemory;
  for (std::size_t i = 0; i < kSpareOps; ++i) add_op();
}

CallDesk::~CallDesk() = default;

void* CallDesk::handle_of(const Op* op) noexcept {
  const std::uint64_t generation =
      (op->state.load(std::memory_order_relaxed) >> kFlagBits) & kGenerationMask;
  const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(op));
  return reinterpret_cast<void*>(
      static_cast<std::uintptr_t>((address & kAddressMask) | generation << kAddressBits));
}

CallDesk::Op* CallDesk::accept(void* handle) {
  const auto value = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(handle));
  auto* op = reinterpret_cast<Op*>(static_cast<std::uintptr_t>(value & kAddressMask));
  const auto generation = static_cast<std::uint32_t>(value >> kAddressBits);
  std::uint32_t state = op->state.load(std::memory_order_acquire);
  while (((state >> kFlagBits) & kGenerationMask) == generation && (state & kAnswered) == 0) {
    if (op->state.compare_exchange_weak(state, state | kAnswered, std::memory_order_acq_rel)) {
      return op;
    }
  }
  op->desk->hooks_.fault(CallFault::answered_twice, op->question.load(std::memory_order_relaxed),
                         *op->plugin_id.load(std::memory_order_relaxed), {});
  return nullptr;
}

template <class Copy>
bool CallDesk::kept(Op* op, Copy&& copy) noexcept {
  try {
    copy();
    return true;
  } catch (const std::bad_alloc&) {
    finish(op, CROLANG_UNAVAILABLE, {kNoMemory.data(), kNoMemory.size()});
    return false;
  }
}

void CallDesk::finish(Op* op, crolang_status status, crolang_str error) noexcept {
  op->answer.status = status < CROLANG_OK || status > CROLANG_INTERNAL ? CROLANG_INVALID : status;
  if (error.size != 0 && error.data != nullptr) {
    try {
      op->answer.error.assign(error.data, std::min<std::size_t>(error.size, 512));
    } catch (const std::bad_alloc&) {
      op->answer.error = kNoMemory;
    }
  }
  CallDesk* desk = op->desk;
  const std::uint32_t state = op->state.fetch_or(kReady, std::memory_order_acq_rel);
  if ((state & kWaiting) == 0) return;
  const bool may_redeem = op->receipt.outlet != nullptr && (state & kDetached) == 0 &&
                          op->answer.status == CROLANG_OK && op->answer.yes;
  session::DirtyList dirty;
  bool redeemed = false;
  bool wake = false;
  {
    const std::lock_guard lock(desk->arrived_mutex_);
    desk->has_arrived_.store(true, std::memory_order_relaxed);
    // Of many that come together it is the worker who had better send them.
    if (may_redeem && desk->arrived_count_ < kMaxAsleep && desk->hooks_.sleeps()) {
      try {
        redeemed = op->answer.receipted = redeem(op->receipt, dirty);
      } catch (const std::bad_alloc&) {
        // The worker acknowledges it itself.
      }
    }
    if (!redeemed) wake = !std::exchange(desk->woken_, true);
    op->next_arrived = nullptr;
    (desk->arrived_ == nullptr ? desk->arrived_ : desk->last_arrived_->next_arrived) = op;
    desk->last_arrived_ = op;
    ++desk->arrived_count_;
  }
  // Only now, so that the sender's next message finds this one collected.
  if (redeemed) desk->hooks_.flush(dirty);
  if (wake) desk->hooks_.wake();
}

void CallDesk::add_op() {
  if (free_.capacity() <= ops_.size()) free_.reserve(2 * ops_.size() + kSpareOps);
  ops_.push_back(std::make_unique<Op>());
  ops_.back()->desk = this;
  free_.push_back(ops_.back().get());
}

CallDesk::Op* CallDesk::free_op(Question question) {
  // A lease is given back and made known whatever else is open: else its id would stay taken, or
  // its node unseen.
  const bool may_wait = question != Question::release && question != Question::announce;
  if (open_ >= max_open_ && may_wait) {
    refusal_ = &refused_;
    return nullptr;
  }
  try {
    if (free_.size() <= kSpareOps) add_op();
  } catch (const std::bad_alloc&) {
    if (may_wait || free_.empty()) {
      refusal_ = &starved_;
      return nullptr;
    }
  }
  return free_.back();
}

CallDesk::Op* CallDesk::begin(Question question, const std::string& plugin_id, const Waiter& waiter,
                              std::size_t expected, const Claim& claim) {
  Op* op = free_op(question);
  if (op != nullptr && claim.token != 0) {
    try {
      op->claim_id = claim.id;
      op->claim_token = claim.token;
    } catch (const std::bad_alloc&) {
      refusal_ = &starved_;
      op = nullptr;
    }
  }
  if (op == nullptr) {
    if (refusal_ == &refused_) {
      hooks_.fault(CallFault::too_many_open, question, plugin_id, {});
    } else {
      hooks_.fault(CallFault::could_not_ask, question, plugin_id, kNoMemory);
    }
    return nullptr;
  }
  free_.pop_back();
  ++open_;
  op->question.store(question, std::memory_order_relaxed);
  op->plugin_id.store(&plugin_id, std::memory_order_relaxed);
  op->waiter = waiter;
  op->expected = expected;
  op->answer.error.clear();
  return op;
}

const Answer* CallDesk::leave(Op* op, std::chrono::milliseconds timeout) {
  if ((op->state.fetch_or(kWaiting, std::memory_order_acq_rel) & kReady) != 0) {
    note_answer(*op);
    recycle(op);
    return &op->answer;
  }
  op->deadline = std::chrono::steady_clock::now() + timeout;
  list(op);
  return nullptr;
}

void CallDesk::recycle(Op* op) {
  const std::uint32_t generation = (op->state.load(std::memory_order_relaxed) >> kFlagBits) + 1;
  op->claim_token = 0;
  op->state.store(generation << kFlagBits, std::memory_order_release);
  free_.push_back(op);
  --open_;
}

void CallDesk::list(Op* op) {
  // Nearly all questions have the same time-out, so the place is nearly always the end.
  Op* before = last_;
  while (before != nullptr && before->deadline > op->deadline) before = before->earlier;
  op->earlier = before;
  op->later = before == nullptr ? first_ : before->later;
  (op->later == nullptr ? last_ : op->later->earlier) = op;
  (before == nullptr ? first_ : before->later) = op;
  op->listed = true;
}

void CallDesk::unlist(Op* op) {
  if (!op->listed) return;
  (op->earlier == nullptr ? first_ : op->earlier->later) = op->later;
  (op->later == nullptr ? last_ : op->later->earlier) = op->earlier;
  op->earlier = op->later = nullptr;
  op->listed = false;
}

void CallDesk::deliver(Op* op) {
  const bool late = (op->state.load(std::memory_order_acquire) & kDetached) != 0;
  unlist(op);
  if (late) {
    hooks_.fault(CallFault::late, op->question, *op->plugin_id, {});
    const bool granted = op->answer.status == CROLANG_OK && op->answer.code == CROLANG_GRANTED;
    if (op->claim_token != 0 && granted) {
      const std::string id = std::move(op->claim_id);
      const std::uint64_t token = op->claim_token;
      recycle(op);
      hooks_.granted_late(id, token);
      return;
    }
    recycle(op);
    return;
  }
  note_answer(*op);
  // The op is free before the sink runs, since the sink may ask again: it gets the answer by value.
  const Waiter waiter = op->waiter;
  const Answer answer = std::move(op->answer);
  op->answer = Answer{};
  recycle(op);
  tell(waiter, answer);
}

void CallDesk::collect() {
  if (collecting_ == nullptr) {
    if (!has_arrived_.load(std::memory_order_relaxed)) return;
    const std::lock_guard lock(arrived_mutex_);
    collecting_ = std::exchange(arrived_, nullptr);
    arrived_count_ = 0;
    woken_ = false;
    has_arrived_.store(false, std::memory_order_relaxed);
  }
  while (Op* op = collecting_) {
    collecting_ = op->next_arrived;
    deliver(op);
  }
}

void CallDesk::tell(const Waiter& waiter, const Answer& answer) {
  if (waiter.sink == nullptr) return;
  try {
    waiter.sink->on_answer(waiter, answer);
  } catch (const std::bad_alloc&) {
    // Whoever waits after that would do so for ever.
    hooks_.starved(waiter.session);
  }
}

void CallDesk::tick(TimePoint now) {
  while (first_ != nullptr && first_->deadline <= now) {
    Op* op = first_;
    unlist(op);
    // Answered in this very moment: the answer is on its way to collect().
    std::uint32_t state = op->state.load(std::memory_order_acquire);
    bool detached = false;
    while ((state & kAnswered) == 0) {
      if (op->state.compare_exchange_weak(state, state | kDetached, std::memory_order_acq_rel)) {
        detached = true;
        break;
      }
    }
    if (!detached) continue;
    hooks_.fault(CallFault::timed_out, op->question, *op->plugin_id, {});
    Answer answer;
    answer.status = CROLANG_TIMEOUT;
    answer.error = "no answer within the deadline";
    const Waiter waiter = op->waiter;
    tell(waiter, answer);
  }
}

TimePoint CallDesk::deadline() const noexcept {
  return first_ == nullptr ? TimePoint::max() : first_->deadline;
}

void CallDesk::note_slow(Question question, const std::string& plugin_id, TimePoint before,
                         TimePoint after) {
  const auto own = own_time_.of_call(before, after);
  if (own < kSlow) {
    own_time_.watch_closely(after);
    return;
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(own).count();
  hooks_.fault(CallFault::slow, question, plugin_id, std::to_string(ms) + " ms");
}

void CallDesk::note_answer(const Op& op) const {
  if (op.answer.status == CROLANG_OK) return;
  hooks_.fault(CallFault::could_not_ask, op.question, *op.plugin_id,
               op.answer.error.empty() ? status_name(op.answer.status) : op.answer.error);
}

void CallDesk::on_done(void* op, crolang_status status, crolang_str error) {
  if (Op* o = accept(op)) finish(o, status, error);
}

void CallDesk::on_yes_no(void* op, crolang_status status, bool yes, crolang_str error) {
  Op* o = accept(op);
  if (o == nullptr) return;
  o->answer.yes = yes;
  finish(o, status, error);
}

void CallDesk::on_text(void* op, crolang_status status, crolang_str text, crolang_str error) {
  Op* o = accept(op);
  if (o == nullptr) return;
  if (kept(o, [&] { o->answer.text = copy(text); })) finish(o, status, error);
}

void CallDesk::on_flags(void* op, crolang_status status, const bool* flags, std::size_t count,
                        crolang_str error) {
  Op* o = accept(op);
  if (o == nullptr) return;
  if (status == CROLANG_OK && (count != o->expected || (flags == nullptr && count != 0))) {
    static constexpr std::string_view kText = "answered another number of flags than was asked";
    finish(o, CROLANG_INVALID, {kText.data(), kText.size()});
    return;
  }
  const auto copy_flags = [&] {
    if (status == CROLANG_OK) o->answer.flags.assign(flags, flags + count);
  };
  if (kept(o, copy_flags)) finish(o, status, error);
}

void CallDesk::on_claimed(void* op, crolang_status status, std::int32_t outcome,
                          crolang_holder holder, crolang_str error) {
  Op* o = accept(op);
  if (o == nullptr) return;
  const bool makes_sense =
      outcome == CROLANG_GRANTED ||
      (outcome == CROLANG_HELD && holder.instance.size <= CROLANG_MAX_INSTANCE);
  if (status == CROLANG_OK && !makes_sense) status = CROLANG_INVALID;
  o->answer.code = outcome;
  o->answer.holders.clear();
  const auto copy_holder = [&] {
    if (status != CROLANG_OK || outcome != CROLANG_HELD) return;
    o->answer.holders.push_back(Holder{copy(holder.instance), holder.token});
  };
  if (kept(o, copy_holder)) finish(o, status, error);
}

void CallDesk::on_verdict(void* op, crolang_status status, std::int32_t verdict,
                          crolang_str error) {
  Op* o = accept(op);
  if (o == nullptr) return;
  if (status == CROLANG_OK && (verdict < CROLANG_ALIVE || verdict > CROLANG_UNREACHABLE)) {
    status = CROLANG_INVALID;
  }
  o->answer.code = verdict;
  finish(o, status, error);
}

void CallDesk::on_located(void* op, crolang_status status, const crolang_holder* holders,
                          std::size_t count, crolang_str error) {
  Op* o = accept(op);
  if (o == nullptr) return;
  if (status == CROLANG_OK && (count != o->expected || (holders == nullptr && count != 0))) {
    static constexpr std::string_view kText = "answered another number of holders than was asked";
    finish(o, CROLANG_INVALID, {kText.data(), kText.size()});
    return;
  }
  o->answer.holders.clear();
  for (std::size_t i = 0; i < count && status == CROLANG_OK; ++i) {
    // Its name is kept for as long as messages go there.
    if (holders[i].instance.size <= CROLANG_MAX_INSTANCE) continue;
    static constexpr std::string_view kText = "answered the name of an instance that is too long";
    finish(o, CROLANG_INVALID, {kText.data(), kText.size()});
    return;
  }
  const auto copy_holders = [&] {
    for (std::size_t i = 0; i < count && status == CROLANG_OK; ++i) {
      o->answer.holders.push_back(Holder{copy(holders[i].instance), holders[i].token});
    }
  };
  if (kept(o, copy_holders)) finish(o, status, error);
}

}  // namespace crolang::modules
