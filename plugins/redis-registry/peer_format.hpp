#pragma once
/// The wire format between brokers. The payload of one PUBLISH is a batch: a head that names the
/// sender, and records. No IO.
///
///   head     version (1) · length of the sender's name (1) · the name · number of the batch (8)
///   message   1 · request (8) · lease · length (4) · text
///   reply     2 · request (8) · outcome (1)
///   probe     3 · request (8) · timeout in ms (4) · lease
///   result    4 · request (8) · what the probe found, CROLANG_ALIVE … (1)
///   question  5 · request (8) · timeout in ms (4) · length (4) · bytes
///   answer    6 · request (8) · CROLANG_OK … (1) · length (4) · bytes, or why there are none
///
///   lease     token (8) · session (8) · worker (4) · length (2) · node id
///
/// Numbers are little endian. A batch with messages has a higher number than what its sender has
/// published before, or all have 0. A batch without records is a heartbeat. A broker ignores a
/// batch of another version: its sender gets no answer, and its node an error.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "crolang/plugin.hpp"

namespace crolang::redis_registry {

struct MessageRecord {
  std::uint64_t request = 0;
  plugin::Lease to;
  std::string_view body;
};

/// The outcome of a message.
enum class Outcome : std::uint8_t {
  taken = 0,
  refused = 1,       ///< no session has this id and token
  cannot_accept = 2  ///< the session exists, but cannot accept it
};

struct ReplyRecord {
  std::uint64_t request = 0;
  Outcome outcome = Outcome::taken;
};

/// The limits to which a probe's timeout is clamped, so that another broker can neither evict a
/// session at once nor keep a probe open for ever.
inline constexpr std::uint32_t kShortestProbeMs = 250;
inline constexpr std::uint32_t kLongestProbeMs = 60'000;

struct ProbeRecord {
  std::uint64_t request = 0;
  std::uint32_t timeout_ms = 0;
  plugin::Lease incumbent;
};

struct ProbeResultRecord {
  std::uint64_t request = 0;
  std::uint8_t result = 0;
};

/// The question of one broker to another, at most CROLANG_MAX_ASK bytes.
struct QuestionRecord {
  std::uint64_t request = 0;
  std::uint32_t timeout_ms = 0;
  std::string_view body;
};

struct AnswerRecord {
  std::uint64_t request = 0;
  plugin::Status status = plugin::Status::internal;
  std::string_view
      text;  ///< with Status::ok the answer, at most CROLANG_MAX_ASK bytes; else the error
};

using Record = std::variant<MessageRecord, ReplyRecord, ProbeRecord, ProbeResultRecord,
                            QuestionRecord, AnswerRecord>;

/// Ids must be shorter than 64 KiB, bodies than 4 GiB, as the broker ensures.
void append_head(std::string& batch, std::string_view sender, std::uint64_t number = 0);
/// Changes the number of a batch.
void renumber(std::string& batch, std::uint64_t number);
void append(std::string& batch, const MessageRecord& record);
void append(std::string& batch, const ReplyRecord& record);
void append(std::string& batch, const ProbeRecord& record);
void append(std::string& batch, const ProbeResultRecord& record);
void append(std::string& batch, const QuestionRecord& record);
void append(std::string& batch, const AnswerRecord& record);

/// Reads a batch record by record; records are views of it.
class BatchReader {
 public:
  explicit BatchReader(std::string_view batch);

  /// False: the head is malformed, or of another version.
  bool has_head() const { return has_head_; }
  std::string_view sender() const { return sender_; }
  std::uint64_t number() const { return number_; }

  /// nullopt: the end, or the rest is malformed.
  std::optional<Record> next();
  bool is_malformed() const { return is_malformed_; }

 private:
  template <class Number>
  Number take();
  std::string_view text(std::size_t size);
  plugin::Lease lease();

  std::string_view rest_;
  std::string_view sender_;
  std::uint64_t number_ = 0;
  bool has_head_ = false;
  bool is_malformed_ = false;
};

}  // namespace crolang::redis_registry
