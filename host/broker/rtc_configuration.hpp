#pragma once
/// The RTC configuration as nodes want it, and as every WebRTC stack takes it: what can be put
/// right is put right, servers that a stack would refuse are left out since each costs a node all
/// of them, and what cannot be used, or may uncover addresses that were to be hidden, is a fault.
/// The rules for operators: docs/in-production.md, "RTC configurations".
///
/// Threads: one Normaliser per worker. Errors: a sentence, for the log, without credentials.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace crolang::broker {

/// A Socket.IO string argument: the JSON text of the configuration as a JSON string literal, ready
/// to be sent. Shared by all nodes that got the same answer.
using RtcLiteral = std::shared_ptr<const std::string>;

/// Chromium uses no more of them, and says so to nobody.
inline constexpr std::size_t kMaxTurnUrls = 32;

class RtcNormaliser {
 public:
  struct Configuration {
    RtcLiteral literal;
    std::size_t turn_urls = 0;
    std::size_t left_out = 0;  ///< URLs
    std::string why_left_out;  ///< for the log, bounded
  };
  struct Fault {
    std::string text;
  };
  /// Accepts `{"iceServers":…}` and `{"rtcConfiguration":{"iceServers":…}}`. Makes every `urls` an
  /// array and sets both `password` (what nodes read) and `credential` (what browsers read).
  /// Members it does not know stay, unless they are null. What comes out goes in unchanged.
  std::variant<Configuration, Fault> normalise(std::string_view answer);

 private:
  // Most answers repeat the one before: then nothing is parsed.
  std::string last_answer_;
  Configuration last_;
};

}  // namespace crolang::broker
