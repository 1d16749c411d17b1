#include "json/scanner.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <span>

#include "json/byte_mask.hpp"

namespace crolang::json {
namespace {

// Each of these takes a byte, or a block of bytes at once.
constexpr auto is_backslash = [](auto byte) { return byte == std::uint8_t{'\\'}; };
constexpr auto ends_string = [](auto byte) {
  return (byte == std::uint8_t{'"'}) | (byte < std::uint8_t{0x20});
};
constexpr auto ends_run = [](auto byte) { return ends_string(byte) | is_backslash(byte); };
constexpr std::uint8_t kSurrogateLead = 0xED;
constexpr auto needs_quoting = [](auto byte) { return ends_run(byte) | (byte == kSurrogateLead); };

Block load(const char* from) noexcept {
  Block block;
  std::memcpy(&block, from, kBlockSize);
  return block;
}

/// Position of the first byte from `at` on that matches; the text's size if none does.
template <typename Predicate>
std::size_t find_first(std::string_view text, std::size_t at, Predicate matches) noexcept {
  while (at + kBlockSize <= text.size()) {
    const std::uint64_t found = mask_of(std::bit_cast<Block>(matches(load(text.data() + at))));
    if (found != 0) return at + static_cast<std::size_t>(std::countr_zero(found));
    at += kBlockSize;
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

/// Just past the escape that begins with the backslash at `at`; npos: there is no such escape.
std::size_t end_of_escape(std::string_view text, std::size_t at) noexcept {
  if (at + 1 == text.size()) return npos;
  if (escape_of(text[at + 1]) != 0) return at + 2;
  return text[at + 1] == 'u' && is_hex4(text, at + 2) ? at + 6 : npos;
}

/// Of a mask of backslashes, those that begin an escape: of several in a row each second one, from
/// the first on. The subtraction borrows through each row, which tells the bits of the parity of
/// its start from the others, all rows at once: Langdale and Lemire, "Parsing Gigabytes of JSON per
/// Second", section 3.1.1.
std::uint64_t escape_starts(std::uint64_t backslashes) noexcept {
  constexpr std::uint64_t kOddBits = 0xAAAA'AAAA'AAAA'AAAA;
  const std::uint64_t behind = backslashes << 1U;
  const std::uint64_t flipped = ((behind | kOddBits) - backslashes) ^ kOddBits;
  return flipped & backslashes;
}

/// Whether an escape begins at each bit of the mask, of which bit 0 is at `at`. Behind the last
/// comes at least one byte more.
bool are_escapes(std::string_view text, std::size_t at, std::uint64_t starts) noexcept {
  const auto position = [at](std::uint64_t mask) {
    return at + static_cast<std::size_t>(std::countr_zero(mask));
  };
  // Nearly all; without a branch for each.
  bool are_of_one_letter = true;
  for (std::uint64_t left = starts; left != 0; left &= left - 1) {
    are_of_one_letter &= escape_of(text[position(left) + 1]) != 0;
  }
  if (are_of_one_letter) return true;
  for (std::uint64_t left = starts; left != 0; left &= left - 1) {
    if (end_of_escape(text, position(left)) == npos) return false;
  }
  return true;
}

/// Just past the closing quote of a string; npos: malformed. No escape has begun before `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) noexcept {
  while (at + kMaskSize < text.size()) {
    const Bytes64 bytes(text.data() + at);
    const std::uint64_t starts = escape_starts(bytes.mask(is_backslash));
    const std::uint64_t ends = bytes.mask(ends_string) & ~(starts << 1U);
    const std::uint64_t before_end = ends == 0 ? ~std::uint64_t{0} : (ends & (~ends + 1)) - 1;
    if (!are_escapes(text, at, starts & before_end)) return npos;
    if (ends != 0) {
      at += static_cast<std::size_t>(std::countr_zero(ends));
      return text[at] == '"' ? at + 1 : npos;
    }
    at += kMaskSize + (starts >> (kMaskSize - 1));
  }
  while (true) {
    at = find_first(text, at, ends_run);
    if (at == text.size()) return npos;
    if (text[at] != '\\') return text[at] == '"' ? at + 1 : npos;
    at = end_of_escape(text, at);
    if (at == npos) return npos;
  }
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
  at = find_first(text, at + 1, ends_run);
  if (at == text.size()) return {npos, false};
  if (text[at] == '\\') return {end_of_string(text, at), true};
  return {text[at] == '"' ? at + 1 : npos, false};
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
  const auto unescape_one = [&] {
    if (in[1] != 'u') {
      *next++ = escape_of(in[1]);
      in += 2;
    } else {
      const std::uint32_t code = hex4(in + 2);
      has_surrogates = has_surrogates || is_high(code) || is_low(code);
      next = write_utf8(next, code);
      in += 6;
    }
  };
  // Most runs between escapes are short: to copy more than a run, and write over the rest, costs
  // less than a loop.
  constexpr std::size_t kCopied = kMaskSize / 2;
  const auto copy = [&](std::size_t run) {
    std::memcpy(next, in, kCopied);
    if (run > kCopied) std::memcpy(next + kCopied, in + kCopied, kCopied);
    in += run;
    next += run;
  };

  while (end - in >= static_cast<std::ptrdiff_t>(kMaskSize + kCopied)) {
    const char* const start = in;
    std::uint64_t backslashes = Bytes64(start).mask(is_backslash);
    std::size_t done = 0;
    while (backslashes != 0) {
      copy(static_cast<std::size_t>(std::countr_zero(backslashes)) - done);
      unescape_one();
      done = static_cast<std::size_t>(in - start);
      // One that is escaped itself begins nothing.
      backslashes = done < kMaskSize ? backslashes >> done << done : 0;
    }
    if (done < kMaskSize) copy(kMaskSize - done);
  }
  while (in < end) {
    if (*in == '\\') {
      unescape_one();
    } else if (end - in >= static_cast<std::ptrdiff_t>(kBlockSize)) {
      const Block block = load(in);
      std::memcpy(next, &block, kBlockSize);
      const std::uint64_t backslashes = mask_of(std::bit_cast<Block>(is_backslash(block)));
      const auto run =
          backslashes == 0 ? kBlockSize : static_cast<std::size_t>(std::countr_zero(backslashes));
      in += run;
      next += run;
    } else {
      *next++ = *in++;
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
