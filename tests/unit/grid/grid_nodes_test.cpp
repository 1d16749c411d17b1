#include "grid/grid_nodes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/grid/grid_harness.hpp"

namespace crolang::grid {
namespace {

using namespace std::chrono_literals;
using broker::Disconnection;
using testing::Asked;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Instance;
using ::testing::IsEmpty;
using testing::Question;
using Then = Disconnection::Then;
using Scope = GridNodes::Scope;
using Why = Failure::Why;

class GridNodesTest : public ::testing::Test {
 protected:
  broker::Node& join(Instance& instance, const std::string& id) {
    grid.locations[id] = &instance == &grid.here ? "here" : "there";
    return instance.join(id);
  }
  GridNodes::Listing list(const broker::NodeQuery& query, Scope scope = Scope::grid) const {
    auto outcome = nodes.list(query, scope);
    if (const auto* failure = std::get_if<Failure>(&outcome))
      throw std::runtime_error(failure->sentence);
    return std::get<GridNodes::Listing>(std::move(outcome));
  }
  static std::vector<std::string> ids(const GridNodes::Listing& listing) {
    std::vector<std::string> all;
    for (const auto& node : listing.nodes) all.push_back(node["id"]);
    return all;
  }
  template <class Value>
  static Failure failure(const Outcome<Value>& outcome) {
    const auto* const found = std::get_if<Failure>(&outcome);
    return found == nullptr ? Failure{Why::full, "it did not fail"} : *found;
  }
  static Disconnection away(std::string id) {
    return {std::move(id), Then::stays_away, "admin", "spam"};
  }

  testing::GridHarness grid;
  GridNodes nodes{grid.here.shared};
};

TEST_F(GridNodesTest, ListsTheNodesOfAllInstancesInOrder) {
  join(grid.here, "a");
  join(grid.there, "b");
  join(grid.here, "c");
  const auto listing = list({});
  EXPECT_THAT(ids(listing), ElementsAre("a", "b", "c"));
  EXPECT_EQ(listing.nodes[1]["instance"], "there");
  EXPECT_EQ(listing.next_cursor, std::nullopt);
  EXPECT_THAT(listing.unreachable, IsEmpty());
  EXPECT_THAT(ids(list({}, Scope::instance)), ElementsAre("a", "c"));
}

TEST_F(GridNodesTest, ListsPageByPage) {
  for (const std::string id : {"a", "d", "e"}) join(grid.here, id);
  for (const std::string id : {"b", "c", "f"}) join(grid.there, id);
  auto listing = list({"", "", 2});
  EXPECT_THAT(ids(listing), ElementsAre("a", "b"));
  ASSERT_EQ(listing.next_cursor, "b");
  listing = list({"", "b", 2});
  EXPECT_THAT(ids(listing), ElementsAre("c", "d"));
  listing = list({"", "d", 2});
  EXPECT_THAT(ids(listing), ElementsAre("e", "f"));
  EXPECT_EQ(listing.next_cursor, std::nullopt);
}

TEST_F(GridNodesTest, ListsANodeThatHasJustMovedOnce) {
  join(grid.there, "a");
  grid.here.pass(1h);
  join(grid.here, "a");
  const auto listing = list({});
  EXPECT_THAT(ids(listing), ElementsAre("a"));
  EXPECT_EQ(listing.nodes[0]["instance"], "here");
}

TEST_F(GridNodesTest, NamesInstancesThatDoNotAnswer) {
  join(grid.here, "a");
  join(grid.there, "b");
  for (const std::string text :
       {"", "nonsense", "[]", "{}", R"({"nodes":1})", R"({"nodes":[1]})"}) {
    grid.here.modules.on(Question::ask, [&](const Asked& asked) { asked.text(text); });
    const auto listing = list({});
    EXPECT_THAT(ids(listing), ElementsAre("a"));
    EXPECT_THAT(listing.unreachable, ElementsAre("there")) << text;
  }
}

TEST_F(GridNodesTest, IsNotLedInCirclesByAnotherInstance) {
  for (const std::string id : {"a", "n", "o"}) join(grid.here, id);
  for (const std::string text :
       {R"({"nodes":[],"completeTo":"b"})", R"({"nodes":[],"completeTo":"m"})",
        R"({"nodes":[{"id":"c"}],"completeTo":null})",
        R"({"nodes":[{"id":"m"}],"completeTo":null})"}) {
    grid.here.modules.on(Question::ask, [&](const Asked& asked) { asked.text(text); });
    const auto listing = list({"", "m", 1});
    EXPECT_THAT(ids(listing), ElementsAre("n")) << text;
    EXPECT_EQ(listing.next_cursor, "n") << text;
    EXPECT_THAT(listing.unreachable, ElementsAre("there")) << text;
  }
  grid.here.modules.on(Question::ask, [&](const Asked& asked) {
    asked.text(R"({"nodes":[{"id":"x"}],"completeTo":null})");
  });
  EXPECT_THAT(ids(list({"n", "", 10})), ElementsAre("n"));
}

TEST_F(GridNodesTest, MergesManyInstances) {
  join(grid.here, "c");
  grid.here.modules.on(Question::list_instances, [](const Asked& asked) {
    asked.instances({{"here", "{}"}, {"1", "{}"}, {"2", "{}"}, {"3", "{}"}});
  });
  grid.here.modules.on(Question::ask, [](const Asked& asked) {
    const std::string n = asked.holder.instance;
    // The first has more nodes than fit into its page.
    const std::string to = n == "1" ? R"("d1")" : "null";
    asked.text(R"({"nodes":[{"id":"a)" + n + R"("},{"id":"b"},{"id":"d)" + n +
               R"("}],"completeTo":)" + to + "}");
  });
  auto listing = list({"", "", 4});
  EXPECT_THAT(ids(listing), ElementsAre("a1", "a2", "a3", "b"));
  EXPECT_EQ(listing.next_cursor, "b");
  listing = list({"", "", 10});
  EXPECT_THAT(ids(listing), ElementsAre("a1", "a2", "a3", "b", "c", "d1"));
  EXPECT_EQ(listing.next_cursor, "d1");
}

TEST_F(GridNodesTest, CannotListTheGridWithoutTheRegistry) {
  grid.here.modules.on(Question::list_instances,
                       [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  EXPECT_EQ(failure(nodes.list({}, Scope::grid)).why, Why::unavailable);
  EXPECT_THAT(ids(list({}, Scope::instance)), IsEmpty());
}

TEST_F(GridNodesTest, FindsANodeWhereverItIs) {
  join(grid.here, "a");
  join(grid.there, "b");
  EXPECT_EQ(std::get<GridNodes::Json>(nodes.find("a"))["instance"], "here");
  EXPECT_EQ(grid.here.modules.count(Question::lookup), 0U);
  EXPECT_EQ(std::get<GridNodes::Json>(nodes.find("b"))["instance"], "there");
  EXPECT_EQ(failure(nodes.find("c")).why, Why::not_found);
}

TEST_F(GridNodesTest, AsksNobodyAboutAnIdThatNoNodeCanHave) {
  for (const std::string& id : {std::string("\x01"), std::string(5000, 'x'), std::string("\xff")}) {
    EXPECT_EQ(failure(nodes.find(id)).why, Why::not_found);
  }
  EXPECT_EQ(grid.here.modules.count(Question::lookup), 0U);
}

TEST_F(GridNodesTest, SaysWhoDoesNotAnswer) {
  grid.locations["a"] = "away";
  grid.locations["b"] = "there";
  EXPECT_EQ(failure(nodes.find("a")).why, Why::unavailable);
  EXPECT_THAT(failure(nodes.find("a")).sentence, HasSubstr("away"));
  // It has left since.
  EXPECT_EQ(failure(nodes.find("b")).why, Why::not_found);
  grid.here.modules.on(Question::lookup,
                       [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  EXPECT_EQ(failure(nodes.find("c")).why, Why::unavailable);
}

TEST_F(GridNodesTest, DisconnectsANodeWhereverItIs) {
  auto& a = join(grid.here, "a");
  auto& b = join(grid.there, "b");
  const auto here = std::get<GridNodes::Disconnected>(nodes.disconnect(away("a")));
  EXPECT_EQ(here.instance, "here");
  EXPECT_TRUE(here.disconnected);
  EXPECT_THAT(grid.here.sent(a), ElementsAre("41", "close"));
  const auto there = std::get<GridNodes::Disconnected>(
      nodes.disconnect({"b", Then::reconnects, "admin", "moves"}));
  EXPECT_EQ(there.instance, "there");
  EXPECT_TRUE(there.disconnected);
  EXPECT_THAT(grid.there.sent(b), IsEmpty());
  EXPECT_EQ(b.ending(), session::Ending::finish);
  EXPECT_EQ(failure(nodes.disconnect(away("b"))).why, Why::not_found);
  EXPECT_EQ(failure(nodes.disconnect(away("nobody"))).why, Why::not_found);
}

TEST_F(GridNodesTest, RefusesAnIdAndDisconnectsItsNode) {
  auto& b = join(grid.there, "b");
  const auto now = std::chrono::system_clock::now();
  const auto refused = std::get<GridNodes::Refused>(nodes.refuse(away("b"), 60s));
  EXPECT_EQ(refused.node.instance, "there");
  EXPECT_TRUE(refused.node.disconnected);
  EXPECT_GE(refused.id.until, now + 59s);
  EXPECT_THAT(grid.there.sent(b), ElementsAre("41", "close"));
  ASSERT_EQ(grid.entries.size(), 1U);
  EXPECT_EQ(broker::refused_id_of(grid.entries.begin()->second), refused.id);
  EXPECT_THAT(nodes.refused_ids(), ElementsAre(refused.id));
  EXPECT_EQ(nodes.lift("b"), std::nullopt);
  EXPECT_THAT(grid.entries, IsEmpty());
  EXPECT_THAT(nodes.refused_ids(), IsEmpty());
  EXPECT_EQ(nodes.lift("b")->why, Why::not_found);
}

TEST_F(GridNodesTest, RefusesAnIdThatIsNotConnected) {
  const auto refused = std::get<GridNodes::Refused>(nodes.refuse(away("b"), 60s));
  EXPECT_EQ(refused.node.instance, std::nullopt);
  EXPECT_FALSE(refused.node.disconnected);
}

TEST_F(GridNodesTest, RefusesAnIdEvenIfItsInstanceDoesNotAnswer) {
  grid.locations["b"] = "away";
  EXPECT_FALSE(std::get<GridNodes::Refused>(nodes.refuse(away("b"), 60s)).node.disconnected);
  EXPECT_EQ(grid.entries.size(), 1U);
}

TEST_F(GridNodesTest, LiftsWhatAnotherInstanceHasJustRefused) {
  const auto entry = broker::entry_of({"b", std::chrono::system_clock::now() + 1h, ""});
  grid.entries[entry.name] = entry;
  EXPECT_EQ(nodes.lift("b"), std::nullopt);
  EXPECT_THAT(grid.entries, IsEmpty());
}

TEST_F(GridNodesTest, DoesNotRefuseWhatCannotBeKept) {
  grid.here.modules.on(Question::set_entry,
                       [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  EXPECT_EQ(failure(nodes.refuse(away("b"), 60s)).why, Why::unavailable);
  grid.here.modules.on(Question::set_entry,
                       [](const Asked& asked) { asked.fail(CROLANG_INVALID); });
  EXPECT_EQ(failure(nodes.refuse(away("b"), 60s)).why, Why::full);
  EXPECT_EQ(failure(nodes.refuse(away("\x01"), 60s)).why, Why::invalid);
  EXPECT_EQ(failure(nodes.refuse(away(std::string(5000, 'x')), 60s)).why, Why::invalid);
  EXPECT_THAT(nodes.refused_ids(), IsEmpty());
}

TEST_F(GridNodesTest, SaysWhenTheRegistryCannotKeepRefusedIds) {
  crolang_registry without = *grid.here.modules.table.of<modules::Kind::registry>().table;
  without.set_entry = nullptr;
  without.list_entries = nullptr;
  grid.here.modules.table.of<modules::Kind::registry>().table = &without;
  EXPECT_EQ(failure(nodes.refuse(away("b"), 60s)).why, Why::not_supported);
}

TEST_F(GridNodesTest, RefusesNoMoreIdsThanThereIsRoomFor) {
  const auto now = std::chrono::system_clock::now();
  std::vector<broker::RefusedId> many;
  for (std::size_t i = 0; i < broker::kMaxRefusedIds; ++i) {
    many.push_back({"id-" + std::to_string(i), now + 1h, ""});
  }
  grid.here.shared.refused_ids.replace(many, now);
  EXPECT_EQ(failure(nodes.refuse(away("b"), 60s)).why, Why::full);
  // For longer, or another reason.
  EXPECT_TRUE(std::holds_alternative<GridNodes::Refused>(nodes.refuse(away("id-7"), 60s)));
}

}  // namespace
}  // namespace crolang::grid
