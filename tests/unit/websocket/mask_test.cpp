#include "websocket/mask.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace crolang::websocket {
namespace {

constexpr MaskKey kKey = {'\x01', '\x20', '\x7f', '\x15'};  // leaves ASCII ASCII

std::string masked(std::string text, MaskKey key) {
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(text[i] ^ key[i % 4]);
  return text;
}

std::string numbered(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * 37 % 256);
  return text;
}

TEST(Mask, UnmasksPayloadsOfEverySizeAtEveryAddress) {
  constexpr MaskKey key = {'\x37', '\xfa', '\x21', '\x3d'};
  for (std::size_t size = 0; size <= 100; ++size) {
    for (std::size_t offset = 0; offset < 9; ++offset) {
      std::string memory = std::string(offset, 'a') + masked(numbered(size), key) + "z";
      unmask(std::span(memory).subspan(offset, size), key);
      ASSERT_EQ(memory, std::string(offset, 'a') + numbered(size) + "z") << size << '+' << offset;
    }
  }
}

TEST(Mask, SaysThatAsciiIsAscii) {
  for (std::size_t size = 0; size <= 100; ++size) {
    std::string payload = masked(std::string(size, '\x7f'), kKey);
    EXPECT_TRUE(unmask(payload, kKey)) << size;
  }
}

TEST(Mask, SeesAByteThatIsNotAsciiWhereverItStands) {
  for (std::size_t size = 1; size <= 100; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string payload(size, 'x');
      payload[at] = '\x80';
      payload = masked(payload, kKey);
      ASSERT_FALSE(unmask(payload, kKey)) << at << " of " << size;
    }
  }
}

TEST(Mask, ChecksTheUnmaskedBytes) {
  constexpr MaskKey key = {'\x80', '\x80', '\x80', '\x80'};
  std::string payload = masked("plain text", key);
  EXPECT_TRUE(unmask(payload, key));
}

}  // namespace
}  // namespace crolang::websocket
