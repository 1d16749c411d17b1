#include "redis-registry/held_batches.hpp"

#include <gmock/gmock.h>

namespace crolang::redis_registry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class HeldBatchesTest : public testing::Test {
 protected:
  void add(std::uint64_t number, Slot slot) { held_.add({number, slot, {}}); }
  /// Those that are released if these slots are kept.
  std::vector<std::uint64_t> release(const std::vector<Slot>& kept = {}) {
    std::vector<std::uint64_t> released;
    held_.release([&](const HeldBatches::Held& each) {
      if (std::ranges::find(kept, each.slot) != kept.end()) return true;
      released.push_back(each.number);
      return false;
    });
    return released;
  }

  HeldBatches held_;
};

TEST_F(HeldBatchesTest, AreReleasedInOrder) {
  add(2, 1);
  add(3, 2);
  add(1, 1);
  EXPECT_TRUE(held_.has(1));
  EXPECT_FALSE(held_.has(3));
  EXPECT_THAT(release(), ElementsAre(1, 2, 3));
  EXPECT_TRUE(held_.is_empty());
}

TEST_F(HeldBatchesTest, OfOtherSlotsDoNotWait) {
  add(1, 1);
  add(2, 2);
  EXPECT_THAT(release({1}), ElementsAre(2));
  EXPECT_THAT(release(), ElementsAre(1));
}

TEST_F(HeldBatchesTest, WaitBehindOneOfTheirSlot) {
  add(1, 1);
  add(2, 1);
  add(3, 2);
  std::vector<std::uint64_t> asked;
  held_.release([&](const HeldBatches::Held& each) {
    asked.push_back(each.number);
    return each.number == 1;
  });
  EXPECT_THAT(asked, ElementsAre(1, 3));
  EXPECT_THAT(release(), ElementsAre(1, 2));
  EXPECT_THAT(release(), IsEmpty());
}

}  // namespace
}  // namespace crolang::redis_registry
