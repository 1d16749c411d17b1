#include "json/byte_mask.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace crolang::json {
namespace {

constexpr auto is_quote = [](auto byte) { return byte == std::uint8_t{'"'}; };

TEST(ByteMask, HasABitForEachByteThatMatches) {
  for (std::size_t i = 0; i < kMaskSize; ++i) {
    std::string text(kMaskSize, 'a');
    EXPECT_EQ(Bytes64(text.data()).mask(is_quote), 0U);
    text[i] = '"';
    EXPECT_EQ(Bytes64(text.data()).mask(is_quote), std::uint64_t{1} << i);
  }
  EXPECT_EQ(Bytes64(std::string(kMaskSize, '"').data()).mask(is_quote), ~std::uint64_t{0});
}

TEST(ByteMask, IsTheSameOnEveryProcessor) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    Block flags{};
    for (std::size_t i = 0; i < kBlockSize; ++i) {
      flags[i] = (bits >> i & 1U) != 0 ? 0xFF : 0;
    }
    ASSERT_EQ(mask_of(flags), bits);
    ASSERT_EQ(portable_mask_of(flags), bits);
  }
}

}  // namespace
}  // namespace crolang::json
