#include "broker/locations.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using modules::Holder;

const Holder kThere{"there", 1};
const Holder kElsewhere{"elsewhere", 2};

class LocationsTest : public ::testing::Test {
 protected:
  /// The token, or 0: not known.
  std::uint64_t find(std::string_view id) const {
    const Holder* holder = locations.find(id, now);
    return holder == nullptr ? 0 : holder->token;
  }

  Locations::TimePoint now{1h};
  Locations locations;
};

TEST_F(LocationsTest, KnowNobodyAtFirst) {
  EXPECT_EQ(find("bob"), 0u);
}

TEST_F(LocationsTest, RememberWhereAReceiverWas) {
  locations.keep("bob", kThere, now);

  const Holder* holder = locations.find("bob", now);
  ASSERT_NE(holder, nullptr);
  EXPECT_EQ(holder->instance, "there");
  EXPECT_EQ(holder->token, 1u);
}

TEST_F(LocationsTest, ReplaceASessionByItsSuccessor) {
  locations.keep("bob", kThere, now);
  locations.keep("bob", kElsewhere, now);

  EXPECT_EQ(locations.find("bob", now)->instance, "elsewhere");
  EXPECT_EQ(locations.size(), 1u);
}

TEST_F(LocationsTest, DropAReceiver) {
  locations.keep("bob", kThere, now);
  locations.keep("eve", kElsewhere, now);
  locations.drop("bob", kThere.token);

  EXPECT_EQ(find("bob"), 0u);
  EXPECT_EQ(find("eve"), kElsewhere.token);
}

TEST_F(LocationsTest, DropNoSuccessor) {
  locations.keep("bob", kElsewhere, now);
  locations.drop("bob", kThere.token);

  EXPECT_EQ(find("bob"), kElsewhere.token);
}

TEST_F(LocationsTest, DropNobodyWhoIsNotKnown) {
  locations.drop("bob", kThere.token);

  EXPECT_EQ(locations.size(), 0u);
}

TEST_F(LocationsTest, ForgetAReceiverThatWasNotReachedForHalfAMinute) {
  locations.keep("bob", kThere, now);
  now += Locations::kLifetime - 1ms;
  EXPECT_EQ(find("bob"), kThere.token);
  now += 1ms;
  EXPECT_EQ(find("bob"), 0u);
}

TEST_F(LocationsTest, RememberAReceiverAsLongAsItIsReached) {
  for (int i = 0; i < 10; ++i) {
    locations.keep("bob", kThere, now);
    now += Locations::kLifetime - 1ms;
    EXPECT_EQ(find("bob"), kThere.token);
  }
}

TEST_F(LocationsTest, FreeWhatHasExpiredWhenSomethingElseIsKept) {
  locations.keep("bob", kThere, now);
  locations.keep("eve", kThere, now);
  now += Locations::kLifetime;
  locations.keep("joe", kElsewhere, now);

  EXPECT_EQ(locations.size(), 1u);
  EXPECT_EQ(find("joe"), kElsewhere.token);
}

TEST_F(LocationsTest, GiveUpTheOneThatWasNotReachedForLongestIfThereAreTooMany) {
  for (std::size_t i = 0; i < Locations::kMost; ++i) {
    locations.keep(std::to_string(i), kThere, now);
  }
  locations.keep("0", kThere, now);

  locations.keep("one more", kThere, now);

  EXPECT_EQ(locations.size(), Locations::kMost);
  EXPECT_EQ(find("1"), 0u);
  EXPECT_EQ(find("0"), kThere.token);
  EXPECT_EQ(find("2"), kThere.token);
  EXPECT_EQ(find("one more"), kThere.token);
}

}  // namespace
}  // namespace crolang::broker
