#pragma once
/// Normalises an RTC configuration to the form that nodes read and every WebRTC stack accepts:
/// corrects what can be corrected, and leaves out servers that a stack would reject, since one such
/// server makes it reject all of them. A configuration that is unusable, or could reveal addresses
/// that must stay hidden, is a fault. The rules for operators: docs/in-production.md, "RTC
/// configurations".
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

/// Chromium silently ignores any further URLs.
inline constexpr std::size_t kMaxTurnUrls = 32;

class RtcNormaliser {
 public:
  struct Configuration {
    RtcLiteral literal;
    std::size_t turn_urls = 0;
    std::size_t left_out = 0;  ///< URLs
    std::string why_left_out;  ///< for the log, bounded
    /// Those of left_out that are not evidently URLs of STUN servers.
    std::size_t turn_left_out = 0;
  };
  struct Fault {
    std::string text;
  };
  /// Accepts `{"iceServers":…}` and `{"rtcConfiguration":{"iceServers":…}}`. Makes every `urls` an
  /// array and sets both `password` (what nodes read) and `credential` (what browsers read).
  /// Unknown members are kept, unless they are null. Idempotent.
  std::variant<Configuration, Fault> normalise(std::string_view answer);

 private:
  // Most answers equal the previous one: then nothing is parsed.
  std::string last_answer_;
  Configuration last_;
};

}  // namespace crolang::broker
