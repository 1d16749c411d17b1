#include "webhook-common/fault_log.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::webhook_common {
namespace {

using std::chrono::milliseconds;
const FaultLog::TimePoint kStart = FaultLog::TimePoint{} + std::chrono::hours(1);

TEST(FaultLog, LogsTheFirstFaultAtOnce) {
  FaultLog log;
  EXPECT_EQ(log.note(kStart, "a"), "a");
  EXPECT_EQ(log.due(), std::nullopt);
}

TEST(FaultLog, LogsFaultsThatAreFarApart) {
  FaultLog log;
  log.note(kStart, "a");
  EXPECT_EQ(log.note(kStart + milliseconds(1000), "b"), "b");
}

TEST(FaultLog, LeavesOutWhatComesTooSoonAndCountsItInTheNextLine) {
  FaultLog log;
  log.note(kStart, "a");
  EXPECT_EQ(log.note(kStart + milliseconds(1), "b"), std::nullopt);
  EXPECT_EQ(log.note(kStart + milliseconds(999), "c"), std::nullopt);
  EXPECT_EQ(log.note(kStart + milliseconds(1000), "d"), "d (and 2 more before)");
  EXPECT_EQ(log.note(kStart + milliseconds(2000), "e"), "e");
}

TEST(FaultLog, MakesUpForWhatWasLeftOutWithoutAnotherFault) {
  FaultLog log;
  log.note(kStart, "a");
  log.note(kStart + milliseconds(1), "b");
  log.note(kStart + milliseconds(2), "c");
  EXPECT_EQ(log.due(), kStart + milliseconds(1000));
  EXPECT_EQ(log.left_out(kStart + milliseconds(999)), std::nullopt);
  EXPECT_EQ(log.left_out(kStart + milliseconds(1000)), "c (and 1 more before)");
  EXPECT_EQ(log.due(), std::nullopt);
  EXPECT_EQ(log.left_out(kStart + milliseconds(3000)), std::nullopt);
}

TEST(FaultLog, MakesUpForOneFaultWithItsOwnWords) {
  FaultLog log;
  log.note(kStart, "a");
  log.note(kStart + milliseconds(1), "b");
  EXPECT_EQ(log.left_out(kStart + milliseconds(1000)), "b");
}

TEST(FaultLog, PausesForAsLongAsItWasTold) {
  FaultLog log(std::chrono::seconds(60));
  log.note(kStart, "a");
  EXPECT_EQ(log.note(kStart + milliseconds(59'999), "b"), std::nullopt);
  EXPECT_EQ(log.due(), kStart + milliseconds(60'000));
  EXPECT_EQ(log.note(kStart + milliseconds(60'000), "c"), "c (and 1 more before)");
}

TEST(FaultLog, PausesAfterMakingUpToo) {
  FaultLog log;
  log.note(kStart, "a");
  log.note(kStart, "b");
  log.left_out(kStart + milliseconds(1000));
  EXPECT_EQ(log.note(kStart + milliseconds(1500), "c"), std::nullopt);
}

}  // namespace
}  // namespace crolang::webhook_common
