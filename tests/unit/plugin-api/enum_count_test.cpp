#include <gtest/gtest.h>

#include <crolang/enum_count.hpp>
#include <cstdint>

namespace crolang {
namespace {

enum class Three : std::uint8_t { one, two, three };
enum class None {};
struct Holder {
  enum class Two : char { one, two };
};

TEST(EnumCount, IsTheNumberOfValues) {
  EXPECT_EQ(enum_count<Three>(), 3u);
  EXPECT_EQ(enum_count<Holder::Two>(), 2u);
  EXPECT_EQ(enum_count<None>(), 0u);
}

}  // namespace
}  // namespace crolang
