#pragma once
/// Publications (RESP 2) read in place, without a copy: nearly all that arrives on a subscription.
/// Threads: any. Errors: none; what is not a complete publication is left to ReplyReader.

#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>

namespace crolang::redis_registry {

namespace detail {

/// Removes `$length\r\n…\r\n`. nullopt: it is something else, or incomplete.
inline std::optional<std::string_view> take_bulk(std::string_view& bytes) {
  constexpr std::size_t kLongestNumber = 9;
  if (bytes.empty() || bytes.front() != '$') return std::nullopt;
  const std::string_view head = bytes.substr(1, kLongestNumber + 2);
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(head.data(), head.data() + head.size(), length);
  const auto digits = static_cast<std::size_t>(end - head.data());
  if (error != std::errc{} || digits > kLongestNumber) return std::nullopt;
  if (head.substr(digits, 2) != "\r\n") return std::nullopt;
  const std::size_t begin = 1 + digits + 2;
  if (bytes.size() < begin + length + 2) return std::nullopt;
  if (bytes.substr(begin + length, 2) != "\r\n") return std::nullopt;
  const std::string_view text = bytes.substr(begin, length);
  bytes.remove_prefix(begin + length + 2);
  return text;
}

}  // namespace detail

/// If the bytes begin with a complete publication: removes it, and returns its text, a view of it.
inline std::optional<std::string_view> take_publication(std::string_view& bytes) {
  constexpr std::string_view kHead = "*3\r\n$7\r\nmessage\r\n";
  constexpr std::string_view kShardedHead = "*3\r\n$8\r\nsmessage\r\n";
  std::string_view rest = bytes;
  if (bytes.starts_with(kHead)) {
    rest.remove_prefix(kHead.size());
  } else if (bytes.starts_with(kShardedHead)) {
    rest.remove_prefix(kShardedHead.size());
  } else {
    return std::nullopt;
  }
  if (!detail::take_bulk(rest)) return std::nullopt;  // the channel
  const auto text = detail::take_bulk(rest);
  if (text) bytes = rest;
  return text;
}

}  // namespace crolang::redis_registry
