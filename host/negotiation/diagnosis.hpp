#pragma once
/// Says in words why two nodes do not connect, as far as it can be seen from what they sent through
/// the broker. It never learns whether their connection was opened: "nothing unusual" means that
/// nothing that was sent keeps them from it.
///
/// Threads: a function of values. Errors: std::bad_alloc.

#include <string>

#include "negotiation/record.hpp"

namespace crolang::negotiation {

/// Later than that, most stacks or their applications have given up.
inline constexpr std::chrono::seconds kLateAnswer{10};
/// Candidates are judged when none has come for this long: relays far away take a while.
inline constexpr std::chrono::seconds kSettled{5};

enum class Presence : std::uint8_t { unknown, connected, not_connected };

struct Circumstances {
  TimePoint now;
  Presence initiator = Presence::unknown;
  Presence responder = Presence::unknown;
};

struct Diagnosis {
  std::string words;  ///< one line of UTF-8, bounded
  bool usual = true;  ///< nothing speaks against a connection
};

Diagnosis diagnose(const Record& record, const Circumstances& circumstances);

}  // namespace crolang::negotiation
