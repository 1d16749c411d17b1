#include "modules/clients/pending_calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <new>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/faults.hpp"

namespace crolang::modules {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr crolang_str kNoError{nullptr, 0};

crolang_str borrow(std::string_view text) {
  return {text.data(), text.size()};
}

/// Takes the last receipt that it has issued, once.
struct Issuer {
  Receipt issue(std::string_view ack) {
    Receipt receipt{this, 0, ++issued, static_cast<std::uint8_t>(ack.size()), {}};
    std::copy(ack.begin(), ack.end(), receipt.bytes.begin());
    counts = issued;
    return receipt;
  }
  void revoke() { counts = 0; }
  static Redeemed redeem(const Receipt& receipt) {
    auto& issuer = *static_cast<Issuer*>(receipt.issuer);
    if (receipt.number != issuer.counts) return Redeemed::no;
    issuer.counts = 0;
    issuer.acks.append(receipt.bytes.data(), receipt.size);
    return Redeemed::unsent;
  }

  std::uint32_t issued = 0;
  std::uint32_t counts = 0;
  std::string acks;
};

class PendingCallsTest : public testing::Test, protected AnswerSink {
 protected:
  struct Fault {
    CallFault fault;
    Question question;
    std::string plugin;
    std::string detail;
  };

  ~PendingCallsTest() override = default;

  void on_answer(const Waiter& waiter, const Answer& answer) override {
    answers_.emplace_back(waiter.tag, answer);
    if (then_) std::exchange(then_, nullptr)();
  }

  /// Asks a question that `call(call)` answers, or not.
  template <class Invoke>
  const Answer* ask(Question question, Invoke&& invoke, std::size_t expected = 0,
                    const Lease& claim = {}, std::uint64_t tag = 1) {
    return calls_.ask(question, plugin_, Waiter{this, 0, tag}, 10s, expected, claim,
                      std::forward<Invoke>(invoke));
  }

  /// Asks a question that is not answered while it is asked.
  void* ask_open(Question question = Question::authorize, std::uint64_t tag = 1,
                 const Lease& claim = {}) {
    void* open = nullptr;
    EXPECT_EQ(ask(
                  question, [&](void* call) { open = call; }, 0, claim, tag),
              nullptr);
    return open;
  }

  static void answer_yes(void* call) { PendingCalls::on_yes_no(call, CROLANG_OK, true, kNoError); }

  void pass_deadline() { calls_.tick(std::chrono::steady_clock::now() + 1h); }

  std::vector<CallFault> faults() {
    const std::lock_guard lock(mutex_);
    std::vector<CallFault> kinds;
    for (const Fault& fault : faults_) kinds.push_back(fault.fault);
    return kinds;
  }
  Fault last_fault() {
    const std::lock_guard lock(mutex_);
    return faults_.empty() ? Fault{} : faults_.back();
  }

  const std::string plugin_ = "org.example.plugin";
  std::vector<std::pair<std::uint64_t, Answer>> answers_;  // by tag, as they reached the sink
  std::function<void()> then_;                             // what the sink does with the next one
  std::vector<std::pair<std::string, std::uint64_t>> granted_late_;
  std::vector<std::uint64_t> out_of_memory_;  // askers
  std::vector<std::pair<Question, std::chrono::nanoseconds>> measured_;
  std::counting_semaphore<> wakes_{0};
  bool sleeps_ = true;    // the worker: its receipts are redeemed
  std::size_t sent_ = 0;  // acknowledgements
  std::function<void()> when_sent_;

  PendingCalls calls_{{[this] { wakes_.release(); }, [this] { return sleeps_; }, &Issuer::redeem,
                       [this](void*, Redeemed how) {
                         if (how == Redeemed::unsent) ++sent_;
                         if (when_sent_) when_sent_();
                       },
                       [this](CallFault fault, Question question, const std::string& plugin,
                              std::string_view detail) {
                         const std::lock_guard lock(mutex_);
                         faults_.push_back({fault, question, plugin, std::string(detail)});
                       },
                       [this](const std::string& id, std::uint64_t token) {
                         granted_late_.emplace_back(id, token);
                       },
                       [this](std::uint64_t asker) { out_of_memory_.push_back(asker); },
                       [this](Question question, std::chrono::nanoseconds taken) {
                         measured_.emplace_back(question, taken);
                       }},
                      kMaxOpen};

  static constexpr std::size_t kMaxOpen = 4;

 private:
  std::mutex mutex_;  // guards faults_
  std::vector<Fault> faults_;
};

// ---- At once

TEST_F(PendingCallsTest, ReturnsAnAnswerThatComesAtOnce) {
  const Answer* answer = ask(Question::authorize, &answer_yes);
  ASSERT_NE(answer, nullptr);
  EXPECT_TRUE(answer->succeeded());
  EXPECT_TRUE(answer->yes);
  EXPECT_EQ(calls_.open(), 0U);
  EXPECT_EQ(calls_.deadline(), TimePoint::max());
}

TEST_F(PendingCallsTest, TellsNobodyElseOfAnAnswerThatComesAtOnce) {
  ask(Question::authorize, &answer_yes);
  calls_.collect();
  pass_deadline();
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_FALSE(wakes_.try_acquire());
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(PendingCallsTest, ReturnsAnAnswerThatAnotherThreadGaveMeanwhile) {
  const Answer* answer =
      ask(Question::authorize, [](void* call) { std::thread(&answer_yes, call).join(); });
  ASSERT_NE(answer, nullptr);
  EXPECT_TRUE(answer->yes);
}

TEST_F(PendingCallsTest, DistinguishesNoFromAFailure) {
  const Answer* no = ask(Question::authenticate, [](void* call) {
    PendingCalls::on_yes_no(call, CROLANG_OK, false, kNoError);
  });
  ASSERT_NE(no, nullptr);
  EXPECT_TRUE(no->succeeded());
  EXPECT_FALSE(no->yes);
  EXPECT_THAT(faults(), IsEmpty());

  const Answer* failure = ask(Question::authenticate, [](void* call) {
    PendingCalls::on_yes_no(call, CROLANG_UNAVAILABLE, false, borrow("the server is away"));
  });
  ASSERT_NE(failure, nullptr);
  EXPECT_FALSE(failure->succeeded());
  EXPECT_EQ(failure->status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(failure->error, "the server is away");
}

TEST_F(PendingCallsTest, ReportsAFailureWithThePluginsText) {
  ask(Question::resolve_rtc, [](void* call) {
    PendingCalls::on_text(call, CROLANG_TIMEOUT, kNoError, borrow("no reply within 5 s"));
  });
  const Fault fault = last_fault();
  EXPECT_EQ(fault.fault, CallFault::failed);
  EXPECT_EQ(fault.question, Question::resolve_rtc);
  EXPECT_EQ(fault.plugin, plugin_);
  EXPECT_EQ(fault.detail, "no reply within 5 s");
}

TEST_F(PendingCallsTest, NamesTheStatusIfThePluginGivesNoText) {
  ask(Question::authorize,
      [](void* call) { PendingCalls::on_yes_no(call, CROLANG_INTERNAL, false, kNoError); });
  EXPECT_EQ(last_fault().detail, status_name(CROLANG_INTERNAL));
}

TEST_F(PendingCallsTest, CutsAnErrorThatIsMuchTooLong) {
  const std::string words(10'000, 'x');
  const Answer* answer = ask(Question::authorize, [&](void* call) {
    PendingCalls::on_yes_no(call, CROLANG_INTERNAL, false, borrow(words));
  });
  EXPECT_EQ(answer->error, words.substr(0, 512));
}

TEST_F(PendingCallsTest, ForgetsTheErrorOfTheQuestionBefore) {
  ask(Question::authorize,
      [](void* call) { PendingCalls::on_yes_no(call, CROLANG_INTERNAL, false, borrow("broken")); });
  EXPECT_EQ(ask(Question::authorize, &answer_yes)->error, "");
}

// ---- Later

TEST_F(PendingCallsTest, HandsALaterAnswerToTheSinkWhenItCollects) {
  void* call = ask_open();
  EXPECT_EQ(calls_.open(), 1U);
  std::thread(&answer_yes, call).join();
  EXPECT_TRUE(wakes_.try_acquire());
  EXPECT_THAT(answers_, IsEmpty());
  calls_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_EQ(answers_[0].first, 1U);
  EXPECT_TRUE(answers_[0].second.yes);
  EXPECT_EQ(calls_.open(), 0U);
  EXPECT_EQ(calls_.deadline(), TimePoint::max());
}

TEST_F(PendingCallsTest, WakesItsWorkerOnceForABurst) {
  void* one = ask_open();
  void* two = ask_open();
  void* three = ask_open();
  answer_yes(one);
  answer_yes(two);
  EXPECT_TRUE(wakes_.try_acquire());
  EXPECT_FALSE(wakes_.try_acquire());
  calls_.collect();
  answer_yes(three);
  EXPECT_TRUE(wakes_.try_acquire());
  calls_.collect();
  EXPECT_THAT(answers_, SizeIs(3));
}

TEST_F(PendingCallsTest, HandsAnswersOutInTheOrderOfTheirArrival) {
  void* one = ask_open(Question::authorize, 1);
  void* two = ask_open(Question::authorize, 2);
  answer_yes(two);
  answer_yes(one);
  calls_.collect();
  EXPECT_THAT(answers_, ElementsAre(Pair(2U, testing::_), Pair(1U, testing::_)));
}

TEST_F(PendingCallsTest, GivesTheSinkTheWholeWaiter) {
  struct Keep final : AnswerSink {
    void on_answer(const Waiter& waiter, const Answer&) override { kept = waiter; }
    Waiter kept;
  } keep;
  void* open = nullptr;
  const Waiter waiter{&keep, 345, 99};
  calls_.ask(Question::lookup, plugin_, waiter, 10s, 0, {}, [&](void* call) { open = call; });
  PendingCalls::on_located(open, CROLANG_OK, nullptr, 0, kNoError);
  calls_.collect();
  EXPECT_EQ(keep.kept.asker, waiter.asker);
  EXPECT_EQ(keep.kept.tag, 99U);
}

TEST_F(PendingCallsTest, MayBeAskedByTheSink) {
  void* call = ask_open();
  answer_yes(call);
  void* next = nullptr;
  then_ = [&] { next = ask_open(Question::authorize, 2); };
  calls_.collect();
  ASSERT_NE(next, nullptr);
  answer_yes(next);
  calls_.collect();
  EXPECT_THAT(answers_, ElementsAre(Pair(1U, testing::_), Pair(2U, testing::_)));
}

TEST_F(PendingCallsTest, DropsAnAnswerThatNobodyWaitsFor) {
  void* open = nullptr;
  calls_.ask(Question::release, plugin_, {}, 10s, 0, {}, [&](void* call) { open = call; });
  PendingCalls::on_done(open, CROLANG_OK, kNoError);
  calls_.collect();
  EXPECT_EQ(calls_.open(), 0U);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(PendingCallsTest, ReportsALaterFailure) {
  void* call = ask_open(Question::probe);
  PendingCalls::on_probed(call, CROLANG_CANCELLED, 0, kNoError);
  calls_.collect();
  EXPECT_EQ(last_fault().fault, CallFault::failed);
  EXPECT_EQ(last_fault().question, Question::probe);
  EXPECT_EQ(answers_.at(0).second.status, CROLANG_CANCELLED);
}

// ---- Times

TEST_F(PendingCallsTest, MeasuresAnAnswerThatComesAtOnce) {
  ASSERT_NE(ask(Question::authorize, &answer_yes), nullptr);
  ASSERT_THAT(measured_, SizeIs(1));
  EXPECT_EQ(measured_[0].first, Question::authorize);
  EXPECT_GE(measured_[0].second, 0ns);
}

TEST_F(PendingCallsTest, MeasuresALaterAnswerOnceItIsCollected) {
  const auto before = std::chrono::steady_clock::now();
  void* call = ask_open(Question::claim);
  PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
  EXPECT_THAT(measured_, IsEmpty());
  calls_.collect();
  ASSERT_THAT(measured_, SizeIs(1));
  EXPECT_EQ(measured_[0].first, Question::claim);
  EXPECT_LE(measured_[0].second, std::chrono::steady_clock::now() - before);
}

TEST_F(PendingCallsTest, MeasuresAQuestionWithoutAnAnswerUntilItsDeadlineAndOnce) {
  void* call = ask_open();
  pass_deadline();
  ASSERT_THAT(measured_, SizeIs(1));
  EXPECT_GE(measured_[0].second, 10s);
  answer_yes(call);
  calls_.collect();
  EXPECT_THAT(measured_, SizeIs(1));
}

TEST_F(PendingCallsTest, DoesNotMeasureBuiltInModules) {
  static const std::string kNoPlugin;
  calls_.ask(Question::authorize, kNoPlugin, Waiter{this, 0, 1}, 10s, 0, {}, &answer_yes);
  void* open = nullptr;
  calls_.ask(Question::authorize, kNoPlugin, Waiter{this, 0, 2}, 10s, 0, {},
             [&](void* call) { open = call; });
  answer_yes(open);
  calls_.collect();
  EXPECT_THAT(answers_, SizeIs(1));
  EXPECT_THAT(measured_, IsEmpty());
}

// ---- Deadlines

TEST_F(PendingCallsTest, AnswersTimeoutAtTheDeadline) {
  const TimePoint before = std::chrono::steady_clock::now();
  ask_open(Question::authenticate, 7);
  const TimePoint due = calls_.deadline();
  EXPECT_GE(due, before + 10s);
  EXPECT_LE(due, std::chrono::steady_clock::now() + 10s);

  calls_.tick(due - 1ns);
  EXPECT_THAT(answers_, IsEmpty());
  calls_.tick(due);
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_EQ(answers_[0].first, 7U);
  EXPECT_EQ(answers_[0].second.status, CROLANG_TIMEOUT);
  EXPECT_NE(answers_[0].second.error, "");
  EXPECT_EQ(last_fault().fault, CallFault::timed_out);
  EXPECT_EQ(last_fault().question, Question::authenticate);
  EXPECT_EQ(last_fault().plugin, plugin_);
  EXPECT_EQ(calls_.deadline(), TimePoint::max());
}

TEST_F(PendingCallsTest, TimesOutOnce) {
  ask_open();
  pass_deadline();
  pass_deadline();
  EXPECT_THAT(answers_, SizeIs(1));
  EXPECT_THAT(faults(), ElementsAre(CallFault::timed_out));
}

TEST_F(PendingCallsTest, KeepsDeadlinesInOrderWhateverTheirLengths) {
  std::vector<TimePoint> due;
  std::uint64_t tag = 0;
  for (const auto timeout : {30s, 10s, 40s, 20s}) {
    calls_.ask(Question::authorize, plugin_, Waiter{this, 0, ++tag}, timeout, 0, {}, [](void*) {});
  }
  while (calls_.deadline() != TimePoint::max()) {
    due.push_back(calls_.deadline());
    calls_.tick(due.back());
  }
  EXPECT_TRUE(std::is_sorted(due.begin(), due.end()));
  EXPECT_THAT(answers_, ElementsAre(Pair(2U, testing::_), Pair(4U, testing::_),
                                    Pair(1U, testing::_), Pair(3U, testing::_)));
}

TEST_F(PendingCallsTest, TakesAnAnsweredQuestionOutOfTheMiddle) {
  ask_open(Question::authorize, 1);
  void* call = ask_open(Question::authorize, 2);
  ask_open(Question::authorize, 3);
  answer_yes(call);
  calls_.collect();
  pass_deadline();
  EXPECT_THAT(answers_,
              ElementsAre(Pair(2U, testing::_), Pair(1U, testing::_), Pair(3U, testing::_)));
  EXPECT_TRUE(answers_[0].second.succeeded());
  EXPECT_FALSE(answers_[2].second.succeeded());
}

TEST_F(PendingCallsTest, DropsAndReportsALateAnswer) {
  void* call = ask_open();
  pass_deadline();
  EXPECT_EQ(calls_.open(), 1U);  // until the plugin is done with it
  answer_yes(call);
  calls_.collect();
  EXPECT_EQ(calls_.open(), 0U);
  EXPECT_THAT(faults(), ElementsAre(CallFault::timed_out, CallFault::late));
  EXPECT_THAT(answers_, SizeIs(1));
}

TEST_F(PendingCallsTest, TakesAnAnswerThatIsBeingGivenAtTheDeadline) {
  void* call = ask_open();
  answer_yes(call);
  pass_deadline();
  EXPECT_THAT(answers_, IsEmpty());
  calls_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_TRUE(answers_[0].second.yes);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(PendingCallsTest, MayBeAskedByTheSinkOfATimeout) {
  ask_open(Question::authorize, 1);
  then_ = [this] { ask_open(Question::authorize, 2); };
  calls_.tick(calls_.deadline());
  EXPECT_THAT(answers_, SizeIs(1));
  EXPECT_EQ(calls_.open(), 2U);
  pass_deadline();
  EXPECT_THAT(answers_, SizeIs(2));
}

// ---- Claims that come too late

TEST_F(PendingCallsTest, ReleasesAClaimThatIsGrantedTooLate) {
  for (const Question question : {Question::claim, Question::replace}) {
    std::string id = "bob";
    void* call = ask_open(question, 1, {id, 77});
    id = "xxx";  // its owner may be gone by then
    pass_deadline();
    PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
    EXPECT_THAT(granted_late_, IsEmpty());
    calls_.collect();
    EXPECT_THAT(granted_late_, ElementsAre(Pair("bob", 77U)));
    granted_late_.clear();
  }
}

TEST_F(PendingCallsTest, ReleasesNothingThatWasNotGranted) {
  void* held = ask_open(Question::claim, 1, {"bob", 77});
  void* failed = ask_open(Question::claim, 1, {"bob", 78});
  pass_deadline();
  PendingCalls::on_claimed(held, CROLANG_OK, CROLANG_HELD, {borrow("other"), 5, 0, 0}, kNoError);
  PendingCalls::on_claimed(failed, CROLANG_TIMEOUT, CROLANG_GRANTED, {}, kNoError);
  calls_.collect();
  EXPECT_THAT(granted_late_, IsEmpty());
}

TEST_F(PendingCallsTest, LeavesAClaimThatIsGrantedInTimeToItsWaiter) {
  void* call = ask_open(Question::claim, 1, {"bob", 77});
  PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
  calls_.collect();
  EXPECT_THAT(answers_, SizeIs(1));
  EXPECT_THAT(granted_late_, IsEmpty());
}

TEST_F(PendingCallsTest, DoesNotTakeALaterQuestionForTheClaimBeforeIt) {
  const Answer* granted = ask(
      Question::claim,
      [](void* call) { PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_GRANTED, {}, kNoError); },
      0, {"bob", 77});
  ASSERT_NE(granted, nullptr);
  void* call = ask_open(Question::authorize);
  pass_deadline();
  answer_yes(call);
  calls_.collect();
  EXPECT_THAT(faults(), ElementsAre(CallFault::timed_out, CallFault::late));
  EXPECT_THAT(granted_late_, IsEmpty());
}

TEST_F(PendingCallsTest, MayBeAskedWhileAClaimIsReleased) {
  // As the broker does, which releases the lease.
  void* released = nullptr;
  PendingCalls* calls = nullptr;
  PendingCalls asking({[] {}, [] { return false; }, &Issuer::redeem, [](void*, Redeemed) {},
                       [](CallFault, Question, const std::string&, std::string_view) {},
                       [&](const std::string& id, std::uint64_t) {
                         EXPECT_EQ(id, "bob");
                         calls->ask(Question::release, plugin_, {}, 10s, 0, {},
                                    [&](void* call) { released = call; });
                       },
                       [](std::uint64_t) {}},
                      kMaxOpen);
  calls = &asking;
  void* call = nullptr;
  asking.ask(Question::claim, plugin_, Waiter{this, 0, 1}, 10s, 0, {"bob", 77},
             [&](void* open) { call = open; });
  asking.tick(std::chrono::steady_clock::now() + 1h);
  PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
  asking.collect();
  ASSERT_NE(released, nullptr);
  EXPECT_EQ(asking.open(), 1U);
}

// ---- Receipts

class ReceiptTest : public PendingCallsTest {
 protected:
  void* ask_with_receipt(std::uint64_t tag = 1) {
    const Receipt receipt = issuer_.issue("ack");
    void* open = nullptr;
    calls_.ask(
        Question::send, plugin_, Waiter{this, 0, tag}, 10s, 0, {}, [&](void* call) { open = call; },
        receipt);
    return open;
  }
  bool was_woken() { return wakes_.try_acquire(); }

  Issuer issuer_;
};

TEST_F(ReceiptTest, IsRedeemedByAYesThatWakesNobody) {
  answer_yes(ask_with_receipt());
  EXPECT_EQ(issuer_.acks, "ack");
  EXPECT_EQ(sent_, 1U);
  EXPECT_FALSE(was_woken());
  EXPECT_TRUE(calls_.has_arrived());
  EXPECT_THAT(answers_, IsEmpty());
  calls_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_TRUE(answers_[0].second.yes);
  EXPECT_TRUE(answers_[0].second.receipted);
  EXPECT_FALSE(calls_.has_arrived());
  EXPECT_EQ(calls_.open(), 0U);
}

TEST_F(ReceiptTest, IsSeenByTheSenderOnlyOnceTheWorkerCanCollectIt) {
  std::size_t collected = 0;
  when_sent_ = [&] {
    calls_.collect();
    collected = answers_.size();
  };
  answer_yes(ask_with_receipt());
  EXPECT_EQ(collected, 1U);
}

TEST_F(ReceiptTest, IsOfAYesOnly) {
  PendingCalls::on_yes_no(ask_with_receipt(1), CROLANG_OK, false, kNoError);
  PendingCalls::on_yes_no(ask_with_receipt(2), CROLANG_TIMEOUT, true, kNoError);
  EXPECT_EQ(issuer_.acks, "");
  EXPECT_TRUE(was_woken());
  calls_.collect();
  ASSERT_THAT(answers_, SizeIs(2));
  EXPECT_FALSE(answers_[0].second.receipted);
  EXPECT_FALSE(answers_[1].second.receipted);
}

TEST_F(ReceiptTest, IsLeftToAWorkerThatIsAwake) {
  sleeps_ = false;
  answer_yes(ask_with_receipt());
  EXPECT_TRUE(was_woken());
  EXPECT_EQ(issuer_.acks, "");
  calls_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_FALSE(answers_[0].second.receipted);
}

TEST_F(ReceiptTest, ThatWasRevokedWakesTheWorker) {
  void* call = ask_with_receipt();
  issuer_.revoke();
  answer_yes(call);
  EXPECT_TRUE(was_woken());
  EXPECT_EQ(issuer_.acks, "");
  calls_.collect();
  EXPECT_FALSE(answers_.at(0).second.receipted);
}

TEST_F(ReceiptTest, IsNotRedeemedAfterTheDeadline) {
  void* call = ask_with_receipt();
  pass_deadline();
  answer_yes(call);
  EXPECT_EQ(issuer_.acks, "");
  calls_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_EQ(answers_[0].second.status, CROLANG_TIMEOUT);
}

TEST_F(ReceiptTest, IsValidThoughTheDeadlinePassesBeforeTheWorkerCollectsIt) {
  answer_yes(ask_with_receipt());
  calls_.collect();
  pass_deadline();
  EXPECT_THAT(faults(), IsEmpty());

  answer_yes(ask_with_receipt());
  pass_deadline();
  calls_.collect();
  EXPECT_THAT(faults(), IsEmpty());
  ASSERT_THAT(answers_, SizeIs(2));
  EXPECT_TRUE(answers_[1].second.yes);
}

TEST_F(ReceiptTest, IsNotRedeemedByAnAnswerThatComesAtOnce) {
  const Receipt receipt = issuer_.issue("ack");
  const Answer* answer =
      calls_.ask(Question::send, plugin_, Waiter{this, 0, 1}, 10s, 0, {}, &answer_yes, receipt);
  ASSERT_NE(answer, nullptr);
  EXPECT_FALSE(answer->receipted);
  EXPECT_EQ(issuer_.acks, "");
}

TEST_F(ReceiptTest, DoesNotKeepTheNextAnswerFromWakingTheWorker) {
  void* first = ask_with_receipt(1);
  void* second = ask_open(Question::authorize, 2);
  void* third = ask_open(Question::authorize, 3);
  answer_yes(first);
  EXPECT_FALSE(was_woken());
  answer_yes(second);
  EXPECT_TRUE(was_woken());
  answer_yes(third);
  EXPECT_FALSE(was_woken());
  calls_.collect();
  EXPECT_THAT(answers_,
              ElementsAre(Pair(1U, testing::_), Pair(2U, testing::_), Pair(3U, testing::_)));
  answer_yes(ask_open(Question::authorize, 4));
  EXPECT_TRUE(was_woken());
}

TEST_F(ReceiptTest, IsOfOneQuestionOnly) {
  answer_yes(ask_with_receipt());
  calls_.collect();
  answer_yes(ask_open(Question::authorize));
  EXPECT_EQ(issuer_.acks, "ack");
}

TEST(PendingCalls, LeavesManyReceiptsToTheWorker) {
  struct Sink final : AnswerSink {
    void on_answer(const Waiter&, const Answer& answer) override {
      answer.receipted ? ++receipted : ++left;
    }
    int receipted = 0;
    int left = 0;
  } sink;
  int woken = 0;
  PendingCalls calls(
      {[&] { ++woken; }, [] { return true; }, &Issuer::redeem, [](void*, Redeemed) {},
       [](CallFault, Question, const std::string&, std::string_view) {},
       [](const std::string&, std::uint64_t) {}, [](std::uint64_t) {}},
      100);
  std::array<Issuer, 20> issuers;
  std::vector<void*> asked;
  for (Issuer& issuer : issuers) {
    const Receipt receipt = issuer.issue("x");
    calls.ask(
        Question::send, "plugin", Waiter{&sink, 0, 1}, 10s, 0, {},
        [&](void* call) { asked.push_back(call); }, receipt);
  }
  for (void* call : asked) PendingCalls::on_yes_no(call, CROLANG_OK, true, kNoError);
  EXPECT_EQ(woken, 1);
  calls.collect();
  EXPECT_EQ(sink.receipted, 16);
  EXPECT_EQ(sink.left, 4);
}

// ---- Answered twice

TEST_F(PendingCallsTest, ReportsASecondAnswerBeforeTheFirstIsCollected) {
  void* call = ask_open(Question::authorize);
  answer_yes(call);
  PendingCalls::on_yes_no(call, CROLANG_OK, false, kNoError);
  EXPECT_THAT(faults(), ElementsAre(CallFault::answered_twice));
  EXPECT_EQ(last_fault().plugin, plugin_);
  EXPECT_EQ(last_fault().question, Question::authorize);
  calls_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_TRUE(answers_[0].second.yes);
}

TEST_F(PendingCallsTest, ReportsASecondAnswerWhileItIsStillBeingAsked) {
  const Answer* answer = ask(Question::authorize, [](void* call) {
    answer_yes(call);
    PendingCalls::on_yes_no(call, CROLANG_OK, false, kNoError);
  });
  ASSERT_NE(answer, nullptr);
  EXPECT_TRUE(answer->yes);
  EXPECT_THAT(faults(), ElementsAre(CallFault::answered_twice));
}

TEST_F(PendingCallsTest, ReportsASecondAnswerOnceTheQuestionIsOver) {
  void* call = nullptr;
  ask(Question::authorize, [&](void* open) { answer_yes(call = open); });
  answer_yes(call);
  EXPECT_THAT(faults(), ElementsAre(CallFault::answered_twice));
  calls_.collect();
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(PendingCallsTest, DoesNotTakeASecondAnswerForTheNextQuestions) {
  void* first = nullptr;
  ask(Question::authorize, [&](void* open) { answer_yes(first = open); });
  void* second = ask_open(Question::authorize, 2);
  EXPECT_NE(first, second);
  PendingCalls::on_yes_no(first, CROLANG_OK, true, kNoError);
  calls_.collect();
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_THAT(faults(), ElementsAre(CallFault::answered_twice));
  PendingCalls::on_yes_no(second, CROLANG_OK, false, kNoError);
  calls_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_FALSE(answers_[0].second.yes);
}

TEST_F(PendingCallsTest, ReportsASecondLateAnswer) {
  void* call = ask_open();
  pass_deadline();
  answer_yes(call);
  answer_yes(call);
  calls_.collect();
  EXPECT_THAT(faults(),
              ElementsAre(CallFault::timed_out, CallFault::answered_twice, CallFault::late));
}

TEST_F(PendingCallsTest, DistinguishesQuestionsOverManyUsesOfOneCall) {
  std::vector<void*> handles;
  for (int i = 0; i < 1000; ++i) {
    ask(Question::authorize, [&](void* call) { answer_yes(handles.emplace_back(call)); });
  }
  for (void* handle : handles) answer_yes(handle);
  // A busy machine may make one of so many calls slow.
  std::vector<CallFault> all = faults();
  std::erase(all, CallFault::slow);
  EXPECT_THAT(all, SizeIs(1000));
  EXPECT_THAT(all, testing::Each(CallFault::answered_twice));
}

// ---- Bounds

TEST_F(PendingCallsTest, DoesNotAskWhileTooManyQuestionsAreOpen) {
  std::vector<void*> open;
  for (std::size_t i = 0; i < kMaxOpen; ++i) open.push_back(ask_open());
  bool asked = false;
  const Answer* answer = ask(Question::lookup, [&](void*) { asked = true; });
  EXPECT_FALSE(asked);
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->status, CROLANG_UNAVAILABLE);
  EXPECT_NE(answer->error, "");
  EXPECT_EQ(last_fault().fault, CallFault::too_many_open);
  EXPECT_EQ(last_fault().question, Question::lookup);
  EXPECT_EQ(last_fault().plugin, plugin_);

  answer_yes(open.front());
  calls_.collect();
  EXPECT_NE(ask_open(), nullptr);
}

TEST_F(PendingCallsTest, AnnouncesAndReleasesHoweverManyQuestionsAreOpen) {
  for (std::size_t i = 0; i < kMaxOpen; ++i) ask_open();
  for (const Question question : {Question::announce, Question::release}) {
    bool asked = false;
    ask(question, [&](void*) { asked = true; });
    EXPECT_TRUE(asked) << question_name(question);
  }
}

TEST_F(PendingCallsTest, CountsAQuestionAsOpenUntilItsLateAnswerIsThere) {
  std::vector<void*> open;
  for (std::size_t i = 0; i < kMaxOpen; ++i) open.push_back(ask_open());
  pass_deadline();
  EXPECT_EQ(calls_.open(), kMaxOpen);
  EXPECT_NE(ask(Question::lookup, [](void*) {}), nullptr);
  for (void* call : open) answer_yes(call);
  calls_.collect();
  EXPECT_EQ(calls_.open(), 0U);
}

// ---- Answers that make no sense

TEST_F(PendingCallsTest, TakesAnUnknownStatusForInvalid) {
  for (const crolang_status status : {-1, 6, 1000}) {
    const Answer* answer = ask(Question::authorize, [=](void* call) {
      PendingCalls::on_yes_no(call, status, true, kNoError);
    });
    EXPECT_EQ(answer->status, CROLANG_INVALID) << status;
  }
}

TEST_F(PendingCallsTest, KeepsEveryStatusThatThereIs) {
  for (crolang_status status = CROLANG_OK; status <= CROLANG_INTERNAL; ++status) {
    const Answer* answer =
        ask(Question::announce, [=](void* call) { PendingCalls::on_done(call, status, kNoError); });
    EXPECT_EQ(answer->status, status);
  }
}

TEST_F(PendingCallsTest, TakesAnotherNumberOfFlagsForInvalid) {
  const bool flags[] = {true, false, true, true};
  for (const std::size_t count : {0U, 1U, 2U, 4U}) {
    const Answer* answer = ask(
        Question::check_validity,
        [&](void* call) { PendingCalls::on_flags(call, CROLANG_OK, flags, count, kNoError); }, 3);
    EXPECT_EQ(answer->status, CROLANG_INVALID) << count;
    EXPECT_NE(answer->error, "");
  }
  const Answer* answer = ask(
      Question::check_validity,
      [&](void* call) { PendingCalls::on_flags(call, CROLANG_OK, nullptr, 3, kNoError); }, 3);
  EXPECT_EQ(answer->status, CROLANG_INVALID);
}

TEST_F(PendingCallsTest, CopiesFlags) {
  bool flags[] = {true, false, true};
  const Answer* answer = ask(
      Question::check_validity,
      [&](void* call) {
        PendingCalls::on_flags(call, CROLANG_OK, flags, 3, kNoError);
        flags[0] = false;
      },
      3);
  EXPECT_THAT(answer->flags, ElementsAre(1, 0, 1));
}

TEST_F(PendingCallsTest, NeedsNoFlagsWithAFailure) {
  const Answer* answer = ask(
      Question::check_validity,
      [](void* call) {
        PendingCalls::on_flags(call, CROLANG_UNAVAILABLE, nullptr, 0, borrow("away"));
      },
      3);
  EXPECT_EQ(answer->status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(answer->error, "away");
}

TEST_F(PendingCallsTest, TakesAnotherNumberOfHoldersForInvalid) {
  const crolang_holder two[] = {{borrow("a"), 1, 0, 0}, {borrow("b"), 2, 0, 0}};
  struct {
    const crolang_holder* holders;
    std::size_t count;
  } const cases[] = {{two, 1}, {two, 0}, {nullptr, 2}, {nullptr, 0}};
  for (const auto& [holders, count] : cases) {
    const Answer* answer = ask(
        Question::lookup,
        [holders = holders, count = count](void* call) {
          PendingCalls::on_located(call, CROLANG_OK, holders, count, kNoError);
        },
        2);
    EXPECT_EQ(answer->status, CROLANG_INVALID) << count;
    EXPECT_NE(answer->error, "");
  }
}

TEST_F(PendingCallsTest, TakesTheNameOfAnInstanceThatIsTooLongForInvalid) {
  for (const std::size_t more : {0u, 1u}) {
    const std::string name(CROLANG_MAX_INSTANCE + more, 'x');
    const crolang_status expected = more == 0 ? CROLANG_OK : CROLANG_INVALID;
    const Answer* answer = ask(
        Question::lookup,
        [&](void* call) {
          const crolang_holder holder{borrow(name), 1, 0, 0};
          PendingCalls::on_located(call, CROLANG_OK, &holder, 1, kNoError);
        },
        1);
    EXPECT_EQ(answer->status, expected);
    answer = ask(Question::claim,
                 [&](void* call) {
                   PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_HELD, {borrow(name), 5, 0, 0},
                                            kNoError);
                 },
                 0, {"bob", 77});
    EXPECT_EQ(answer->status, expected);
  }
}

TEST_F(PendingCallsTest, CopiesHolders) {
  std::string name = "a";
  const Answer* answer = ask(
      Question::lookup,
      [&](void* call) {
        const crolang_holder holders[] = {{borrow(name), 1, 2, 3}, {}};
        PendingCalls::on_located(call, CROLANG_OK, holders, 2, kNoError);
        name = "x";
      },
      2);
  ASSERT_THAT(answer->holders, SizeIs(2));
  EXPECT_EQ(answer->holders[0].instance, "a");
  EXPECT_EQ(answer->holders[0].token, 1U);
  EXPECT_EQ(answer->holders[0].session, 2U);
  EXPECT_EQ(answer->holders[0].worker, 3U);
  EXPECT_EQ(answer->holders[1].instance, "");
}

TEST_F(PendingCallsTest, CopiesInstances) {
  std::string name = "a";
  const Answer* answer = ask(Question::list_instances, [&](void* call) {
    const crolang_instance instances[] = {{borrow(name), borrow("{}")}, {borrow("b"), borrow("")}};
    PendingCalls::on_instances(call, CROLANG_OK, instances, 2, kNoError);
    name = "x";
  });
  ASSERT_THAT(answer->instances, SizeIs(2));
  EXPECT_EQ(answer->instances[0].instance, "a");
  EXPECT_EQ(answer->instances[0].status, "{}");
  answer = ask(Question::list_instances, [&](void* call) {
    PendingCalls::on_instances(call, CROLANG_OK, nullptr, 0, kNoError);
  });
  EXPECT_EQ(answer->status, CROLANG_OK);
  EXPECT_THAT(answer->instances, IsEmpty());
}

TEST_F(PendingCallsTest, TakesInstancesThatSayTooMuchForInvalid) {
  const std::string name(CROLANG_MAX_INSTANCE + 1, 'x');
  const std::string status(CROLANG_MAX_STATUS + 1, 'x');
  for (const crolang_instance& instance : {crolang_instance{borrow(name), borrow("{}")},
                                           crolang_instance{borrow("a"), borrow(status)}}) {
    const Answer* answer = ask(Question::list_instances, [&](void* call) {
      PendingCalls::on_instances(call, CROLANG_OK, &instance, 1, kNoError);
    });
    EXPECT_EQ(answer->status, CROLANG_INVALID);
    EXPECT_NE(answer->error, "");
  }
  const Answer* answer = ask(Question::list_instances, [&](void* call) {
    PendingCalls::on_instances(call, CROLANG_OK, nullptr, 1, kNoError);
  });
  EXPECT_EQ(answer->status, CROLANG_INVALID);
}

TEST_F(PendingCallsTest, CopiesEntries) {
  std::string name = "a";
  const Answer* answer = ask(Question::list_entries, [&](void* call) {
    const crolang_entry entries[] = {{borrow(name), borrow("1"), 5}, {borrow("b"), borrow(""), 6}};
    PendingCalls::on_entries(call, CROLANG_OK, CROLANG_ENTRIES_LOST, borrow("v"), entries, 2,
                             kNoError);
    name = "x";
  });
  EXPECT_EQ(answer->status, CROLANG_OK);
  EXPECT_EQ(answer->code, CROLANG_ENTRIES_LOST);
  EXPECT_EQ(answer->text, "v");
  EXPECT_EQ(answer->entries, (std::vector<Entry>{{"a", "1", 5}, {"b", "", 6}}));
}

TEST_F(PendingCallsTest, TakesEntriesThatMakeNoSenseForInvalid) {
  const std::string name(CROLANG_MAX_ENTRY_NAME + 1, 'x');
  const std::string value(CROLANG_MAX_ENTRY_VALUE + 1, 'x');
  const std::string version(CROLANG_MAX_ENTRIES_VERSION + 1, 'x');
  const crolang_entry good{borrow("a"), borrow("1"), 5};
  const std::vector<crolang_entry> many(CROLANG_MAX_ENTRIES + 1, good);
  const auto status_of = [&](std::int32_t outcome, std::string_view known,
                             const crolang_entry* entries, std::size_t count) {
    return ask(Question::list_entries,
               [&](void* call) {
                 PendingCalls::on_entries(call, CROLANG_OK, outcome, borrow(known), entries, count,
                                          kNoError);
               })
        ->status;
  };
  EXPECT_EQ(status_of(CROLANG_CHANGED, "v", &good, 1), CROLANG_OK);
  EXPECT_EQ(status_of(CROLANG_ENTRIES_LOST + 1, "v", &good, 1), CROLANG_INVALID);
  EXPECT_EQ(status_of(-1, "v", &good, 1), CROLANG_INVALID);
  EXPECT_EQ(status_of(CROLANG_CHANGED, version, &good, 1), CROLANG_INVALID);
  EXPECT_EQ(status_of(CROLANG_CHANGED, "v", nullptr, 1), CROLANG_INVALID);
  EXPECT_EQ(status_of(CROLANG_CHANGED, "v", many.data(), many.size()), CROLANG_INVALID);
  for (const crolang_entry& bad :
       {crolang_entry{borrow(name), borrow("1"), 5}, crolang_entry{borrow(""), borrow("1"), 5},
        crolang_entry{borrow("a"), borrow(value), 5}}) {
    EXPECT_EQ(status_of(CROLANG_CHANGED, "v", &bad, 1), CROLANG_INVALID);
  }
}

TEST_F(PendingCallsTest, TakesAnAnswerOfAnInstanceThatIsTooLongForInvalid) {
  for (const std::size_t more : {0u, 1u}) {
    const std::string text(CROLANG_MAX_ASK + more, 'x');
    const Answer* answer = ask(Question::ask, [&](void* call) {
      PendingCalls::on_text(call, CROLANG_OK, borrow(text), kNoError);
    });
    EXPECT_EQ(answer->status, more == 0 ? CROLANG_OK : CROLANG_INVALID);
  }
}

TEST_F(PendingCallsTest, CopiesTexts) {
  std::string text = "configuration";
  const Answer* answer = ask(Question::resolve_rtc, [&](void* call) {
    PendingCalls::on_text(call, CROLANG_OK, borrow(text), kNoError);
    text = "x";
  });
  EXPECT_EQ(answer->text, "configuration");
}

TEST_F(PendingCallsTest, TakesAnUnknownOutcomeOfAClaimForInvalid) {
  for (const std::int32_t outcome : {-1, 2}) {
    const Answer* answer =
        ask(Question::claim,
            [=](void* call) { PendingCalls::on_claimed(call, CROLANG_OK, outcome, {}, kNoError); },
            0, {"bob", 77});
    EXPECT_EQ(answer->status, CROLANG_INVALID) << outcome;
  }
}

TEST_F(PendingCallsTest, SaysWhoHoldsAClaimedId) {
  const Answer* answer = ask(Question::claim,
                             [](void* call) {
                               PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_HELD,
                                                        {borrow("other"), 5, 0, 0}, kNoError);
                             },
                             0, {"bob", 77});
  EXPECT_EQ(answer->code, CROLANG_HELD);
  ASSERT_THAT(answer->holders, SizeIs(1));
  EXPECT_EQ(answer->holders[0].instance, "other");
  EXPECT_EQ(answer->holders[0].token, 5U);
}

TEST_F(PendingCallsTest, ForgetsTheHolderOfTheClaimBefore) {
  ask(Question::claim,
      [](void* call) {
        PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_HELD, {borrow("other"), 5, 0, 0},
                                 kNoError);
      },
      0, {"bob", 77});
  const Answer* answer = ask(Question::claim,
                             [](void* call) {
                               PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_GRANTED,
                                                        {borrow("x"), 5, 0, 0}, kNoError);
                             },
                             0, {"bob", 78});
  EXPECT_EQ(answer->code, CROLANG_GRANTED);
  EXPECT_THAT(answer->holders, IsEmpty());
}

TEST_F(PendingCallsTest, TakesAnUnknownProbeResultForInvalid) {
  for (const std::int32_t result : {-1, 4}) {
    const Answer* answer = ask(Question::probe, [=](void* call) {
      PendingCalls::on_probed(call, CROLANG_OK, result, kNoError);
    });
    EXPECT_EQ(answer->status, CROLANG_INVALID) << result;
  }
  for (std::int32_t result = CROLANG_ALIVE; result <= CROLANG_UNREACHABLE; ++result) {
    const Answer* answer = ask(Question::probe, [=](void* call) {
      PendingCalls::on_probed(call, CROLANG_OK, result, kNoError);
    });
    EXPECT_TRUE(answer->succeeded());
    EXPECT_EQ(answer->code, result);
  }
}

// ---- Slow questions

std::chrono::nanoseconds processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// For so long, however long that takes.
void compute(std::chrono::nanoseconds time) {
  const auto until = processor_time() + time;
  while (processor_time() < until) {
  }
}

void hold_up(void* call) {
  compute(20ms);
  PendingCalls::on_yes_no(call, CROLANG_OK, true, kNoError);
}

void wait(void* call) {
  ::poll(nullptr, 0, 20);  // for nothing but the time, as a plugin for an answer
  PendingCalls::on_yes_no(call, CROLANG_OK, true, kNoError);
}

// On a busy machine the first call may leave open whose fault it was; the next one does not.
TEST_F(PendingCallsTest, ReportsAPluginThatComputesForLong) {
  for (int i = 0; i < 2; ++i) ask(Question::authorize, &hold_up);
  EXPECT_THAT(faults(), Contains(CallFault::slow));
  EXPECT_EQ(last_fault().question, Question::authorize);
  EXPECT_EQ(last_fault().plugin, plugin_);
  EXPECT_GE(std::stoi(last_fault().detail), 15);
  EXPECT_THAT(last_fault().detail, testing::EndsWith(" ms"));
}

TEST_F(PendingCallsTest, ReportsAPluginThatWaits) {
  for (int i = 0; i < 2; ++i) ask(Question::authorize, &wait);
  EXPECT_THAT(faults(), Contains(CallFault::slow));
  EXPECT_GE(std::stoi(last_fault().detail), 15);
}

/// While it lives, another thread wants the processor that this one is on.
class BusyMachine {
 public:
  BusyMachine() {
    CPU_ZERO(&one_);
    CPU_SET(::sched_getcpu(), &one_);
    EXPECT_EQ(::sched_setaffinity(0, sizeof one_, &one_), 0);
    rival_ = std::thread([this] {
      EXPECT_EQ(::sched_setaffinity(0, sizeof one_, &one_), 0);
      runs_ = true;
      while (!over_.load(std::memory_order_relaxed)) {
      }
    });
    while (!runs_) ::sched_yield();
  }
  ~BusyMachine() {
    over_ = true;
    rival_.join();
  }

 private:
  cpu_set_t one_{};
  std::atomic<bool> runs_{false};
  std::atomic<bool> over_{false};
  std::thread rival_;
};

TEST_F(PendingCallsTest, DoesNotReportAPluginForABusyMachine) {
  std::thread worker([&] {
    const BusyMachine machine;
    for (int i = 0; i < 3; ++i) {
      ask(Question::authorize, [](void* call) {
        // Ready to run all the time, as who is pushed aside.
        const TimePoint until = std::chrono::steady_clock::now() + 20ms;
        while (std::chrono::steady_clock::now() < until) ::sched_yield();
        PendingCalls::on_yes_no(call, CROLANG_OK, true, kNoError);
      });
    }
  });
  worker.join();
  EXPECT_THAT(faults(), IsEmpty()) << last_fault().detail;
}

TEST_F(PendingCallsTest, ReportsAPluginForItsOwnTimeOnly) {
  std::chrono::nanoseconds took{0};
  std::thread worker([&] {
    const BusyMachine machine;
    for (int i = 0; i < 2; ++i) {
      const TimePoint before = std::chrono::steady_clock::now();
      ask(Question::authorize, [](void* call) {
        for (int ms = 0; ms < 20; ++ms) {
          compute(1ms);
          ::sched_yield();
        }
        PendingCalls::on_yes_no(call, CROLANG_OK, true, kNoError);
      });
      took = std::chrono::steady_clock::now() - before;
    }
  });
  worker.join();
  ASSERT_THAT(faults(), Contains(CallFault::slow));
  const std::chrono::milliseconds blamed{std::stoi(last_fault().detail)};
  EXPECT_GE(blamed, 15ms);
  EXPECT_LT(blamed, took - 5ms);
}

TEST_F(PendingCallsTest, DoesNotTimeWhatIsBuiltIn) {
  calls_.ask(Question::authorize, std::string(), Waiter{this, 0, 1}, 10s, 0, {}, &hold_up);
  EXPECT_THAT(faults(), IsEmpty());
}

// ---- The end

// ---- Several threads

/// Answers handles on threads of its own as soon as it is given them.
class Answerers {
 public:
  using Give = void (*)(void* call);

  Answerers(int threads, Give give) : give_(give) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~Answerers() {
    over_ = true;
    work_.release(static_cast<std::ptrdiff_t>(threads_.size()));
    for (std::thread& thread : threads_) thread.join();
  }
  void add(void* call) {
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(call);
    }
    work_.release();
  }

 private:
  void run() {
    for (;;) {
      work_.acquire();
      void* call = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (calls_.empty()) {
          if (over_) return;
          continue;
        }
        call = calls_.back();
        calls_.pop_back();
      }
      give_(call);
    }
  }

  const Give give_;
  std::counting_semaphore<> work_{0};
  std::atomic<bool> over_{false};
  std::mutex mutex_;  // guards ops_
  std::vector<void*> calls_;
  std::vector<std::thread> threads_;
};

class PendingCallsThreads : public PendingCallsTest {
 protected:
  static constexpr std::uint64_t kQuestions = 5000;

  /// Asks them all with whatever bound the table of pending calls has; returns how many were
  /// answered at once.
  std::uint64_t ask_all(Answerers& answerers) {
    std::uint64_t at_once = 0;
    for (std::uint64_t tag = 1; tag <= kQuestions; ++tag) {
      while (calls_.open() == kMaxOpen) {
        wakes_.acquire();
        calls_.collect();
      }
      const Answer* answer = ask(
          Question::authorize, [&](void* call) { answerers.add(call); }, 0, {}, tag);
      if (answer != nullptr) {
        EXPECT_TRUE(answer->yes);
        ++at_once;
      }
    }
    while (calls_.open() != 0) {
      wakes_.acquire();
      calls_.collect();
    }
    return at_once;
  }
};

TEST_F(PendingCallsThreads, GetEachAnswerToItsQuestionOnce) {
  Answerers answerers(3, &answer_yes);
  const std::uint64_t at_once = ask_all(answerers);
  EXPECT_EQ(at_once + answers_.size(), kQuestions);
  for (const auto& [tag, answer] : answers_) EXPECT_TRUE(answer.yes) << tag;
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(PendingCallsThreads, NeverAnswerTwice) {
  {
    // The second answer may come before the first is collected, after, or in the call's next life.
    Answerers answerers(3, [](void* call) {
      std::thread(&answer_yes, call).join();
      answer_yes(call);
    });
    const std::uint64_t at_once = ask_all(answerers);
    EXPECT_EQ(at_once + answers_.size(), kQuestions);
  }
  EXPECT_THAT(faults(), SizeIs(kQuestions));
  EXPECT_THAT(faults(), testing::Each(CallFault::answered_twice));
}

TEST_F(PendingCallsThreads, AnswerOrTimeOutButNotBoth) {
  for (std::uint64_t tag = 1; tag <= 300; ++tag) {
    void* call = ask_open(Question::claim, tag, {"bob", tag});
    std::thread answering(
        [call] { PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_GRANTED, {}, kNoError); });
    pass_deadline();
    answering.join();
    calls_.collect();
    ASSERT_EQ(answers_.size(), tag);
    // Granted to the waiter, or handed back.
    const bool in_time = answers_.back().second.succeeded();
    ASSERT_EQ(granted_late_.size(), in_time ? 0U : 1U);
    granted_late_.clear();
    ASSERT_EQ(calls_.open(), 0U);
  }
}

// ---- Names

TEST(QuestionName, DiffersForEachQuestion) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    names.emplace_back(question_name(static_cast<Question>(i)));
  }
  EXPECT_EQ(names.front(), "authenticate");
  EXPECT_EQ(names.back(), "set status");
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

TEST(StatusName, TakesWhatItDoesNotKnowForAnInternalError) {
  EXPECT_STREQ(status_name(CROLANG_OK), "ok");
  EXPECT_STREQ(status_name(CROLANG_INTERNAL), "internal error");
  EXPECT_STREQ(status_name(77), "internal error");
}

// ---- without memory

TEST_F(PendingCallsTest, TreatsAnAnswerThatItHasNoMemoryForAsAFailure) {
  const std::string text(1000, 'x');
  const std::array<bool, 1000> flags{};
  const std::string name(CROLANG_MAX_INSTANCE, 'x');
  const std::vector<crolang_holder> holders(2, crolang_holder{borrow(name), 1, 0, 0});
  const std::function<void(void*)> answers[] = {
      [&](void* call) { PendingCalls::on_text(call, CROLANG_OK, borrow(text), kNoError); },
      [&](void* call) {
        PendingCalls::on_flags(call, CROLANG_OK, flags.data(), flags.size(), kNoError);
      },
      [&](void* call) {
        PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_HELD, holders[0], kNoError);
      },
      [&](void* call) {
        PendingCalls::on_located(call, CROLANG_OK, holders.data(), holders.size(), kNoError);
      },
      [&](void* call) { PendingCalls::on_done(call, CROLANG_INVALID, borrow(text)); }};
  const std::size_t expected[] = {0, flags.size(), 0, holders.size(), 0};
  for (std::size_t i = 0; i < std::size(answers); ++i) {
    void* open = nullptr;
    ASSERT_EQ(ask(
                  Question::lookup, [&](void* call) { open = call; }, expected[i]),
              nullptr);
    {
      const faults::Victim victim;
      faults::fail_allocations(1, 1000);
      answers[i](open);
    }
    EXPECT_GT(faults::heal(), 0u) << i;
    answers_.clear();
    calls_.collect();
    ASSERT_THAT(answers_, SizeIs(1)) << i;
    EXPECT_FALSE(answers_[0].second.succeeded()) << i;
    EXPECT_EQ(answers_[0].second.error, "out of memory") << i;
  }
}

TEST_F(PendingCallsTest, RefusesAQuestionThatItHasNoMemoryForAndAnswersTheNext) {
  const std::string id(1000, 'x');
  for (std::uint64_t n = 1, untouched = 0; untouched < 3; ++n) {
    void* open = nullptr;
    const Answer* answer = nullptr;
    {
      const faults::Victim victim;
      faults::fail_allocations(n, n + 1);
      answer = calls_.ask(Question::claim, plugin_, Waiter{this, 0, n}, 10s, 0, {id, 7},
                          [&](void* call) { open = call; });
    }
    untouched = faults::heal() == 0 ? untouched + 1 : 0;
    ASSERT_EQ(answer == nullptr, open != nullptr);
    if (answer != nullptr) {
      EXPECT_EQ(answer->status, CROLANG_UNAVAILABLE);
      EXPECT_EQ(answer->error, "out of memory");
      EXPECT_EQ(last_fault().fault, CallFault::failed);
    } else {
      PendingCalls::on_claimed(open, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
      calls_.collect();
    }
    EXPECT_EQ(calls_.open(), 0u);
  }
}

TEST_F(PendingCallsTest, ReleasesLeasesWithoutMemory) {
  std::vector<void*> open;
  open.reserve(8);
  {
    const faults::Victim victim;
    faults::fail_allocations(1, 1'000'000);
    for (int i = 0; i < 8; ++i) {
      calls_.ask(i % 2 == 0 ? Question::release : Question::announce, plugin_, {}, 10s, 0, {},
                 [&](void* call) { open.push_back(call); });
    }
  }
  faults::heal();
  ASSERT_THAT(open, SizeIs(8));
  for (void* call : open) PendingCalls::on_done(call, CROLANG_OK, kNoError);
  calls_.collect();
  EXPECT_EQ(calls_.open(), 0u);
}

TEST_F(PendingCallsTest, TellsWhoseAnswerCouldNotBeUsedAndGoesOn) {
  std::vector<void*> open;
  for (std::uint64_t tag = 1; tag <= 3; ++tag) open.push_back(ask_open(Question::authorize, tag));
  for (void* call : open) answer_yes(call);
  then_ = [] { throw std::bad_alloc(); };

  calls_.collect();

  EXPECT_THAT(out_of_memory_, SizeIs(1));
  EXPECT_THAT(answers_, ElementsAre(Pair(1, testing::_), Pair(2, testing::_), Pair(3, testing::_)));
  EXPECT_EQ(calls_.open(), 0u);
  EXPECT_FALSE(calls_.has_arrived());
}

TEST_F(PendingCallsTest, TellsWhoseTimeoutCouldNotBeToldAndGoesOn) {
  for (std::uint64_t tag = 1; tag <= 3; ++tag) ask_open(Question::authorize, tag);
  then_ = [] { throw std::bad_alloc(); };

  pass_deadline();

  EXPECT_THAT(out_of_memory_, SizeIs(1));
  EXPECT_THAT(answers_, SizeIs(3));
}

}  // namespace
}  // namespace crolang::modules
