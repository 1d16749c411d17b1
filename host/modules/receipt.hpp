#pragma once
/// The acknowledgement of a message, written when the message is sent, so that the thread
/// that answers can give it to the sender while the sender's worker sleeps: waking that worker
/// would cost more than all the rest of the answer.
///
/// The worker notices this only when it wakes for another reason, so a receipt is issued only if
/// the message is the only one that its sender has in flight, and is revoked as soon as there is
/// another. After that the answer wakes the worker like any other.
///
/// Threads: a plain value, not synchronised. Only PendingCalls::Hooks knows how it is redeemed.

#include <array>
#include <cstddef>
#include <cstdint>

namespace crolang::modules {

struct Receipt {
  /// The issuer must ensure that no acknowledgement is longer.
  static constexpr std::size_t kMaxBytes = 47;

  void* issuer = nullptr;  ///< opaque; nullptr: there is no receipt
  std::uint32_t generation = 0;
  std::uint32_t number = 0;
  std::uint8_t size = 0;  ///< 0: the sender does not ask for an acknowledgement
  std::array<char, kMaxBytes> bytes{};
  std::uint64_t note = 0;  ///< by which the issuer finds what it has noted of the message; 0: none
};

inline constexpr Receipt kNoReceipt{};

enum class Redeemed : std::uint8_t {
  no,      ///< the receipt does not count any more
  yes,     ///< everything is sent, or another thread will send it
  unsent,  ///< the acknowledgement waits to be sent
};

}  // namespace crolang::modules
