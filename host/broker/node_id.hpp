#pragma once
/// Could there be a node of this id? Threads: any.

#include <cstdint>
#include <cstring>
#include <string_view>

#include "session/identity.hpp"

namespace crolang::broker {

/// Are all bytes printable ASCII, blanks aside? Eight are looked at a time.
inline bool is_plain(std::string_view id) {
  constexpr std::uint64_t kEach = 0x0101010101010101u;
  // The highest bit of a byte is set by what is not ASCII, by 0x7f and one, and by what is less
  // than 0x21 and borrows. A borrow may spoil the byte above it, but then there is a fault anyway.
  const auto is_odd = [](std::uint64_t bytes) {
    return ((bytes | (bytes + kEach) | ((bytes - 0x21 * kEach) & ~bytes)) & 0x80 * kEach) != 0;
  };
  const auto read = [&](std::size_t at) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, id.data() + at, sizeof bytes);
    return bytes;
  };
  if (id.size() < 8) {
    for (const char c : id) {
      if (c <= ' ' || c >= '\x7f') return false;
    }
    return true;
  }
  for (std::size_t at = 0; at + 8 < id.size(); at += 8) {
    if (is_odd(read(at))) return false;
  }
  return !is_odd(read(id.size() - 8));
}

/// False for what no node is let in with: nobody needs to be asked about it, and nothing kept of
/// it. `id` is trimmed and not empty.
// Hot: per message. Nearly all ids are printable ASCII, and short.
inline bool can_exist(std::string_view id, std::size_t max_bytes) {
  if (id.size() > max_bytes) return false;
  return is_plain(id) || session::check_id(id, max_bytes) == session::IdFault::none;
}

}  // namespace crolang::broker
