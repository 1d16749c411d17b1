#include "text/similarity.hpp"

#include <gtest/gtest.h>

namespace crolang::text {
namespace {

TEST(EditDistance, CountsWhatHasToBeChanged) {
  EXPECT_EQ(edit_distance("WORKERS", "WORKERS"), 0u);
  EXPECT_EQ(edit_distance("WORKER", "WORKERS"), 1u);
  EXPECT_EQ(edit_distance("WORKERS", "WORKERZ"), 1u);
  EXPECT_EQ(edit_distance("WROKERS", "WORKERS"), 2u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(EditDistance, IsTheLengthOfOneIfTheOtherIsEmpty) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
}

}  // namespace
}  // namespace crolang::text
