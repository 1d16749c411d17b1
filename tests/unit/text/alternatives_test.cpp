#include "text/alternatives.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace crolang::text {
namespace {

TEST(Alternatives, StandInASentence) {
  EXPECT_EQ(alternatives(std::vector<std::string>{}), "");
  EXPECT_EQ(alternatives(std::vector<std::string>{"A"}), "A");
  EXPECT_EQ(alternatives(std::vector<std::string>{"A", "B"}), "A or B");
  EXPECT_EQ(alternatives(std::vector<std::string>{"A", "B", "C"}), "A, B or C");
}

}  // namespace
}  // namespace crolang::text
