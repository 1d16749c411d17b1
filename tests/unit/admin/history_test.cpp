#include "admin/history.hpp"

#include <gtest/gtest.h>

namespace crolang::admin {
namespace {

using namespace std::chrono_literals;

const History::TimePoint kBegin{100h};
const History::WallTime kWall{std::chrono::milliseconds(1'767'323'045'000)};

Traffic with_ok(std::uint64_t ok) {
  Traffic traffic;
  traffic.ok = ok;
  return traffic;
}

Sample sample_of(std::uint64_t ok, std::uint64_t nodes) {
  Sample sample;
  sample.traffic = with_ok(ok);
  sample.nodes = nodes;
  return sample;
}

TEST(History, ASampleHoldsWhatHasHappenedSinceTheOneBefore) {
  History history(with_ok(100), kBegin);
  history.add(sample_of(103, 7), kWall);
  Sample second = sample_of(110, 8);
  second.extra["negotiations"] = {{"answered", 2}};
  history.add(second, kWall + 5s);
  const nlohmann::json json = history.json();
  EXPECT_EQ(json["intervalSeconds"], 5);
  ASSERT_EQ(json["samples"].size(), 2u);
  EXPECT_EQ(json["samples"][0]["at"], "2026-01-02T03:04:05.000Z");
  EXPECT_EQ(json["samples"][0]["messages"]["ok"], 3);
  EXPECT_EQ(json["samples"][0]["nodes"], 7);
  EXPECT_EQ(json["samples"][0]["negotiations"], nlohmann::json::object());
  EXPECT_EQ(json["samples"][1]["messages"]["ok"], 7);
  EXPECT_EQ(json["samples"][1]["negotiations"]["answered"], 2);
}

TEST(History, KeepsAQuarterOfAnHour) {
  History history({}, kBegin);
  for (std::uint64_t i = 0; i < 2 * History::kMost; ++i) history.add(sample_of(i, i), kWall);
  const nlohmann::json json = history.json();
  ASSERT_EQ(json["samples"].size(), History::kMost);
  EXPECT_EQ(json["samples"][0]["nodes"], History::kMost);
}

TEST(History, RatesAreOfTheTimeAskedForOrSinceTheStart) {
  History history({}, kBegin);
  EXPECT_EQ(history.rates({}, 10s, kBegin)["messages"]["ok"], 0.0);
  EXPECT_EQ(history.rates(with_ok(4), 10s, kBegin + 2s)["messages"]["ok"], 2.0);
  for (int second = 1; second <= 100; ++second) {
    const std::uint64_t ok = second <= 80 ? 0 : 10 * static_cast<std::uint64_t>(second - 80);
    history.add_second(with_ok(ok), kBegin + std::chrono::seconds(second));
  }
  EXPECT_EQ(history.rates(with_ok(200), 10s, kBegin + 100s)["messages"]["ok"], 10.0);
  EXPECT_NEAR(history.rates(with_ok(200), 60s, kBegin + 100s)["messages"]["ok"].get<double>(),
              200.0 / 60, 0.01);
}

}  // namespace
}  // namespace crolang::admin
