#pragma once
/// Names a connection without owning it. Threads: a value, copied freely. A handle outlives what it
/// names: whoever follows it compares the generation, and a stale one means "gone", never a
/// dangling pointer.

#include <cstdint>

namespace crolang::session {

struct SessionHandle {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  ///< 0: names nobody
  std::uint16_t worker = 0;

  bool operator==(const SessionHandle&) const = default;
  explicit operator bool() const noexcept { return generation != 0; }
};

}  // namespace crolang::session
