#pragma once

/// UTF-8 as RFC 3629 defines it: no overlong form, no surrogate, nothing beyond U+10FFFF.
/// Thread: one at a time. Errors: a value.

#include <cstdint>
#include <span>
#include <string_view>

namespace crolang::websocket {

/// Checks text that arrives in pieces; a piece may end within a character.
class Utf8Check {
 public:
  /// False once the bytes so far can't be the beginning of any UTF-8 text, and from then on.
  bool feed(std::span<const char> bytes) noexcept;

  /// Whether the text may end here.
  [[nodiscard]] bool complete() const noexcept { return state_ == 0; }

 private:
  std::uint8_t state_ = 0;  // between two characters
};

bool is_utf8(std::string_view text) noexcept;

}  // namespace crolang::websocket
