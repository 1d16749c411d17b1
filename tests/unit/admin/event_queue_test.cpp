#include "admin/event_queue.hpp"

#include <gtest/gtest.h>

#include "telemetry/event_hub.hpp"

namespace crolang::admin {
namespace {

using telemetry::Event;
using telemetry::EventHub;
using telemetry::EventKind;

const std::chrono::system_clock::time_point kMoment{std::chrono::milliseconds(1'767'323'045'678)};

EventText numbered(std::size_t number) {
  return std::make_shared<const std::string>(std::to_string(number) + ";");
}

std::string taken(EventQueue& queue, std::size_t most = 1'000'000) {
  std::string out;
  queue.take(out, most, kMoment);
  return out;
}

TEST(EventQueue, WritesAnEventForEventSource) {
  Event event{EventKind::refused, kMoment, {}};
  event.fields.emplace_back("id", std::string("a\nb"));
  event.fields.emplace_back("mayRetry", true);
  EXPECT_EQ(*text_of(event),
            "event: refused\ndata: "
            R"({"at":"2026-01-02T03:04:05.678Z","id":"a\nb","mayRetry":true})"
            "\n\n");
}

TEST(EventQueue, ASlowReaderLosesTheOldestAndIsToldHowMany) {
  EventQueue queue;
  for (std::size_t i = 0; i < EventQueue::kMaxEvents + 3; ++i) queue.push(numbered(i));
  const std::string out = taken(queue);
  EXPECT_TRUE(out.starts_with(
      "event: lost\ndata: {\"at\":\"2026-01-02T03:04:05.678Z\",\"count\":3}\n\n3;4;5;"))
      << out.substr(0, 100);
  EXPECT_TRUE(queue.is_empty());
  EXPECT_EQ(queue.lost(), 3u);
  queue.push(numbered(7));
  EXPECT_EQ(taken(queue), "7;");
}

TEST(EventQueue, IsBoundedInBytesToo) {
  EventQueue queue;
  const auto large = std::make_shared<const std::string>(EventQueue::kMostBytes / 4, 'x');
  for (int i = 0; i < 10; ++i) queue.push(large);
  EXPECT_EQ(queue.lost(), 6u);
  queue.push(std::make_shared<const std::string>(2 * EventQueue::kMostBytes, 'x'));
  EXPECT_EQ(queue.lost(), 11u);
  EXPECT_NE(taken(queue).find("\"count\":11"), std::string::npos);
}

TEST(EventQueue, GivesALittleAtATime) {
  EventQueue queue;
  for (std::size_t i = 0; i < 5; ++i) queue.push(numbered(i));
  EXPECT_EQ(taken(queue, 3), "0;1;");
  EXPECT_EQ(taken(queue, 3), "2;3;");
  EXPECT_EQ(taken(queue, 3), "4;");
  EXPECT_TRUE(queue.is_empty());
}

TEST(EventHub, KeepsNothingWhileNobodyWatches) {
  EventHub hub;
  EXPECT_FALSE(hub.is_watched());
  hub.publish(EventKind::joined, {{"id", "alice"}});
  int woken = 0;
  hub.watch([&] { ++woken; });
  EXPECT_TRUE(hub.take().events.empty());
  hub.publish(EventKind::joined, {{"id", "alice"}});
  hub.publish(EventKind::left, {{"id", "alice"}});
  EXPECT_EQ(woken, 1);
  const EventHub::Batch batch = hub.take();
  ASSERT_EQ(batch.events.size(), 2u);
  EXPECT_EQ(std::get<std::string>(batch.events[0].fields[0].second), "alice");
  hub.unwatch();
  hub.publish(EventKind::joined, {{"id", "alice"}});
  EXPECT_EQ(woken, 1);
}

TEST(EventHub, CountsWhatItHasNoRoomFor) {
  EventHub hub;
  int woken = 0;
  hub.watch([&] { ++woken; });
  for (std::size_t i = 0; i < EventHub::kMostWaiting + 5; ++i)
    hub.publish(EventKind::joined, {{"number", std::uint64_t{i}}});
  EXPECT_EQ(woken, 1);
  const EventHub::Batch batch = hub.take();
  EXPECT_EQ(batch.events.size(), EventHub::kMostWaiting);
  EXPECT_EQ(batch.lost, 5u);
  hub.publish(EventKind::joined, {});
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(hub.take().events.size(), 1u);
}

}  // namespace
}  // namespace crolang::admin
