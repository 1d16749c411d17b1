#include "admin/sessions.hpp"

#include <gtest/gtest.h>

#include <set>

namespace crolang::admin {
namespace {

using namespace std::chrono_literals;

const Sessions::TimePoint kNow{24h};

TEST(Sessions, AreFoundByTheirIdUntilTheyEnd) {
  Sessions sessions;
  const std::string id = sessions.begin(kNow);
  const auto number = sessions.find(id, kNow + 1h);
  ASSERT_TRUE(number);
  EXPECT_NE(*number, 0u);
  EXPECT_TRUE(sessions.is_open(*number, kNow + 1h));
  sessions.end(*number);
  EXPECT_FALSE(sessions.find(id, kNow + 1h));
  EXPECT_FALSE(sessions.is_open(*number, kNow + 1h));
}

TEST(Sessions, GetTooOld) {
  Sessions sessions;
  const std::string id = sessions.begin(kNow);
  const auto number = sessions.find(id, kNow);
  ASSERT_TRUE(number);
  EXPECT_TRUE(sessions.find(id, kNow + Sessions::kAge - 1s));
  EXPECT_FALSE(sessions.find(id, kNow + Sessions::kAge));
  EXPECT_FALSE(sessions.is_open(*number, kNow + Sessions::kAge));
}

TEST(Sessions, TheOldestEndsIfThereAreTooMany) {
  Sessions sessions;
  const std::string first = sessions.begin(kNow);
  const std::string second = sessions.begin(kNow);
  for (std::size_t i = 2; i <= Sessions::kMost; ++i) sessions.begin(kNow);
  EXPECT_EQ(sessions.size(), Sessions::kMost);
  EXPECT_FALSE(sessions.find(first, kNow));
  EXPECT_TRUE(sessions.find(second, kNow));
}

TEST(Sessions, HaveIdsThatNobodyGuesses) {
  Sessions sessions;
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(sessions.begin(kNow));
  EXPECT_EQ(ids.size(), 100u);
  EXPECT_EQ(ids.begin()->size(), 64u);
  EXPECT_FALSE(sessions.find("", kNow));
}

TEST(Secret, DigestsAreEqualOnlyForTheSameSecret) {
  EXPECT_EQ(SecretDigest("0123456789abcdef"), SecretDigest("0123456789abcdef"));
  EXPECT_FALSE(SecretDigest("0123456789abcdef") == SecretDigest("0123456789abcdeF"));
  EXPECT_FALSE(SecretDigest("0123456789abcdef") == SecretDigest("0123456789abcdef "));
}

}  // namespace
}  // namespace crolang::admin
