#pragma once
/// The answer of a module, copied from the plugin's memory, and the waiter that it is for.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "crolang/plugin.h"

namespace crolang::modules {

struct Holder {
  std::string instance;  ///< empty: no holder
  std::uint64_t token = 0;
  // Opaque here: passed back to that instance.
  std::uint64_t session = 0;
  std::uint32_t worker = 0;
};

/// The status that an instance of the broker reports.
struct InstanceStatus {
  std::string instance;
  std::string status;  ///< JSON, not parsed here
};

/// An entry of the table that all instances share.
struct Entry {
  std::string name;
  std::string value;
  std::uint64_t expires_at = 0;  ///< ms since 1970-01-01T00:00:00Z; to set one, 0 removes it
  bool operator==(const Entry&) const = default;
};

struct Answer {
  crolang_status status = CROLANG_INTERNAL;
  bool yes = false;                ///< yes/no questions, send
  std::uint64_t valid_for_ms = 0;  ///< of a positive authentication; 0: no limit
  std::int32_t code = 0;           ///< outcome of a claim or a list of entries, result of a probe
  std::string text;  ///< RTC configuration; the answer of another instance; version of the entries
  std::vector<std::uint8_t> flags;  ///< validity
  std::vector<Holder> holders;      ///< of a lookup; of a claim, the current holder
  std::vector<InstanceStatus> instances;
  std::vector<Entry> entries;
  std::string error;       ///< for the log: why there is no answer, or why it is no
  bool receipted = false;  ///< the answer is yes and the waiter's receipt has been redeemed
  std::chrono::steady_clock::time_point receipted_at{};  ///< if receipted

  bool succeeded() const noexcept { return status == CROLANG_OK; }
};

struct Waiter;

/// Receives answers that arrive after the question has returned. Called on the worker that asked.
class AnswerSink {
 public:
  virtual void on_answer(const Waiter& waiter, const Answer& answer) = 0;

 protected:
  ~AnswerSink() = default;
};

/// Who asked, and about what: copied, never owned. `asker` and `tag` are opaque to all but the
/// sink. `sink` == nullptr: the answer is not needed.
struct Waiter {
  AnswerSink* sink = nullptr;
  std::uint64_t asker = 0;
  std::uint64_t tag = 0;
};

const char* status_name(crolang_status status) noexcept;

}  // namespace crolang::modules
