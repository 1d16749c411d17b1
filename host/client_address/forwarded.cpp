#include "client_address/forwarded.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "text/ascii.hpp"

namespace crolang::client_address {
namespace {

constexpr std::string_view kXForwardedFor = "x-forwarded-for";
constexpr std::string_view kForwarded = "forwarded";
constexpr std::string_view kBlanks = " \t";

std::string_view trim(std::string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

struct Line {
  std::string_view name;
  std::string_view value;
};

/// Removes the last line.
Line take_last_line(std::string_view& lines) noexcept {
  constexpr std::string_view kEnd = "\r\n";
  if (lines.ends_with(kEnd)) lines.remove_suffix(kEnd.size());
  const std::size_t before = lines.rfind(kEnd);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + kEnd.size();
  const std::string_view line = lines.substr(begin);
  lines = lines.substr(0, begin);
  const std::size_t colon = std::min(line.find(':'), line.size());
  return {line.substr(0, colon), trim(line.substr(std::min(colon + 1, line.size())))};
}

bool is_port(std::string_view text) noexcept {
  // RFC 7239 6.2: an obfuscated port is possible too. Some proxies write one behind an address.
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '_' || c == '-';
  });
}

std::optional<Address> known(std::optional<Address> address) noexcept {
  return address && is_known(*address) ? address : std::nullopt;
}

// ---- RFC 7239 4

bool is_token_character(char c) noexcept {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         kOthers.find(c) != std::string_view::npos;
}

/// Removes the token at the front; empty: there is none.
std::string_view take_token(std::string_view& text) noexcept {
  const auto* const end = std::ranges::find_if_not(text, is_token_character);
  const auto size = static_cast<std::size_t>(end - text.begin());
  const std::string_view token = text.substr(0, size);
  text.remove_prefix(size);
  return token;
}

/// The text of a quoted string, as far as an address needs it.
class Unquoted {
 public:
  void add(char c) noexcept {
    if (size_ < text_.size()) text_[size_] = c;
    ++size_;
  }
  /// Empty: it is longer than any node.
  std::string_view text() const noexcept {
    return size_ <= text_.size() ? std::string_view(text_.data(), size_) : std::string_view();
  }

 private:
  std::array<char, 64> text_{};
  std::size_t size_ = 0;
};

/// Removes the quoted string at the front (RFC 9110 5.6.4), whose first character is its quote.
/// nullopt: it does not end.
std::optional<Unquoted> take_quoted(std::string_view& text) noexcept {
  Unquoted unquoted;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return unquoted;
    }
    if (text[i] == '\\' && ++i == text.size()) break;
    unquoted.add(text[i]);
  }
  return std::nullopt;
}

struct Element {
  std::optional<Address> client;
};

/// nullopt: the whole text is not one element of Forwarded.
std::optional<Element> parse_element(std::string_view text) noexcept {
  Element element;
  int clients = 0;
  for (;;) {
    const std::string_view name = take_token(text);
    if (name.empty() || !text.starts_with('=')) return std::nullopt;
    text.remove_prefix(1);
    std::optional<Address> client;
    if (text.starts_with('"')) {
      const auto unquoted = take_quoted(text);
      if (!unquoted) return std::nullopt;
      client = parse_node(unquoted->text());
    } else {
      const std::string_view value = take_token(text);
      if (value.empty()) return std::nullopt;
      client = parse_node(value);
    }
    if (text::equals_ignore_case(name, "for")) {
      ++clients;
      element.client = client;
    }
    text = trim(text);
    if (text.empty()) break;
    if (!text.starts_with(';')) return std::nullopt;
    text = trim(text.substr(1));
    if (text.empty()) break;
  }
  if (clients != 1) element.client.reset();
  return element;
}

// ---- lists

/// Removes the last element of a list that is not empty.
Element take_last_of_x_forwarded_for(std::string_view& list) noexcept {
  const std::size_t comma = list.rfind(',');
  const bool is_only_one = comma == std::string_view::npos;
  const std::string_view text = is_only_one ? list : list.substr(comma + 1);
  list = is_only_one ? std::string_view() : list.substr(0, comma);
  return {parse_node(trim(text))};
}

/// The same. A comma may be a part of a quoted string; so the last element is the shortest text
/// behind a comma that is an element. A text that begins within a quoted string has an odd number
/// of quotes and is none. Whatever a client has sent, even an open quote, the element that a proxy
/// has appended to it is found.
Element take_last_of_forwarded(std::string_view& list) noexcept {
  for (std::size_t end = list.size();;) {
    const std::size_t comma = end == 0 ? std::string_view::npos : list.rfind(',', end - 1);
    const bool is_whole = comma == std::string_view::npos;
    const auto element = parse_element(trim(is_whole ? list : list.substr(comma + 1)));
    if (element || is_whole) {
      list = is_whole ? std::string_view() : list.substr(0, comma);
      return element.value_or(Element{});
    }
    end = comma;
  }
}

Element take_last(std::string_view& list, Header header) noexcept {
  switch (header) {
    case Header::x_forwarded_for:
      return take_last_of_x_forwarded_for(list);
    case Header::forwarded:
      break;
  }
  return take_last_of_forwarded(list);
}

std::string_view name_of(Header header) noexcept {
  switch (header) {
    case Header::x_forwarded_for:
      return kXForwardedFor;
    case Header::forwarded:
      break;
  }
  return kForwarded;
}

/// RFC 9110 5.6.1.2: empty elements are ignored.
std::string_view without_empty_end(std::string_view list) noexcept {
  constexpr std::string_view kEmpty = ", \t";
  return list.substr(0, list.find_last_not_of(kEmpty) + 1);
}

}  // namespace

std::optional<Address> parse_node(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const std::size_t end = std::min(text.find(']'), text.size());
    const std::string_view port = text.substr(std::min(end + 1, text.size()));
    const std::string_view inside = text.substr(1, std::max<std::size_t>(end, 1) - 1);
    const bool is_ended = end < text.size();
    if (!is_ended || !(port.empty() || (port.starts_with(':') && is_port(port.substr(1))))) {
      return std::nullopt;
    }
    return inside.find(':') == std::string_view::npos ? std::nullopt : known(parse_address(inside));
  }
  const std::size_t colon = text.find(':');
  const bool has_port = colon != std::string_view::npos && colon == text.rfind(':');
  if (!has_port) return known(parse_address(text));
  return is_port(text.substr(colon + 1)) ? known(parse_address(text.substr(0, colon)))
                                         : std::nullopt;
}

Address client_of_request(const Policy& policy, const Address& peer,
                          std::string_view header_lines) {
  Address client = peer;
  if (!policy.trusted_proxies.contains(peer)) return client;
  while (!header_lines.empty()) {
    const Line line = take_last_line(header_lines);
    if (!text::equals_ignore_case(line.name, name_of(policy.header))) continue;
    for (std::string_view list = without_empty_end(line.value); !list.empty();
         list = without_empty_end(list)) {
      const Element element = take_last(list, policy.header);
      if (!element.client) return client;
      client = *element.client;
      if (!policy.trusted_proxies.contains(client)) return client;
    }
  }
  return client;
}

bool names_client(std::string_view header_lines) noexcept {
  while (!header_lines.empty()) {
    const Line line = take_last_line(header_lines);
    if (text::equals_ignore_case(line.name, kXForwardedFor) ||
        text::equals_ignore_case(line.name, kForwarded))
      return true;
  }
  return false;
}

}  // namespace crolang::client_address
