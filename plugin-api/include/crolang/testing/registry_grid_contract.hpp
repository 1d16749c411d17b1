/// The part of registry_contract.hpp that requires two instances of the registry; a registry that
/// serves one instance skips it.
#pragma once

#include <crolang/testing/registry_fixture.hpp>

namespace crolang::plugin::testing {

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

TEST_P(RegistryContract, DeliversAMessageToTheInstanceThatHasTheSession) {
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

TEST_P(RegistryContract, ReportsThatAMessageWasNotTaken) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t token = random_token();
  there().live(id("bob"), token, CROLANG_ALIVE);
  EXPECT_FALSE(answer(here().send(there().name(), id("bob"), random_token(), "hello")).yes);
  EXPECT_TRUE(there().received().empty());
}

TEST_P(RegistryContract, DeliversMessagesInTheOrderSent) {
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

TEST_P(RegistryContract, ReportsThatAMessageCouldNotBeTaken) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t token = random_token();
  join(there(), id("bob"), token);
  there().live_but_full(id("bob"), token);
  // Neither yes nor no: no would make the sender look up and send again.
  const auto outcome = here().send(there().name(), id("bob"), token, "x").wait();
  ASSERT_TRUE(outcome);
  EXPECT_NE(outcome->status, CROLANG_OK);
}

TEST_P(RegistryContract, DeliversAMegabyte) {
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
  for (const std::int32_t result :
       {CROLANG_ALIVE, CROLANG_YIELDED, CROLANG_GONE, CROLANG_UNREACHABLE}) {
    const std::string node = id("node" + std::to_string(result));
    const std::uint64_t token = random_token();
    join(there(), node, token);
    there().live(node, token, result);
    EXPECT_EQ(answer(here().probe(node, {there().name(), token})).code, result);
  }
}

TEST_P(RegistryContract, FindsAHolderUnreachableWhoseInstanceDoesNotAnswer) {
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const std::uint64_t token = random_token();
  join(there(), id("alice"), token);
  const std::string name = there().name();
  there().stop();
  // Its instance may have released the lease when it stopped; then the holder is gone.
  const std::int32_t result = answer(here().probe(id("alice"), {name, token})).code;
  const Outcome::Holder holder = answer(here().lookup({id("alice")})).holders.front();
  EXPECT_EQ(result, holder == kNobody ? CROLANG_GONE : CROLANG_UNREACHABLE);
}

}  // namespace crolang::plugin::testing
