#include "socketio/ack_id.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>

namespace crolang::socketio {
namespace {

using namespace std::string_view_literals;

/// ECMA-262 WhiteSpace and LineTerminator.
constexpr std::array kWhiteSpace{" "sv,      "\t"sv,     "\n"sv,     "\v"sv,     "\f"sv,
                                 "\r"sv,     "\u00A0"sv, "\u1680"sv, "\u2000"sv, "\u2001"sv,
                                 "\u2002"sv, "\u2003"sv, "\u2004"sv, "\u2005"sv, "\u2006"sv,
                                 "\u2007"sv, "\u2008"sv, "\u2009"sv, "\u200A"sv, "\u2028"sv,
                                 "\u2029"sv, "\u202F"sv, "\u205F"sv, "\u3000"sv, "\uFEFF"sv};

/// How many bytes the white-space character at `at` takes; 0: something else is there.
std::size_t white_space_size(std::string_view text, std::size_t at) noexcept {
  // Nearly always an id is followed by the bracket of its payload.
  if (at == text.size() || (text[at] > ' ' && text[at] <= '~')) return 0;
  const std::string_view rest = text.substr(at);
  const auto* const found =
      std::find_if(kWhiteSpace.begin(), kWhiteSpace.end(),
                   [rest](std::string_view space) { return rest.starts_with(space); });
  return found == kWhiteSpace.end() ? 0 : found->size();
}

bool is_digit(char byte) noexcept {
  return byte >= '0' && byte <= '9';
}

/// Numbers of up to this many digits are exact in JavaScript.
constexpr std::size_t kExactDigits = 15;

/// Numbers below 10^21 are printed without an exponent (ECMA-262, Number::toString).
constexpr int kMaxPlainExponent = 20;

}  // namespace

AckId::AckId(std::string_view text) noexcept : size_(static_cast<std::uint8_t>(text.size())) {
  std::memcpy(text_.data(), text.data(), text.size());
}

AckId AckId::from_digits(std::string_view digits) noexcept {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  if (digits.size() <= kExactDigits) return AckId(digits);

  double number = 0;
  const std::from_chars_result read =
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ec != std::errc{}) return AckId("Infinity"sv);

  // d.ddde+XX, the shortest text that reads back as this number, whose digits JavaScript prints.
  std::array<char, kMaxSize> buffer;
  const char* const end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                        std::chars_format::scientific)
                              .ptr;
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::string_view mantissa = scientific.substr(0, scientific.find('e'));
  int exponent = 0;
  std::from_chars(mantissa.data() + mantissa.size() + 2, end, exponent);
  if (exponent > kMaxPlainExponent) return AckId(scientific);

  // As a plain integer: without the point, padded with zeros.
  AckId id;
  id.size_ = static_cast<std::uint8_t>(exponent + 1);
  std::fill_n(id.text_.begin(), id.size_, '0');
  std::remove_copy(mantissa.begin(), mantissa.end(), id.text_.begin(), '.');
  return id;
}

AckIdScan scan_ack_id(std::string_view text, std::size_t at) noexcept {
  const std::size_t start = at;
  std::string_view digits;
  int numbers = 0;
  for (;;) {
    if (at < text.size() && is_digit(text[at])) {
      const std::size_t first = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      digits = text.substr(first, at - first);
      ++numbers;
    } else if (const std::size_t space = white_space_size(text, at); space != 0) {
      at += space;
    } else {
      break;
    }
  }
  if (at == start) return {AckId(), at};
  if (numbers == 0) return {AckId("0"sv), at};
  return {numbers == 1 ? AckId::from_digits(digits) : AckId("NaN"sv), at};
}

}  // namespace crolang::socketio
