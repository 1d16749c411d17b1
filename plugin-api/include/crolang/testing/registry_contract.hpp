/// The contract of registry/1 modules: leases, tokens and routes, on one instance and between two.
///
///   namespace pt = crolang::plugin::testing;
///   using pt::RegistryContract;  // the macro requires an unqualified name
///   INSTANTIATE_TEST_SUITE_P(Redis, RegistryContract,
///       ::testing::Values(pt::RegistryCase{"redis", pt::module_of(REDIS_SO, CROLANG_REGISTRY,
///       env),
///                                          pt::RegistryCase::Grid::shared}),
///       pt::case_name);
///
/// Include it in one source file of a test program. Ids, instances and tokens are random, so that
/// tests that share a store do not interfere.
#pragma once

#include <crolang/testing/registry_entries_contract.hpp>
#include <crolang/testing/registry_fixture.hpp>
#include <crolang/testing/registry_grid_contract.hpp>
#include <crolang/testing/registry_instances_contract.hpp>

namespace crolang::plugin::testing {

// ---- Claims -------------------------------------------------------------------------------------

TEST_P(RegistryContract, GrantsAnIdThatNobodyHolds) {
  expect_granted(here().claim(id("alice"), random_token()));
}

TEST_P(RegistryContract, ReportsTheHolderOfAnId) {
  const std::uint64_t token = random_token();
  expect_granted(here().claim(id("alice"), token));
  expect_held(here().claim(id("alice"), random_token()), {here().name(), token});
}

TEST_P(RegistryContract, KeepsIdsApart) {
  // Different lengths and cases, and characters that a store may use as syntax.
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
  // 2^53 + 1 and the like: numbers that a store that uses floating point confuses.
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

TEST_P(RegistryContract, WithdrawsAClaimInProgress) {
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

TEST_P(RegistryContract, AReplacedHolderCannotReleaseItsSuccessor) {
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

TEST_P(RegistryContract, FindsAnnouncedLeases) {
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
  // A late announcement by the old token must not make the lease visible either.
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

TEST_P(RegistryContract, FindsNothingWhenAskedForNoId) {
  expect_located(here().lookup({}), {});
}

TEST_P(RegistryContract, LooksUpAThousandAtOnce) {
  const auto [ids, holders] = thousand_ids(random_token());
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
  const auto [ids, holders] = thousand_ids(token);
  std::vector<Question*> questions;
  for (int i = 0; i < 20; ++i) questions.push_back(&here().presence(ids));
  // They must not delay other questions.
  expect_located(here().lookup({id("alice")}), {{here().name(), token}});
  for (Question* const question : questions) expect_located(*question, holders);
}

TEST_P(RegistryContract, FindsNoFaultInItsCurrentValues) {
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
  // Some of these may still be open when stop is called; TearDown checks their answers.
  for (int i = 0; i < 10; ++i) {
    const std::string node = id(std::to_string(i));
    here().claim(node, random_token());
    here().lookup({node});
    here().presence(std::vector<std::string>(300, node));
  }
  here().stop();
}

}  // namespace crolang::plugin::testing
