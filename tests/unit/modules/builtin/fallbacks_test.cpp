#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <crolang/testing/lent_node.hpp>
#include <crolang/testing/question.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "modules/builtin/builtin.hpp"

namespace crolang::modules::builtin {
namespace {

using plugin::testing::Lent;
using plugin::testing::LentList;
using plugin::testing::LentNode;
using plugin::testing::Outcome;
using plugin::testing::Question;

template <Kind kind>
const auto* table() {
  return built_ins(nullptr).of<kind>().table;
}

/// Built-ins answer before they return.
Outcome answer_of(const Question& question) {
  EXPECT_EQ(question.answers(), 1);
  return question.wait(std::chrono::milliseconds(0)).value_or(Outcome{});
}

TEST(GoogleStun, IsTheDocumentedDefaultConfiguration) {
  Question question;
  table<Kind::rtc_config>()->resolve(nullptr, Lent("bob"), 1000, &Question::text, &question);
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

TEST(Everybody, IsAdmitted) {
  Question question;
  table<Kind::authentication>()->authenticate(nullptr, LentNode("bob"), 1000,
                                              &Question::authenticated, &question);
  const Outcome outcome = answer_of(question);
  EXPECT_EQ(outcome.status, CROLANG_OK);
  EXPECT_TRUE(outcome.yes);
  EXPECT_EQ(outcome.valid_for_ms, 0u) << "for ever";
}

TEST(EveryPair, MayCommunicate) {
  Question question;
  table<Kind::authorization>()->authorize(nullptr, Lent("alice"), Lent("bob"), 1000,
                                          &Question::yes_no, &question);
  const Outcome outcome = answer_of(question);
  EXPECT_EQ(outcome.status, CROLANG_OK);
  EXPECT_TRUE(outcome.yes);
}

TEST(AllValid, SaysSoOfEachNode) {
  for (const std::size_t count : {0U, 1U, 3U, 1000U}) {
    const LentList ids(std::vector<std::string>(count, "bob"));
    Question question;
    table<Kind::validity>()->check(nullptr, ids.data(), ids.size(), 1000, &Question::flags,
                                   &question);
    const Outcome outcome = answer_of(question);
    EXPECT_EQ(outcome.status, CROLANG_OK);
    EXPECT_EQ(outcome.flags, std::vector<bool>(count, true));
  }
}

TEST(BuiltInTables, SayHowFarTheyReach) {
  EXPECT_EQ(table<Kind::rtc_config>()->size, sizeof(crolang_rtc_config));
  EXPECT_EQ(table<Kind::authentication>()->size, sizeof(crolang_authentication));
  EXPECT_EQ(table<Kind::authorization>()->size, sizeof(crolang_authorization));
  EXPECT_EQ(table<Kind::validity>()->size, sizeof(crolang_validity));
  EXPECT_EQ(memory_registry_table()->size, sizeof(crolang_registry));
}

TEST(BuiltIns, ServeEachKindButNotifyNobodyOfMessages) {
  int registry = 0;
  auto* const memory = reinterpret_cast<MemoryRegistry*>(&registry);
  const ModuleTable all = built_ins(memory);
  EXPECT_EQ(all.of<Kind::registry>().table, memory_registry_table());
  EXPECT_EQ(all.of<Kind::registry>().self, memory);
  EXPECT_EQ(all.of<Kind::authorization>().plugin_id, "");
  EXPECT_TRUE(all.of<Kind::observer>().empty());
}

}  // namespace
}  // namespace crolang::modules::builtin
