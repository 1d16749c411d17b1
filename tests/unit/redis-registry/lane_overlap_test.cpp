#include "redis-registry/lane_overlap.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using enum LaneOverlap::Verdict;

constexpr LaneOverlap::TimePoint kStart{std::chrono::hours(1)};

std::string batch_of(std::string_view sender, std::uint64_t number, Outcome outcome) {
  std::string batch;
  append_head(batch, sender, number);
  append(batch, ReplyRecord{number, outcome});
  return batch;
}

TEST(LaneOverlap, KnowsNothingBeforeItBegins) {
  LaneOverlap overlap;
  EXPECT_EQ(overlap.judge("one", kStart), fresh);
  EXPECT_EQ(overlap.judge("one", kStart), fresh);
  overlap.begin(kStart);
  EXPECT_EQ(overlap.judge("one", kStart), fresh);
}

TEST(LaneOverlap, KnowsWhatHasComeSince) {
  LaneOverlap overlap;
  overlap.begin(kStart);
  EXPECT_EQ(overlap.judge("one", kStart), fresh);
  EXPECT_EQ(overlap.judge("two", kStart), fresh);
  EXPECT_EQ(overlap.judge("one", kStart + milliseconds(4000)), repeated);
  EXPECT_EQ(overlap.judge("two", kStart + milliseconds(4000)), repeated);
}

TEST(LaneOverlap, EndsAfterSomeTime) {
  LaneOverlap overlap;
  overlap.begin(kStart);
  EXPECT_EQ(overlap.judge("one", kStart), fresh);
  overlap.begin(kStart + milliseconds(4000));
  EXPECT_EQ(overlap.judge("one", kStart + milliseconds(8999)), repeated) << "it goes on";
  EXPECT_EQ(overlap.judge("one", kStart + milliseconds(9000)), fresh);
  overlap.begin(kStart + milliseconds(10'000));
  EXPECT_EQ(overlap.judge("one", kStart + milliseconds(10'000)), fresh);
}

TEST(LaneOverlap, KnowsWhatComesAfterALaterOneOfItsSender) {
  LaneOverlap overlap;
  overlap.begin(kStart);
  const auto judge = [&](std::string_view sender, std::uint64_t number, Outcome outcome) {
    return overlap.judge(batch_of(sender, number, outcome), kStart);
  };
  EXPECT_EQ(judge("{a}:0", 5, Outcome::taken), fresh);
  EXPECT_EQ(judge("{a}:0", 7, Outcome::taken), fresh);
  EXPECT_EQ(judge("{a}:0", 6, Outcome::taken), late);
  EXPECT_EQ(judge("{a}:0", 6, Outcome::taken), repeated);
  EXPECT_EQ(judge("{a}:1", 6, Outcome::taken), fresh) << "of another lane";
  EXPECT_EQ(judge("{a}:0", 8, Outcome::taken), fresh);
  EXPECT_EQ(judge("{a}:0", 0, Outcome::taken), fresh) << "it has no number";
  EXPECT_EQ(judge("{a}:0", 7, Outcome::refused), late);
}

TEST(LaneOverlap, ForgetsTheNumbersWhenItEnds) {
  LaneOverlap overlap;
  overlap.begin(kStart);
  EXPECT_EQ(overlap.judge(batch_of("{a}:0", 7, Outcome::taken), kStart), fresh);
  const auto end = kStart + milliseconds(5000);
  EXPECT_EQ(overlap.judge(batch_of("{a}:0", 6, Outcome::taken), end), fresh);
  overlap.begin(end);
  EXPECT_EQ(overlap.judge(batch_of("{a}:0", 5, Outcome::taken), end), fresh);
}

}  // namespace
}  // namespace crolang::redis_registry
