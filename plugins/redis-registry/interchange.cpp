#include "redis-registry/interchange.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace crolang::redis_registry {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they stand in memory");

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kLastVerdict = 3;  // CROLANG_UNREACHABLE

enum class Kind : std::uint8_t { message = 1, reply = 2, probe = 3, verdict = 4 };

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

}  // namespace

void append_head(std::string& batch, std::string_view instance) {
  put(batch, kVersion);
  put_text<std::uint8_t>(batch, instance);
}

void append(std::string& batch, const MessageRecord& record) {
  put(batch, Kind::message);
  put(batch, record.request);
  put(batch, record.token);
  put_text<std::uint16_t>(batch, record.id);
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
  put(batch, record.token);
  put(batch, record.timeout_ms);
  put_text<std::uint16_t>(batch, record.id);
}

void append(std::string& batch, const VerdictRecord& record) {
  put(batch, Kind::verdict);
  put(batch, record.request);
  put(batch, record.verdict);
}

BatchReader::BatchReader(std::string_view batch) : rest_(batch) {
  const auto version = number<std::uint8_t>();
  const auto length = number<std::uint8_t>();
  sender_ = text(length);
  has_head_ = !damaged_ && version == kVersion && !sender_.empty();
  if (!has_head_) rest_ = {};
}

template <class Number>
Number BatchReader::number() {
  Number value{};
  const std::string_view bytes = text(sizeof value);
  if (!damaged_) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::string_view BatchReader::text(std::size_t size) {
  if (damaged_ || rest_.size() < size) {
    damaged_ = true;
    return {};
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

std::optional<Record> BatchReader::next() {
  if (rest_.empty() || damaged_) return std::nullopt;
  Record record;
  switch (static_cast<Kind>(number<std::uint8_t>())) {
    case Kind::message: {
      MessageRecord message;
      message.request = number<std::uint64_t>();
      message.token = number<std::uint64_t>();
      message.id = text(number<std::uint16_t>());
      message.body = text(number<std::uint32_t>());
      record = message;
      break;
    }
    case Kind::reply: {
      ReplyRecord reply;
      reply.request = number<std::uint64_t>();
      const auto outcome = number<std::uint8_t>();
      damaged_ = damaged_ || outcome > static_cast<std::uint8_t>(Outcome::could_not);
      reply.outcome = static_cast<Outcome>(outcome);
      record = reply;
      break;
    }
    case Kind::probe: {
      ProbeRecord probe;
      probe.request = number<std::uint64_t>();
      probe.token = number<std::uint64_t>();
      probe.timeout_ms = std::clamp(number<std::uint32_t>(), kShortestProbeMs, kLongestProbeMs);
      probe.id = text(number<std::uint16_t>());
      record = probe;
      break;
    }
    case Kind::verdict: {
      VerdictRecord verdict;
      verdict.request = number<std::uint64_t>();
      verdict.verdict = number<std::uint8_t>();
      damaged_ = damaged_ || verdict.verdict > kLastVerdict;
      record = verdict;
      break;
    }
    default:
      damaged_ = true;
  }
  if (damaged_) return std::nullopt;
  return record;
}

}  // namespace crolang::redis_registry
