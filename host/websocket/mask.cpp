#include "websocket/mask.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace crolang::websocket {
namespace {

constexpr std::uint64_t kNotAscii = 0x8080808080808080;

}  // namespace

// Hot: per message. Whole words without a branch inside, so that the compiler vectorises the loop.
bool unmask(std::span<char> payload, MaskKey key) noexcept {
  std::uint64_t wide_key = 0;
  std::memcpy(&wide_key, key.data(), key.size());
  wide_key |= wide_key << 32;  // the same in either byte order, as the other half is zero
  char* const bytes = payload.data();
  const std::size_t words = payload.size() / sizeof wide_key;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word;
    std::memcpy(&word, bytes + i * sizeof word, sizeof word);
    word ^= wide_key;
    seen |= word;
    std::memcpy(bytes + i * sizeof word, &word, sizeof word);
  }
  for (std::size_t i = words * sizeof wide_key; i < payload.size(); ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ key[i % key.size()]);
    seen |= static_cast<std::uint8_t>(bytes[i]);
  }
  return (seen & kNotAscii) == 0;
}

}  // namespace crolang::websocket
