#include "admin_client/commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace crolang::admin_client {
namespace {

using config::AdminCommand;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Name = AdminCommand::Name;

/// Plays the broker: remembers what was asked, and gives the answers one after the other.
class AdminCommands : public ::testing::Test {
 protected:
  Outcome run(const AdminCommand& command) {
    return admin_client::run(
        command,
        [this](Method method, std::string_view target) {
          static constexpr const char* kMethods[] = {"GET ", "POST ", "DELETE "};
          asked_.push_back(kMethods[static_cast<int>(method)] + std::string(target));
          return asked_.size() <= answers_.size() ? answers_[asked_.size() - 1]
                                                  : Answer{Json::object()};
        },
        out_, *parse_time("2026-01-02T03:10:00.000Z"));
  }
  void answer(Json body) { answers_.push_back({std::move(body)}); }

  std::vector<Answer> answers_;
  std::vector<std::string> asked_;
  std::ostringstream out_;
};

Json page(std::vector<std::string> ids, Json cursor) {
  Json nodes = Json::array();
  for (const std::string& id : ids) nodes.push_back({{"id", id}});
  return {{"nodes", nodes}, {"nextCursor", std::move(cursor)}, {"unreachable", Json::array()}};
}

TEST_F(AdminCommands, AskForEachRoute) {
  run({.name = Name::instances});
  run({.name = Name::nodes, .id = "a/b"});
  run({.name = Name::refused_ids});
  run({.name = Name::allow, .id = "Zo\xC3\xAB"});
  run({.name = Name::drain});
  run({.name = Name::drain, .drain = AdminCommand::Drain::cancel});
  run({.name = Name::negotiations, .limit = 5, .node = "a b", .state = "refused"});
  run({.name = Name::negotiations, .id = "n?1"});
  EXPECT_THAT(asked_, ElementsAre("GET /api/v1/instances", "GET /api/v1/nodes/a%2Fb",
                                  "GET /api/v1/refused-ids", "DELETE /api/v1/refused-ids/Zo%C3%AB",
                                  "POST /api/v1/drain", "DELETE /api/v1/drain",
                                  "GET /api/v1/negotiations?node=a%20b&state=refused&limit=5",
                                  "GET /api/v1/negotiations/n%3F1"));
}

TEST_F(AdminCommands, DisconnectInEachWay) {
  run({.name = Name::disconnect, .id = "bob"});
  run({.name = Name::disconnect,
       .id = "bob",
       .refuse_for = std::chrono::minutes(10),
       .reason = "too loud"});
  run({.name = Name::disconnect, .id = "bob", .close = AdminCommand::Close::to_reconnect});
  EXPECT_THAT(asked_, ElementsAre("DELETE /api/v1/nodes/bob",
                                  "DELETE /api/v1/nodes/bob?for=600&reason=too%20loud",
                                  "DELETE /api/v1/nodes/bob?reconnect=true"));
}

TEST_F(AdminCommands, ListTheNodesOfAllPages) {
  answer(page({"a", "b"}, "next/"));
  answer(page({"c"}, nullptr));
  EXPECT_EQ(run({.name = Name::nodes, .prefix = "x", .scope = AdminCommand::Scope::grid}).fault,
            "");
  EXPECT_THAT(asked_,
              ElementsAre("GET /api/v1/nodes?limit=1000&prefix=x&scope=grid",
                          "GET /api/v1/nodes?limit=1000&prefix=x&cursor=next%2F&scope=grid"));
  EXPECT_THAT(out_.str(), StartsWith("ID"));
  EXPECT_EQ(out_.str().find("ID", 1), std::string::npos) << "the heading is there once";
  EXPECT_THAT(out_.str(), HasSubstr("\nc "));
}

TEST_F(AdminCommands, ListAsManyNodesAsWanted) {
  answer(page({"a", "b"}, "next"));
  const Outcome outcome = run({.name = Name::nodes, .limit = 2});
  EXPECT_THAT(asked_, ElementsAre("GET /api/v1/nodes?limit=2"));
  EXPECT_THAT(outcome.warning, HasSubstr("more nodes than --limit"));
}

TEST_F(AdminCommands, EndWithAPageThatHasNoNodes) {
  answer(page({}, "again"));
  EXPECT_EQ(run({.name = Name::nodes}).fault, "");
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(AdminCommands, PrintOneJsonObjectOfAllPages) {
  answer(page({"a"}, "next"));
  Json last = page({"b"}, nullptr);
  last["unreachable"] = Json::array({"broker-b"});
  answer(last);
  const Outcome outcome = run({.name = Name::nodes, .format = AdminCommand::Format::json});
  const Json json = Json::parse(out_.str());
  EXPECT_EQ(json["nodes"].size(), 2U);
  EXPECT_EQ(json["nodes"][1]["id"], "b");
  EXPECT_TRUE(json["nextCursor"].is_null());
  EXPECT_EQ(json["unreachable"], Json::array({"broker-b"}));
  EXPECT_THAT(outcome.warning, HasSubstr("did not answer, whose nodes are missing: broker-b"));
}

TEST_F(AdminCommands, PrintWhatTheBrokerAnswersAsJson) {
  answer({{"refusedIds", {{{"id", "x"}}}}});
  run({.name = Name::refused_ids, .format = AdminCommand::Format::json});
  EXPECT_EQ(out_.str(), "{\"refusedIds\":[{\"id\":\"x\"}]}\n");
}

TEST_F(AdminCommands, SayWhyTheyFail) {
  answers_.push_back({Json(), "no way"});
  EXPECT_EQ(run({.name = Name::instances}).fault, "no way");
  answers_.push_back({Json(), "not now"});
  EXPECT_EQ(run({.name = Name::nodes}).fault, "not now");
}

}  // namespace
}  // namespace crolang::admin_client
