#include "redis-registry/disputes.hpp"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <string>

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Answer = Disputes::Answer;
using Step = Disputes::Step;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr std::uint64_t kMine = 1;
constexpr std::uint64_t kOther = 7;

std::string value_of(std::uint64_t token, std::string_view instance) {
  return to_value({token, true, {token, 3}, instance});
}

class DisputesTest : public ::testing::Test {
 protected:
  DisputesTest() {
    leases_.add_requested("alice", kMine);
    leases_.mark_held(kMine, now_);
  }

  Step found(std::uint64_t other, std::string_view instance = "there") {
    return disputes_.on_found(kMine, value_of(other, instance), now_);
  }
  void answer(Answer answer) { disputes_.on_answer(kMine, disputes_.question(kMine), answer); }
  /// The step that is due; none: nothing is.
  Step due() {
    const auto all = disputes_.take_due(now_);
    EXPECT_LE(all.size(), 1u);
    return all.empty() ? Step::none : all.front().step;
  }

  TimePoint now_ = kStart;
  Leases leases_{"here", milliseconds(60'000)};
  Disputes disputes_{"here", leases_};
};

TEST_F(DisputesTest, AskTheBrokerThatTheLeaseNames) {
  EXPECT_EQ(found(kOther), Step::ask);
  const Disputes::Rival& rival = disputes_.rival(kMine);
  EXPECT_EQ(rival.token, kOther);
  EXPECT_EQ(rival.instance, "there");
  EXPECT_EQ(rival.address, (SessionAddress{kOther, 3}));
  EXPECT_EQ(due(), Step::none);
}

TEST_F(DisputesTest, AreWonOverASessionThatIsGone) {
  (void)found(kOther);
  answer(Answer::gone);
  EXPECT_EQ(due(), Step::write);
  EXPECT_EQ(disputes_.rival(kMine).token, kOther) << "compared with what Redis has then";
  EXPECT_EQ(due(), Step::none);
  EXPECT_TRUE(disputes_.end(kMine).existed);
  EXPECT_FALSE(disputes_.contains(kMine));
}

TEST_F(DisputesTest, AreLostToASessionThatIsAlive) {
  (void)found(kOther);
  answer(Answer::alive);
  EXPECT_EQ(due(), Step::give_up);
}

TEST_F(DisputesTest, GoOnWithWhoeverWasFaster) {
  (void)found(kOther);
  answer(Answer::gone);
  EXPECT_EQ(due(), Step::write);
  EXPECT_EQ(found(8, "elsewhere"), Step::ask);
  EXPECT_EQ(disputes_.rival(kMine).token, 8u);
  answer(Answer::alive);
  EXPECT_EQ(due(), Step::give_up);
}

TEST_F(DisputesTest, WaitForABrokerThatCannotBeReached) {
  (void)found(kOther);
  answer(Answer::unknown);
  EXPECT_EQ(due(), Step::none);
  now_ += Disputes::kPause - milliseconds(1);
  EXPECT_EQ(due(), Step::none);
  now_ += milliseconds(1);
  EXPECT_EQ(due(), Step::write);
  EXPECT_EQ(disputes_.rival(kMine).token, 0u) << "nothing is known of it: it must not be replaced";
  EXPECT_EQ(found(kOther), Step::ask);
  answer(Answer::gone);
  EXPECT_EQ(due(), Step::write);
}

TEST_F(DisputesTest, AreLostToABrokerThatCannotBeReachedForLong) {
  Step step = found(kOther);
  while (step != Step::give_up && now_ < kStart + milliseconds(10'000)) {
    if (step == Step::ask) answer(Answer::unknown);
    if (step == Step::none) now_ += milliseconds(50);
    step = step == Step::write ? found(kOther) : due();
  }
  EXPECT_EQ(step, Step::give_up);
  EXPECT_GE(now_ - kStart, Disputes::kTimeout);
  EXPECT_LE(now_ - kStart, Disputes::kTimeout + Disputes::kPause);
}

TEST_F(DisputesTest, AreLostIfTheyNeverEnd) {
  (void)found(kOther);
  answer(Answer::gone);
  now_ += Disputes::kTimeout;
  EXPECT_EQ(due(), Step::write);
  EXPECT_EQ(found(8), Step::give_up);
}

TEST_F(DisputesTest, ReplaceALeaseOfThisBrokerThatNobodyHolds) {
  EXPECT_EQ(found(kOther, "here"), Step::write);
  EXPECT_EQ(disputes_.rival(kMine).token, kOther);
}

TEST_F(DisputesTest, AreLostToAnotherSessionOfThisBroker) {
  leases_.add_requested("alice", kOther);
  EXPECT_EQ(found(kOther, "here"), Step::give_up);
}

TEST_F(DisputesTest, AreLostToWhatNoBrokerWrote) {
  for (const char* value : {"", "mine", "00000000000000ab+there"}) {
    EXPECT_EQ(disputes_.on_found(kMine, value, now_), Step::give_up) << value;
  }
}

TEST_F(DisputesTest, IgnoreRepliesToWhatWasSentBefore) {
  (void)found(kOther);
  EXPECT_EQ(found(8), Step::none);
  EXPECT_EQ(disputes_.rival(kMine).token, kOther);
  answer(Answer::unknown);
  EXPECT_EQ(due(), Step::none);
  EXPECT_EQ(found(8), Step::none);
}

TEST_F(DisputesTest, IgnoreAnswersAfterTheirEnd) {
  (void)found(kOther);
  const std::uint64_t question = disputes_.question(kMine);
  disputes_.end(kMine);
  disputes_.on_answer(kMine, question, Answer::alive);
  EXPECT_EQ(due(), Step::none);
  // It was lost with the connection, and read again.
  EXPECT_EQ(found(8), Step::ask);
  disputes_.on_answer(kMine, question, Answer::alive);
  EXPECT_EQ(due(), Step::none);
}

TEST_F(DisputesTest, SayOnceWhetherTheyAreAwaited) {
  EXPECT_FALSE(disputes_.await(kMine));
  (void)found(kOther);
  EXPECT_TRUE(disputes_.await(kMine));
  EXPECT_FALSE(disputes_.await(kMine));
  EXPECT_TRUE(disputes_.end(kMine).was_awaited);
  EXPECT_FALSE(disputes_.end(kMine).existed);
}

TEST_F(DisputesTest, AskNoMoreThanSoManyQuestionsAtOnce) {
  for (std::uint64_t n = 0; n < Disputes::kMostQuestions; ++n) {
    EXPECT_EQ(disputes_.on_found(100 + n, value_of(kOther, "there"), now_), Step::ask);
  }
  EXPECT_EQ(found(kOther), Step::none);
  disputes_.on_answer(100, disputes_.question(100), Answer::gone);
  now_ += Disputes::kPause;
  EXPECT_THAT(disputes_.take_due(now_), SizeIs(2));
  EXPECT_EQ(found(kOther), Step::ask);
}

TEST_F(DisputesTest, EndWithTheConnection) {
  for (std::uint64_t n = 0; n < Disputes::kMostQuestions; ++n) {
    (void)disputes_.on_found(100 + n, value_of(kOther, "there"), now_);
  }
  disputes_.clear();
  EXPECT_THAT(disputes_.take_due(now_), IsEmpty());
  EXPECT_EQ(found(kOther), Step::ask);
}

TEST_F(DisputesTest, IgnoreAnswersToWhatWasAskedBeforeTheConnectionEnded) {
  EXPECT_EQ(found(kOther), Step::ask);
  const std::uint64_t question = disputes_.question(kMine);
  disputes_.clear();
  disputes_.on_answer(kMine, question, Answer::gone);
  // Questions are still counted from 0.
  for (std::uint64_t n = 0; n < Disputes::kMostQuestions; ++n) {
    EXPECT_EQ(disputes_.on_found(100 + n, value_of(kOther, "there"), now_), Step::ask);
  }
  EXPECT_EQ(disputes_.on_found(99, value_of(kOther, "there"), now_), Step::none);
}

/// Brokers, each with a session that wants one id, and what Redis has for it. Every step happens in
/// any order.
class Brokers {
 public:
  explicit Brokers(std::uint32_t seed) : random_(seed) {
    for (std::uint64_t token = 1; token <= 4; ++token) {
      Broker& broker = brokers_.emplace(token, std::to_string(token)).first->second;
      broker.leases.add_requested("alice", token);
      broker.leases.mark_held(token, now_);
    }
    const std::uint64_t stale = 5;
    value_ = value_of(stale, pick(2) == 0 ? "1" : "left");
  }

  /// Tokens of the sessions that have kept their id.
  std::vector<std::uint64_t> run() {
    for (auto& [token, broker] : brokers_) write(token, 0);
    while (!pending_.empty() || has_dispute()) {
      now_ += milliseconds(1);
      if (!pending_.empty()) {
        std::swap(pending_[pick(pending_.size())], pending_.back());
        const auto next = std::move(pending_.back());
        pending_.pop_back();
        next();
      }
      for (auto& [token, broker] : brokers_) {
        for (const auto& due : broker.disputes.take_due(now_)) carry_out(token, due.step);
      }
    }
    std::vector<std::uint64_t> kept;
    for (const auto& [token, broker] : brokers_) {
      if (!broker.is_lost) kept.push_back(token);
    }
    return kept;
  }

 private:
  struct Broker {
    explicit Broker(const std::string& instance)
        : leases(instance, milliseconds(60'000)), disputes(instance, leases) {}
    Leases leases;
    Disputes disputes;
    bool is_lost = false;
  };

  std::size_t pick(std::size_t count) { return random_() % count; }
  bool has_dispute() const {
    return std::any_of(brokers_.begin(), brokers_.end(),
                       [](const auto& each) { return each.second.disputes.contains(each.first); });
  }

  void carry_out(std::uint64_t token, Step step) {
    Broker& broker = brokers_.at(token);
    switch (step) {
      case Step::none:
        break;
      case Step::write:
        write(token, broker.disputes.rival(token).token);
        break;
      case Step::ask:
        ask(token, broker.disputes.rival(token).token, broker.disputes.question(token));
        break;
      case Step::give_up:
        broker.disputes.end(token);
        broker.leases.erase(token);
        broker.is_lost = true;
        break;
    }
  }
  void write(std::uint64_t token, std::uint64_t over) {
    pending_.push_back([this, token, over] {
      const std::uint64_t there = parse_value(value_)->token;
      const bool is_mine = there == token || (over != 0 && there == over);
      if (is_mine) value_ = value_of(token, std::to_string(token));
      pending_.push_back([this, token, is_mine, seen = value_] {
        Disputes& disputes = brokers_.at(token).disputes;
        is_mine ? static_cast<void>(disputes.end(token))
                : carry_out(token, disputes.on_found(token, seen, now_));
      });
    });
  }
  void ask(std::uint64_t token, std::uint64_t other, std::uint64_t question) {
    pending_.push_back([this, token, other, question] {
      const auto found = brokers_.find(other);
      const bool is_alive = found != brokers_.end() && !found->second.is_lost;
      pending_.push_back([this, token, question, is_alive] {
        brokers_.at(token).disputes.on_answer(token, question,
                                              is_alive ? Answer::alive : Answer::gone);
      });
    });
  }

  std::minstd_rand random_;
  TimePoint now_ = kStart;
  std::map<std::uint64_t, Broker> brokers_;
  std::string value_;
  std::vector<std::function<void()>> pending_;
};

TEST(DisputesOfSeveralBrokers, LeaveTheIdToExactlyOne) {
  for (std::uint32_t seed = 1; seed <= 2000; ++seed) {
    EXPECT_THAT(Brokers(seed).run(), SizeIs(1)) << seed;
  }
}

}  // namespace
}  // namespace crolang::redis_registry
