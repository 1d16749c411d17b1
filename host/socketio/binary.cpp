#include "socketio/binary.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <vector>

#include "json/scanner.hpp"

namespace crolang::socketio {
namespace {

/// A container that encloses the current position.
struct Level {
  enum class Member : std::uint8_t { other, placeholder, num };

  Member member = Member::other;  ///< Which one the next value belongs to; arrays: other.
  bool is_placeholder = false;
  bool num_in_range = false;
  bool has_invalid_inside = false;

  [[nodiscard]] bool is_valid() const noexcept {
    return is_placeholder ? num_in_range : !has_invalid_inside;
  }
};

Level::Member member_named(const json::KeyScan& key) {
  std::string decoded;
  std::string_view name = key.literal.substr(1, key.literal.size() - 2);
  if (key.has_escapes) {
    json::append_unescaped(decoded, key.literal);
    name = decoded;
  }
  if (name == "_placeholder") return Level::Member::placeholder;
  return name == "num" ? Level::Member::num : Level::Member::other;
}

/// A number too large for a double is out of range; one too small for it is treated the same.
bool is_index_below(std::string_view literal, std::uint32_t limit) noexcept {
  double number = 0;
  const std::from_chars_result read =
      std::from_chars(literal.data(), literal.data() + literal.size(), number);
  return read.ec == std::errc{} && number >= 0 && number < limit;
}

}  // namespace

std::unique_ptr<BinaryAssembly> BinaryAssembly::begin(std::string_view text, const Packet& packet,
                                                      std::size_t max_bytes) {
  if (!placeholders_are_valid(packet.data, packet.attachments)) return nullptr;
  return std::unique_ptr<BinaryAssembly>(new BinaryAssembly(text, packet.attachments, max_bytes));
}

BinaryAssembly::Outcome BinaryAssembly::take(std::size_t attachment_size) noexcept {
  if (attachment_size > bytes_left_) return Outcome::fault;
  bytes_left_ -= attachment_size;
  return --due_ == 0 ? Outcome::complete : Outcome::more_due;
}

bool placeholders_are_valid(std::string_view value, std::uint32_t attachments) {
  // The outermost level represents the whole value.
  std::vector<Level> levels(1);
  // A member given twice counts with its last value, as for JSON.parse.
  const auto set_member = [&](std::string_view literal) {
    Level& level = levels.back();
    if (level.member == Level::Member::placeholder) {
      level.is_placeholder = literal == "true";
    } else if (level.member == Level::Member::num) {
      level.num_in_range = is_index_below(literal, attachments);
    }
  };

  for (std::size_t at = 0; at < value.size();) {
    switch (value[at]) {
      case '{':
      case '[':
        set_member({});
        levels.emplace_back();
        ++at;
        break;
      case '}':
      case ']': {
        const bool valid = levels.back().is_valid();
        levels.pop_back();
        if (!valid) levels.back().has_invalid_inside = true;
        ++at;
        break;
      }
      case '"':
        // In valid JSON a string before a colon is a key.
        if (const json::KeyScan key = json::scan_key(value, at); key.value != json::npos) {
          levels.back().member = member_named(key);
          at = key.value;
        } else {
          set_member({});
          at = json::scan_string(value, at).end;
        }
        break;
      case ',':
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        ++at;
        break;
      default: {  // no enum: a character
        const std::size_t end = std::min(value.find_first_of(",]} \t\n\r", at), value.size());
        set_member(value.substr(at, end - at));
        at = end;
      }
    }
  }
  return levels.front().is_valid();
}

}  // namespace crolang::socketio
