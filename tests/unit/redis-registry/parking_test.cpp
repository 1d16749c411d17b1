#include "redis-registry/parking.hpp"

#include <gmock/gmock.h>

#include <memory>

namespace crolang::redis_registry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr TimePoint kStart{std::chrono::hours(1)};

class ParkingTest : public testing::Test {
 protected:
  void park(int number, std::uint64_t map = 1) {
    // Owns what cannot be copied.
    parking_.add([this, kept = std::make_unique<int>(number)] { ran_.push_back(*kept); }, map,
                 kStart);
  }

  Parking parking_;
  std::vector<int> ran_;
};

TEST_F(ParkingTest, WaitsForAnotherMap) {
  park(1);
  parking_.run_due(1, kStart);
  EXPECT_THAT(ran_, IsEmpty());
  parking_.run_due(2, kStart);
  EXPECT_THAT(ran_, ElementsAre(1));
  EXPECT_TRUE(parking_.is_empty());
}

TEST_F(ParkingTest, WaitsNoLongerThanAMoment) {
  park(1);
  parking_.run_due(1, kStart + Parking::kPause - TimePoint::duration(1));
  EXPECT_THAT(ran_, IsEmpty());
  parking_.run_due(1, kStart + Parking::kPause);
  EXPECT_THAT(ran_, ElementsAre(1));
}

TEST_F(ParkingTest, KeepsTheOrder) {
  park(1);
  park(2, 2);
  park(3);
  parking_.run_due(2, kStart);
  EXPECT_THAT(ran_, ElementsAre(1, 3));
  parking_.run_all();
  EXPECT_THAT(ran_, ElementsAre(1, 3, 2));
}

TEST_F(ParkingTest, LetsWhatItRunsBeParkedAgain) {
  parking_.add([this] { park(1); }, 1, kStart);
  parking_.run_due(2, kStart);
  EXPECT_FALSE(parking_.is_empty());
  parking_.run_due(2, kStart);
  EXPECT_THAT(ran_, ElementsAre(1));
}

}  // namespace
}  // namespace crolang::redis_registry
