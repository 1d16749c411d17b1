#include "admin/instances.hpp"

#include <gtest/gtest.h>

namespace crolang::admin {
namespace {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point kPresent{std::chrono::seconds(1'767'323'105)};

TEST(Instances, AreDescribedByTheirStatus) {
  const auto entry = instance_json(
      {"b2", R"({"instance":"b2","version":"0.1.0","startedAt":"2026-01-02T03:04:05Z",)"
             R"("workers":4,"nodes":12,"draining":true})"},
      "b1", kPresent);
  ASSERT_TRUE(entry);
  EXPECT_EQ(*entry, nlohmann::json({{"id", "b2"},
                                    {"version", "0.1.0"},
                                    {"nodes", 12},
                                    {"startedAt", "2026-01-02T03:04:05.000Z"},
                                    {"uptimeSeconds", 60},
                                    {"state", "draining"},
                                    {"self", false}}));
}

TEST(Instances, AClockThatIsBehindGivesNoNegativeUptime) {
  const auto entry = instance_json(
      {"b1", R"({"version":"1","startedAt":"2027-01-02T03:04:05Z","nodes":0,"draining":false})"},
      "b1", kPresent);
  ASSERT_TRUE(entry);
  EXPECT_EQ((*entry)["uptimeSeconds"], 0);
  EXPECT_EQ((*entry)["self"], true);
  EXPECT_EQ((*entry)["state"], "running");
}

TEST(Instances, WhatIsNoStatusOfABrokerIsLeftOut) {
  for (const char* status :
       {"", "[]", "{", "{}", R"({"version":1,"startedAt":"x","nodes":0,"draining":false})",
        R"({"version":"1","startedAt":"2026-01-02","nodes":0,"draining":false})",
        R"({"version":"1","startedAt":"2026-01-02T03:04:05Z","nodes":-1,"draining":false})",
        R"({"version":"1","startedAt":"2026-01-02T03:04:05Z","nodes":1,"draining":"no"})",
        R"({"version":"1","startedAt":"9999-01-02T03:04:05Z","nodes":1,"draining":false})",
        R"({"version":"1","startedAt":"0001-01-02T03:04:05Z","nodes":1,"draining":false})"}) {
    EXPECT_FALSE(instance_json({"b1", status}, "b1", kPresent)) << status;
  }
}

TEST(Instances, ThisOneIsNoNews) {
  InstanceWatch watch("b1");
  // It has asked for the list before the registry had its own status.
  EXPECT_TRUE(watch.update({}).up.empty());
  EXPECT_TRUE(watch.update({"b1"}).up.empty());
  const auto changes = watch.update({"b2"});
  EXPECT_EQ(changes.up, std::vector<std::string>{"b2"});
  EXPECT_TRUE(changes.down.empty());
  EXPECT_EQ(watch.count(), 2u);
}

TEST(Instances, OneThatIsListedTwiceIsOne) {
  InstanceWatch watch("b1");
  watch.update({"b1", "b2"});
  for (const auto& names : {std::vector<std::string>{"b1", "b1", "b2"}, {"b1", "b2", "b2"}}) {
    const auto changes = watch.update(names);
    EXPECT_TRUE(changes.up.empty());
    EXPECT_TRUE(changes.down.empty());
    EXPECT_EQ(watch.count(), 2u);
  }
}

TEST(Instances, TheFirstListIsNoNews) {
  InstanceWatch watch("b1");
  EXPECT_EQ(watch.count(), 1u);
  const auto first = watch.update({"b2", "b1"});
  EXPECT_TRUE(first.up.empty());
  EXPECT_EQ(watch.count(), 2u);
  const auto changes = watch.update({"b3", "b1"});
  EXPECT_EQ(changes.up, std::vector<std::string>{"b3"});
  EXPECT_EQ(changes.down, std::vector<std::string>{"b2"});
  EXPECT_TRUE(watch.update({"b1", "b3"}).up.empty());
}

}  // namespace
}  // namespace crolang::admin
