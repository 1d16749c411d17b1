#include "tls/hello_limit.hpp"

#include <algorithm>

namespace crolang::tls {
namespace {

constexpr std::uint8_t kRecordHeader = 5;   // type, version, length: RFC 8446 5.1
constexpr std::uint8_t kMessageHeader = 4;  // type, length: RFC 8446 4
constexpr std::uint8_t kHandshake = 22;

}  // namespace

bool HelloLimit::Header::complete(std::span<const char>& from, std::uint8_t size) noexcept {
  while (have < size && !from.empty()) {
    bytes[have++] = static_cast<std::uint8_t>(from.front());
    from = from.subspan(1);
  }
  return have == size;
}

bool HelloLimit::take(std::span<const char> bytes) noexcept {
  while (!bytes.empty()) {
    if (record_left_ == 0) {
      if (!record_.complete(bytes, kRecordHeader)) return true;
      record_left_ = std::size_t{record_.bytes[3]} << 8 | record_.bytes[4];
      record_.have = 0;
      continue;
    }
    const auto body = bytes.first(std::min(bytes.size(), record_left_));
    // Its type stays until the next header begins.
    if (record_.bytes[0] == kHandshake && !take_message(body)) return false;
    record_left_ -= body.size();
    bytes = bytes.subspan(body.size());
  }
  return true;
}

bool HelloLimit::take_message(std::span<const char> bytes) noexcept {
  while (!bytes.empty()) {
    if (message_left_ == 0) {
      if (!message_.complete(bytes, kMessageHeader)) return true;
      message_left_ = std::size_t{message_.bytes[1]} << 16 | std::size_t{message_.bytes[2]} << 8 |
                      message_.bytes[3];
      message_.have = 0;
      if (message_left_ > kMaxClientHello) return false;
      continue;
    }
    const std::size_t count = std::min(bytes.size(), message_left_);
    message_left_ -= count;
    bytes = bytes.subspan(count);
  }
  return true;
}

}  // namespace crolang::tls
