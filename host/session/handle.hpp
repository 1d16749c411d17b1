#pragma once
/// Names a connection without owning it. Threads: a plain value, not synchronised, copied freely. A
/// handle may outlive its connection: every lookup compares the generation, so a stale handle
/// means "gone", never a dangling pointer.

#include <cstdint>

namespace crolang::session {

struct SessionHandle {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  ///< 0: names no connection
  std::uint16_t worker = 0;

  bool operator==(const SessionHandle&) const = default;
  explicit operator bool() const noexcept { return generation != 0; }

  /// As one number, for layers that carry handles without knowing what they name; 0: no connection.
  constexpr std::uint64_t packed() const noexcept {
    return std::uint64_t{generation} << 32 | std::uint64_t{worker} << kSlotBits | slot;
  }
  static constexpr SessionHandle unpacked(std::uint64_t number) noexcept {
    const auto low = static_cast<std::uint32_t>(number);
    return {low & ((1u << kSlotBits) - 1), static_cast<std::uint32_t>(number >> 32),
            static_cast<std::uint16_t>(low >> kSlotBits)};
  }

  static constexpr unsigned kSlotBits = 21;    ///< an OutboxTable has no more
  static constexpr unsigned kWorkerBits = 11;  ///< WORKERS is at most 256
};

}  // namespace crolang::session
