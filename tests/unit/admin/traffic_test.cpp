#include "admin/traffic.hpp"

#include <gtest/gtest.h>

#include <array>

namespace crolang::admin {
namespace {

using telemetry::Counter;

TEST(Traffic, IsTheSumOfAllCounters) {
  telemetry::WorkerCounters worker;
  telemetry::SharedCounters shared;
  worker.add(Counter::ack_ok, 3);
  shared.add(Counter::ack_ok, 4);
  worker.add(Counter::ack_not_connected, 2);
  worker.add(Counter::nodes_joined, 10);
  worker.add(Counter::refused_duplicate);
  worker.add(Counter::unavailable_memory);
  const std::array<const telemetry::Counters*, 2> counters{&worker, &shared};
  const Traffic traffic = traffic_of(counters, 6);
  EXPECT_EQ(traffic.ok, 7u);
  EXPECT_EQ(traffic.not_connected, 2u);
  EXPECT_EQ(traffic.joined, 10u);
  EXPECT_EQ(traffic.left, 4u);
  EXPECT_EQ(traffic.refused, 2u);
}

TEST(Traffic, WhatIsReadWhileItGrowsIsNeverNegative) {
  Traffic earlier;
  earlier.left = 5;
  Traffic later;
  later.left = 4;
  later.ok = 1;
  EXPECT_EQ(difference(later, earlier).left, 0u);
  EXPECT_EQ(difference(later, earlier).ok, 1u);
}

TEST(Traffic, CountsTheCallsOfAKindThatHaveFailed) {
  using telemetry::PluginEvent;
  telemetry::SharedCounters shared;
  shared.add(telemetry::plugin_counter(kinds::Kind::registry, PluginEvent::failed), 2);
  shared.add(telemetry::plugin_counter(kinds::Kind::registry, PluginEvent::timeout));
  shared.add(telemetry::plugin_counter(kinds::Kind::registry, PluginEvent::late_answer));
  shared.add(telemetry::plugin_counter(kinds::Kind::validity, PluginEvent::failed));
  const std::array<const telemetry::Counters*, 1> counters{&shared};
  EXPECT_EQ(faults_of(counters, kinds::Kind::registry), 3u);
}

}  // namespace
}  // namespace crolang::admin
