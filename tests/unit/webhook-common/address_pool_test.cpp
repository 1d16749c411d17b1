#include "webhook-common/address_pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <string>
#include <vector>

namespace crolang::webhook_common {
namespace {

using namespace std::chrono_literals;
using Effect = AddressPool::Effect;

AddressPool::Endpoint at(const std::string& address) {
  return {boost::asio::ip::make_address(address), 80};
}

class AddressPoolOf : public ::testing::Test {
 protected:
  void know(const std::vector<std::string>& addresses) {
    std::vector<AddressPool::Endpoint> found;
    for (const std::string& each : addresses) found.push_back(at(each));
    pool.look_up_began();
    pool.replace(found);
    pool.look_up_ended(now);
  }
  AddressPool::Ref ref(const std::string& address) {
    for (const auto& each : pool.order(now)) {
      if (each->endpoint() == at(address)) return each;
    }
    return nullptr;
  }
  static std::string name(const AddressPool::Address& address) {
    return address.endpoint().address().to_string();
  }
  std::string best() { return name(*pool.best(now)); }
  std::vector<std::string> order() {
    std::vector<std::string> names;
    for (const auto& each : pool.order(now)) names.push_back(name(*each));
    EXPECT_EQ(names.front(), best());
    return names;
  }
  /// A question to the best one, open for as long as what is returned.
  AddressPool::Share ask() { return pool.ask(pool.order(now).front(), now); }
  /// One that is answered at once; by whom.
  std::string answered() {
    const auto share = ask();
    pool.answered(*share.address());
    return name(*share.address());
  }
  Effect fail(const std::string& address) { return pool.failed(*ref(address), now); }

  AddressPool::TimePoint now{1000s};
  AddressPool pool;
};

using Names = std::vector<std::string>;

// ---- Sharing ------------------------------------------------------------------------------------

TEST_F(AddressPoolOf, NothingHasNoBest) {
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(pool.best(now), nullptr);
  EXPECT_TRUE(pool.order(now).empty());
}

TEST_F(AddressPoolOf, SeveralStartsInTheOrderOfTheLookUp) {
  know({"::1", "127.0.0.1", "127.0.0.2"});
  EXPECT_EQ(order(), (Names{"::1", "127.0.0.1", "127.0.0.2"}));
}

TEST_F(AddressPoolOf, SeveralAsksOneAfterTheOther) {
  know({"127.0.0.1", "127.0.0.2", "127.0.0.3"});
  Names asked;
  for (int i = 0; i < 6; ++i) asked.push_back(answered());
  EXPECT_EQ(asked,
            (Names{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.2", "127.0.0.3"}));
}

TEST_F(AddressPoolOf, SeveralAsksTheOneWithTheFewestQuestionsOpen) {
  know({"127.0.0.1", "127.0.0.2"});
  const auto slow = ask();
  const auto quick = ask();
  EXPECT_EQ(name(*quick.address()), "127.0.0.2");
  const auto third = ask();
  EXPECT_EQ(name(*third.address()), "127.0.0.1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(answered(), "127.0.0.2") << "1 open against 2";
}

TEST_F(AddressPoolOf, SeveralForgetsAQuestionOnceItsShareIsGone) {
  know({"127.0.0.1", "127.0.0.2"});
  {
    auto first = ask();
    const auto second = ask();
    auto moved = std::move(first);
    moved = AddressPool::Share();
    EXPECT_EQ(best(), "127.0.0.1");
  }
  EXPECT_EQ(best(), "127.0.0.1") << "its turn is longer ago";
}

// ---- Failures -----------------------------------------------------------------------------------

TEST_F(AddressPoolOf, SeveralLeavesOutOneThatFails) {
  know({"127.0.0.1", "127.0.0.2"});
  EXPECT_EQ(fail("127.0.0.1"), Effect::left_out);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(answered(), "127.0.0.2");
  EXPECT_EQ(order(), (Names{"127.0.0.2", "127.0.0.1"})) << "but keeps it for the worst case";
}

TEST_F(AddressPoolOf, SeveralTriesOneThatFailedWithASingleQuestion) {
  know({"127.0.0.1", "127.0.0.2"});
  fail("127.0.0.1");
  now += 999ms;
  EXPECT_EQ(answered(), "127.0.0.2");
  now += 1ms;
  const auto trial = ask();
  EXPECT_EQ(name(*trial.address()), "127.0.0.1");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(answered(), "127.0.0.2") << "while it is being tried";
}

TEST_F(AddressPoolOf, SeveralTakesOneBackThatAnswers) {
  know({"127.0.0.1", "127.0.0.2"});
  fail("127.0.0.1");
  now += 1s;
  EXPECT_EQ(answered(), "127.0.0.1");
  EXPECT_EQ(answered(), "127.0.0.2");
  EXPECT_EQ(answered(), "127.0.0.1");
  EXPECT_EQ(fail("127.0.0.1"), Effect::left_out) << "as the first time";
  EXPECT_EQ(answered(), "127.0.0.2");
  now += 1s;
  EXPECT_EQ(answered(), "127.0.0.1");
}

TEST_F(AddressPoolOf, SeveralTriesOneThatKeepsFailingLessAndLessOften) {
  know({"127.0.0.1", "127.0.0.2"});
  fail("127.0.0.1");
  std::vector<std::chrono::seconds> pauses;
  for (auto last = now; pauses.size() < 8; now += 1s) {
    const auto share = ask();
    if (name(*share.address()) == "127.0.0.2") {
      pool.answered(*share.address());
      continue;
    }
    EXPECT_EQ(fail("127.0.0.1"), Effect::none) << "that was said";
    pauses.push_back(std::chrono::duration_cast<std::chrono::seconds>(now - last));
    last = now;
  }
  EXPECT_EQ(pauses, (std::vector<std::chrono::seconds>{1s, 2s, 4s, 8s, 16s, 30s, 30s, 30s}));
}

TEST_F(AddressPoolOf, SeveralCountsQuestionsThatFailTogetherOnce) {
  know({"127.0.0.1", "127.0.0.2"});
  for (int i = 0; i < 100; ++i) fail("127.0.0.1");
  now += 1s;
  EXPECT_EQ(answered(), "127.0.0.1");
}

TEST_F(AddressPoolOf, SeveralTriesAllIfAllFail) {
  know({"127.0.0.1", "127.0.0.2"});
  EXPECT_EQ(fail("127.0.0.1"), Effect::left_out);
  now += 1ms;
  EXPECT_EQ(fail("127.0.0.2"), Effect::all_fail);
  EXPECT_EQ(order(), (Names{"127.0.0.1", "127.0.0.2"})) << "the first to be back";
}

TEST_F(AddressPoolOf, OneAsksItWhateverItDoes) {
  know({"127.0.0.1"});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(name(*ask().address()), "127.0.0.1");
    EXPECT_NE(fail("127.0.0.1"), Effect::left_out);
  }
}

// ---- Lookups -----------------------------------------------------------------------------------

TEST_F(AddressPoolOf, NothingIsLookedUpWhenSomebodyAsks) {
  EXPECT_EQ(pool.look_up_due(), AddressPool::TimePoint::max());
}

TEST_F(AddressPoolOf, SomethingIsLookedUpAgainSoonWhileItIsAsked) {
  know({"127.0.0.1"});
  answered();
  EXPECT_EQ(pool.look_up_due(), now + 5s);
}

TEST_F(AddressPoolOf, SomethingIsLookedUpAgainAlsoWhileItIsNotAsked) {
  know({"127.0.0.1"});
  EXPECT_EQ(pool.look_up_due(), now + 20s);
}

TEST_F(AddressPoolOf, SomethingIsLookedUpAtOnceIfNoneOfItWorks) {
  know({"127.0.0.1"});
  answered();
  pool.need_look_up();
  EXPECT_EQ(pool.look_up_due(), now + 1s) << "but not all the time";
}

TEST_F(AddressPoolOf, SomethingHasOneLookUpAtATime) {
  know({"127.0.0.1"});
  pool.look_up_began();
  pool.need_look_up();
  answered();
  EXPECT_TRUE(pool.looking_up());
  EXPECT_EQ(pool.look_up_due(), AddressPool::TimePoint::max());
}

TEST_F(AddressPoolOf, SomethingStaysAsItIsWhenALookUpFails) {
  know({"127.0.0.1", "127.0.0.2"});
  pool.look_up_began();
  now += 10s;
  pool.look_up_ended(now);
  EXPECT_EQ(order(), (Names{"127.0.0.1", "127.0.0.2"}));
  EXPECT_EQ(pool.look_up_due(), now + 20s);
}

TEST_F(AddressPoolOf, SomethingFollowsItsName) {
  know({"127.0.0.1", "127.0.0.2"});
  const auto gone = ref("127.0.0.1");
  const auto stays = ref("127.0.0.2");
  fail("127.0.0.2");
  const auto open = pool.ask(gone, now);
  know({"127.0.0.2", "127.0.0.3"});
  EXPECT_FALSE(gone->listed());
  EXPECT_TRUE(stays->listed());
  EXPECT_EQ(ref("127.0.0.2"), stays) << "with all that is known of it";
  EXPECT_EQ(order(), (Names{"127.0.0.3", "127.0.0.2"}));
}

TEST_F(AddressPoolOf, SomethingCountsAnAddressOnceHoweverOftenItIsNamed) {
  know({"::1", "127.0.0.1", "127.0.0.1"});
  EXPECT_EQ(order(), (Names{"::1", "127.0.0.1"}));
}

TEST_F(AddressPoolOf, MoreThanItKeepsKeepsTheFirst) {
  Names names;
  for (int i = 0; i < 100; ++i) names.push_back("127.0.1." + std::to_string(i));
  know(names);
  EXPECT_EQ(pool.size(), AddressPool::kMaxAddresses);
  EXPECT_TRUE(ref("127.0.1.63"));
}

}  // namespace
}  // namespace crolang::webhook_common
