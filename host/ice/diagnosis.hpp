#pragma once
/// What went wrong and what it most likely means, in words for the operator. Pure.
/// Threads: any. Errors: none. Texts have no passwords, and of servers only printable characters.

#include <string>
#include <string_view>
#include <vector>

#include "ice/outcome.hpp"

namespace crolang::ice {

struct Circumstances {
  Seconds now;
  /// Where the operator has given the secret, "TURN_SHARED_SECRET"; empty: it is not known here.
  std::string_view secret_name{};
};

struct Diagnosis {
  std::string error;  ///< what happened
  std::string cause;  ///< what it most likely means, and what to do
};

/// Precondition: the outcome has a fault.
Diagnosis diagnose(const Target& target, const Outcome& outcome, const Circumstances& where);

/// What a node would not notice, but the operator should know of a server that works.
std::vector<std::string> warnings_of(const Target& target, const Outcome& outcome,
                                     const Circumstances& where);

/// What a server has sent, without control characters and cut to 100 bytes.
std::string printable(std::string_view text);

/// "3 h 20 min"
std::string text_of(std::chrono::seconds duration);

}  // namespace crolang::ice
