#include "modules/clients/call_desk.hpp"

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

class CallDeskTest : public testing::Test, protected AnswerSink {
 protected:
  struct Fault {
    CallFault fault;
    Question question;
    std::string plugin;
    std::string detail;
  };

  ~CallDeskTest() override = default;

  void on_answer(const Waiter& waiter, const Answer& answer) override {
    answers_.emplace_back(waiter.tag, answer);
    if (then_) std::exchange(then_, nullptr)();
  }

  /// Asks a question that `call(op)` answers, or not.
  template <class Call>
  const Answer* ask(Question question, Call&& call, std::size_t expected = 0,
                    const CallDesk::Claim& claim = {}, std::uint64_t tag = 1) {
    return desk_.ask(question, plugin_, Waiter{this, {}, tag}, 10s, expected, claim,
                     std::forward<Call>(call));
  }

  /// Asks a question that is not answered while it is asked.
  void* ask_open(Question question = Question::authorize, std::uint64_t tag = 1,
                 const CallDesk::Claim& claim = {}) {
    void* open = nullptr;
    EXPECT_EQ(ask(
                  question, [&](void* op) { open = op; }, 0, claim, tag),
              nullptr);
    return open;
  }

  static void answer_yes(void* op) { CallDesk::on_yes_no(op, CROLANG_OK, true, kNoError); }

  void pass_deadline() { desk_.tick(std::chrono::steady_clock::now() + 1h); }

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
  std::vector<session::SessionHandle> starved_;
  std::counting_semaphore<> wakes_{0};
  bool sleeps_ = true;       // the worker: its receipts are redeemed
  std::size_t flushed_ = 0;  // outlets
  std::function<void()> when_flushed_;

  CallDesk desk_{{[this] { wakes_.release(); }, [this] { return sleeps_; },
                  [this](session::DirtyList& dirty) {
                    flushed_ += dirty.outlets.size();
                    if (when_flushed_) when_flushed_();
                  },
                  [this](CallFault fault, Question question, const std::string& plugin,
                         std::string_view detail) {
                    const std::lock_guard lock(mutex_);
                    faults_.push_back({fault, question, plugin, std::string(detail)});
                  },
                  [this](const std::string& id, std::uint64_t token) {
                    granted_late_.emplace_back(id, token);
                  },
                  [this](const session::SessionHandle& session) { starved_.push_back(session); }},
                 kMaxOpen};

  static constexpr std::size_t kMaxOpen = 4;

 private:
  std::mutex mutex_;  // guards faults_
  std::vector<Fault> faults_;
};

// ---- At once

TEST_F(CallDeskTest, ReturnsAnAnswerThatComesAtOnce) {
  const Answer* answer = ask(Question::authorize, &answer_yes);
  ASSERT_NE(answer, nullptr);
  EXPECT_TRUE(answer->could_ask());
  EXPECT_TRUE(answer->yes);
  EXPECT_EQ(desk_.open(), 0U);
  EXPECT_EQ(desk_.deadline(), TimePoint::max());
}

TEST_F(CallDeskTest, TellsNobodyElseOfAnAnswerThatComesAtOnce) {
  ask(Question::authorize, &answer_yes);
  desk_.collect();
  pass_deadline();
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_FALSE(wakes_.try_acquire());
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(CallDeskTest, ReturnsAnAnswerThatAnotherThreadGaveMeanwhile) {
  const Answer* answer =
      ask(Question::authorize, [](void* op) { std::thread(&answer_yes, op).join(); });
  ASSERT_NE(answer, nullptr);
  EXPECT_TRUE(answer->yes);
}

TEST_F(CallDeskTest, TellsNoFromCouldNotAsk) {
  const Answer* no = ask(Question::authenticate,
                         [](void* op) { CallDesk::on_yes_no(op, CROLANG_OK, false, kNoError); });
  ASSERT_NE(no, nullptr);
  EXPECT_TRUE(no->could_ask());
  EXPECT_FALSE(no->yes);
  EXPECT_THAT(faults(), IsEmpty());

  const Answer* trouble = ask(Question::authenticate, [](void* op) {
    CallDesk::on_yes_no(op, CROLANG_UNAVAILABLE, false, borrow("the server is away"));
  });
  ASSERT_NE(trouble, nullptr);
  EXPECT_FALSE(trouble->could_ask());
  EXPECT_EQ(trouble->status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(trouble->error, "the server is away");
}

TEST_F(CallDeskTest, ReportsWhatCouldNotBeAskedWithThePluginsWords) {
  ask(Question::resolve_rtc, [](void* op) {
    CallDesk::on_text(op, CROLANG_TIMEOUT, kNoError, borrow("no reply within 5 s"));
  });
  const Fault fault = last_fault();
  EXPECT_EQ(fault.fault, CallFault::could_not_ask);
  EXPECT_EQ(fault.question, Question::resolve_rtc);
  EXPECT_EQ(fault.plugin, plugin_);
  EXPECT_EQ(fault.detail, "no reply within 5 s");
}

TEST_F(CallDeskTest, FindsWordsForAPluginThatHasNone) {
  ask(Question::authorize,
      [](void* op) { CallDesk::on_yes_no(op, CROLANG_INTERNAL, false, kNoError); });
  EXPECT_EQ(last_fault().detail, status_name(CROLANG_INTERNAL));
}

TEST_F(CallDeskTest, CutsAnErrorThatIsMuchTooLong) {
  const std::string words(10'000, 'x');
  const Answer* answer = ask(Question::authorize, [&](void* op) {
    CallDesk::on_yes_no(op, CROLANG_INTERNAL, false, borrow(words));
  });
  EXPECT_EQ(answer->error, words.substr(0, 512));
}

TEST_F(CallDeskTest, ForgetsTheErrorOfTheQuestionBefore) {
  ask(Question::authorize,
      [](void* op) { CallDesk::on_yes_no(op, CROLANG_INTERNAL, false, borrow("broken")); });
  EXPECT_EQ(ask(Question::authorize, &answer_yes)->error, "");
}

// ---- Later

TEST_F(CallDeskTest, HandsALaterAnswerToTheSinkWhenItCollects) {
  void* op = ask_open();
  EXPECT_EQ(desk_.open(), 1U);
  std::thread(&answer_yes, op).join();
  EXPECT_TRUE(wakes_.try_acquire());
  EXPECT_THAT(answers_, IsEmpty());
  desk_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_EQ(answers_[0].first, 1U);
  EXPECT_TRUE(answers_[0].second.yes);
  EXPECT_EQ(desk_.open(), 0U);
  EXPECT_EQ(desk_.deadline(), TimePoint::max());
}

TEST_F(CallDeskTest, WakesItsWorkerOnceForABurst) {
  void* one = ask_open();
  void* two = ask_open();
  void* three = ask_open();
  answer_yes(one);
  answer_yes(two);
  EXPECT_TRUE(wakes_.try_acquire());
  EXPECT_FALSE(wakes_.try_acquire());
  desk_.collect();
  answer_yes(three);
  EXPECT_TRUE(wakes_.try_acquire());
  desk_.collect();
  EXPECT_THAT(answers_, SizeIs(3));
}

TEST_F(CallDeskTest, HandsAnswersOutInTheOrderOfTheirArrival) {
  void* one = ask_open(Question::authorize, 1);
  void* two = ask_open(Question::authorize, 2);
  answer_yes(two);
  answer_yes(one);
  desk_.collect();
  EXPECT_THAT(answers_, ElementsAre(Pair(2U, testing::_), Pair(1U, testing::_)));
}

TEST_F(CallDeskTest, GivesTheSinkTheWholeWaiter) {
  struct Keep final : AnswerSink {
    void on_answer(const Waiter& waiter, const Answer&) override { kept = waiter; }
    Waiter kept;
  } keep;
  void* open = nullptr;
  const Waiter waiter{&keep, {3, 4, 5}, 99};
  desk_.ask(Question::lookup, plugin_, waiter, 10s, 0, {}, [&](void* op) { open = op; });
  CallDesk::on_located(open, CROLANG_OK, nullptr, 0, kNoError);
  desk_.collect();
  EXPECT_EQ(keep.kept.session, waiter.session);
  EXPECT_EQ(keep.kept.tag, 99U);
}

TEST_F(CallDeskTest, MayBeAskedByTheSink) {
  void* op = ask_open();
  answer_yes(op);
  void* next = nullptr;
  then_ = [&] { next = ask_open(Question::authorize, 2); };
  desk_.collect();
  ASSERT_NE(next, nullptr);
  answer_yes(next);
  desk_.collect();
  EXPECT_THAT(answers_, ElementsAre(Pair(1U, testing::_), Pair(2U, testing::_)));
}

TEST_F(CallDeskTest, DropsAnAnswerThatNobodyWaitsFor) {
  void* open = nullptr;
  desk_.ask(Question::release, plugin_, {}, 10s, 0, {}, [&](void* op) { open = op; });
  CallDesk::on_done(open, CROLANG_OK, kNoError);
  desk_.collect();
  EXPECT_EQ(desk_.open(), 0U);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(CallDeskTest, ReportsALaterAnswerThatCouldNotBeAsked) {
  void* op = ask_open(Question::probe);
  CallDesk::on_verdict(op, CROLANG_CANCELLED, 0, kNoError);
  desk_.collect();
  EXPECT_EQ(last_fault().fault, CallFault::could_not_ask);
  EXPECT_EQ(last_fault().question, Question::probe);
  EXPECT_EQ(answers_.at(0).second.status, CROLANG_CANCELLED);
}

// ---- Deadlines

TEST_F(CallDeskTest, AnswersTimeoutAtTheDeadline) {
  const TimePoint before = std::chrono::steady_clock::now();
  ask_open(Question::authenticate, 7);
  const TimePoint due = desk_.deadline();
  EXPECT_GE(due, before + 10s);
  EXPECT_LE(due, std::chrono::steady_clock::now() + 10s);

  desk_.tick(due - 1ns);
  EXPECT_THAT(answers_, IsEmpty());
  desk_.tick(due);
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_EQ(answers_[0].first, 7U);
  EXPECT_EQ(answers_[0].second.status, CROLANG_TIMEOUT);
  EXPECT_NE(answers_[0].second.error, "");
  EXPECT_EQ(last_fault().fault, CallFault::timed_out);
  EXPECT_EQ(last_fault().question, Question::authenticate);
  EXPECT_EQ(last_fault().plugin, plugin_);
  EXPECT_EQ(desk_.deadline(), TimePoint::max());
}

TEST_F(CallDeskTest, TimesOutOnce) {
  ask_open();
  pass_deadline();
  pass_deadline();
  EXPECT_THAT(answers_, SizeIs(1));
  EXPECT_THAT(faults(), ElementsAre(CallFault::timed_out));
}

TEST_F(CallDeskTest, KeepsDeadlinesInOrderWhateverTheirLengths) {
  std::vector<TimePoint> due;
  std::uint64_t tag = 0;
  for (const auto timeout : {30s, 10s, 40s, 20s}) {
    desk_.ask(Question::authorize, plugin_, Waiter{this, {}, ++tag}, timeout, 0, {}, [](void*) {});
  }
  while (desk_.deadline() != TimePoint::max()) {
    due.push_back(desk_.deadline());
    desk_.tick(due.back());
  }
  EXPECT_TRUE(std::is_sorted(due.begin(), due.end()));
  EXPECT_THAT(answers_, ElementsAre(Pair(2U, testing::_), Pair(4U, testing::_),
                                    Pair(1U, testing::_), Pair(3U, testing::_)));
}

TEST_F(CallDeskTest, TakesAnAnsweredQuestionOutOfTheMiddle) {
  ask_open(Question::authorize, 1);
  void* op = ask_open(Question::authorize, 2);
  ask_open(Question::authorize, 3);
  answer_yes(op);
  desk_.collect();
  pass_deadline();
  EXPECT_THAT(answers_,
              ElementsAre(Pair(2U, testing::_), Pair(1U, testing::_), Pair(3U, testing::_)));
  EXPECT_TRUE(answers_[0].second.could_ask());
  EXPECT_FALSE(answers_[2].second.could_ask());
}

TEST_F(CallDeskTest, DropsAndReportsALateAnswer) {
  void* op = ask_open();
  pass_deadline();
  EXPECT_EQ(desk_.open(), 1U);  // until the plugin is done with it
  answer_yes(op);
  desk_.collect();
  EXPECT_EQ(desk_.open(), 0U);
  EXPECT_THAT(faults(), ElementsAre(CallFault::timed_out, CallFault::late));
  EXPECT_THAT(answers_, SizeIs(1));
}

TEST_F(CallDeskTest, TakesAnAnswerThatIsAlreadyOnItsWayAtTheDeadline) {
  void* op = ask_open();
  answer_yes(op);
  pass_deadline();
  EXPECT_THAT(answers_, IsEmpty());
  desk_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_TRUE(answers_[0].second.yes);
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(CallDeskTest, MayBeAskedByTheSinkOfATimeout) {
  ask_open(Question::authorize, 1);
  then_ = [this] { ask_open(Question::authorize, 2); };
  desk_.tick(desk_.deadline());
  EXPECT_THAT(answers_, SizeIs(1));
  EXPECT_EQ(desk_.open(), 2U);
  pass_deadline();
  EXPECT_THAT(answers_, SizeIs(2));
}

// ---- Claims that come too late

TEST_F(CallDeskTest, HandsBackAClaimThatIsGrantedTooLate) {
  for (const Question question : {Question::claim, Question::replace}) {
    std::string id = "bob";
    void* op = ask_open(question, 1, {id, 77});
    id = "xxx";  // its owner may be gone by then
    pass_deadline();
    CallDesk::on_claimed(op, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
    EXPECT_THAT(granted_late_, IsEmpty());
    desk_.collect();
    EXPECT_THAT(granted_late_, ElementsAre(Pair("bob", 77U)));
    granted_late_.clear();
  }
}

TEST_F(CallDeskTest, HandsBackNothingThatWasNotGranted) {
  void* held = ask_open(Question::claim, 1, {"bob", 77});
  void* failed = ask_open(Question::claim, 1, {"bob", 78});
  pass_deadline();
  CallDesk::on_claimed(held, CROLANG_OK, CROLANG_HELD, {borrow("other"), 5}, kNoError);
  CallDesk::on_claimed(failed, CROLANG_TIMEOUT, CROLANG_GRANTED, {}, kNoError);
  desk_.collect();
  EXPECT_THAT(granted_late_, IsEmpty());
}

TEST_F(CallDeskTest, LeavesAClaimThatIsGrantedInTimeToItsWaiter) {
  void* op = ask_open(Question::claim, 1, {"bob", 77});
  CallDesk::on_claimed(op, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
  desk_.collect();
  EXPECT_THAT(answers_, SizeIs(1));
  EXPECT_THAT(granted_late_, IsEmpty());
}

TEST_F(CallDeskTest, DoesNotTakeALaterQuestionForTheClaimBeforeIt) {
  const Answer* granted =
      ask(Question::claim,
          [](void* op) { CallDesk::on_claimed(op, CROLANG_OK, CROLANG_GRANTED, {}, kNoError); }, 0,
          {"bob", 77});
  ASSERT_NE(granted, nullptr);
  void* op = ask_open(Question::authorize);
  pass_deadline();
  answer_yes(op);
  desk_.collect();
  EXPECT_THAT(faults(), ElementsAre(CallFault::timed_out, CallFault::late));
  EXPECT_THAT(granted_late_, IsEmpty());
}

TEST_F(CallDeskTest, MayBeAskedWhileAClaimIsHandedBack) {
  // As the broker does, which releases the lease.
  void* released = nullptr;
  CallDesk* desk = nullptr;
  CallDesk asking({[] {}, [] { return false; }, [](session::DirtyList&) {},
                   [](CallFault, Question, const std::string&, std::string_view) {},
                   [&](const std::string& id, std::uint64_t) {
                     EXPECT_EQ(id, "bob");
                     desk->ask(Question::release, plugin_, {}, 10s, 0, {},
                               [&](void* op) { released = op; });
                   },
                   [](const session::SessionHandle&) {}},
                  kMaxOpen);
  desk = &asking;
  void* op = nullptr;
  asking.ask(Question::claim, plugin_, Waiter{this, {}, 1}, 10s, 0, {"bob", 77},
             [&](void* open) { op = open; });
  asking.tick(std::chrono::steady_clock::now() + 1h);
  CallDesk::on_claimed(op, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
  asking.collect();
  ASSERT_NE(released, nullptr);
  EXPECT_EQ(asking.open(), 1U);
}

// ---- Receipts

class ReceiptTest : public CallDeskTest {
 protected:
  void* ask_with_receipt(std::uint64_t tag = 1) {
    Receipt receipt{&outlet_, generation_, outlet_.issue_receipt(), 3, {'a', 'c', 'k'}};
    void* open = nullptr;
    desk_.ask(
        Question::send, plugin_, Waiter{this, {}, tag}, 10s, 0, {}, [&](void* op) { open = op; },
        receipt);
    return open;
  }
  bool was_woken() { return wakes_.try_acquire(); }

  session::Outlet outlet_;
  const std::uint32_t generation_ = outlet_.open({});
};

TEST_F(ReceiptTest, IsRedeemedByAYesThatWakesNobody) {
  answer_yes(ask_with_receipt());
  EXPECT_EQ(outlet_.waiting(), 3U);
  EXPECT_EQ(flushed_, 1U);
  EXPECT_FALSE(was_woken());
  EXPECT_TRUE(desk_.has_arrived());
  EXPECT_THAT(answers_, IsEmpty());
  desk_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_TRUE(answers_[0].second.yes);
  EXPECT_TRUE(answers_[0].second.receipted);
  EXPECT_FALSE(desk_.has_arrived());
  EXPECT_EQ(desk_.open(), 0U);
}

TEST_F(ReceiptTest, IsSeenByTheSenderOnlyOnceTheWorkerCanHearOfIt) {
  std::size_t heard = 0;
  when_flushed_ = [&] {
    desk_.collect();
    heard = answers_.size();
  };
  answer_yes(ask_with_receipt());
  EXPECT_EQ(heard, 1U);
}

TEST_F(ReceiptTest, IsOfAYesOnly) {
  CallDesk::on_yes_no(ask_with_receipt(1), CROLANG_OK, false, kNoError);
  CallDesk::on_yes_no(ask_with_receipt(2), CROLANG_TIMEOUT, true, kNoError);
  EXPECT_EQ(outlet_.waiting(), 0U);
  EXPECT_TRUE(was_woken());
  desk_.collect();
  ASSERT_THAT(answers_, SizeIs(2));
  EXPECT_FALSE(answers_[0].second.receipted);
  EXPECT_FALSE(answers_[1].second.receipted);
}

TEST_F(ReceiptTest, IsLeftToAWorkerThatIsAwake) {
  sleeps_ = false;
  answer_yes(ask_with_receipt());
  EXPECT_TRUE(was_woken());
  EXPECT_EQ(outlet_.waiting(), 0U);
  desk_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_FALSE(answers_[0].second.receipted);
}

TEST_F(ReceiptTest, ThatWasRevokedWakesTheWorker) {
  void* op = ask_with_receipt();
  outlet_.revoke_receipt();
  answer_yes(op);
  EXPECT_TRUE(was_woken());
  EXPECT_EQ(outlet_.waiting(), 0U);
  desk_.collect();
  EXPECT_FALSE(answers_.at(0).second.receipted);
}

TEST_F(ReceiptTest, IsNotRedeemedAfterTheDeadline) {
  void* op = ask_with_receipt();
  pass_deadline();
  answer_yes(op);
  EXPECT_EQ(outlet_.waiting(), 0U);
  desk_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_EQ(answers_[0].second.status, CROLANG_TIMEOUT);
}

TEST_F(ReceiptTest, IsGoodThoughTheDeadlinePassesBeforeTheWorkerHearsOfIt) {
  answer_yes(ask_with_receipt());
  desk_.collect();
  pass_deadline();
  EXPECT_THAT(faults(), IsEmpty());

  answer_yes(ask_with_receipt());
  pass_deadline();
  desk_.collect();
  EXPECT_THAT(faults(), IsEmpty());
  ASSERT_THAT(answers_, SizeIs(2));
  EXPECT_TRUE(answers_[1].second.yes);
}

TEST_F(ReceiptTest, IsNotRedeemedByAnAnswerThatComesAtOnce) {
  const Receipt receipt{&outlet_, generation_, outlet_.issue_receipt(), 3, {'a', 'c', 'k'}};
  const Answer* answer =
      desk_.ask(Question::send, plugin_, Waiter{this, {}, 1}, 10s, 0, {}, &answer_yes, receipt);
  ASSERT_NE(answer, nullptr);
  EXPECT_FALSE(answer->receipted);
  EXPECT_EQ(outlet_.waiting(), 0U);
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
  desk_.collect();
  EXPECT_THAT(answers_,
              ElementsAre(Pair(1U, testing::_), Pair(2U, testing::_), Pair(3U, testing::_)));
  answer_yes(ask_open(Question::authorize, 4));
  EXPECT_TRUE(was_woken());
}

TEST_F(ReceiptTest, IsOfOneQuestionOnly) {
  answer_yes(ask_with_receipt());
  desk_.collect();
  answer_yes(ask_open(Question::authorize));
  EXPECT_EQ(outlet_.waiting(), 3U);
}

TEST(CallDesk, LeavesACrowdOfReceiptsToTheWorker) {
  struct Sink final : AnswerSink {
    void on_answer(const Waiter&, const Answer& answer) override {
      answer.receipted ? ++receipted : ++left;
    }
    int receipted = 0;
    int left = 0;
  } sink;
  int woken = 0;
  CallDesk desk({[&] { ++woken; }, [] { return true; }, [](session::DirtyList&) {},
                 [](CallFault, Question, const std::string&, std::string_view) {},
                 [](const std::string&, std::uint64_t) {}, [](const session::SessionHandle&) {}},
                100);
  std::array<session::Outlet, 20> outlets;
  std::vector<void*> ops;
  for (session::Outlet& outlet : outlets) {
    const std::uint32_t generation = outlet.open({});
    const Receipt receipt{&outlet, generation, outlet.issue_receipt(), 1, {'x'}};
    desk.ask(
        Question::send, "plugin", Waiter{&sink, {}, 1}, 10s, 0, {},
        [&](void* op) { ops.push_back(op); }, receipt);
  }
  for (void* op : ops) CallDesk::on_yes_no(op, CROLANG_OK, true, kNoError);
  EXPECT_EQ(woken, 1);
  desk.collect();
  EXPECT_EQ(sink.receipted, 16);
  EXPECT_EQ(sink.left, 4);
}

// ---- Answered twice

TEST_F(CallDeskTest, ReportsASecondAnswerBeforeTheFirstIsCollected) {
  void* op = ask_open(Question::authorize);
  answer_yes(op);
  CallDesk::on_yes_no(op, CROLANG_OK, false, kNoError);
  EXPECT_THAT(faults(), ElementsAre(CallFault::answered_twice));
  EXPECT_EQ(last_fault().plugin, plugin_);
  EXPECT_EQ(last_fault().question, Question::authorize);
  desk_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_TRUE(answers_[0].second.yes);
}

TEST_F(CallDeskTest, ReportsASecondAnswerWhileItIsStillBeingAsked) {
  const Answer* answer = ask(Question::authorize, [](void* op) {
    answer_yes(op);
    CallDesk::on_yes_no(op, CROLANG_OK, false, kNoError);
  });
  ASSERT_NE(answer, nullptr);
  EXPECT_TRUE(answer->yes);
  EXPECT_THAT(faults(), ElementsAre(CallFault::answered_twice));
}

TEST_F(CallDeskTest, ReportsASecondAnswerOnceTheQuestionIsOver) {
  void* op = nullptr;
  ask(Question::authorize, [&](void* open) { answer_yes(op = open); });
  answer_yes(op);
  EXPECT_THAT(faults(), ElementsAre(CallFault::answered_twice));
  desk_.collect();
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(CallDeskTest, DoesNotTakeASecondAnswerForTheNextQuestions) {
  void* first = nullptr;
  ask(Question::authorize, [&](void* open) { answer_yes(first = open); });
  void* second = ask_open(Question::authorize, 2);
  EXPECT_NE(first, second);
  CallDesk::on_yes_no(first, CROLANG_OK, true, kNoError);
  desk_.collect();
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_THAT(faults(), ElementsAre(CallFault::answered_twice));
  CallDesk::on_yes_no(second, CROLANG_OK, false, kNoError);
  desk_.collect();
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_FALSE(answers_[0].second.yes);
}

TEST_F(CallDeskTest, ReportsASecondLateAnswer) {
  void* op = ask_open();
  pass_deadline();
  answer_yes(op);
  answer_yes(op);
  desk_.collect();
  EXPECT_THAT(faults(),
              ElementsAre(CallFault::timed_out, CallFault::answered_twice, CallFault::late));
}

TEST_F(CallDeskTest, KnowsQuestionsApartOverManyLivesOfOneOp) {
  std::vector<void*> handles;
  for (int i = 0; i < 1000; ++i) {
    ask(Question::authorize, [&](void* op) { answer_yes(handles.emplace_back(op)); });
  }
  for (void* handle : handles) answer_yes(handle);
  EXPECT_THAT(faults(), SizeIs(1000));
  EXPECT_THAT(faults(), testing::Each(CallFault::answered_twice));
}

// ---- Bounds

TEST_F(CallDeskTest, DoesNotAskWhileTooManyQuestionsAreOpen) {
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
  desk_.collect();
  EXPECT_NE(ask_open(), nullptr);
}

TEST_F(CallDeskTest, AnnouncesAndReleasesHoweverManyQuestionsAreOpen) {
  for (std::size_t i = 0; i < kMaxOpen; ++i) ask_open();
  for (const Question question : {Question::announce, Question::release}) {
    bool asked = false;
    ask(question, [&](void*) { asked = true; });
    EXPECT_TRUE(asked) << question_name(question);
  }
}

TEST_F(CallDeskTest, CountsAQuestionAsOpenUntilItsLateAnswerIsThere) {
  std::vector<void*> open;
  for (std::size_t i = 0; i < kMaxOpen; ++i) open.push_back(ask_open());
  pass_deadline();
  EXPECT_EQ(desk_.open(), kMaxOpen);
  EXPECT_NE(ask(Question::lookup, [](void*) {}), nullptr);
  for (void* op : open) answer_yes(op);
  desk_.collect();
  EXPECT_EQ(desk_.open(), 0U);
}

// ---- Answers that make no sense

TEST_F(CallDeskTest, TakesAnUnknownStatusForInvalid) {
  for (const crolang_status status : {-1, 6, 1000}) {
    const Answer* answer = ask(Question::authorize,
                               [=](void* op) { CallDesk::on_yes_no(op, status, true, kNoError); });
    EXPECT_EQ(answer->status, CROLANG_INVALID) << status;
  }
}

TEST_F(CallDeskTest, KeepsEveryStatusThatThereIs) {
  for (crolang_status status = CROLANG_OK; status <= CROLANG_INTERNAL; ++status) {
    const Answer* answer =
        ask(Question::announce, [=](void* op) { CallDesk::on_done(op, status, kNoError); });
    EXPECT_EQ(answer->status, status);
  }
}

TEST_F(CallDeskTest, TakesAnotherNumberOfFlagsForInvalid) {
  const bool flags[] = {true, false, true, true};
  for (const std::size_t count : {0U, 1U, 2U, 4U}) {
    const Answer* answer = ask(
        Question::check_validity,
        [&](void* op) { CallDesk::on_flags(op, CROLANG_OK, flags, count, kNoError); }, 3);
    EXPECT_EQ(answer->status, CROLANG_INVALID) << count;
    EXPECT_NE(answer->error, "");
  }
  const Answer* answer = ask(
      Question::check_validity,
      [&](void* op) { CallDesk::on_flags(op, CROLANG_OK, nullptr, 3, kNoError); }, 3);
  EXPECT_EQ(answer->status, CROLANG_INVALID);
}

TEST_F(CallDeskTest, CopiesFlags) {
  bool flags[] = {true, false, true};
  const Answer* answer = ask(
      Question::check_validity,
      [&](void* op) {
        CallDesk::on_flags(op, CROLANG_OK, flags, 3, kNoError);
        flags[0] = false;
      },
      3);
  EXPECT_THAT(answer->flags, ElementsAre(1, 0, 1));
}

TEST_F(CallDeskTest, NeedsNoFlagsFromWhoCouldNotAsk) {
  const Answer* answer = ask(
      Question::check_validity,
      [](void* op) { CallDesk::on_flags(op, CROLANG_UNAVAILABLE, nullptr, 0, borrow("away")); }, 3);
  EXPECT_EQ(answer->status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(answer->error, "away");
}

TEST_F(CallDeskTest, TakesAnotherNumberOfHoldersForInvalid) {
  const crolang_holder two[] = {{borrow("a"), 1}, {borrow("b"), 2}};
  struct {
    const crolang_holder* holders;
    std::size_t count;
  } const cases[] = {{two, 1}, {two, 0}, {nullptr, 2}, {nullptr, 0}};
  for (const auto& [holders, count] : cases) {
    const Answer* answer = ask(
        Question::lookup,
        [holders = holders, count = count](void* op) {
          CallDesk::on_located(op, CROLANG_OK, holders, count, kNoError);
        },
        2);
    EXPECT_EQ(answer->status, CROLANG_INVALID) << count;
    EXPECT_NE(answer->error, "");
  }
}

TEST_F(CallDeskTest, TakesTheNameOfAnInstanceThatIsTooLongForInvalid) {
  for (const std::size_t more : {0u, 1u}) {
    const std::string name(CROLANG_MAX_INSTANCE + more, 'x');
    const crolang_status expected = more == 0 ? CROLANG_OK : CROLANG_INVALID;
    const Answer* answer = ask(
        Question::lookup,
        [&](void* op) {
          const crolang_holder holder{borrow(name), 1};
          CallDesk::on_located(op, CROLANG_OK, &holder, 1, kNoError);
        },
        1);
    EXPECT_EQ(answer->status, expected);
    answer = ask(Question::claim,
                 [&](void* op) {
                   CallDesk::on_claimed(op, CROLANG_OK, CROLANG_HELD, {borrow(name), 5}, kNoError);
                 },
                 0, {"bob", 77});
    EXPECT_EQ(answer->status, expected);
  }
}

TEST_F(CallDeskTest, CopiesHolders) {
  std::string name = "a";
  const Answer* answer = ask(
      Question::lookup,
      [&](void* op) {
        const crolang_holder holders[] = {{borrow(name), 1}, {{nullptr, 0}, 0}};
        CallDesk::on_located(op, CROLANG_OK, holders, 2, kNoError);
        name = "x";
      },
      2);
  ASSERT_THAT(answer->holders, SizeIs(2));
  EXPECT_EQ(answer->holders[0].instance, "a");
  EXPECT_EQ(answer->holders[0].token, 1U);
  EXPECT_EQ(answer->holders[1].instance, "");
}

TEST_F(CallDeskTest, CopiesTexts) {
  std::string text = "configuration";
  const Answer* answer = ask(Question::resolve_rtc, [&](void* op) {
    CallDesk::on_text(op, CROLANG_OK, borrow(text), kNoError);
    text = "x";
  });
  EXPECT_EQ(answer->text, "configuration");
}

TEST_F(CallDeskTest, TakesAnUnknownOutcomeOfAClaimForInvalid) {
  for (const std::int32_t outcome : {-1, 2}) {
    const Answer* answer =
        ask(Question::claim,
            [=](void* op) { CallDesk::on_claimed(op, CROLANG_OK, outcome, {}, kNoError); }, 0,
            {"bob", 77});
    EXPECT_EQ(answer->status, CROLANG_INVALID) << outcome;
  }
}

TEST_F(CallDeskTest, SaysWhoHoldsAClaimedId) {
  const Answer* answer =
      ask(Question::claim,
          [](void* op) {
            CallDesk::on_claimed(op, CROLANG_OK, CROLANG_HELD, {borrow("other"), 5}, kNoError);
          },
          0, {"bob", 77});
  EXPECT_EQ(answer->code, CROLANG_HELD);
  ASSERT_THAT(answer->holders, SizeIs(1));
  EXPECT_EQ(answer->holders[0].instance, "other");
  EXPECT_EQ(answer->holders[0].token, 5U);
}

TEST_F(CallDeskTest, ForgetsTheHolderOfTheClaimBefore) {
  ask(Question::claim,
      [](void* op) {
        CallDesk::on_claimed(op, CROLANG_OK, CROLANG_HELD, {borrow("other"), 5}, kNoError);
      },
      0, {"bob", 77});
  const Answer* answer =
      ask(Question::claim,
          [](void* op) {
            CallDesk::on_claimed(op, CROLANG_OK, CROLANG_GRANTED, {borrow("x"), 5}, kNoError);
          },
          0, {"bob", 78});
  EXPECT_EQ(answer->code, CROLANG_GRANTED);
  EXPECT_THAT(answer->holders, IsEmpty());
}

TEST_F(CallDeskTest, TakesAnUnknownVerdictForInvalid) {
  for (const std::int32_t verdict : {-1, 4}) {
    const Answer* answer = ask(Question::probe, [=](void* op) {
      CallDesk::on_verdict(op, CROLANG_OK, verdict, kNoError);
    });
    EXPECT_EQ(answer->status, CROLANG_INVALID) << verdict;
  }
  for (std::int32_t verdict = CROLANG_ALIVE; verdict <= CROLANG_UNREACHABLE; ++verdict) {
    const Answer* answer = ask(Question::probe, [=](void* op) {
      CallDesk::on_verdict(op, CROLANG_OK, verdict, kNoError);
    });
    EXPECT_TRUE(answer->could_ask());
    EXPECT_EQ(answer->code, verdict);
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

void hold_up(void* op) {
  compute(20ms);
  CallDesk::on_yes_no(op, CROLANG_OK, true, kNoError);
}

void wait(void* op) {
  ::poll(nullptr, 0, 20);  // for nothing but the time, as a plugin for an answer
  CallDesk::on_yes_no(op, CROLANG_OK, true, kNoError);
}

// On a busy machine the first call may leave open whose fault it was; the next one does not.
TEST_F(CallDeskTest, ReportsAPluginThatComputesForLong) {
  for (int i = 0; i < 2; ++i) ask(Question::authorize, &hold_up);
  EXPECT_THAT(faults(), Contains(CallFault::slow));
  EXPECT_EQ(last_fault().question, Question::authorize);
  EXPECT_EQ(last_fault().plugin, plugin_);
  EXPECT_GE(std::stoi(last_fault().detail), 15);
  EXPECT_THAT(last_fault().detail, testing::EndsWith(" ms"));
}

TEST_F(CallDeskTest, ReportsAPluginThatWaits) {
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

TEST_F(CallDeskTest, DoesNotBlameAPluginForABusyMachine) {
  std::thread worker([&] {
    const BusyMachine machine;
    for (int i = 0; i < 3; ++i) {
      ask(Question::authorize, [](void* op) {
        // Ready to run all the time, as who is pushed aside.
        const TimePoint until = std::chrono::steady_clock::now() + 20ms;
        while (std::chrono::steady_clock::now() < until) ::sched_yield();
        CallDesk::on_yes_no(op, CROLANG_OK, true, kNoError);
      });
    }
  });
  worker.join();
  EXPECT_THAT(faults(), IsEmpty()) << last_fault().detail;
}

TEST_F(CallDeskTest, BlamesAPluginForItsOwnTimeOnly) {
  std::chrono::nanoseconds took{0};
  std::thread worker([&] {
    const BusyMachine machine;
    for (int i = 0; i < 2; ++i) {
      const TimePoint before = std::chrono::steady_clock::now();
      ask(Question::authorize, [](void* op) {
        for (int ms = 0; ms < 20; ++ms) {
          compute(1ms);
          ::sched_yield();
        }
        CallDesk::on_yes_no(op, CROLANG_OK, true, kNoError);
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

TEST_F(CallDeskTest, DoesNotTimeWhatIsBuiltIn) {
  desk_.ask(Question::authorize, std::string(), Waiter{this, {}, 1}, 10s, 0, {}, &hold_up);
  EXPECT_THAT(faults(), IsEmpty());
}

// ---- The end

// ---- Several threads

/// Answers handles on threads of its own as soon as it is given them.
class Answerers {
 public:
  using Give = void (*)(void* op);

  Answerers(int threads, Give give) : give_(give) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~Answerers() {
    over_ = true;
    work_.release(static_cast<std::ptrdiff_t>(threads_.size()));
    for (std::thread& thread : threads_) thread.join();
  }
  void add(void* op) {
    {
      const std::lock_guard lock(mutex_);
      ops_.push_back(op);
    }
    work_.release();
  }

 private:
  void run() {
    for (;;) {
      work_.acquire();
      void* op = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (ops_.empty()) {
          if (over_) return;
          continue;
        }
        op = ops_.back();
        ops_.pop_back();
      }
      give_(op);
    }
  }

  const Give give_;
  std::counting_semaphore<> work_{0};
  std::atomic<bool> over_{false};
  std::mutex mutex_;  // guards ops_
  std::vector<void*> ops_;
  std::vector<std::thread> threads_;
};

class CallDeskThreads : public CallDeskTest {
 protected:
  static constexpr std::uint64_t kQuestions = 5000;

  /// Asks them all with whatever bound the desk has; returns how many were answered at once.
  std::uint64_t ask_all(Answerers& answerers) {
    std::uint64_t at_once = 0;
    for (std::uint64_t tag = 1; tag <= kQuestions; ++tag) {
      while (desk_.open() == kMaxOpen) {
        wakes_.acquire();
        desk_.collect();
      }
      const Answer* answer = ask(
          Question::authorize, [&](void* op) { answerers.add(op); }, 0, {}, tag);
      if (answer != nullptr) {
        EXPECT_TRUE(answer->yes);
        ++at_once;
      }
    }
    while (desk_.open() != 0) {
      wakes_.acquire();
      desk_.collect();
    }
    return at_once;
  }
};

TEST_F(CallDeskThreads, GetEachAnswerToItsQuestionOnce) {
  Answerers answerers(3, &answer_yes);
  const std::uint64_t at_once = ask_all(answerers);
  EXPECT_EQ(at_once + answers_.size(), kQuestions);
  for (const auto& [tag, answer] : answers_) EXPECT_TRUE(answer.yes) << tag;
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(CallDeskThreads, NeverAnswerTwice) {
  {
    // The second answer may come before the first is collected, after, or in the op's next life.
    Answerers answerers(3, [](void* op) {
      std::thread(&answer_yes, op).join();
      answer_yes(op);
    });
    const std::uint64_t at_once = ask_all(answerers);
    EXPECT_EQ(at_once + answers_.size(), kQuestions);
  }
  EXPECT_THAT(faults(), SizeIs(kQuestions));
  EXPECT_THAT(faults(), testing::Each(CallFault::answered_twice));
}

TEST_F(CallDeskThreads, AnswerOrTimeOutButNotBoth) {
  for (std::uint64_t tag = 1; tag <= 300; ++tag) {
    void* op = ask_open(Question::claim, tag, {"bob", tag});
    std::thread answering(
        [op] { CallDesk::on_claimed(op, CROLANG_OK, CROLANG_GRANTED, {}, kNoError); });
    pass_deadline();
    answering.join();
    desk_.collect();
    ASSERT_EQ(answers_.size(), tag);
    // Granted to the waiter, or handed back.
    const bool in_time = answers_.back().second.could_ask();
    ASSERT_EQ(granted_late_.size(), in_time ? 0U : 1U);
    granted_late_.clear();
    ASSERT_EQ(desk_.open(), 0U);
  }
}

// ---- Names

TEST(QuestionName, DiffersForEachQuestion) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    names.emplace_back(question_name(static_cast<Question>(i)));
  }
  EXPECT_EQ(names.front(), "authenticate");
  EXPECT_EQ(names.back(), "flush");
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

TEST(StatusName, TakesWhatItDoesNotKnowForAnInternalError) {
  EXPECT_STREQ(status_name(CROLANG_OK), "ok");
  EXPECT_STREQ(status_name(CROLANG_INTERNAL), "internal error");
  EXPECT_STREQ(status_name(77), "internal error");
}

// ---- without memory

TEST_F(CallDeskTest, TakesAnAnswerThatItHasNoMemoryForAsCouldNotAsk) {
  const std::string text(1000, 'x');
  const std::array<bool, 1000> flags{};
  const std::string name(CROLANG_MAX_INSTANCE, 'x');
  const std::vector<crolang_holder> holders(2, crolang_holder{borrow(name), 1});
  const std::function<void(void*)> answers[] = {
      [&](void* op) { CallDesk::on_text(op, CROLANG_OK, borrow(text), kNoError); },
      [&](void* op) { CallDesk::on_flags(op, CROLANG_OK, flags.data(), flags.size(), kNoError); },
      [&](void* op) { CallDesk::on_claimed(op, CROLANG_OK, CROLANG_HELD, holders[0], kNoError); },
      [&](void* op) {
        CallDesk::on_located(op, CROLANG_OK, holders.data(), holders.size(), kNoError);
      },
      [&](void* op) { CallDesk::on_done(op, CROLANG_INVALID, borrow(text)); }};
  const std::size_t expected[] = {0, flags.size(), 0, holders.size(), 0};
  for (std::size_t i = 0; i < std::size(answers); ++i) {
    void* open = nullptr;
    ASSERT_EQ(ask(
                  Question::lookup, [&](void* op) { open = op; }, expected[i]),
              nullptr);
    {
      const faults::Victim victim;
      faults::fail_allocations(1, 1000);
      answers[i](open);
    }
    EXPECT_GT(faults::heal(), 0u) << i;
    answers_.clear();
    desk_.collect();
    ASSERT_THAT(answers_, SizeIs(1)) << i;
    EXPECT_FALSE(answers_[0].second.could_ask()) << i;
    EXPECT_EQ(answers_[0].second.error, "no memory left") << i;
  }
}

TEST_F(CallDeskTest, RefusesAQuestionThatItHasNoMemoryForAndAnswersTheNext) {
  const std::string id(1000, 'x');
  for (std::uint64_t n = 1, untouched = 0; untouched < 3; ++n) {
    void* open = nullptr;
    const Answer* answer = nullptr;
    {
      const faults::Victim victim;
      faults::fail_allocations(n, n + 1);
      answer = desk_.ask(Question::claim, plugin_, Waiter{this, {}, n}, 10s, 0, {id, 7},
                         [&](void* op) { open = op; });
    }
    untouched = faults::heal() == 0 ? untouched + 1 : 0;
    ASSERT_EQ(answer == nullptr, open != nullptr);
    if (answer != nullptr) {
      EXPECT_EQ(answer->status, CROLANG_UNAVAILABLE);
      EXPECT_EQ(answer->error, "no memory left");
      EXPECT_EQ(last_fault().fault, CallFault::could_not_ask);
    } else {
      CallDesk::on_claimed(open, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
      desk_.collect();
    }
    EXPECT_EQ(desk_.open(), 0u);
  }
}

TEST_F(CallDeskTest, GivesLeasesBackWithoutMemory) {
  std::vector<void*> open;
  open.reserve(8);
  {
    const faults::Victim victim;
    faults::fail_allocations(1, 1'000'000);
    for (int i = 0; i < 8; ++i) {
      desk_.ask(i % 2 == 0 ? Question::release : Question::announce, plugin_, {}, 10s, 0, {},
                [&](void* op) { open.push_back(op); });
    }
  }
  faults::heal();
  ASSERT_THAT(open, SizeIs(8));
  for (void* op : open) CallDesk::on_done(op, CROLANG_OK, kNoError);
  desk_.collect();
  EXPECT_EQ(desk_.open(), 0u);
}

TEST_F(CallDeskTest, TellsWhoseAnswerCouldNotBeUsedAndGoesOn) {
  std::vector<void*> open;
  for (std::uint64_t tag = 1; tag <= 3; ++tag) open.push_back(ask_open(Question::authorize, tag));
  for (void* op : open) answer_yes(op);
  then_ = [] { throw std::bad_alloc(); };

  desk_.collect();

  EXPECT_THAT(starved_, SizeIs(1));
  EXPECT_THAT(answers_, ElementsAre(Pair(1, testing::_), Pair(2, testing::_), Pair(3, testing::_)));
  EXPECT_EQ(desk_.open(), 0u);
  EXPECT_FALSE(desk_.has_arrived());
}

TEST_F(CallDeskTest, TellsWhoseTimeoutCouldNotBeToldAndGoesOn) {
  for (std::uint64_t tag = 1; tag <= 3; ++tag) ask_open(Question::authorize, tag);
  then_ = [] { throw std::bad_alloc(); };

  pass_deadline();

  EXPECT_THAT(starved_, SizeIs(1));
  EXPECT_THAT(answers_, SizeIs(3));
}

}  // namespace
}  // namespace crolang::modules
