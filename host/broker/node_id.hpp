#pragma once
/// Checks whether a node with a given id could exist at all. Threads: any.

#include <cstdint>
#include <cstring>
#include <string_view>

#include "broker/identity.hpp"

namespace crolang::broker {

/// True if every byte is printable ASCII other than a blank. Checks eight bytes at a time.
inline bool is_plain(std::string_view id) {
  constexpr std::uint64_t kEach = 0x0101010101010101u;
  // The highest bit of a byte ends up set if the byte is not ASCII, if it is 0x7f (adding one
  // carries into it), or if it is less than 0x21 (the subtraction borrows). A borrow may also
  // change the byte above, but then the id is not plain anyway.
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

/// False if no node with this id would be admitted: then no module is asked about it, and nothing
/// is stored for it. Precondition: `id` is trimmed and not empty.
// Hot: per message. Nearly all ids are short and printable ASCII.
inline bool can_exist(std::string_view id, std::size_t max_bytes) {
  if (id.size() > max_bytes) return false;
  return is_plain(id) || check_id(id, max_bytes) == IdFault::none;
}

}  // namespace crolang::broker
