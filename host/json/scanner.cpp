#include "json/scanner.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <span>

namespace crolang::json {
namespace {

// Sixteen bytes at a time. The vector extension of g++ and clang compiles to the baseline vector
// instructions of every 64-bit processor and needs no flags.
using Block = std::uint8_t __attribute__((vector_size(16)));
constexpr std::size_t kBlockSize = sizeof(Block);

// Each of these takes a byte, or a block of bytes at once.
constexpr auto is_backslash = [](auto byte) { return byte == std::uint8_t{'\\'}; };
constexpr auto ends_run = [](auto byte) {
  return (byte == std::uint8_t{'"'}) | (byte == std::uint8_t{'\\'}) | (byte < std::uint8_t{0x20});
};
constexpr std::uint8_t kSurrogateLead = 0xED;
constexpr auto needs_quoting = [](auto byte) { return ends_run(byte) | (byte == kSurrogateLead); };

Block load(const char* from) noexcept {
  Block block;
  std::memcpy(&block, from, kBlockSize);
  return block;
}

/// Position of the first byte in the block that matches, kBlockSize if none does.
template <typename Predicate>
std::size_t first_match(Block block, Predicate matches) noexcept {
  const auto found = matches(block);
  static_assert(sizeof(found) == kBlockSize);
  std::array<std::uint64_t, 2> half;
  std::memcpy(half.data(), &found, kBlockSize);
  const auto first_byte = [](std::uint64_t word) {
    const int bits = std::endian::native == std::endian::little ? std::countr_zero(word)
                                                                : std::countl_zero(word);
    return static_cast<std::size_t>(bits) / 8;
  };
  return half[0] != 0 ? first_byte(half[0]) : 8 + first_byte(half[1]);
}

/// Position of the first byte from `at` on that matches; the text's size if none does.
template <typename Predicate>
std::size_t find_first(std::string_view text, std::size_t at, Predicate matches) noexcept {
  while (at + kBlockSize <= text.size()) {
    const std::size_t skipped = first_match(load(text.data() + at), matches);
    at += skipped;
    if (skipped != kBlockSize) return at;
  }
  while (at < text.size() && !matches(static_cast<std::uint8_t>(text[at]))) ++at;
  return at;
}

/// What the byte after a backslash stands for; 0: no such escape. `u` is not among them.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> table{};
  table['"'] = '"';
  table['\\'] = '\\';
  table['/'] = '/';
  table['b'] = '\b';
  table['f'] = '\f';
  table['n'] = '\n';
  table['r'] = '\r';
  table['t'] = '\t';
  return table;
}();

char escape_of(char letter) noexcept {
  return kEscapes[static_cast<unsigned char>(letter)];
}

bool is_digit(char byte) noexcept {
  return byte >= '0' && byte <= '9';
}

constexpr std::uint32_t kNoHexDigit = 16;

std::uint32_t hex_digit(char byte) noexcept {
  if (is_digit(byte)) return static_cast<std::uint32_t>(byte - '0');
  const int lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? static_cast<std::uint32_t>(lower - 'a' + 10) : kNoHexDigit;
}

bool is_hex4(std::string_view text, std::size_t at) noexcept {
  if (text.size() < at + 4) return false;
  for (const char byte : text.substr(at, 4)) {
    if (hex_digit(byte) == kNoHexDigit) return false;
  }
  return true;
}

std::uint32_t hex4(const char* digits) noexcept {
  return hex_digit(digits[0]) << 12U | hex_digit(digits[1]) << 8U | hex_digit(digits[2]) << 4U |
         hex_digit(digits[3]);
}

char* write_utf8(char* out, std::uint32_t code) noexcept {
  const auto continuation = [code](unsigned shift) {
    return static_cast<char>(0x80U | (code >> shift & 0x3FU));
  };
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xC0U | code >> 6U);
    *out++ = continuation(0);
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xE0U | code >> 12U);
    *out++ = continuation(6);
    *out++ = continuation(0);
  } else {
    *out++ = static_cast<char>(0xF0U | code >> 18U);
    *out++ = continuation(12);
    *out++ = continuation(6);
    *out++ = continuation(0);
  }
  return out;
}

/// The surrogate whose three-byte form is at `at`; 0: there is none.
std::uint32_t surrogate_at(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  if (text.size() < at + 3 || byte(0) != kSurrogateLead || byte(1) < 0xA0) return 0;
  return 0xD000U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
}

bool is_high(std::uint32_t code) noexcept {
  return code >= 0xD800 && code < 0xDC00;
}
bool is_low(std::uint32_t code) noexcept {
  return code >= 0xDC00 && code < 0xE000;
}

/// Replaces every high surrogate that is followed by a low one by the character that they encode.
/// Either may be written as an escape or come from an outer literal, so they are combined here.
std::size_t join_surrogates(std::span<char> decoded) noexcept {
  const std::string_view text(decoded.data(), decoded.size());
  char* out = decoded.data();
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t high = surrogate_at(text, at);
    const std::uint32_t low = is_high(high) ? surrogate_at(text, at + 3) : 0;
    if (is_low(low)) {
      out = write_utf8(out, 0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00));
      at += 6;
    } else {
      *out++ = text[at++];
    }
  }
  return static_cast<std::size_t>(out - decoded.data());
}

/// RFC 8259 section 6.
std::size_t scan_number(std::string_view text, std::size_t at) noexcept {
  const auto digits = [text](std::size_t from) {
    std::size_t end = from;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end == from ? npos : end;
  };
  const auto byte_at = [text](std::size_t i) { return i < text.size() ? text[i] : '\0'; };

  if (byte_at(at) == '-') ++at;
  at = byte_at(at) == '0' ? at + 1 : digits(at);
  if (at == npos) return npos;
  if (byte_at(at) == '.') at = digits(at + 1);
  if (at == npos) return npos;
  if (byte_at(at) == 'e' || byte_at(at) == 'E') {
    ++at;
    if (byte_at(at) == '+' || byte_at(at) == '-') ++at;
    at = digits(at);
  }
  return at;
}

std::size_t scan_word(std::string_view text, std::size_t at, std::string_view word) noexcept {
  return text.substr(at, word.size()) == word ? at + word.size() : npos;
}

std::size_t scan_scalar(std::string_view text, std::size_t at) noexcept {
  switch (text[at]) {
    case '"':
      return scan_string(text, at).end;
    case 't':
      return scan_word(text, at, "true");
    case 'f':
      return scan_word(text, at, "false");
    case 'n':
      return scan_word(text, at, "null");
    default:  // no enum: a character
      return scan_number(text, at);
  }
}

using Container = Depth::Container;

}  // namespace

Kind kind_of(char first) noexcept {
  switch (first) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:  // no enum: a character
      return Kind::number;
  }
}

StringScan scan_string(std::string_view text, std::size_t at) noexcept {
  bool has_escapes = false;
  for (++at;;) {
    at = find_first(text, at, ends_run);
    if (at == text.size()) return {npos, has_escapes};
    if (text[at] == '"') return {at + 1, has_escapes};
    // Escapes come in pairs more often than not (\r\n), so look no further than the next byte.
    for (; at < text.size() && text[at] == '\\'; has_escapes = true) {
      if (at + 1 == text.size()) return {npos, true};
      if (escape_of(text[at + 1]) != 0) {
        at += 2;
      } else if (text[at + 1] == 'u' && is_hex4(text, at + 2)) {
        at += 6;
      } else {
        return {npos, true};
      }
    }
    if (at < text.size() && static_cast<std::uint8_t>(text[at]) < 0x20) return {npos, has_escapes};
  }
}

KeyScan scan_key(std::string_view text, std::size_t at) noexcept {
  constexpr KeyScan kMalformed{{}, false, npos};
  const std::size_t start = skip_space(text, at);
  if (start == text.size() || text[start] != '"') return kMalformed;
  const StringScan key = scan_string(text, start);
  if (key.end == npos) return kMalformed;
  const std::size_t colon = skip_space(text, key.end);
  if (colon == text.size() || text[colon] != ':') return kMalformed;
  return {text.substr(start, key.end - start), key.has_escapes, skip_space(text, colon + 1)};
}

std::size_t scan_value(std::string_view text, std::size_t at, Depth& depth) {
  depth.clear();
  while (at < text.size()) {
    // A value starts here.
    if (text[at] == '{' || text[at] == '[') {
      const Container container = text[at] == '{' ? Container::object : Container::array;
      at = skip_space(text, at + 1);
      if (at == text.size()) return npos;
      if (text[at] != (container == Container::object ? '}' : ']')) {
        depth.push(container);
        if (container == Container::object) at = scan_key(text, at).value;
        continue;
      }
      ++at;
    } else {
      at = scan_scalar(text, at);
      if (at == npos) return npos;
    }
    // A value ended here, and with it perhaps some of the containers around it.
    for (;;) {
      if (depth.empty()) return at;
      at = skip_space(text, at);
      if (at == text.size()) return npos;
      const Container container = depth.top();
      if (text[at] == ',') {
        at = container == Container::object ? scan_key(text, at + 1).value
                                            : skip_space(text, at + 1);
        break;
      }
      if (text[at] != (container == Container::object ? '}' : ']')) return npos;
      depth.pop();
      ++at;
    }
  }
  return npos;
}

std::size_t unescape(std::string_view literal, char* const out) noexcept {
  const char* in = literal.data() + 1;
  const char* const end = literal.data() + literal.size() - 1;
  char* next = out;
  bool has_surrogates = false;
  while (in < end) {
    if (*in != '\\') {
      if (end - in < static_cast<std::ptrdiff_t>(kBlockSize)) {
        *next++ = *in++;
        continue;
      }
      // Copies the whole block, since that is one instruction, and keeps what is before a
      // backslash.
      const Block block = load(in);
      std::memcpy(next, &block, kBlockSize);
      const std::size_t kept = first_match(block, is_backslash);
      in += kept;
      next += kept;
    } else if (in[1] != 'u') {
      *next++ = escape_of(in[1]);
      in += 2;
    } else {
      const std::uint32_t code = hex4(in + 2);
      has_surrogates = has_surrogates || is_high(code) || is_low(code);
      next = write_utf8(next, code);
      in += 6;
    }
  }
  const auto size = static_cast<std::size_t>(next - out);
  return has_surrogates ? join_surrogates({out, size}) : size;
}

void append_unescaped(std::string& out, std::string_view literal) {
  const std::size_t size = out.size();
  out.resize(size + literal.size());
  out.resize(size + unescape(literal, out.data() + size));
}

void append_quoted(std::string& out, std::string_view utf8) {
  static constexpr std::string_view kHexDigits = "0123456789abcdef";
  const auto append_hex4 = [&out](std::uint32_t code) {
    out += "\\u";
    for (unsigned shift = 16; shift != 0;) out += kHexDigits[code >> (shift -= 4) & 0xFU];
  };

  out += '"';
  for (std::size_t at = 0; at < utf8.size();) {
    const std::size_t stop = find_first(utf8, at, needs_quoting);
    out.append(utf8, at, stop - at);
    if (stop == utf8.size()) break;
    at = stop + 1;
    const char byte = utf8[stop];
    switch (byte) {
      case '"':
      case '\\':
        (out += '\\') += byte;
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:  // no enum: a character
        if (const std::uint32_t surrogate = surrogate_at(utf8, stop); surrogate != 0) {
          append_hex4(surrogate);
          at = stop + 3;
        } else if (static_cast<std::uint8_t>(byte) < 0x20) {
          append_hex4(static_cast<std::uint8_t>(byte));
        } else {
          out += byte;
        }
    }
  }
  out += '"';
}

}  // namespace crolang::json
