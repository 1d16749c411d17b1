#pragma once
/// An answer of a module, copied out of the plugin's hands, and who waits for it.

#include <cstdint>
#include <string>
#include <vector>

#include "crolang/plugin.h"
#include "session/handle.hpp"

namespace crolang::modules {

struct Holder {
  std::string instance;  ///< empty: nobody
  std::uint64_t token = 0;
};

struct Answer {
  crolang_status status = CROLANG_INTERNAL;
  bool yes = false;                 ///< yes/no questions, send
  std::int32_t code = 0;            ///< outcome of a claim, verdict of a probe
  std::string text;                 ///< RTC configuration
  std::vector<std::uint8_t> flags;  ///< validity
  std::vector<Holder> holders;      ///< lookup; the holder that a claim met
  std::string error;                ///< for the log: why not, or why the answer is no
  bool receipted = false;           ///< yes, and the waiter's receipt has been redeemed

  bool could_ask() const noexcept { return status == CROLANG_OK; }
};

struct Waiter;

/// Receives answers that came after the question had returned. Called on the worker that asked.
class AnswerSink {
 public:
  virtual void on_answer(const Waiter& waiter, const Answer& answer) = 0;

 protected:
  ~AnswerSink() = default;
};

/// Who asked, and about what: copied, never owned. `sink` == nullptr: nobody waits.
struct Waiter {
  AnswerSink* sink = nullptr;
  session::SessionHandle session;
  std::uint64_t tag = 0;
};

const char* status_name(crolang_status status) noexcept;

}  // namespace crolang::modules
