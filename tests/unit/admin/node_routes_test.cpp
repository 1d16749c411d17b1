#include "admin/node_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "unit/grid/grid_harness.hpp"

namespace crolang::admin {
namespace {

using grid::testing::Asked;
using grid::testing::Question;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class NodeRoutesTest : public ::testing::Test {
 protected:
  NodeRoutesTest() {
    add_node_routes(router_, grid_.here.shared);
    join(grid_.here, "alice");
    join(grid_.there, "bob");
  }
  void join(grid::testing::Instance& instance, const std::string& id) {
    grid_.locations[id] = &instance == &grid_.here ? "here" : "there";
    instance.join(id);
  }

  struct Answer {
    unsigned status;
    Json body;
  };
  Answer ask(std::string_view method, std::string_view path, std::string_view query = {}) const {
    auto found = router_.find(method, path, query);
    if (const auto* answer = std::get_if<ApiAnswer>(&found)) {
      return {answer->status, Json::parse(answer->body)};
    }
    const auto& match = std::get<Router::Match>(found);
    const ApiAnswer answer = match.route->handler(match.request);
    return {answer.status, Json::parse(answer.body)};
  }

  grid::testing::GridHarness grid_;
  Router router_;
};

TEST_F(NodeRoutesTest, ListNodesOfThisInstanceUnlessTheGridIsAskedFor) {
  const auto own = ask("GET", "/api/v1/nodes");
  EXPECT_EQ(own.status, 200U);
  ASSERT_EQ(own.body["nodes"].size(), 1U);
  EXPECT_EQ(own.body["nodes"][0]["id"], "alice");
  const auto page = ask("GET", "/api/v1/nodes", "scope=grid&limit=1");
  EXPECT_EQ(page.body["nodes"].size(), 1U);
  EXPECT_EQ(page.body["nextCursor"], "alice");
  EXPECT_EQ(page.body["unreachable"], Json::array());
  const auto rest = ask("GET", "/api/v1/nodes", "scope=grid&limit=1&cursor=alice");
  EXPECT_EQ(rest.body["nodes"][0]["id"], "bob");
  EXPECT_EQ(rest.body["nextCursor"], nullptr);
}

TEST_F(NodeRoutesTest, RefuseParametersThatMakeNoSense) {
  for (const std::string_view query :
       {"limit=0", "limit=1001", "limit=x", "scope=all", "other=1", "prefix=%ff"}) {
    EXPECT_EQ(ask("GET", "/api/v1/nodes", query).status, 400U) << query;
  }
  for (const std::string_view query :
       {"for=0", "for=31536001", "for=1&reconnect=true", "reconnect=1", "reason="}) {
    EXPECT_EQ(ask("DELETE", "/api/v1/nodes/bob", query).status, 400U) << query;
  }
  EXPECT_EQ(ask("POST", "/api/v1/nodes/bob").status, 405U);
}

TEST_F(NodeRoutesTest, DescribeANodeOfAnotherInstance) {
  const auto bob = ask("GET", "/api/v1/nodes/bob");
  EXPECT_EQ(bob.status, 200U);
  EXPECT_EQ(bob.body["instance"], "there");
  EXPECT_EQ(ask("GET", "/api/v1/nodes/nobody").status, 404U);
}

TEST_F(NodeRoutesTest, TakeAnIdWithSlashes) {
  join(grid_.here, "a/b c");
  EXPECT_EQ(ask("GET", "/api/v1/nodes/a%2Fb%20c").body["id"], "a/b c");
}

TEST_F(NodeRoutesTest, DisconnectANode) {
  EXPECT_EQ(ask("DELETE", "/api/v1/nodes/bob", "reason=spam").body,
            (Json{{"id", "bob"},
                  {"instance", "there"},
                  {"disconnected", true},
                  {"refusedUntil", nullptr}}));
  EXPECT_EQ(ask("DELETE", "/api/v1/nodes/bob").status, 404U);
  EXPECT_EQ(ask("DELETE", "/api/v1/nodes/alice", "reconnect=true").status, 200U);
}

TEST_F(NodeRoutesTest, RefuseAnIdAndLiftThat) {
  const auto refused = ask("DELETE", "/api/v1/nodes/carol", "for=60&reason=spam");
  EXPECT_EQ(refused.status, 200U);
  EXPECT_EQ(refused.body["instance"], nullptr);
  EXPECT_EQ(refused.body["disconnected"], false);
  const std::string until = refused.body["refusedUntil"];
  EXPECT_EQ(ask("GET", "/api/v1/refused-ids").body,
            (Json{{"refusedIds", {{{"id", "carol"}, {"until", until}, {"reason", "spam"}}}}}));
  EXPECT_EQ(ask("DELETE", "/api/v1/refused-ids/carol").body,
            (Json{{"id", "carol"}, {"lifted", true}}));
  EXPECT_EQ(ask("DELETE", "/api/v1/refused-ids/carol").status, 404U);
  ask("DELETE", "/api/v1/nodes/carol", "for=60");
  EXPECT_EQ(ask("GET", "/api/v1/refused-ids").body["refusedIds"][0]["reason"], nullptr);
}

TEST_F(NodeRoutesTest, SayWhatDoesNotWork) {
  grid_.here.modules.on(Question::set_entry,
                        [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  EXPECT_EQ(ask("DELETE", "/api/v1/nodes/carol", "for=60").status, 503U);
  grid_.here.modules.on(Question::set_entry,
                        [](const Asked& asked) { asked.fail(CROLANG_INVALID); });
  EXPECT_EQ(ask("DELETE", "/api/v1/nodes/carol", "for=60").status, 507U);
  EXPECT_EQ(ask("DELETE", "/api/v1/nodes/%01", "for=60").status, 400U);
  grid_.here.modules.on(Question::lookup,
                        [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  const auto unavailable = ask("GET", "/api/v1/nodes/carol");
  EXPECT_EQ(unavailable.status, 503U);
  EXPECT_THAT(unavailable.body["error"].get<std::string>(), HasSubstr("registry"));
  const auto now = std::chrono::system_clock::now();
  std::vector<broker::RefusedId> many;
  for (std::size_t i = 0; i < broker::kMaxRefusedIds; ++i) {
    many.push_back({"id-" + std::to_string(i), now + std::chrono::hours(1), ""});
  }
  grid_.here.shared.refused_ids.replace(many, now);
  EXPECT_EQ(ask("DELETE", "/api/v1/nodes/carol", "for=60").status, 507U);
}

}  // namespace
}  // namespace crolang::admin
