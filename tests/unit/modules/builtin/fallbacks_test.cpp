#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <crolang/testing/question.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "modules/builtin/builtin.hpp"

namespace crolang::modules::builtin {
namespace {

using plugin::testing::Lent;
using plugin::testing::LentList;
using plugin::testing::Outcome;
using plugin::testing::Question;

/// Built-ins answer before they return.
Outcome answer_of(const Question& question) {
  EXPECT_EQ(question.answers(), 1);
  return question.wait(std::chrono::milliseconds(0)).value_or(Outcome{});
}

TEST(GoogleStun, IsTheDocumentedDefaultConfiguration) {
  Question question;
  google_stun_table()->resolve(nullptr, Lent("bob"), 1000, &Question::text, &question);
  const Outcome outcome = answer_of(question);
  EXPECT_EQ(outcome.status, CROLANG_OK);
  EXPECT_EQ(nlohmann::json::parse(outcome.text), nlohmann::json::parse(R"({
    "iceServers": [
      {"urls": ["stun:stun.l.google.com:19302"]},
      {"urls": ["stun:stun1.l.google.com:19302"]}],
    "iceTransportPolicy": "all",
    "bundlePolicy": "max-bundle",
    "rtcpMuxPolicy": "require"})"));
}

TEST(Everybody, IsLetIn) {
  Question question;
  everybody_table()->authenticate(nullptr, Lent("bob"), Lent("1"), Lent("js"), {nullptr, 0}, 1000,
                                  &Question::yes_no, &question);
  const Outcome outcome = answer_of(question);
  EXPECT_EQ(outcome.status, CROLANG_OK);
  EXPECT_TRUE(outcome.yes);
}

TEST(EveryPair, MayCommunicate) {
  Question question;
  every_pair_table()->authorize(nullptr, Lent("alice"), Lent("bob"), 1000, &Question::yes_no,
                                &question);
  const Outcome outcome = answer_of(question);
  EXPECT_EQ(outcome.status, CROLANG_OK);
  EXPECT_TRUE(outcome.yes);
}

TEST(AllValid, SaysSoOfEachNode) {
  for (const std::size_t count : {0U, 1U, 3U, 1000U}) {
    const LentList ids(std::vector<std::string>(count, "bob"));
    Question question;
    all_valid_table()->check(nullptr, ids.data(), ids.size(), 1000, &Question::flags, &question);
    const Outcome outcome = answer_of(question);
    EXPECT_EQ(outcome.status, CROLANG_OK);
    EXPECT_EQ(outcome.flags, std::vector<bool>(count, true));
  }
}

TEST(BuiltInTables, SayHowFarTheyReach) {
  EXPECT_EQ(google_stun_table()->size, sizeof(crolang_rtc_config));
  EXPECT_EQ(everybody_table()->size, sizeof(crolang_authentication));
  EXPECT_EQ(every_pair_table()->size, sizeof(crolang_authorization));
  EXPECT_EQ(all_valid_table()->size, sizeof(crolang_validity));
  EXPECT_EQ(memory_registry_table()->size, sizeof(crolang_registry));
}

}  // namespace
}  // namespace crolang::modules::builtin
