#include "redis-registry/statistics.hpp"

#include <gtest/gtest.h>

#include <crolang/testing/fake_host.hpp>

namespace crolang::redis_registry {
namespace {

using Found = Statistics::Found;
using std::chrono::milliseconds;

class RedisStatistics : public ::testing::Test {
 protected:
  std::optional<double> value(std::string_view name, std::string_view label = {}) const {
    return host_.metrics().value(name, label);
  }
  void pass(milliseconds time) { now_ += time; }
  void up(std::string place, std::string run_id, Found found = Found::by_url) {
    part_.on_up({std::move(place), std::move(run_id), found}, now_);
  }

  const plugin::testing::FakeHost host_{crolang_plugin{}};
  Statistics statistics_{plugin::Host(host_.table()), Options{}};
  Statistics::Part part_{statistics_};
  Statistics::TimePoint now_{std::chrono::hours(1)};
};

TEST_F(RedisStatistics, NameTheServerThatIsUsedAndNoOther) {
  EXPECT_EQ(value("connected"), 0);
  up("one:6379", "a");
  EXPECT_EQ(value("connected"), 1);
  EXPECT_EQ(value("server_info", "one:6379"), 1);
  EXPECT_EQ(value("mode_info", "standalone"), 1);
  EXPECT_EQ(value("tls"), 0);
  part_.on_down(now_);
  EXPECT_EQ(value("connected"), 0);
  EXPECT_EQ(value("server_info", "one:6379"), 1) << "the last one that is known";
  up("two:6379", "b", Found::by_sentinels);
  EXPECT_EQ(value("server_info", "one:6379"), std::nullopt);
  EXPECT_EQ(value("server_info", "two:6379"), 1);
  EXPECT_EQ(value("mode_info", "standalone"), std::nullopt);
  EXPECT_EQ(value("mode_info", "sentinel"), 1);
}

TEST_F(RedisStatistics, CountConnectionsLostButNoAttempts) {
  part_.on_down(now_);
  EXPECT_EQ(value("connections_lost"), 0);
  up("one:6379", "a");
  part_.on_down(now_);
  part_.on_down(now_);
  EXPECT_EQ(value("connections_lost"), 1);
}

TEST_F(RedisStatistics, TellAnotherServerFromOneThatWasRestarted) {
  up("one:6379", "a");
  up("one:6379", "a");
  EXPECT_EQ(value("server_changes", "server"), 0);
  EXPECT_EQ(value("server_changes", "restart"), 0);
  up("one:6379", "b");
  EXPECT_EQ(value("server_changes", "server"), 0);
  EXPECT_EQ(value("server_changes", "restart"), 1);
  up("two:6379", "c");
  EXPECT_EQ(value("server_changes", "server"), 1);
  EXPECT_EQ(value("server_changes", "restart"), 1);
  up("two:6379", "");
  up("two:6379", "d");
  EXPECT_EQ(value("server_changes", "restart"), 1) << "a run that is not known is no other one";
}

TEST_F(RedisStatistics, CountTheTimeWithoutRedisWhileItPasses) {
  statistics_.tick(now_);
  pass(milliseconds(250));
  statistics_.tick(now_);
  EXPECT_EQ(value("disconnected_seconds"), 0.25);
  pass(milliseconds(250));
  up("one:6379", "a");
  EXPECT_EQ(value("disconnected_seconds"), 0.5);
  pass(milliseconds(1000));
  statistics_.tick(now_);
  part_.on_down(now_);
  EXPECT_EQ(value("disconnected_seconds"), 0.5);
  pass(milliseconds(500));
  part_.on_down(now_);
  EXPECT_EQ(value("disconnected_seconds"), 1);
}

TEST_F(RedisStatistics, AreConnectedToAClusterOnceThatHoldsForAllItsMasters) {
  up("one:7000", "a", Found::by_cluster);
  EXPECT_EQ(value("connected"), 1);
  EXPECT_EQ(value("mode_info", "cluster"), 1);
  {
    Statistics::Part other(statistics_);
    other.on_down(now_);
    EXPECT_EQ(value("connected"), 0);
    pass(milliseconds(250));
    other.on_up({"two:7000", "b", Found::by_cluster}, now_);
    EXPECT_EQ(value("connected"), 1);
    EXPECT_EQ(value("disconnected_seconds"), 0.25);
    EXPECT_EQ(value("server_info", "one:7000"), 1);
    EXPECT_EQ(value("server_info", "two:7000"), 1);
    EXPECT_EQ(value("server_changes", "server"), 0);
  }
  EXPECT_EQ(value("server_info", "two:7000"), std::nullopt) << "it has no slots any more";
  EXPECT_EQ(value("connected"), 1);
}

TEST_F(RedisStatistics, CountTrafficByPurpose) {
  statistics_.traffic.leases.commands.add();
  statistics_.traffic.sentinel.sent_bytes.add(20);
  EXPECT_EQ(value("commands", "leases"), 1);
  EXPECT_EQ(value("sent_bytes", "sentinel"), 20);
  for (const char* purpose : {"messages", "subscription", "sentinel", "slots"}) {
    EXPECT_EQ(value("commands", purpose), 0) << purpose;
  }
}

TEST_F(RedisStatistics, AreNothingWhereTheBrokerHasNoMetrics) {
  const plugin::testing::FakeHost host{crolang_plugin{}};
  crolang_host without = *host.table();
  without.service = [](void*, const char*) -> const void* { return nullptr; };
  Statistics statistics{plugin::Host(&without), Options{}};
  statistics.tick(now_);
  Statistics::Part part{statistics};
  part.on_up({"one:6379", "a"}, now_);
  part.on_up({"two:6379", "b", Found::by_sentinels}, now_);
  part.on_down(now_);
  statistics.publications.add();
  EXPECT_EQ(host.metrics().value("connected"), std::nullopt);
}

}  // namespace
}  // namespace crolang::redis_registry
