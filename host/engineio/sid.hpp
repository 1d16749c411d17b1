/// Session ids as Engine.IO and Socket.IO servers make them: 20 unpredictable characters.
/// Threads: one generator per worker. Errors: std::system_error from the constructor if the system
/// provides no entropy.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace crolang::engineio {

inline constexpr std::size_t kSidEntropy = 15;

using Sid = std::array<char, 20>;

/// Three bytes become four characters of A-Z a-z 0-9 - _ (RFC 4648 section 5).
[[nodiscard]] Sid make_sid(std::span<const std::uint8_t, kSidEntropy> entropy) noexcept;

/// Asks the system for entropy in blocks, so that an id costs a fraction of a system call.
class SidGenerator {
 public:
  SidGenerator();

  [[nodiscard]] Sid next() noexcept;

 private:
  void refill();

  // getentropy(3) gives at most 256 bytes at once.
  std::array<std::uint8_t, 256 / kSidEntropy * kSidEntropy> block_;
  std::size_t used_ = 0;
};

}  // namespace crolang::engineio
