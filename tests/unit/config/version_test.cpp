#include "config/version.hpp"

#include <gtest/gtest.h>

namespace crolang::config {
namespace {

TEST(Version, IsTheProjects) {
  EXPECT_EQ(version(), CROLANG_EXPECTED_VERSION);
}

}  // namespace
}  // namespace crolang::config
