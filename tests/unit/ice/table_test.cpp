#include "ice/table.hpp"

#include <gtest/gtest.h>

namespace crolang::ice {
namespace {

TEST(IceTable, AlignsColumns) {
  EXPECT_EQ(aligned({{"A", "B"}, {"long", "x"}}), (std::vector<std::string>{"A     B", "long  x"}));
}

TEST(IceTable, CountsCharacters) {
  EXPECT_EQ(aligned({{"ü", "B"}, {"xy", "C"}}), (std::vector<std::string>{"ü   B", "xy  C"}));
}

TEST(IceTable, GoesOnInTheNextLine) {
  const std::string wide(60, 'w');
  const auto lines = aligned({{wide, "b", std::string(50, 'c')}});
  EXPECT_EQ(lines[0], wide + "  b\n    " + std::string(50, 'c'));
}

}  // namespace
}  // namespace crolang::ice
