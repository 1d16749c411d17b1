#include "engineio/sid.hpp"

#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace crolang::engineio {

Sid make_sid(std::span<const std::uint8_t, kSidEntropy> entropy) noexcept {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  Sid sid;
  char* out = sid.data();
  for (std::size_t at = 0; at < entropy.size(); at += 3) {
    const std::uint32_t bits =
        std::uint32_t{entropy[at]} << 16U | std::uint32_t{entropy[at + 1]} << 8U | entropy[at + 2];
    for (unsigned shift = 24; shift != 0;) *out++ = kAlphabet[bits >> (shift -= 6) & 0x3FU];
  }
  return sid;
}

SidGenerator::SidGenerator() {
  refill();
}

// getentropy(3) does not fail once it has succeeded. Should it fail here, the process ends, since
// predictable ids would be worse.
Sid SidGenerator::next() noexcept {
  if (used_ == block_.size()) refill();
  const std::span<const std::uint8_t, kSidEntropy> entropy(block_.data() + used_, kSidEntropy);
  used_ += kSidEntropy;
  return make_sid(entropy);
}

void SidGenerator::refill() {
  if (::getentropy(block_.data(), block_.size()) != 0) {
    throw std::system_error(errno, std::generic_category(), "no entropy for session ids");
  }
  used_ = 0;
}

}  // namespace crolang::engineio
