#include "broker/instance_status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using testing::Harness;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(InstanceStatus, HasTheFactsThatAnOperatorNeeds) {
  Harness harness;
  harness.join("bob");
  EXPECT_EQ(status_of(harness.shared),
            R"({"instance":"here","version":"1.2.3","startedAt":"2026-11-30T12:34:56Z",)"
            R"("workers":1,"nodes":1,"draining":false})");
  harness.shared.draining.store(true);
  EXPECT_THAT(status_of(harness.shared), HasSubstr(R"("draining":true)"));
}

TEST(StatusReports, AreSentAtOnceAndPeriodically) {
  Harness harness;
  harness.broker.start_status_reports(harness.now);
  EXPECT_EQ(harness.deadline(), harness.now);
  harness.pass(0s);
  EXPECT_THAT(harness.modules.statuses, SizeIs(1));
  EXPECT_EQ(harness.modules.statuses.back(), status_of(harness.shared));
  EXPECT_EQ(harness.deadline(), harness.now + 10s);
  harness.pass(9s);
  EXPECT_THAT(harness.modules.statuses, SizeIs(1));
  harness.join("bob");
  harness.pass(1s);
  EXPECT_THAT(harness.modules.statuses, SizeIs(2));
  EXPECT_THAT(harness.modules.statuses.back(), HasSubstr(R"("nodes":1)"));
}

}  // namespace
}  // namespace crolang::broker
