#include "admin/negotiation_counts.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace crolang::admin {
namespace {

using telemetry::Counter;

TEST(NegotiationCounts, AreThoseOfAllWorkersBetweenTwoTimes) {
  telemetry::WorkerCounters one, two;
  const std::vector<const telemetry::Counters*> all{&one, &two};
  one.add(Counter::negotiations_answered, 5);
  const NegotiationCounts before = negotiation_counts(all);
  one.add(Counter::negotiations_answered);
  two.add(Counter::negotiations_answered);
  two.add(Counter::negotiations_not_allowed);
  EXPECT_EQ(json_between(before, negotiation_counts(all)), (nlohmann::json{{"answered", 2},
                                                                           {"refused", 0},
                                                                           {"notAllowed", 1},
                                                                           {"unanswered", 0},
                                                                           {"notConnected", 0},
                                                                           {"unauthorized", 0},
                                                                           {"failed", 0}}));
}

}  // namespace
}  // namespace crolang::admin
