#include "broker/remote_event.hpp"

#include <algorithm>

namespace crolang::broker {
namespace {

constexpr char kNamesMark = 'N';
constexpr std::size_t kDigits = 4;
constexpr std::size_t kHeader = 1 + 2 * kDigits;
// What is longer is read from the payload.
constexpr std::size_t kLongest = 1024;

char* write_size(char* out, std::size_t size) {
  for (std::size_t i = kDigits; i-- > 0; size /= 10) out[i] = static_cast<char>('0' + size % 10);
  return out + kDigits;
}

std::optional<std::size_t> read_size(std::string_view digits) {
  std::size_t size = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    size = 10 * size + static_cast<std::size_t>(digit - '0');
  }
  return size;
}

}  // namespace

std::size_t names_size(const NegotiationNames& names) noexcept {
  if (names.from.size() > kLongest || names.session.size() > kLongest) return 0;
  return kHeader + names.from.size() + names.session.size();
}

char* write_names(char* out, const NegotiationNames& names) noexcept {
  *out++ = kNamesMark;
  out = write_size(out, names.from.size());
  out = write_size(out, names.session.size());
  out = std::ranges::copy(names.from, out).out;
  return std::ranges::copy(names.session, out).out;
}

RemoteEvent split_remote_event(std::string_view body) noexcept {
  const RemoteEvent all{.event = body};
  if (body.starts_with(kWholeMark)) return {.is_whole = true, .event = body.substr(1)};
  if (body.size() < kHeader || body.front() != kNamesMark) return all;
  const auto from = read_size(body.substr(1, kDigits));
  const auto session = read_size(body.substr(1 + kDigits, kDigits));
  if (!from || !session || body.size() - kHeader < *from + *session) return all;
  const NegotiationNames names{body.substr(kHeader, *from), body.substr(kHeader + *from, *session)};
  return {.names = names, .event = body.substr(kHeader + *from + *session)};
}

}  // namespace crolang::broker
