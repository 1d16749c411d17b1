#pragma once
/// What brokers say to each other, as bytes of one PUBLISH: a batch is a head that names its
/// sender, and records. No IO.
///
///   head     version (1) · length of the instance's name (1) · the name
///   message  1 · request (8) · token (8) · length (2) · node id · length (4) · text
///   reply    2 · request (8) · outcome (1)
///   probe    3 · request (8) · token (8) · timeout in ms (4) · length (2) · node id
///   verdict  4 · request (8) · CROLANG_ALIVE … (1)
///
/// Numbers are little endian. A batch without records is a heartbeat. A broker ignores a batch of
/// another version, so that its sender sees no answer and says so to its node.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace crolang::redis_registry {

struct MessageRecord {
  std::uint64_t request = 0;
  std::uint64_t token = 0;
  std::string_view id;
  std::string_view body;
};

/// What became of a message.
enum class Outcome : std::uint8_t {
  taken = 0,
  refused = 1,   ///< no session has this id and token
  could_not = 2  ///< the session is there, but cannot take it
};

struct ReplyRecord {
  std::uint64_t request = 0;
  Outcome outcome = Outcome::taken;
};

/// What a probe's time-out is read as at least and at most, whatever stands there: who asks is
/// trusted neither to evict at once nor to have a session watched for ever.
inline constexpr std::uint32_t kShortestProbeMs = 250;
inline constexpr std::uint32_t kLongestProbeMs = 60'000;

struct ProbeRecord {
  std::uint64_t request = 0;
  std::uint64_t token = 0;
  std::uint32_t timeout_ms = 0;
  std::string_view id;
};

struct VerdictRecord {
  std::uint64_t request = 0;
  std::uint8_t verdict = 0;
};

using Record = std::variant<MessageRecord, ReplyRecord, ProbeRecord, VerdictRecord>;

/// Ids are shorter than 64 KiB, bodies than 4 GiB: the broker sees to that.
void append_head(std::string& batch, std::string_view instance);
void append(std::string& batch, const MessageRecord& record);
void append(std::string& batch, const ReplyRecord& record);
void append(std::string& batch, const ProbeRecord& record);
void append(std::string& batch, const VerdictRecord& record);

/// Reads a batch record by record; records are views of it.
class BatchReader {
 public:
  explicit BatchReader(std::string_view batch);

  /// False: the head makes no sense, or is of another version.
  bool has_head() const { return has_head_; }
  std::string_view sender() const { return sender_; }

  /// nullopt: the end, or `damaged`.
  std::optional<Record> next();
  bool damaged() const { return damaged_; }

 private:
  template <class Number>
  Number number();
  std::string_view text(std::size_t size);

  std::string_view rest_;
  std::string_view sender_;
  bool has_head_ = false;
  bool damaged_ = false;
};

}  // namespace crolang::redis_registry
