#include "broker/node_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using ::testing::ElementsAre;
using testing::Harness;
using ::testing::IsEmpty;

std::vector<std::string> ids(const NodePage& page) {
  std::vector<std::string> all;
  for (const NodeReport& node : page.nodes) all.push_back(node.id);
  return all;
}

class NodeListTest : public ::testing::Test {
 protected:
  NodePage list(const NodeQuery& query) {
    std::vector<NodePage> pages;
    list_nodes(harness.shared, query, [&](NodePage page) { pages.push_back(std::move(page)); });
    harness.run_iteration();
    EXPECT_EQ(pages.size(), 1U);
    return pages.empty() ? NodePage{} : std::move(pages.front());
  }

  Harness harness;
};

TEST_F(NodeListTest, SortsNodesByTheBytesOfTheirIds) {
  for (const std::string_view id : {"b", "a", "ä", "B", "aa"}) harness.join(id);
  const NodePage page = list({});
  EXPECT_THAT(ids(page), ElementsAre("B", "a", "aa", "b", "ä"));
  EXPECT_EQ(page.complete_to, std::nullopt);
}

TEST_F(NodeListTest, HasOnlyNodesThatHaveJoined) {
  harness.join("ann");
  Node& bob = harness.join("bob");
  harness.request_upgrade(testing::query_of("carol"));
  harness.say(bob, "41");
  EXPECT_THAT(ids(list({})), ElementsAre("ann"));
}

TEST_F(NodeListTest, HasOnlyIdsWithThePrefix) {
  for (const std::string_view id : {"web-1", "web-2", "we", "xweb-3"}) harness.join(id);
  EXPECT_THAT(ids(list({"web-", "", 100})), ElementsAre("web-1", "web-2"));
  EXPECT_THAT(ids(list({"nothing", "", 100})), IsEmpty());
}

TEST_F(NodeListTest, GoesOnBehindTheCursorUntilAllAreListed) {
  std::vector<std::string> expected;
  for (int i = 0; i < 25; ++i) {
    expected.push_back("node-" + std::to_string(i * 7 % 25));
    harness.join(expected.back());
  }
  std::ranges::sort(expected);
  std::vector<std::string> all;
  NodeQuery query{"", "", 10};
  for (int pages = 0; pages < 3; ++pages) {
    const NodePage page = list(query);
    for (const std::string& id : ids(page)) all.push_back(id);
    if (!page.complete_to) break;
    EXPECT_EQ(page.complete_to, all.back());
    query.after = *page.complete_to;
  }
  EXPECT_EQ(all, expected);
}

TEST_F(NodeListTest, IsCompleteIfThePageHoldsTheLastNode) {
  harness.join("a");
  harness.join("b");
  EXPECT_EQ(list({"", "", 2}).complete_to, std::nullopt);
  EXPECT_EQ(list({"", "", 1}).complete_to, "a");
}

TEST_F(NodeListTest, LooksAtAFewConnectionsAtATime) {
  constexpr int kNodes = 3000;
  for (int i = 0; i < kNodes; ++i) harness.join("node-" + std::to_string(10'000 + i));
  NodePage found;
  bool finished = false;
  NodeScan scan({"", "", 10}, [&](NodePage page) {
    found = std::move(page);
    finished = true;
  });
  int iterations = 1;
  while (scan.advance(harness) == NodeScan::Progress::more) {
    EXPECT_FALSE(finished);
    // Nodes come and go meanwhile.
    if (++iterations == 2) harness.join("a-new-one");
  }
  EXPECT_EQ(iterations, 3);
  EXPECT_TRUE(finished);
  EXPECT_THAT(found.nodes, ::testing::SizeIs(10));
  EXPECT_EQ(found.nodes.front().id, "a-new-one");
}

TEST_F(NodeListTest, LeavesOutANodeThatHasLeftSinceItWasFound) {
  for (int i = 0; i < 1500; ++i) harness.join("node-" + std::to_string(10'000 + i));
  NodePage found;
  NodeScan scan({"", "", 3}, [&](NodePage page) { found = std::move(page); });
  ASSERT_EQ(scan.advance(harness), NodeScan::Progress::more);
  const auto first = harness.shared.directory.find("node-10001");
  harness.cut(*harness.find(first->session));
  ASSERT_EQ(scan.advance(harness), NodeScan::Progress::finished);
  EXPECT_THAT(ids(found), ElementsAre("node-10000", "node-10002"));
  EXPECT_EQ(found.complete_to, "node-10002");
}

NodePage page_of(const std::vector<std::string>& all, std::optional<std::string> complete_to) {
  NodePage page;
  for (const std::string& id : all) page.nodes.emplace_back().id = id;
  page.complete_to = std::move(complete_to);
  return page;
}

TEST(MergePages, AreCompleteAsFarAsAllOfThemAre) {
  const NodePage merged = merge_pages(
      {page_of({"a", "d"}, "d"), page_of({"b", "c", "e"}, std::nullopt), page_of({}, "c")}, 100);
  EXPECT_THAT(ids(merged), ElementsAre("a", "b", "c"));
  EXPECT_EQ(merged.complete_to, "c");
}

TEST(MergePages, AreCutAtTheLimit) {
  const NodePage merged =
      merge_pages({page_of({"a", "d"}, std::nullopt), page_of({"b", "c"}, std::nullopt)}, 3);
  EXPECT_THAT(ids(merged), ElementsAre("a", "b", "c"));
  EXPECT_EQ(merged.complete_to, "c");
}

TEST(MergePages, AreEmptyIfThereAreNone) {
  EXPECT_THAT(merge_pages({}, 3).nodes, IsEmpty());
}

}  // namespace
}  // namespace crolang::broker
