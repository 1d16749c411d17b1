#pragma once
/// Could there be a node of this id? Threads: any.

#include <string_view>

#include "session/identity.hpp"

namespace crolang::broker {

/// False for what no node is let in with: nobody needs to be asked about it, and nothing kept of
/// it. `id` is trimmed.
// Hot: per message. Nearly all ids are printable ASCII, and short.
inline bool can_exist(std::string_view id, std::size_t max_bytes) {
  if (id.size() > max_bytes) return false;
  bool is_plain = !id.empty();
  for (const char c : id) is_plain &= c > ' ' && c < '\x7f';
  return is_plain || session::check_id(id, max_bytes) == session::IdFault::none;
}

}  // namespace crolang::broker
