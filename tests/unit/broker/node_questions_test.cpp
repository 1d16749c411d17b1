#include "broker/node_questions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "crolang/plugin.h"
#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using ::testing::ElementsAre;
using testing::Harness;
using Json = nlohmann::json;
using Then = Disconnection::Then;

class NodeQuestionsTest : public ::testing::Test {
 protected:
  struct Answered {
    crolang_status status = CROLANG_INTERNAL;
    std::string text;
  };
  /// As another instance asks.
  Answered ask(const std::string& question) {
    std::vector<Answered> answers;
    events.on_ask(
        events.ctx, {"there", 5}, {question.data(), question.size()}, 1000,
        [](void* call, crolang_status status, crolang_str text, crolang_str error) {
          const crolang_str words = status == CROLANG_OK ? text : error;
          static_cast<std::vector<Answered>*>(call)->push_back(
              {status, std::string(words.data, words.size)});
        },
        &answers);
    harness.run_iteration();
    EXPECT_EQ(answers.size(), 1U);
    return answers.empty() ? Answered{} : answers.front();
  }
  Json json(const std::string& question) {
    const Answered answered = ask(question);
    EXPECT_EQ(answered.status, CROLANG_OK) << answered.text;
    return Json::parse(answered.text);
  }

  Harness harness;
  crolang_registry_events events = registry_events(harness.shared);
  Node& ann = harness.join("ann");
  Node& bob = harness.join("bob");
};

TEST_F(NodeQuestionsTest, ListNodes) {
  const Json page = json(nodes_question({"", "", 1}));
  ASSERT_EQ(page["nodes"].size(), 1U);
  EXPECT_EQ(page["nodes"][0]["id"], "ann");
  EXPECT_EQ(page["nodes"][0]["instance"], "here");
  EXPECT_EQ(page["completeTo"], "ann");
  const Json rest = json(nodes_question({"", "ann", 1}));
  EXPECT_EQ(rest["nodes"][0]["id"], "bob");
  EXPECT_EQ(rest["completeTo"], nullptr);
}

TEST_F(NodeQuestionsTest, ReportOneNode) {
  EXPECT_EQ(json(node_question("bob"))["id"], "bob");
  EXPECT_EQ(json(node_question("nobody")), nullptr);
  EXPECT_EQ(json(node_question("")), nullptr);
}

TEST_F(NodeQuestionsTest, DisconnectANodeForGood) {
  EXPECT_EQ(json(disconnect_question({"bob", Then::stays_away, "admin", "spam"})),
            (Json{{"disconnected", true}}));
  EXPECT_THAT(harness.sent(bob), ElementsAre("41", "close"));
  EXPECT_EQ(harness.counters.value(telemetry::Counter::closed_operator), 1U);
  EXPECT_EQ(json(disconnect_question({"bob", Then::stays_away, "admin", "spam"})),
            (Json{{"disconnected", false}}));
}

TEST_F(NodeQuestionsTest, DisconnectANodeThatShallReconnect) {
  EXPECT_EQ(json(disconnect_question({"bob", Then::reconnects, "admin", ""})),
            (Json{{"disconnected", true}}));
  // Without `41` and a close frame: TCP ends.
  EXPECT_THAT(harness.sent(bob), ElementsAre());
  EXPECT_EQ(bob.ending(), session::Ending::finish);
  EXPECT_EQ(harness.counters.value(telemetry::Counter::closed_operator_reconnect), 1U);
}

TEST_F(NodeQuestionsTest, DoNotDisconnectASuccessor) {
  const auto here = harness.shared.directory.find("bob");
  bool disconnected = true;
  harness.post(0, DisconnectNode{here->session,
                                 here->token + 1,
                                 session::EndReason::operator_disconnect,
                                 {},
                                 [&](bool was_there) { disconnected = was_there; }});
  harness.run_iteration();
  EXPECT_FALSE(disconnected);
  EXPECT_EQ(bob.state(), session::State::joined);
}

TEST_F(NodeQuestionsTest, AreInvalidIfTheyAreMalformed) {
  for (const std::string question :
       {"nodes", "nodes {", "nodes []", "nodes {}", R"(nodes {"limit":"1"})", "disconnect bob",
        "disconnect {}", R"(disconnect {"id":"bob","reconnect":1})"}) {
    EXPECT_EQ(ask(question).status, CROLANG_INVALID) << question;
  }
  EXPECT_EQ(bob.state(), session::State::joined);
}

TEST_F(NodeQuestionsTest, ArePassedOnWhateverTheIdIs) {
  const std::string id = "a \"b\" {c} \\ ä";
  harness.join(id);
  EXPECT_EQ(json(node_question(id))["id"], id);
  EXPECT_EQ(json(disconnect_question({id, Then::stays_away, "", ""})),
            (Json{{"disconnected", true}}));
}

TEST(PageJson, IsCutSoThatItFitsIntoAnAnswer) {
  NodePage page;
  for (int i = 0; i < 1000; ++i) {
    page.nodes.emplace_back().id = std::to_string(10'000 + i) + std::string(2000, 'x');
  }
  const std::string text = page_json(page, "here");
  EXPECT_LE(text.size(), CROLANG_MAX_ASK);
  const Json json = Json::parse(text);
  ASSERT_LT(json["nodes"].size(), 1000U);
  EXPECT_EQ(json["completeTo"], json["nodes"].back()["id"]);
}

}  // namespace
}  // namespace crolang::broker
