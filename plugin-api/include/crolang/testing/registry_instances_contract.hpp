/// The part of registry_contract.hpp about instances: their statuses, and the questions that they
/// ask each other. A registry without these functions skips it.
#pragma once

#include <crolang/testing/registry_fixture.hpp>

namespace crolang::plugin::testing {

TEST_P(RegistryContract, DoesNotListAnInstanceWithoutStatus) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  EXPECT_FALSE(status_of(here(), here().name()));
}

TEST_P(RegistryContract, ListsTheLastStatusOfAnInstance) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  for (const std::string status : {R"({"nodes":0})", R"({"nodes":1,"name":"ä \" '"})", R"({})"}) {
    here().set_status(status);
    EXPECT_EQ(status_of(here(), here().name()), status);
  }
}

TEST_P(RegistryContract, ListsALongStatus) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  const std::string status = '"' + std::string(CROLANG_MAX_STATUS - 2, 'x') + '"';
  here().set_status(status);
  EXPECT_EQ(status_of(here(), here().name()), status);
}

TEST_P(RegistryContract, ListsAllInstances) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  if (!shared()) GTEST_SKIP() << "serves one instance";
  here().set_status("1");
  there().set_status("2");
  // A status becomes visible soon, but there is no notification.
  wait_for([this] { return status_of(here(), there().name()) == "2"; });
  wait_for([this] { return status_of(there(), here().name()) == "1"; });
  EXPECT_EQ(status_of(here(), here().name()), "1");
}

TEST_P(RegistryContract, DoesNotListAnInstanceThatHasStopped) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  if (!shared()) GTEST_SKIP() << "serves one instance";
  there().set_status("2");
  wait_for([this] { return status_of(here(), there().name()) == "2"; });
  const std::string name = there().name();
  there().stop();
  EXPECT_FALSE(status_of(here(), name));
}

TEST_P(RegistryContract, PassesOnAQuestionAndItsAnswer) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  for (Instance* const other : others()) {
    other->on_question(
        [](const std::string& from, const std::string& body, crolang_text_fn reply, void* call) {
          const std::string text = from + "|" + body;
          reply(call, CROLANG_OK, Lent(text), {});
        });
    const std::string body("b\0dy\xff\n", 7);
    EXPECT_EQ(answer(here().ask(other->name(), body)).text, here().name() + "|" + body);
    EXPECT_EQ(answer(here().ask(other->name(), "")).text, here().name() + "|");
  }
}

TEST_P(RegistryContract, PassesOnWhyAQuestionHasNoAnswer) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  for (Instance* const other : others()) {
    const auto outcome = here().ask(other->name(), "whatever").wait();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->status, CROLANG_INVALID);
    EXPECT_EQ(outcome->error, "unknown question");
  }
}

TEST_P(RegistryContract, PassesOnTheLongestQuestionAndAnswer) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  const std::string longest(CROLANG_MAX_ASK, 'x');
  for (Instance* const other : others()) {
    other->on_question([](const std::string&, const std::string& body, crolang_text_fn reply,
                          void* call) { reply(call, CROLANG_OK, Lent(body), {}); });
    EXPECT_EQ(answer(here().ask(other->name(), longest)).text, longest);
  }
}

TEST_P(RegistryContract, RefusesALongerQuestion) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  const std::string too_long(CROLANG_MAX_ASK + 1, 'x');
  for (Instance* const other : others()) {
    const auto outcome = here().ask(other->name(), too_long).wait();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->status, CROLANG_INVALID);
  }
}

TEST_P(RegistryContract, ReportsThatThereIsNoInstanceToAsk) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  const auto outcome = here().ask("broker-" + std::to_string(random_token()), "x").wait();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, CROLANG_UNAVAILABLE);
}

TEST_P(RegistryContract, KeepsAnswersToManyQuestionsApart) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  for (Instance* const other : others()) {
    other->on_question([](const std::string&, const std::string& body, crolang_text_fn reply,
                          void* call) { reply(call, CROLANG_OK, Lent(body), {}); });
    std::vector<Question*> asked;
    for (int i = 0; i < 100; ++i) asked.push_back(&here().ask(other->name(), std::to_string(i)));
    for (std::size_t i = 0; i < asked.size(); ++i) {
      EXPECT_EQ(answer(*asked[i]).text, std::to_string(i));
    }
  }
}

TEST_P(RegistryContract, WaitsForAnAnswerNoLongerThanItIsAsked) {
  if (!here().knows_instances()) GTEST_SKIP() << "knows no instances";
  if (!shared()) GTEST_SKIP() << "its answers come from the asker's own broker";
  struct {
    std::mutex mutex;  // guards what follows
    crolang_text_fn reply = nullptr;
    void* call = nullptr;
  } kept;
  there().on_question(
      [&](const std::string&, const std::string&, crolang_text_fn reply, void* call) {
        const std::lock_guard lock(kept.mutex);
        kept.reply = reply;
        kept.call = call;
      });
  const auto outcome = here().ask(there().name(), "x", 300).wait();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, CROLANG_TIMEOUT);
  // A late answer must have no effect.
  const std::lock_guard lock(kept.mutex);
  ASSERT_NE(kept.reply, nullptr);
  kept.reply(kept.call, CROLANG_OK, Lent("late"), {});
  there().on_question(nullptr);
  EXPECT_EQ(here().ask(there().name(), "y").wait()->status, CROLANG_INVALID);
}

}  // namespace crolang::plugin::testing
