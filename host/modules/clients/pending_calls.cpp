#include "modules/clients/pending_calls.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace crolang::modules {
namespace {

constexpr std::uint32_t kAnswered = 1;  // a thread has claimed the right to answer
constexpr std::uint32_t kReady = 2;     // the answer can be read
constexpr std::uint32_t kWaiting = 4;   // the question has returned without an answer
constexpr std::uint32_t kDetached = 8;  // the deadline has passed and the waiter has been notified
constexpr std::uint32_t kFlagBits = 8;

// A handle is the call's address with its generation in the 16 bits that user-space addresses leave
// free, on every platform that Debian's g++ makes 64-bit code for.
constexpr unsigned kAddressBits = 48;
constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << kAddressBits) - 1;
constexpr std::uint32_t kGenerationMask = 0xffff;

// Receipts are redeemed by the answering thread while no more than this many answers have arrived
// since the worker last collected them.
constexpr std::size_t kMaxUnnoticedAnswers = 16;

// Spare calls for leases that must be released or announced while there is no memory.
constexpr std::size_t kSpareCalls = 16;

// Short enough to need no memory.
constexpr std::string_view kNoMemory = "no memory left";
static_assert(kNoMemory.size() <= 15);

std::string copy(crolang_str text) {
  return text.data == nullptr ? std::string() : std::string(text.data, text.size);
}

Holder copy(const crolang_holder& holder) {
  return {copy(holder.instance), holder.token, holder.session, holder.worker};
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
    default:  // no enum: the plugin API's numbers
      return "internal error";
  }
}

PendingCalls::PendingCalls(Hooks hooks, std::size_t max_open)
    : hooks_(std::move(hooks)), max_open_(max_open) {
  refused_.status = CROLANG_UNAVAILABLE;
  refused_.error = "too many questions open";
  out_of_memory_.status = CROLANG_UNAVAILABLE;
  out_of_memory_.error = kNoMemory;
  for (std::size_t i = 0; i < kSpareCalls; ++i) add_call();
}

PendingCalls::~PendingCalls() = default;

void* PendingCalls::handle_of(const Call* call) noexcept {
  const std::uint64_t generation =
      (call->state.load(std::memory_order_relaxed) >> kFlagBits) & kGenerationMask;
  const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(call));
  return reinterpret_cast<void*>(
      static_cast<std::uintptr_t>((address & kAddressMask) | generation << kAddressBits));
}

PendingCalls::Call* PendingCalls::accept(void* handle) {
  const auto value = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(handle));
  auto* call = reinterpret_cast<Call*>(static_cast<std::uintptr_t>(value & kAddressMask));
  const auto generation = static_cast<std::uint32_t>(value >> kAddressBits);
  std::uint32_t state = call->state.load(std::memory_order_acquire);
  while (((state >> kFlagBits) & kGenerationMask) == generation && (state & kAnswered) == 0) {
    if (call->state.compare_exchange_weak(state, state | kAnswered, std::memory_order_acq_rel)) {
      return call;
    }
  }
  call->calls->hooks_.fault(CallFault::answered_twice,
                            call->question.load(std::memory_order_relaxed),
                            *call->plugin_id.load(std::memory_order_relaxed), {});
  return nullptr;
}

template <class Copy>
bool PendingCalls::kept(Call* call, Copy&& copy) noexcept {
  try {
    copy();
    return true;
  } catch (const std::bad_alloc&) {
    finish(call, CROLANG_UNAVAILABLE, {kNoMemory.data(), kNoMemory.size()});
    return false;
  }
}

void PendingCalls::finish(Call* call, crolang_status status, crolang_str error) noexcept {
  call->answer.status = status < CROLANG_OK || status > CROLANG_INTERNAL ? CROLANG_INVALID : status;
  if (error.size != 0 && error.data != nullptr) {
    try {
      call->answer.error.assign(error.data, std::min<std::size_t>(error.size, 512));
    } catch (const std::bad_alloc&) {
      call->answer.error = kNoMemory;
    }
  }
  PendingCalls* calls = call->calls;
  const std::uint32_t state = call->state.fetch_or(kReady, std::memory_order_acq_rel);
  if ((state & kWaiting) == 0) return;
  void* const issuer = call->receipt.issuer;
  const bool may_redeem = issuer != nullptr && (state & kDetached) == 0 &&
                          call->answer.status == CROLANG_OK && call->answer.yes;
  Redeemed redeemed = Redeemed::no;
  bool wake = false;
  {
    const std::lock_guard lock(calls->arrived_mutex_);
    calls->has_arrived_.store(true, std::memory_order_relaxed);
    // If many arrive together, it is cheaper to let the worker send them.
    if (may_redeem && calls->arrived_count_ < kMaxUnnoticedAnswers && calls->hooks_.sleeps()) {
      try {
        redeemed = calls->hooks_.redeem(call->receipt);
        call->answer.receipted = redeemed != Redeemed::no;
        // The worker may sleep for long before it collects this answer.
        if (call->answer.receipted) call->answer.receipted_at = std::chrono::steady_clock::now();
      } catch (const std::bad_alloc&) {
        // The worker acknowledges it itself.
      }
    }
    if (redeemed == Redeemed::no) wake = !std::exchange(calls->woken_, true);
    call->next_arrived = nullptr;
    (calls->arrived_ == nullptr ? calls->arrived_ : calls->last_arrived_->next_arrived) = call;
    calls->last_arrived_ = call;
    ++calls->arrived_count_;
  }
  // After the answer has been listed, so that it is collected before the sender's next message.
  if (redeemed != Redeemed::no) calls->hooks_.redeemed(issuer, redeemed);
  if (wake) calls->hooks_.wake();
}

void PendingCalls::add_call() {
  if (free_.capacity() <= calls_.size()) free_.reserve(2 * calls_.size() + kSpareCalls);
  calls_.push_back(std::make_unique<Call>());
  calls_.back()->calls = this;
  free_.push_back(calls_.back().get());
}

PendingCalls::Call* PendingCalls::free_call(Question question) {
  // Releases and announcements are not limited: otherwise an id would stay taken, or a node would
  // not be found.
  const bool may_wait = question != Question::release && question != Question::announce;
  if (open_ >= max_open_ && may_wait) {
    refusal_ = &refused_;
    return nullptr;
  }
  try {
    if (free_.size() <= kSpareCalls) add_call();
  } catch (const std::bad_alloc&) {
    if (may_wait || free_.empty()) {
      refusal_ = &out_of_memory_;
      return nullptr;
    }
  }
  return free_.back();
}

PendingCalls::Call* PendingCalls::begin(Question question, const std::string& plugin_id,
                                        const Waiter& waiter, std::size_t expected,
                                        const Lease& claim) {
  Call* call = free_call(question);
  if (call != nullptr && claim.token != 0) {
    try {
      call->claim_id = claim.id;
      call->claim_token = claim.token;
    } catch (const std::bad_alloc&) {
      refusal_ = &out_of_memory_;
      call = nullptr;
    }
  }
  if (call == nullptr) {
    if (refusal_ == &refused_) {
      hooks_.fault(CallFault::too_many_open, question, plugin_id, {});
    } else {
      hooks_.fault(CallFault::failed, question, plugin_id, kNoMemory);
    }
    return nullptr;
  }
  free_.pop_back();
  ++open_;
  call->question.store(question, std::memory_order_relaxed);
  call->plugin_id.store(&plugin_id, std::memory_order_relaxed);
  call->waiter = waiter;
  call->expected = expected;
  call->answer.error.clear();
  return call;
}

const Answer* PendingCalls::leave(Call* call, std::chrono::milliseconds timeout,
                                  const std::optional<Asked>& asked) {
  call->asked = asked ? std::optional(asked->at) : std::nullopt;
  if ((call->state.fetch_or(kWaiting, std::memory_order_acq_rel) & kReady) != 0) {
    if (asked) measure(*call, asked->returned);
    note_answer(*call);
    recycle(call);
    return &call->answer;
  }
  call->deadline = (asked ? asked->returned : std::chrono::steady_clock::now()) + timeout;
  list(call);
  return nullptr;
}

void PendingCalls::recycle(Call* call) {
  const std::uint32_t generation = (call->state.load(std::memory_order_relaxed) >> kFlagBits) + 1;
  call->claim_token = 0;
  call->state.store(generation << kFlagBits, std::memory_order_release);
  free_.push_back(call);
  --open_;
}

void PendingCalls::list(Call* call) {
  // Nearly all questions have the same time-out, so the place is nearly always the end.
  Call* before = last_;
  while (before != nullptr && before->deadline > call->deadline) before = before->earlier;
  call->earlier = before;
  call->later = before == nullptr ? first_ : before->later;
  (call->later == nullptr ? last_ : call->later->earlier) = call;
  (before == nullptr ? first_ : before->later) = call;
  call->listed = true;
}

void PendingCalls::unlist(Call* call) {
  if (!call->listed) return;
  (call->earlier == nullptr ? first_ : call->earlier->later) = call->later;
  (call->later == nullptr ? last_ : call->later->earlier) = call->earlier;
  call->earlier = call->later = nullptr;
  call->listed = false;
}

void PendingCalls::deliver(Call* call, TimePoint now) {
  const bool late = (call->state.load(std::memory_order_acquire) & kDetached) != 0;
  unlist(call);
  if (late) {
    hooks_.fault(CallFault::late, call->question, *call->plugin_id, {});
    const bool granted = call->answer.status == CROLANG_OK && call->answer.code == CROLANG_GRANTED;
    if (call->claim_token != 0 && granted) {
      const std::string id = std::move(call->claim_id);
      const std::uint64_t token = call->claim_token;
      recycle(call);
      hooks_.granted_late(id, token);
      return;
    }
    recycle(call);
    return;
  }
  measure(*call, call->answer.receipted ? call->answer.receipted_at : now);
  note_answer(*call);
  // The call is free before the sink runs, since the sink may ask again: it gets the answer by
  // value.
  const Waiter waiter = call->waiter;
  const Answer answer = std::move(call->answer);
  call->answer = Answer{};
  recycle(call);
  tell(waiter, answer);
}

void PendingCalls::collect() {
  if (collecting_ == nullptr) {
    if (!has_arrived_.load(std::memory_order_relaxed)) return;
    const std::lock_guard lock(arrived_mutex_);
    collecting_ = std::exchange(arrived_, nullptr);
    arrived_count_ = 0;
    woken_ = false;
    has_arrived_.store(false, std::memory_order_relaxed);
  }
  const TimePoint now = std::chrono::steady_clock::now();
  while (Call* call = collecting_) {
    collecting_ = call->next_arrived;
    deliver(call, now);
  }
}

void PendingCalls::tell(const Waiter& waiter, const Answer& answer) {
  if (waiter.sink == nullptr) return;
  try {
    waiter.sink->on_answer(waiter, answer);
  } catch (const std::bad_alloc&) {
    // Otherwise the asker would wait for ever.
    hooks_.out_of_memory(waiter.asker);
  }
}

void PendingCalls::tick(TimePoint now) {
  while (first_ != nullptr && first_->deadline <= now) {
    Call* call = first_;
    unlist(call);
    // Answered at this very moment: collect() will find the answer.
    std::uint32_t state = call->state.load(std::memory_order_acquire);
    bool detached = false;
    while ((state & kAnswered) == 0) {
      if (call->state.compare_exchange_weak(state, state | kDetached, std::memory_order_acq_rel)) {
        detached = true;
        break;
      }
    }
    if (!detached) continue;
    measure(*call, now);
    hooks_.fault(CallFault::timed_out, call->question, *call->plugin_id, {});
    Answer answer;
    answer.status = CROLANG_TIMEOUT;
    answer.error = "no answer within the deadline";
    const Waiter waiter = call->waiter;
    tell(waiter, answer);
  }
}

TimePoint PendingCalls::deadline() const noexcept {
  return first_ == nullptr ? TimePoint::max() : first_->deadline;
}

void PendingCalls::note_slow(Question question, const std::string& plugin_id, TimePoint before,
                             TimePoint after) {
  const auto blocked = own_time_.blocked_for(before, after);
  if (!blocked) return;
  hooks_.fault(CallFault::slow, question, plugin_id, std::to_string(blocked->count()) + " ms");
}

void PendingCalls::measure(const Call& call, TimePoint answered) const {
  if (call.asked && hooks_.answered) hooks_.answered(call.question, answered - *call.asked);
}

void PendingCalls::note_answer(const Call& call) const {
  if (call.answer.status == CROLANG_OK) return;
  hooks_.fault(CallFault::failed, call.question, *call.plugin_id,
               call.answer.error.empty() ? status_name(call.answer.status) : call.answer.error);
}

void PendingCalls::on_done(void* call, crolang_status status, crolang_str error) {
  if (Call* o = accept(call)) finish(o, status, error);
}

void PendingCalls::on_yes_no(void* call, crolang_status status, bool yes, crolang_str error) {
  Call* o = accept(call);
  if (o == nullptr) return;
  o->answer.yes = yes;
  finish(o, status, error);
}

void PendingCalls::on_authenticated(void* call, crolang_status status, bool yes,
                                    std::uint64_t valid_for_ms, crolang_str error) {
  Call* o = accept(call);
  if (o == nullptr) return;
  o->answer.yes = yes;
  o->answer.valid_for_ms = valid_for_ms;
  finish(o, status, error);
}

void PendingCalls::on_text(void* call, crolang_status status, crolang_str text, crolang_str error) {
  Call* o = accept(call);
  if (o == nullptr) return;
  if (o->question == Question::ask && text.size > CROLANG_MAX_ASK) {
    static constexpr std::string_view kText = "answered more bytes than an answer may have";
    finish(o, CROLANG_INVALID, {kText.data(), kText.size()});
    return;
  }
  if (kept(o, [&] { o->answer.text = copy(text); })) finish(o, status, error);
}

void PendingCalls::on_flags(void* call, crolang_status status, const bool* flags, std::size_t count,
                            crolang_str error) {
  Call* o = accept(call);
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

void PendingCalls::on_claimed(void* call, crolang_status status, std::int32_t outcome,
                              crolang_holder holder, crolang_str error) {
  Call* o = accept(call);
  if (o == nullptr) return;
  const bool makes_sense =
      outcome == CROLANG_GRANTED ||
      (outcome == CROLANG_HELD && holder.instance.size <= CROLANG_MAX_INSTANCE);
  if (status == CROLANG_OK && !makes_sense) status = CROLANG_INVALID;
  o->answer.code = outcome;
  o->answer.holders.clear();
  const auto copy_holder = [&] {
    if (status != CROLANG_OK || outcome != CROLANG_HELD) return;
    o->answer.holders.push_back(copy(holder));
  };
  if (kept(o, copy_holder)) finish(o, status, error);
}

void PendingCalls::on_probed(void* call, crolang_status status, std::int32_t result,
                             crolang_str error) {
  Call* o = accept(call);
  if (o == nullptr) return;
  if (status == CROLANG_OK && (result < CROLANG_ALIVE || result > CROLANG_UNREACHABLE)) {
    status = CROLANG_INVALID;
  }
  o->answer.code = result;
  finish(o, status, error);
}

void PendingCalls::on_located(void* call, crolang_status status, const crolang_holder* holders,
                              std::size_t count, crolang_str error) {
  Call* o = accept(call);
  if (o == nullptr) return;
  if (status == CROLANG_OK && (count != o->expected || (holders == nullptr && count != 0))) {
    static constexpr std::string_view kText = "answered another number of holders than was asked";
    finish(o, CROLANG_INVALID, {kText.data(), kText.size()});
    return;
  }
  o->answer.holders.clear();
  for (std::size_t i = 0; i < count && status == CROLANG_OK; ++i) {
    // The name is stored for as long as messages are sent there, so its length is limited.
    if (holders[i].instance.size <= CROLANG_MAX_INSTANCE) continue;
    static constexpr std::string_view kText = "answered the name of an instance that is too long";
    finish(o, CROLANG_INVALID, {kText.data(), kText.size()});
    return;
  }
  const auto copy_holders = [&] {
    for (std::size_t i = 0; i < count && status == CROLANG_OK; ++i) {
      o->answer.holders.push_back(copy(holders[i]));
    }
  };
  if (kept(o, copy_holders)) finish(o, status, error);
}

void PendingCalls::on_instances(void* call, crolang_status status,
                                const crolang_instance* instances, std::size_t count,
                                crolang_str error) {
  Call* o = accept(call);
  if (o == nullptr) return;
  const auto fits = [](const crolang_instance& each) {
    return each.name.size <= CROLANG_MAX_INSTANCE && each.status.size <= CROLANG_MAX_STATUS;
  };
  const bool has_list = instances != nullptr || count == 0;
  if (status == CROLANG_OK && !(has_list && std::all_of(instances, instances + count, fits))) {
    static constexpr std::string_view kText = "answered a name or a status that is too long";
    finish(o, CROLANG_INVALID, {kText.data(), kText.size()});
    return;
  }
  o->answer.instances.clear();
  const auto copy_instances = [&] {
    for (std::size_t i = 0; i < count && status == CROLANG_OK; ++i) {
      o->answer.instances.push_back({copy(instances[i].name), copy(instances[i].status)});
    }
  };
  if (kept(o, copy_instances)) finish(o, status, error);
}

}  // namespace crolang::modules
