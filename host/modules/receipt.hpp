#pragma once
/// The acknowledgement of a message, written when it is handed over, so that whoever answers can
/// give it to the sender while the sender's worker sleeps: waking that worker would cost more than
/// all the rest of the answer.
///
/// The worker hears of it when it wakes for something else, so a receipt is issued only for what is
/// all that its sender has under way, and is revoked as soon as that is not so any more. Then the
/// answer wakes the worker as any other does.
///
/// Threads: a value; redeem on any.

#include <array>
#include <cstddef>
#include <cstdint>

#include "session/outlet.hpp"

namespace crolang::modules {

struct Receipt {
  /// The frame of an acknowledgement with the longest id is shorter.
  static constexpr std::size_t kMaxBytes = 40;

  session::Outlet* outlet = nullptr;  ///< that has issued it; nullptr: there is none
  std::uint32_t generation = 0;
  std::uint32_t number = 0;
  std::uint8_t size = 0;  ///< 0: the sender does not ask for an acknowledgement
  std::array<char, kMaxBytes> bytes{};
};

inline constexpr Receipt kNoReceipt{};

/// False: it does not count any more.
inline bool redeem(const Receipt& receipt, session::DirtyList& dirty) {
  return receipt.outlet->redeem(receipt.generation, receipt.number,
                                {receipt.bytes.data(), receipt.size}, dirty);
}

}  // namespace crolang::modules
