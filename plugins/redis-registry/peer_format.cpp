#include "redis-registry/peer_format.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace crolang::redis_registry {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they are in memory");

constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kLastProbeResult = 3;  // CROLANG_UNREACHABLE

enum class Kind : std::uint8_t {
  message = 1,
  reply = 2,
  probe = 3,
  probe_result = 4,
  question = 5,
  answer = 6,
};
constexpr auto kFirstKind = static_cast<std::uint8_t>(Kind::message);
constexpr auto kLastKind = static_cast<std::uint8_t>(Kind::answer);

template <class Number>
void put(std::string& batch, Number number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  batch.append(bytes, sizeof number);
}

template <class Length>
void put_text(std::string& batch, std::string_view text) {
  put(batch, static_cast<Length>(text.size()));
  batch.append(text);
}

void put_lease(std::string& batch, const plugin::Lease& lease) {
  put(batch, lease.token);
  put(batch, lease.session);
  put(batch, lease.worker);
  put_text<std::uint16_t>(batch, lease.id);
}

}  // namespace

void append_head(std::string& batch, std::string_view sender, std::uint64_t number) {
  put(batch, kVersion);
  put_text<std::uint8_t>(batch, sender);
  put(batch, number);
}

void renumber(std::string& batch, std::uint64_t number) {
  const std::size_t name = static_cast<unsigned char>(batch[1]);
  std::memcpy(batch.data() + 2 + name, &number, sizeof number);
}

void append(std::string& batch, const MessageRecord& record) {
  put(batch, Kind::message);
  put(batch, record.request);
  put_lease(batch, record.to);
  put_text<std::uint32_t>(batch, record.body);
}

void append(std::string& batch, const ReplyRecord& record) {
  put(batch, Kind::reply);
  put(batch, record.request);
  put(batch, record.outcome);
}

void append(std::string& batch, const ProbeRecord& record) {
  put(batch, Kind::probe);
  put(batch, record.request);
  put(batch, record.timeout_ms);
  put_lease(batch, record.incumbent);
}

void append(std::string& batch, const ProbeResultRecord& record) {
  put(batch, Kind::probe_result);
  put(batch, record.request);
  put(batch, record.result);
}

void append(std::string& batch, const QuestionRecord& record) {
  put(batch, Kind::question);
  put(batch, record.request);
  put(batch, record.timeout_ms);
  put_text<std::uint32_t>(batch, record.body);
}

void append(std::string& batch, const AnswerRecord& record) {
  put(batch, Kind::answer);
  put(batch, record.request);
  put(batch, static_cast<std::uint8_t>(record.status));
  put_text<std::uint32_t>(batch, record.text);
}

BatchReader::BatchReader(std::string_view batch) : rest_(batch) {
  const auto version = take<std::uint8_t>();
  const auto length = take<std::uint8_t>();
  sender_ = text(length);
  number_ = take<std::uint64_t>();
  has_head_ = !is_malformed_ && version == kVersion && !sender_.empty();
  if (has_head_) return;
  rest_ = {};
  number_ = 0;
}

template <class Number>
Number BatchReader::take() {
  Number value{};
  const std::string_view bytes = text(sizeof value);
  if (!is_malformed_) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::string_view BatchReader::text(std::size_t size) {
  if (is_malformed_ || rest_.size() < size) {
    is_malformed_ = true;
    return {};
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

plugin::Lease BatchReader::lease() {
  plugin::Lease lease;
  lease.token = take<std::uint64_t>();
  lease.session = take<std::uint64_t>();
  lease.worker = take<std::uint32_t>();
  lease.id = text(take<std::uint16_t>());
  return lease;
}

std::optional<Record> BatchReader::next() {
  if (rest_.empty() || is_malformed_) return std::nullopt;
  Record record;
  const auto kind = take<std::uint8_t>();
  if (kind < kFirstKind || kind > kLastKind) is_malformed_ = true;
  if (is_malformed_) return std::nullopt;
  switch (static_cast<Kind>(kind)) {
    case Kind::message: {
      MessageRecord message;
      message.request = take<std::uint64_t>();
      message.to = lease();
      message.body = text(take<std::uint32_t>());
      record = message;
      break;
    }
    case Kind::reply: {
      ReplyRecord reply;
      reply.request = take<std::uint64_t>();
      const auto outcome = take<std::uint8_t>();
      is_malformed_ = is_malformed_ || outcome > static_cast<std::uint8_t>(Outcome::cannot_accept);
      reply.outcome = static_cast<Outcome>(outcome);
      record = reply;
      break;
    }
    case Kind::probe: {
      ProbeRecord probe;
      probe.request = take<std::uint64_t>();
      probe.timeout_ms = std::clamp(take<std::uint32_t>(), kShortestProbeMs, kLongestProbeMs);
      probe.incumbent = lease();
      record = probe;
      break;
    }
    case Kind::probe_result: {
      ProbeResultRecord result;
      result.request = take<std::uint64_t>();
      result.result = take<std::uint8_t>();
      is_malformed_ = is_malformed_ || result.result > kLastProbeResult;
      record = result;
      break;
    }
    case Kind::question: {
      QuestionRecord question;
      question.request = take<std::uint64_t>();
      question.timeout_ms = take<std::uint32_t>();
      question.body = text(take<std::uint32_t>());
      is_malformed_ = is_malformed_ || question.body.size() > CROLANG_MAX_ASK;
      record = question;
      break;
    }
    case Kind::answer: {
      AnswerRecord answer;
      answer.request = take<std::uint64_t>();
      const auto status = take<std::uint8_t>();
      is_malformed_ = is_malformed_ || status > CROLANG_INTERNAL;
      answer.status = static_cast<plugin::Status>(status);
      answer.text = text(take<std::uint32_t>());
      is_malformed_ = is_malformed_ || answer.text.size() > CROLANG_MAX_ASK;
      record = answer;
      break;
    }
  }
  if (is_malformed_) return std::nullopt;
  return record;
}

}  // namespace crolang::redis_registry
