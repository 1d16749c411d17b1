#include "redis-registry/duplicate_filter.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using enum DuplicateFilter::Result;

constexpr DuplicateFilter::TimePoint kStart{std::chrono::hours(1)};

std::string batch_of(std::string_view sender, std::uint64_t number, Outcome outcome) {
  std::string batch;
  append_head(batch, sender, number);
  append(batch, ReplyRecord{number, outcome});
  return batch;
}

TEST(DuplicateFilter, KnowsNothingBeforeItBegins) {
  DuplicateFilter filter;
  EXPECT_EQ(filter.check("one", kStart), fresh);
  EXPECT_EQ(filter.check("one", kStart), fresh);
  filter.begin(kStart);
  EXPECT_EQ(filter.check("one", kStart), fresh);
}

TEST(DuplicateFilter, KnowsWhatHasComeSince) {
  DuplicateFilter filter;
  filter.begin(kStart);
  EXPECT_EQ(filter.check("one", kStart), fresh);
  EXPECT_EQ(filter.check("two", kStart), fresh);
  EXPECT_EQ(filter.check("one", kStart + milliseconds(4000)), repeated);
  EXPECT_EQ(filter.check("two", kStart + milliseconds(4000)), repeated);
}

TEST(DuplicateFilter, EndsAfterSomeTime) {
  DuplicateFilter filter;
  filter.begin(kStart);
  EXPECT_EQ(filter.check("one", kStart), fresh);
  filter.begin(kStart + milliseconds(4000));
  EXPECT_EQ(filter.check("one", kStart + milliseconds(8999)), repeated) << "it goes on";
  EXPECT_EQ(filter.check("one", kStart + milliseconds(9000)), fresh);
  filter.begin(kStart + milliseconds(10'000));
  EXPECT_EQ(filter.check("one", kStart + milliseconds(10'000)), fresh);
}

TEST(DuplicateFilter, KnowsWhatComesAfterALaterOneOfItsSender) {
  DuplicateFilter filter;
  filter.begin(kStart);
  const auto check = [&](std::string_view sender, std::uint64_t number, Outcome outcome) {
    return filter.check(batch_of(sender, number, outcome), kStart);
  };
  EXPECT_EQ(check("{a}:0", 5, Outcome::taken), fresh);
  EXPECT_EQ(check("{a}:0", 7, Outcome::taken), fresh);
  EXPECT_EQ(check("{a}:0", 6, Outcome::taken), late);
  EXPECT_EQ(check("{a}:0", 6, Outcome::taken), repeated);
  EXPECT_EQ(check("{a}:1", 6, Outcome::taken), fresh) << "of another worker link";
  EXPECT_EQ(check("{a}:0", 8, Outcome::taken), fresh);
  EXPECT_EQ(check("{a}:0", 0, Outcome::taken), fresh) << "it has no number";
  EXPECT_EQ(check("{a}:0", 7, Outcome::refused), late);
}

TEST(DuplicateFilter, ForgetsTheNumbersWhenItEnds) {
  DuplicateFilter filter;
  filter.begin(kStart);
  EXPECT_EQ(filter.check(batch_of("{a}:0", 7, Outcome::taken), kStart), fresh);
  const auto end = kStart + milliseconds(5000);
  EXPECT_EQ(filter.check(batch_of("{a}:0", 6, Outcome::taken), end), fresh);
  filter.begin(end);
  EXPECT_EQ(filter.check(batch_of("{a}:0", 5, Outcome::taken), end), fresh);
}

}  // namespace
}  // namespace crolang::redis_registry
