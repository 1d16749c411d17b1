#include "broker/node_events.hpp"

#include <gtest/gtest.h>

#include <map>

#include "unit/broker/harness.hpp"

namespace crolang::broker::testing {
namespace {

using telemetry::Event;
using telemetry::EventKind;

/// The texts of an event's fields.
std::map<std::string, std::string> texts_in(const Event& event) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : event.fields) {
    if (const auto* text = std::get_if<std::string>(&value)) texts[std::string(name)] = *text;
  }
  return texts;
}

TEST(NodeEvents, TellWhoJoinsAndLeaves) {
  Harness harness;
  harness.shared.events.watch([] {});
  Node& node = harness.join("alice");
  harness.cut(node);
  const auto events = harness.shared.events.take().events;
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, EventKind::joined);
  EXPECT_EQ(texts_in(events[0])["id"], "alice");
  EXPECT_EQ(texts_in(events[0])["address"], "192.0.2.7");
  EXPECT_EQ(events[1].kind, EventKind::left);
  EXPECT_EQ(texts_in(events[1])["id"], "alice");
  EXPECT_NE(texts_in(events[1])["reason"], "");
}

TEST(NodeEvents, ANodeThatDisconnectsLeavesOnce) {
  Harness harness;
  harness.shared.events.watch([] {});
  Node& node = harness.join("alice");
  harness.say(node, "41");
  harness.cut(node);
  const auto events = harness.shared.events.take().events;
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].kind, EventKind::left);
  EXPECT_EQ(texts_in(events[1])["reason"], "it sent DISCONNECT");
}

TEST(NodeEvents, TellWhoIsAskedToRetry) {
  Harness harness;
  harness.shared.events.watch([] {});
  harness.no_capacity = TemporaryFailure::full;
  harness.broker.admit(harness.request_upgrade(query_of("alice")));
  const auto events = harness.shared.events.take().events;
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, EventKind::refused);
  EXPECT_EQ(texts_in(events[0])["id"], "alice");
}

}  // namespace
}  // namespace crolang::broker::testing
