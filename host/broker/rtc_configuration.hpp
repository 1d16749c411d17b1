#pragma once
/// The RTC configuration as nodes want it. Threads: one Normaliser per worker. Errors: a sentence,
/// for the log.

#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace crolang::broker {

/// A Socket.IO string argument: the JSON text of the configuration as a JSON string literal, ready
/// to be sent. Shared by all nodes that got the same answer.
using RtcLiteral = std::shared_ptr<const std::string>;

class RtcNormaliser {
 public:
  struct Fault {
    std::string text;
  };
  /// Accepts `{"iceServers":…}` and `{"rtcConfiguration":{"iceServers":…}}`. Makes every `urls` an
  /// array and sets both `password` (what nodes read) and `credential` (what browsers read).
  /// Members it does not know stay.
  std::variant<RtcLiteral, Fault> normalise(std::string_view answer);

 private:
  // Most answers repeat the one before: then nothing is parsed.
  std::string last_answer_;
  RtcLiteral last_literal_;
};

}  // namespace crolang::broker
