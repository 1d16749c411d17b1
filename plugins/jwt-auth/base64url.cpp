#include "jwt-auth/base64url.hpp"

#include <cstdint>

namespace crolang::jwt_auth {

std::optional<std::string> decode_base64url(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    pending = (pending << 6 | static_cast<std::uint32_t>(value)) & 0xfff;
    pending_bits += 6;
    if (pending_bits >= 8) {
      pending_bits -= 8;
      bytes += static_cast<char>(pending >> pending_bits & 0xff);
    }
  }
  // 6 bits: a lone last character. Others: bits that belong to no byte.
  const bool spare = (pending & ((1u << pending_bits) - 1)) != 0;
  if (pending_bits == 6 || spare) return std::nullopt;
  return bytes;
}

}  // namespace crolang::jwt_auth
