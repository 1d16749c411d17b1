/// Bit masks of 64 bytes of text: bit i stands for byte i, so that the next match is found without
/// reading the text again, and several matches in a row cost no mispredicted branch each.
///
/// The vector extension of g++ and clang compiles to SSE2 or NEON, to scalar code elsewhere, and
/// needs no flags. Threads: free functions. Errors: none.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace crolang::json {

using Block = std::uint8_t __attribute__((vector_size(16)));
inline constexpr std::size_t kBlockSize = sizeof(Block);
inline constexpr std::size_t kMaskSize = 64;

/// Precondition: each byte is 0 or 0xFF.
inline std::uint64_t portable_mask_of(Block flags) noexcept {
  std::array<std::uint8_t, kBlockSize> bytes;
  std::memcpy(bytes.data(), &flags, kBlockSize);
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < kBlockSize; ++i) mask |= std::uint64_t{bytes[i] & 1U} << i;
  return mask;
}

inline std::uint64_t mask_of(Block flags) noexcept {
#if defined(__SSE2__)
  return static_cast<std::uint64_t>(_mm_movemask_epi8(std::bit_cast<__m128i>(flags)));
#else
  return portable_mask_of(flags);
#endif
}

/// The text's first 64 bytes.
class Bytes64 {
 public:
  explicit Bytes64(const char* from) noexcept {
    std::memcpy(blocks_.data(), from, sizeof(blocks_));
  }

  /// `matches` takes a block, and returns one with 0xFF where a byte matches, else 0.
  template <typename Predicate>
  std::uint64_t mask(Predicate matches) const noexcept {
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      mask |= mask_of(std::bit_cast<Block>(matches(blocks_[i]))) << (i * kBlockSize);
    }
    return mask;
  }

 private:
  std::array<Block, kMaskSize / kBlockSize> blocks_;
};

}  // namespace crolang::json
