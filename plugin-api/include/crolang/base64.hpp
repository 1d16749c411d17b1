#pragma once
/// Base64 (RFC 4648): encodes bytes, and decodes text as strictly as each user needs. Depends on
/// nothing else. Threads: any. Errors: nullopt; std::bad_alloc where a string is returned.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::base64 {

/// RFC 4648 4, whose text is padded with `=`, and RFC 4648 5, base64url.
enum class Alphabet : std::uint8_t { standard, url };

namespace detail {

inline constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
inline constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
inline constexpr std::uint8_t kNoDigit = 64;

constexpr std::array<std::uint8_t, 256> make_values(std::string_view digits) {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
inline constexpr auto kStandardValues = make_values(kStandard);
inline constexpr auto kUrlValues = make_values(kUrl);

/// The six bits of a digit; kNoDigit: not a digit.
constexpr std::uint8_t value_of(char c, Alphabet alphabet) noexcept {
  const auto& values = alphabet == Alphabet::standard ? kStandardValues : kUrlValues;
  return values[static_cast<unsigned char>(c)];
}

}  // namespace detail

/// How to treat the unused bits of the last digit: must_be_zero rejects text that no encoder
/// produces, so that every byte string has one encoding only (RFC 4648 3.5).
enum class SpareBits : std::uint8_t { ignored, must_be_zero };

constexpr bool is_digit(char c, Alphabet alphabet) noexcept {
  return detail::value_of(c, alphabet) != detail::kNoDigit;
}

/// The size of the padded text.
constexpr std::size_t encoded_size(std::size_t bytes) noexcept {
  return (bytes + 2) / 3 * 4;
}

/// Writes encoded_size(bytes.size()) characters to `out`: the standard alphabet, padded.
constexpr void encode(std::string_view bytes, char* out) noexcept {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u;
  };
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t group = byte(i) << 16u | byte(i + 1) << 8u | byte(i + 2);
    *out++ = detail::kStandard[group >> 18u];
    *out++ = detail::kStandard[group >> 12u & 63u];
    *out++ = i + 1 < bytes.size() ? detail::kStandard[group >> 6u & 63u] : '=';
    *out++ = i + 2 < bytes.size() ? detail::kStandard[group & 63u] : '=';
  }
}

inline std::string encode(std::string_view bytes) {
  std::string text(encoded_size(bytes.size()), '\0');
  encode(bytes, text.data());
  return text;
}

/// Decodes digits without padding. nullopt: an invalid character, a single last digit, or non-zero
/// spare bits where they must be zero.
inline std::optional<std::string> decode_unpadded(std::string_view digits, Alphabet alphabet,
                                                  SpareBits spare) {
  if (digits.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(digits.size() * 3 / 4);
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (const char c : digits) {
    const std::uint8_t value = detail::value_of(c, alphabet);
    if (value == detail::kNoDigit) return std::nullopt;
    pending = (pending << 6u | value) & 0xfffu;
    pending_bits += 6;
    if (pending_bits >= 8) {
      pending_bits -= 8;
      bytes += static_cast<char>(pending >> pending_bits & 0xffu);
    }
  }
  const bool has_spare = (pending & ((1u << pending_bits) - 1)) != 0;
  if (has_spare && spare == SpareBits::must_be_zero) return std::nullopt;
  return bytes;
}

/// Decodes the standard alphabet leniently: the padding may be complete or missing, spare bits are
/// ignored; any other character, including white space, is rejected.
inline std::optional<std::string> decode(std::string_view text) {
  const std::size_t digits = text.find_last_not_of('=') + 1;
  if (text.size() != digits && text.size() != encoded_size(digits * 3 / 4)) return std::nullopt;
  return decode_unpadded(text.substr(0, digits), Alphabet::standard, SpareBits::ignored);
}

/// Decodes base64url as RFC 7515 2 requires: no padding, and only one encoding for the same bytes.
inline std::optional<std::string> decode_url(std::string_view text) {
  return decode_unpadded(text, Alphabet::url, SpareBits::must_be_zero);
}

}  // namespace crolang::base64
