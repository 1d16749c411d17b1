/// Validates and reads JSON text in place, without building a tree. Every text is accepted or
/// refused as JavaScript's JSON.parse does: RFC 8259 without extensions, no byte order mark, any
/// depth of nesting. Bytes from 0x80 on are accepted unchanged: the caller has checked that the
/// text is UTF-8. Threads: free functions on the caller's data. Errors: `npos`; nothing is thrown
/// but std::bad_alloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::json {

inline constexpr std::size_t npos = std::string_view::npos;

/// What kind of value starts with a given byte.
enum class Kind : std::uint8_t { object, array, string, number, boolean, null };

/// The open containers of a scan, one bit each. Its owner keeps it from scan to scan, so that deep
/// nesting allocates once and not per text; the first 64 levels never allocate.
class Depth {
 public:
  enum class Container : std::uint8_t { array, object };

  void clear() noexcept {
    size_ = 0;
    outer_.clear();
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// The innermost open container. There must be one.
  [[nodiscard]] Container top() const noexcept {
    return (inner_ & 1U) != 0 ? Container::object : Container::array;
  }

  void push(Container container) {
    if (size_ != 0 && size_ % kBits == 0) outer_.push_back(inner_);
    inner_ = inner_ << 1U | static_cast<std::uint64_t>(container);
    ++size_;
  }

  /// There must be one to close.
  void pop() noexcept {
    --size_;
    if (size_ != 0 && size_ % kBits == 0) {
      inner_ = outer_.back();
      outer_.pop_back();
    } else {
      inner_ >>= 1U;
    }
  }

 private:
  static constexpr std::size_t kBits = 64;

  std::uint64_t inner_ = 0;
  std::size_t size_ = 0;
  std::vector<std::uint64_t> outer_;
};

struct StringScan {
  std::size_t end;  ///< Just past the closing quote; npos: malformed.
  bool has_escapes;
};

/// The kind of the value that starts with `first`; only right for the first byte of a valid value.
[[nodiscard]] Kind kind_of(char first) noexcept;

/// Position of the first byte from `at` on that is not JSON white space; the text's size if there
/// is none.
[[nodiscard]] inline std::size_t skip_space(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() &&
         (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) {
    ++at;
  }
  return at;
}

/// Hot: several times per message. Checks the string literal whose opening quote is at `at` (RFC
/// 8259 section 7: no raw control characters, known escapes only). Escaped lone surrogates are
/// legal.
[[nodiscard]] StringScan scan_string(std::string_view text, std::size_t at) noexcept;

struct KeyScan {
  std::string_view literal;  ///< With its quotes.
  bool has_escapes;
  std::size_t value;  ///< Where the member's value starts; npos: malformed, and no literal.
};

/// Checks a member's key, its colon and the white space around both, from `at` on.
[[nodiscard]] KeyScan scan_key(std::string_view text, std::size_t at) noexcept;

/// Hot: several times per message. Checks the whole value that starts at `at`, with no white space
/// before it, and returns the position just past it, or npos. `depth` is scratch memory.
[[nodiscard]] std::size_t scan_value(std::string_view text, std::size_t at, Depth& depth);

/// Hot: once per message. Writes the characters that a checked literal (with its quotes)
/// represents, as UTF-8, and returns their number of bytes. `out` has room for `literal.size()`
/// bytes, of which any may be written, and doesn't overlap the literal. A lone surrogate becomes
/// its three-byte form, which is not valid UTF-8; a high and a low surrogate become one character.
[[nodiscard]] std::size_t unescape(std::string_view literal, char* out) noexcept;

/// The same, appended to a string.
void append_unescaped(std::string& out, std::string_view literal);

/// Appends a text as a string literal with quotes, exactly as JSON.stringify writes it; the
/// three-byte form of a lone surrogate becomes a `\udxxx` escape again.
void append_quoted(std::string& out, std::string_view utf8);

}  // namespace crolang::json
