#include "grid/registry_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/grid/grid_harness.hpp"

namespace crolang::grid {
namespace {

using namespace std::chrono_literals;
using testing::Asked;
using testing::Question;

class RegistryClientTest : public ::testing::Test {
 protected:
  static RegistryClient::Deadline in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
  }

  testing::GridHarness grid;
  RegistryClient registry{grid.here.shared};
};

TEST_F(RegistryClientTest, ListsInstancesAndFindsNodes) {
  EXPECT_EQ(registry.list_instances(in(60s)).instances.size(), 2U);
  grid.locations["bob"] = "there";
  EXPECT_EQ(registry.lookup("bob", in(60s)).holders.front().instance, "there");
  EXPECT_EQ(registry.lookup("eve", in(60s)).holders.front().instance, "");
}

TEST_F(RegistryClientTest, AsksSeveralInstancesAtOnce) {
  const auto answers = registry.ask({"there", "nowhere", "there"}, "status", in(60s));
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_TRUE(answers[0].succeeded());
  EXPECT_EQ(answers[1].status, CROLANG_UNAVAILABLE);
  EXPECT_TRUE(answers[2].succeeded());
}

TEST_F(RegistryClientTest, WaitsNoLongerThanTheDeadline) {
  grid.here.modules.keep(Question::ask);
  grid.here.modules.keep(Question::lookup);
  EXPECT_EQ(registry.ask({"there"}, "status", in(5ms)).front().status, CROLANG_TIMEOUT);
  EXPECT_EQ(registry.lookup("bob", in(5ms)).status, CROLANG_TIMEOUT);
  // What comes later does no harm.
  grid.here.modules.last(Question::ask).text("late");
  grid.here.run_iteration();
}

TEST_F(RegistryClientTest, SetsAndListsEntries) {
  EXPECT_TRUE(registry.set_entry({"a", "1", 5}, in(60s)).succeeded());
  EXPECT_EQ(registry.list_entries(in(60s)).entries, (std::vector<modules::Entry>{{"a", "1", 5}}));
}

TEST_F(RegistryClientTest, KnowsThatARegistrySharesNoEntries) {
  crolang_registry without = *grid.here.modules.table.of<modules::Kind::registry>().table;
  without.set_entry = nullptr;
  without.list_entries = nullptr;
  grid.here.modules.table.of<modules::Kind::registry>().table = &without;
  EXPECT_EQ(registry.set_entry({"a", "1", 5}, in(60s)).status, CROLANG_INVALID);
  EXPECT_TRUE(registry.list_entries(in(60s)).succeeded());
}

}  // namespace
}  // namespace crolang::grid
