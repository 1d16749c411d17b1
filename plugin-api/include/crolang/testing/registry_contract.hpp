/// What a registry/1 module must hold: leases, tokens and routes, on one instance and between two.
///
///   namespace pt = crolang::plugin::testing;
///   using pt::RegistryContract;  // the macro wants a plain name
///   INSTANTIATE_TEST_SUITE_P(Redis, RegistryContract,
///       ::testing::Values(pt::RegistryCase{"redis", pt::module_of(REDIS_SO, CROLANG_REGISTRY,
///       env),
///                                          pt::RegistryCase::Grid::shared}),
///       pt::case_name);
///
/// Include it in one source file of a test program. Ids, instances and tokens are random, so that
/// tests of one shared store do not meet.
#pragma once

#include <array>
#include <atomic>
#include <crolang/testing/registry_instance.hpp>

namespace crolang::plugin::testing {

struct RegistryCase {
  std::string name;
  MakeModule make;
  /// shared: modules made one after the other see each other's leases.
  enum class Grid { one_instance, shared } grid;
};

inline void PrintTo(const RegistryCase& registry, std::ostream* out) {
  *out << registry.name;
}

class RegistryContract : public ::testing::TestWithParam<RegistryCase> {
 protected:
  using Holder = Outcome::Holder;
  static inline const Holder kNobody{};
  static constexpr int kRounds = 300;

  void SetUp() override { here_ = make_instance(); }
  void TearDown() override {
    there_.reset();
    here_.reset();
    questions_.expect_one_answer_each();
  }

  Instance& here() { return *here_; }
  /// A second instance of the grid.
  Instance& there() {
    if (!there_) there_ = make_instance();
    return *there_;
  }
  bool shared() const { return GetParam().grid == RegistryCase::Grid::shared; }

  std::string id(const std::string& name) const { return name + "-" + run_; }

  static Outcome answer(const Question& question) {
    const auto outcome = question.wait();
    if (!outcome) throw std::runtime_error("no answer");
    EXPECT_EQ(outcome->status, CROLANG_OK) << outcome->error;
    return *outcome;
  }

  static void expect_granted(const Question& question) {
    EXPECT_EQ(answer(question).code, CROLANG_GRANTED);
  }
  static void expect_held(const Question& question, const Holder& holder) {
    const Outcome outcome = answer(question);
    EXPECT_EQ(outcome.code, CROLANG_HELD);
    EXPECT_EQ(outcome.holders, std::vector{holder});
  }
  static void expect_located(const Question& question, const std::vector<Holder>& holders) {
    EXPECT_EQ(answer(question).holders, holders);
  }

  /// Claims and announces.
  static void join(Instance& instance, const std::string& id, std::uint64_t token) {
    expect_granted(instance.claim(id, token));
    answer(instance.announce(id, token));
  }

  /// `count` questions from four threads at once; exactly one of them must be granted, the others
  /// must name its token, which is returned.
  template <class Ask>
  std::uint64_t expect_one_winner(int count, Ask&& ask) {
    struct Entry {
      std::uint64_t token = random_token();
      Outcome outcome;
    };
    std::vector<Entry> entries(static_cast<std::size_t>(count));
    on_threads(4, [&](int thread) {
      for (std::size_t i = static_cast<std::size_t>(thread); i < entries.size(); i += 4) {
        entries[i].outcome = answer(ask(i, entries[i].token));
      }
    });
    std::vector<std::uint64_t> winners;
    for (const Entry& entry : entries) {
      if (entry.outcome.code == CROLANG_GRANTED) winners.push_back(entry.token);
    }
    EXPECT_EQ(winners.size(), 1u);
    if (winners.size() != 1) return 0;
    for (const Entry& entry : entries) {
      if (entry.outcome.code == CROLANG_GRANTED) continue;
      EXPECT_EQ(entry.outcome.holders.front().token, winners.front());
    }
    return winners.front();
  }

  /// Two threads ask at the same moment, for a fresh id each round; exactly one must be granted.
  template <class Ask>
  void expect_one_winner_of_two_each_round(const Ask& ask) {
    std::array<std::array<bool, 2>, kRounds> granted{};
    std::atomic<int> arrived = 0;
    on_threads(2, [&](int thread) {
      for (int round = 0; round < kRounds; ++round) {
        ++arrived;
        while (arrived < 2 * (round + 1)) std::this_thread::yield();
        const Outcome outcome = answer(ask(thread, round));
        granted.at(static_cast<std::size_t>(round)).at(static_cast<std::size_t>(thread)) =
            outcome.code == CROLANG_GRANTED;
      }
    });
    for (const auto& [first, second] : granted) EXPECT_NE(first, second);
  }

 private:
  std::unique_ptr<Instance> make_instance() {
    return std::make_unique<Instance>("broker-" + std::to_string(random_token()), GetParam().make(),
                                      questions_);
  }

  const std::string run_ = std::to_string(random_token());
  Questions questions_;
  std::unique_ptr<Instance> here_;
  std::unique_ptr<Instance> there_;
};

// A program that has nothing to test with it may include this header.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RegistryContract);

// ---- Claims -------------------------------------------------------------------------------------

TEST_P(RegistryContract, GrantsAnIdThatNobodyHolds) {
  expect_granted(here().claim(id("alice"), random_token()));
}

TEST_P(RegistryContract, SaysWhoHoldsAnId) {
  const std::uint64_t token = random_token();
  expect_granted(here().claim(id("alice"), token));
  expect_held(here().claim(id("alice"), random_token()), {here().name(), token});
}

TEST_P(RegistryContract, KeepsIdsApart) {
  // Lengths, cases, and what a store may use as syntax.
  for (const char* name :
       {"a", "aa", "A", "a:b", "a b", "{a}", "a*", "a/../b", "a\"b", "ä", "ä́", "%61"}) {
    expect_granted(here().claim(id(name), random_token()));
  }
}

TEST_P(RegistryContract, TakesLongIds) {
  const std::string longest = id(std::string(256, 'x'));
  const std::uint64_t token = random_token();
  join(here(), longest, token);
  expect_located(here().lookup({longest}), {{here().name(), token}});
}

TEST_P(RegistryContract, ComparesAllBitsOfAToken) {
  // 2^53 + 1 and its like: what a store that counts in floating point mixes up.
  const std::uint64_t token = 0xfffffffffffffffeu;
  expect_granted(here().claim(id("alice"), token));
  answer(here().release(id("alice"), token + 1));
  answer(here().release(id("alice"), token - 1));
  expect_held(here().claim(id("alice"), random_token()), {here().name(), token});
}

TEST_P(RegistryContract, GrantsOneOfAHundredClaimsAtOnce) {
  const std::string alice = id("alice");
  const std::uint64_t winner = expect_one_winner(
      100,
      [&](std::size_t, std::uint64_t token) -> Question& { return here().claim(alice, token); });
  expect_held(here().claim(alice, random_token()), {here().name(), winner});
}

TEST_P(RegistryContract, GrantsOneOfTwoClaimsOfTheSameMoment) {
  expect_one_winner_of_two_each_round([this](int, int round) -> Question& {
    return here().claim(id(std::to_string(round)), random_token());
  });
}

TEST_P(RegistryContract, GrantsManyIdsAtOnce) {
  on_threads(4, [this](int thread) {
    for (int i = 0; i < 25; ++i) {
      const std::string mine = id(std::to_string(thread) + "." + std::to_string(i));
      const std::uint64_t token = random_token();
      join(here(), mine, token);
      expect_located(here().lookup({mine}), {{here().name(), token}});
      answer(here().release(mine, token));
    }
  });
}

// ---- Release ------------------------------------------------------------------------------------

TEST_P(RegistryContract, GrantsAnIdAgainOnceItIsReleased) {
  const std::uint64_t token = random_token();
  expect_granted(here().claim(id("alice"), token));
  answer(here().release(id("alice"), token));
  expect_granted(here().claim(id("alice"), random_token()));
}

TEST_P(RegistryContract, IgnoresAReleaseByAnotherToken) {
  const std::uint64_t token = random_token();
  expect_granted(here().claim(id("alice"), token));
  answer(here().release(id("alice"), random_token()));
  expect_held(here().claim(id("alice"), random_token()), {here().name(), token});
}

TEST_P(RegistryContract, IgnoresAReleaseOfWhatNobodyHolds) {
  answer(here().release(id("alice"), random_token()));
  expect_granted(here().claim(id("alice"), random_token()));
}

TEST_P(RegistryContract, WithdrawsAClaimThatIsUnderWay) {
  const std::uint64_t token = random_token();
  const Question& claim = here().claim(id("alice"), token);
  answer(here().release(id("alice"), token));
  claim.wait();
  expect_granted(here().claim(id("alice"), random_token()));
}

TEST_P(RegistryContract, ReleasedTwiceDoesNotHitTheSuccessor) {
  const std::uint64_t first = random_token();
  const std::uint64_t second = random_token();
  expect_granted(here().claim(id("alice"), first));
  answer(here().release(id("alice"), first));
  expect_granted(here().claim(id("alice"), second));
  answer(here().release(id("alice"), first));
  expect_held(here().claim(id("alice"), random_token()), {here().name(), second});
}

// ---- Replace ------------------------------------------------------------------------------------

TEST_P(RegistryContract, ReplacesTheExpectedHolder) {
  const std::uint64_t old_token = random_token();
  const std::uint64_t new_token = random_token();
  expect_granted(here().claim(id("alice"), old_token));
  expect_granted(here().replace(id("alice"), new_token, {here().name(), old_token}));
  expect_held(here().claim(id("alice"), random_token()), {here().name(), new_token});
}

TEST_P(RegistryContract, DoesNotReplaceAnotherHolderThanTheExpected) {
  const std::uint64_t token = random_token();
  expect_granted(here().claim(id("alice"), token));
  expect_held(here().replace(id("alice"), random_token(), {here().name(), random_token()}),
              {here().name(), token});
  expect_held(here().claim(id("alice"), random_token()), {here().name(), token});
}

TEST_P(RegistryContract, ReplacesAHolderThatHasGoneMeanwhile) {
  expect_granted(here().replace(id("alice"), random_token(), {here().name(), random_token()}));
}

TEST_P(RegistryContract, TheReplacedCannotReleaseItsSuccessor) {
  const std::uint64_t old_token = random_token();
  const std::uint64_t new_token = random_token();
  expect_granted(here().claim(id("alice"), old_token));
  expect_granted(here().replace(id("alice"), new_token, {here().name(), old_token}));
  answer(here().release(id("alice"), old_token));
  expect_held(here().claim(id("alice"), random_token()), {here().name(), new_token});
}

TEST_P(RegistryContract, GrantsOneOfAHundredReplacesAtOnce) {
  const std::string alice = id("alice");
  const std::uint64_t incumbent = random_token();
  expect_granted(here().claim(alice, incumbent));
  expect_one_winner(100, [&](std::size_t, std::uint64_t token) -> Question& {
    return here().replace(alice, token, {here().name(), incumbent});
  });
}

TEST_P(RegistryContract, GrantsOneOfTwoReplacesOfTheSameMoment) {
  const std::uint64_t incumbent = random_token();
  for (int round = 0; round < kRounds; ++round) {
    expect_granted(here().claim(id(std::to_string(round)), incumbent));
  }
  expect_one_winner_of_two_each_round([&](int, int round) -> Question& {
    return here().replace(id(std::to_string(round)), random_token(), {here().name(), incumbent});
  });
}

// ---- Announce and lookup ------------------------------------------------------------------------

TEST_P(RegistryContract, FindsWhomWasAnnounced) {
  const std::uint64_t token = random_token();
  join(here(), id("alice"), token);
  expect_located(here().lookup({id("alice")}), {{here().name(), token}});
}

TEST_P(RegistryContract, DoesNotFindALeaseBeforeItIsAnnounced) {
  expect_granted(here().claim(id("alice"), random_token()));
  expect_located(here().lookup({id("alice")}), {kNobody});
}

TEST_P(RegistryContract, DoesNotFindASuccessorBeforeItIsAnnounced) {
  const std::uint64_t old_token = random_token();
  const std::uint64_t new_token = random_token();
  join(here(), id("alice"), old_token);
  expect_granted(here().replace(id("alice"), new_token, {here().name(), old_token}));
  expect_located(here().lookup({id("alice")}), {kNobody});
  // Nor does the old token's announcement, which may come late, help it.
  here().announce(id("alice"), old_token).wait();
  expect_located(here().lookup({id("alice")}), {kNobody});
  answer(here().announce(id("alice"), new_token));
  expect_located(here().lookup({id("alice")}), {{here().name(), new_token}});
}

TEST_P(RegistryContract, DoesNotFindWhatWasReleased) {
  const std::uint64_t token = random_token();
  join(here(), id("alice"), token);
  answer(here().release(id("alice"), token));
  expect_located(here().lookup({id("alice")}), {kNobody});
}

TEST_P(RegistryContract, FindsManyInTheOrderAsked) {
  const std::uint64_t alice = random_token();
  const std::uint64_t carol = random_token();
  join(here(), id("alice"), alice);
  join(here(), id("carol"), carol);
  expect_located(here().lookup({id("carol"), id("bob"), id("alice"), id("carol")}),
                 {{here().name(), carol}, kNobody, {here().name(), alice}, {here().name(), carol}});
}

TEST_P(RegistryContract, FindsNobodyWhenAskedForNobody) {
  expect_located(here().lookup({}), {});
}

TEST_P(RegistryContract, LooksUpAThousandAtOnce) {
  const std::uint64_t token = random_token();
  join(here(), id("alice"), token);
  std::vector<std::string> ids;
  for (int i = 0; i < 999; ++i) ids.push_back(id(std::to_string(i)));
  ids.push_back(id("alice"));
  std::vector<Holder> holders(999, kNobody);
  holders.push_back({here().name(), token});
  expect_located(here().lookup(ids), holders);
}

TEST_P(RegistryContract, AnswersWhoIsPresentAsItAnswersALookUp) {
  const std::uint64_t alice = random_token();
  const std::uint64_t carol = random_token();
  join(here(), id("alice"), alice);
  join(here(), id("carol"), carol);
  expect_granted(here().claim(id("eve"), random_token()));
  expect_located(here().presence({id("carol"), id("eve"), id("alice"), id("carol")}),
                 {{here().name(), carol}, kNobody, {here().name(), alice}, {here().name(), carol}});
  expect_located(here().presence({}), {});
}

TEST_P(RegistryContract, AnswersManyLongQuestionsWhoIsPresent) {
  const std::uint64_t token = random_token();
  join(here(), id("alice"), token);
  std::vector<std::string> ids;
  for (int i = 0; i < 999; ++i) ids.push_back(id(std::to_string(i)));
  ids.push_back(id("alice"));
  std::vector<Holder> holders(999, kNobody);
  holders.push_back({here().name(), token});
  std::vector<Question*> questions;
  for (int i = 0; i < 20; ++i) questions.push_back(&here().presence(ids));
  // Nobody is kept waiting by them.
  expect_located(here().lookup({id("alice")}), {{here().name(), token}});
  for (Question* const question : questions) expect_located(*question, holders);
}

TEST_P(RegistryContract, FindsNoFaultInTheValuesThatItLivesWith) {
  EXPECT_EQ(here().module().check().faults, std::vector<std::string>());
}

TEST_P(RegistryContract, KeepsItsLeasesWhileItReloads) {
  const std::uint64_t token = random_token();
  join(here(), id("alice"), token);
  std::atomic<bool> over = false;
  std::thread reloading([&] {
    while (!over) here().module().reload();
  });
  for (int round = 0; round < 30; ++round) {
    expect_located(here().lookup({id("alice")}), {{here().name(), token}});
    expect_granted(here().claim(id(std::to_string(round)), random_token()));
  }
  over = true;
  reloading.join();
}

TEST_P(RegistryContract, LeavesNothingUnansweredWhenItIsStopped) {
  // Some of these may still be open when stop comes; TearDown sees what became of them.
  for (int i = 0; i < 10; ++i) {
    const std::string node = id(std::to_string(i));
    here().claim(node, random_token());
    here().lookup({node});
    here().presence(std::vector<std::string>(300, node));
  }
  here().stop();
}

// ---- Between two instances ----------------------------------------------------------------------

TEST_P(RegistryContract, SharesLeasesBetweenInstances) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t token = random_token();
  join(here(), id("alice"), token);
  expect_held(there().claim(id("alice"), random_token()), {here().name(), token});
  expect_located(there().lookup({id("alice")}), {{here().name(), token}});
  answer(here().release(id("alice"), token));
  expect_located(there().lookup({id("alice")}), {kNobody});
  expect_granted(there().claim(id("alice"), random_token()));
}

TEST_P(RegistryContract, GrantsOneOfAHundredClaimsOfTwoInstances) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::string alice = id("alice");
  Instance& other = there();
  expect_one_winner(100, [&](std::size_t i, std::uint64_t token) -> Question& {
    return (i % 2 == 0 ? here() : other).claim(alice, token);
  });
}

TEST_P(RegistryContract, GrantsOneOfTwoClaimsOfTheSameMomentOnTwoInstances) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::array<Instance*, 2> instances{&here(), &there()};
  expect_one_winner_of_two_each_round([&](int thread, int round) -> Question& {
    return instances.at(static_cast<std::size_t>(thread))
        ->claim(id(std::to_string(round)), random_token());
  });
}

TEST_P(RegistryContract, ReplacesAHolderOnAnotherInstance) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t old_token = random_token();
  const std::uint64_t new_token = random_token();
  join(here(), id("alice"), old_token);
  expect_granted(there().replace(id("alice"), new_token, {here().name(), old_token}));
  answer(here().release(id("alice"), old_token));
  expect_held(here().claim(id("alice"), random_token()), {there().name(), new_token});
}

TEST_P(RegistryContract, HandsAMessageToTheInstanceThatHasTheSession) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t token = random_token();
  join(there(), id("bob"), token);
  there().live(id("bob"), token, CROLANG_ALIVE);
  using namespace std::string_literals;
  const std::string body = "a \"body\"\nwith\0all kinds of bytes äöü \xf0\x9f\x98\x80"s;
  EXPECT_TRUE(answer(here().send(there().name(), id("bob"), token, body)).yes);
  EXPECT_EQ(there().received(), (std::vector<Instance::Message>{{id("bob"), token, body}}));
  EXPECT_TRUE(here().received().empty());
}

TEST_P(RegistryContract, TellsThatAMessageWasNotTaken) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t token = random_token();
  there().live(id("bob"), token, CROLANG_ALIVE);
  EXPECT_FALSE(answer(here().send(there().name(), id("bob"), random_token(), "hello")).yes);
  EXPECT_TRUE(there().received().empty());
}

TEST_P(RegistryContract, HandsOverMessagesInTheOrderSent) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t token = random_token();
  join(there(), id("bob"), token);
  there().live(id("bob"), token, CROLANG_ALIVE);
  std::vector<const Question*> sent;
  std::vector<Instance::Message> expected;
  for (int i = 0; i < 100; ++i) {
    const std::string body = std::to_string(i);
    sent.push_back(&here().send(there().name(), id("bob"), token, body));
    expected.push_back({id("bob"), token, body});
  }
  for (const Question* question : sent) EXPECT_TRUE(answer(*question).yes);
  EXPECT_EQ(there().received(), expected);
}

TEST_P(RegistryContract, TellsThatAMessageCouldNotBeTaken) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t token = random_token();
  join(there(), id("bob"), token);
  there().live_but_full(id("bob"), token);
  // Neither yes nor no: no would make the sender look up and send again.
  const auto outcome = here().send(there().name(), id("bob"), token, "x").wait();
  ASSERT_TRUE(outcome);
  EXPECT_NE(outcome->status, CROLANG_OK);
}

TEST_P(RegistryContract, HandsOverAMegabyte) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t token = random_token();
  join(there(), id("bob"), token);
  there().live(id("bob"), token, CROLANG_ALIVE);
  const std::string body(1'000'000, 'x');
  EXPECT_TRUE(answer(here().send(there().name(), id("bob"), token, body)).yes);
  ASSERT_EQ(there().received().size(), 1u);
  EXPECT_EQ(there().received().front().body, body);
}

TEST_P(RegistryContract, PassesOnWhatAProbeFinds) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  for (const std::int32_t verdict :
       {CROLANG_ALIVE, CROLANG_YIELDED, CROLANG_GONE, CROLANG_UNREACHABLE}) {
    const std::string node = id("node" + std::to_string(verdict));
    const std::uint64_t token = random_token();
    join(there(), node, token);
    there().live(node, token, verdict);
    EXPECT_EQ(answer(here().probe(node, {there().name(), token})).code, verdict);
  }
}

TEST_P(RegistryContract, FindsAHolderUnreachableWhoseInstanceDoesNotAnswer) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t token = random_token();
  join(there(), id("alice"), token);
  const std::string name = there().name();
  there().stop();
  // Its instance may have given the lease up when it stopped, then the holder is gone.
  const std::int32_t verdict = answer(here().probe(id("alice"), {name, token})).code;
  const Outcome::Holder holder = answer(here().lookup({id("alice")})).holders.front();
  EXPECT_EQ(verdict, holder == kNobody ? CROLANG_GONE : CROLANG_UNREACHABLE);
}

}  // namespace crolang::plugin::testing
