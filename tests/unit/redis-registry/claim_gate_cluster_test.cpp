// What ClaimGate knows of clusters: see claim_gate_test.cpp for the rest.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "redis-registry/claim_gate.hpp"

namespace crolang::redis_registry {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

using BatchResult = ClaimGate::BatchResult;
using Notice = ClaimGate::Notice;
using Task = ClaimGate::Task;

constexpr auto kTtl = 60'000ms;
constexpr auto kGrace = ClaimGate::kGracePeriod;

class ClaimGateInCluster : public testing::Test {
 protected:
  Task connect() { return gate_.on_connected({"first", 1h, "first", std::nullopt}, now_); }
  Notice restore() { return gate_.on_all_begun(now_); }
  void connect_and_restore() {
    connect();
    EXPECT_EQ(restore(), Notice::none);
    ASSERT_TRUE(gate_.grants_claims(now_));
  }
  void expect_open_after(std::chrono::milliseconds time) {
    EXPECT_FALSE(gate_.grants_claims(now_ + time - 1ms));
    EXPECT_TRUE(gate_.grants_claims(now_ + time));
  }

  ClaimGate::TimePoint now_{1h};
  ClaimGate gate_{"cache:6379", kTtl};
};

constexpr std::string_view kDown = "CLUSTERDOWN The cluster is down";

TEST_F(ClaimGateInCluster, ClosesWhileTheClusterIsDownAndNoLonger) {
  connect_and_restore();
  EXPECT_EQ(gate_.on_away(kDown, now_), Notice::unavailable);
  EXPECT_EQ(gate_.on_away(kDown, now_), Notice::none) << "it has been said";
  EXPECT_FALSE(gate_.grants_claims(now_));
  EXPECT_THAT(gate_.why_paused(), HasSubstr("CLUSTERDOWN"));
  EXPECT_EQ(gate_.refusal(), "") << "it has not lost anything";
  EXPECT_FALSE(gate_.tick(now_).test_write);
  now_ += (ClaimGate::kTestAfter);
  EXPECT_TRUE(gate_.tick(now_).test_write);
  EXPECT_FALSE(gate_.tick(now_).test_write) << "once";
  EXPECT_EQ(gate_.on_tested(BatchResult::failed, now_), Notice::none);
  now_ += (ClaimGate::kTestAfter);
  EXPECT_TRUE(gate_.tick(now_).test_write);
  EXPECT_EQ(gate_.on_tested(BatchResult::written, now_), Notice::available);
  EXPECT_TRUE(gate_.grants_claims(now_));
  EXPECT_EQ(gate_.on_tested(BatchResult::written, now_), Notice::none);
}

TEST_F(ClaimGateInCluster, WritesAllAgainAfterTheClusterWasDownForHalfTheLifeOfALease) {
  connect_and_restore();
  EXPECT_EQ(gate_.on_away(kDown, now_), Notice::unavailable);
  now_ += (kTtl / 2);
  EXPECT_EQ(gate_.on_tested(BatchResult::written, now_), Notice::none);
  EXPECT_EQ(gate_.tick(now_).task, Task::restore_all);
  EXPECT_EQ(restore(), Notice::available);
  expect_open_after(kGrace);
}

TEST_F(ClaimGateInCluster, CountsTheTimeThatTheClusterWasDownBeforeTheConnectionWasLost) {
  connect_and_restore();
  EXPECT_EQ(gate_.on_away(kDown, now_), Notice::unavailable);
  now_ += (kTtl / 2);
  EXPECT_EQ(gate_.on_disconnected("Connection refused", now_, now_), Notice::still_unavailable);
  connect();
  EXPECT_EQ(restore(), Notice::available);
  expect_open_after(kGrace);
}

TEST_F(ClaimGateInCluster, PausesWhereLeasesOfOthersMayBeMissing) {
  connect_and_restore();
  gate_.pause_claims(now_);
  expect_open_after(kGrace);
}

TEST_F(ClaimGateInCluster, TrustsAServerThatHasGotItsSlotsWithTheirKeys) {
  const ClaimGate::Server fresh{"first", 1h, std::nullopt, 1};
  gate_.trust_next_server();
  EXPECT_EQ(gate_.on_connected(fresh, now_), Task::restore_all);
  EXPECT_EQ(restore(), Notice::none);
  EXPECT_TRUE(gate_.grants_claims(now_));
}

// A key that is being moved is written by another server, whose connection stays.
TEST_F(ClaimGateInCluster, TakesNoAnswerOfAnEarlierAttemptForOneOfThis) {
  connect();
  const std::uint64_t earlier = gate_.on_batch_begun();
  EXPECT_EQ(restore(), Notice::none);
  EXPECT_TRUE(gate_.is_restoring(earlier));
  EXPECT_EQ(gate_.on_disconnected("gone", now_, now_), Notice::unavailable);
  EXPECT_FALSE(gate_.is_restoring(earlier));
  connect();
  const std::uint64_t present = gate_.on_batch_begun();
  EXPECT_NE(present, earlier);
  EXPECT_EQ(restore(), Notice::none);
  EXPECT_EQ(gate_.on_batch_answered(earlier, BatchResult::written, now_), Notice::none);
  EXPECT_FALSE(gate_.is_restored());
  EXPECT_EQ(gate_.on_batch_answered(earlier, BatchResult::failed, now_), Notice::none);
  EXPECT_FALSE(gate_.is_restoring(earlier));
  EXPECT_TRUE(gate_.is_restoring(present));
  EXPECT_EQ(gate_.on_batch_answered(present, BatchResult::written, now_), Notice::available);
  EXPECT_TRUE(gate_.grants_claims(now_));
}

TEST_F(ClaimGateInCluster, NamesTheRunAgainUnderAnotherKey) {
  connect_and_restore();
  EXPECT_FALSE(gate_.tick(now_).name_run);
  gate_.on_run_key_changed();
  EXPECT_TRUE(gate_.tick(now_).name_run);
  EXPECT_FALSE(gate_.tick(now_).name_run);
}

}  // namespace
}  // namespace crolang::redis_registry
