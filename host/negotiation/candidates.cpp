#include "negotiation/candidates.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "negotiation/secret_hash.hpp"

namespace crolang::negotiation {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPrefix = "candidate:";
constexpr std::string_view kLocalName = ".local";

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// `word` is in lower case.
bool is_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(),
                                                  [](char a, char b) { return lower(a) == b; });
}

/// Whether the escape that begins with this backslash stands for a line end.
bool is_line_end(std::string_view escape) {
  if (escape.size() < 2) return true;
  if (escape[1] == 'r' || escape[1] == 'n') return true;
  return escape.size() >= 6 && escape.substr(1, 4) == "u000"sv &&
         (lower(escape[5]) == 'a' || lower(escape[5]) == 'd');
}

bool is_stop(char c) {
  return c == ' ' || c == '"' || c == '\\';
}

/// Where a field may end: at the next blank, quote or backslash. Looks at eight bytes at a time,
/// since the ends of short loops are hard to predict.
const char* find_stop(const char* at, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t kEach = 0x0101010101010101u;
    // The highest bit of the first byte that equals c; bytes after it may have theirs, too.
    const auto equal = [](std::uint64_t bytes, char c) {
      const std::uint64_t other = bytes ^ (kEach * static_cast<unsigned char>(c));
      return (other - kEach) & ~other;
    };
    for (; end - at >= 8; at += 8) {
      std::uint64_t bytes = 0;
      std::memcpy(&bytes, at, sizeof bytes);
      const std::uint64_t found =
          (equal(bytes, ' ') | equal(bytes, '"') | equal(bytes, '\\')) & (0x80 * kEach);
      if (found != 0) return at + std::countr_zero(found) / 8;
    }
  }
  while (at != end && !is_stop(*at)) ++at;
  return at;
}

/// What stands between blanks in the first line of the inside of a JSON string. Escapes other than
/// line ends, such as `\/` in a foundation, belong to a field.
class Fields {
 public:
  explicit Fields(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  /// Empty at the end of the line.
  std::string_view next() {
    while (at_ != end_ && *at_ == ' ') ++at_;
    const char* const start = at_;
    while (true) {
      at_ = find_stop(at_, end_);
      if (at_ == end_ || *at_ != '\\' || is_line_end({at_, size_left()})) break;
      at_ += 2;
    }
    return {start, static_cast<std::size_t>(at_ - start)};
  }

 private:
  std::size_t size_left() const { return static_cast<std::size_t>(end_ - at_); }

  const char* at_;
  const char* end_;
};

std::optional<CandidateType> type_of(std::string_view word, std::string_view address) {
  if (is_word(word, "host")) {
    const bool is_hidden = address.size() > kLocalName.size() &&
                           is_word(address.substr(address.size() - kLocalName.size()), kLocalName);
    return is_hidden ? CandidateType::mdns : CandidateType::host;
  }
  if (is_word(word, "srflx")) return CandidateType::srflx;
  if (is_word(word, "prflx")) return CandidateType::prflx;
  if (is_word(word, "relay")) return CandidateType::relay;
  return std::nullopt;
}

/// Not of a private network, a carrier's (RFC 6598), a link, the machine itself or what RFC 6890
/// sets apart for documentation and tests.
bool is_public_ipv4(std::string_view address) {
  std::array<std::uint8_t, 4> bytes{};
  const char* at = address.data();
  const char* const end = at + address.size();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto [stop, error] = std::from_chars(at, end, bytes[i]);
    const bool is_last = i + 1 == bytes.size();
    if (error != std::errc{} || (is_last ? stop != end : stop == end || *stop != '.')) return false;
    if (!is_last) at = stop + 1;
  }
  const auto [a, b, c, last] = bytes;
  const bool is_private = a == 0 || a == 10 || a == 127 || a >= 224 ||
                          (a == 100 && (b & 0xC0) == 64) || (a == 169 && b == 254) ||
                          (a == 172 && (b & 0xF0) == 16) || (a == 192 && b == 168);
  const bool is_set_apart = (a == 192 && b == 0 && (c == 0 || c == 2)) ||
                            (a == 198 && b == 51 && c == 100) || (a == 203 && b == 0 && c == 113) ||
                            (a == 198 && (b & 0xFE) == 18);
  return !is_private && !is_set_apart;
}

/// Never 0. `address` and `port` are of one line, in this order.
std::uint16_t fingerprint(std::string_view address, std::string_view port) {
  const char* const end = port.data() + port.size();
  const std::string_view both(address.data(), static_cast<std::size_t>(end - address.data()));
  return static_cast<std::uint16_t>(secret_hash(both) | 1U);
}

/// Where the word is; npos: nowhere. memmem prepares a table, which pays for long texts only.
std::size_t find_prefix(std::string_view json) {
  constexpr std::size_t kLong = 512;
  if (json.size() < kLong) return json.find(kPrefix);
  const void* const found = ::memmem(json.data(), json.size(), kPrefix.data(), kPrefix.size());
  return found == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - json.data());
}

/// Whether what stands there is the last digit of an escape, as the c of `\u001candidate:`.
bool is_end_of_escape(std::string_view json, std::size_t at) {
  constexpr std::size_t kBefore = 5;
  if (at < kBefore || json[at - kBefore] != '\\' || json[at - kBefore + 1] != 'u') return false;
  // A backslash that is escaped itself begins nothing.
  const std::string_view before = json.substr(0, at - kBefore);
  return (before.size() - 1 - before.find_last_not_of('\\')) % 2 == 0;
}

/// Where the next candidate begins; npos: nowhere.
std::size_t find_candidate(std::string_view json) {
  std::size_t at = find_prefix(json);
  while (at != std::string_view::npos && is_end_of_escape(json, at)) {
    const std::size_t from = at + kPrefix.size();
    const std::size_t next = find_prefix(json.substr(from));
    at = next == std::string_view::npos ? next : from + next;
  }
  return at;
}

/// Between two candidates of a description.
constexpr std::string_view kBetween = R"(\r\na=)";

/// Whether the next line is a candidate, and this one has no other.
bool is_followed_by_another(std::string_view line) {
  const std::size_t end = line.find('\\');
  if (end == std::string_view::npos) return false;
  const std::string_view rest = line.substr(end);
  return rest.starts_with(kBetween) && rest.substr(kBetween.size()).starts_with(kPrefix) &&
         line.substr(0, end).find(kPrefix) == std::string_view::npos;
}

void increment(std::uint16_t& count, std::uint16_t by = 1) {
  const unsigned sum = unsigned{count} + by;
  count = static_cast<std::uint16_t>(std::min(sum, 0xFFFFU));
}

}  // namespace

std::optional<Candidate> read_candidate(std::string_view text) noexcept {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  Fields line(text.substr(kPrefix.size()));
  const std::string_view foundation = line.next();
  const std::string_view component = line.next();
  const std::string_view transport = line.next();
  const std::string_view priority = line.next();
  const std::string_view address = line.next();
  const std::string_view port = line.next();
  const bool is_complete = !foundation.empty() && !component.empty() && !priority.empty() &&
                           !port.empty() && is_word(line.next(), "typ");
  if (!is_complete) return std::nullopt;
  const auto type = type_of(line.next(), address);
  if (!type) return std::nullopt;

  Candidate candidate;
  candidate.type = *type;
  if (is_word(transport, "udp")) {
    candidate.transport = Transport::udp;
  } else if (is_word(transport, "tcp") || is_word(transport, "ssltcp")) {
    candidate.transport = Transport::tcp;
  } else {
    return std::nullopt;
  }
  const bool is_ipv6 = address.find(':') != std::string_view::npos;
  candidate.family = *type == CandidateType::mdns ? Candidate::Family::hidden
                     : is_ipv6                    ? Candidate::Family::ipv6
                                                  : Candidate::Family::ipv4;
  candidate.is_public = *type == CandidateType::host && is_public_ipv4(address);
  if (*type != CandidateType::srflx || candidate.transport != Transport::udp) return candidate;

  // `raddr` and `rport` come next, if they are told. Browsers that hide addresses write 0.0.0.0.
  std::string_view base;
  std::string_view base_port;
  if (is_word(line.next(), "raddr")) {
    base = line.next();
    if (is_word(line.next(), "rport")) base_port = line.next();
  }
  candidate.mapped = fingerprint(address, port);
  if (!base_port.empty() && base_port != "0" && base_port != "9") {
    candidate.base = fingerprint(base, base_port);
  }
  return candidate;
}

void Candidates::add(const Candidate& candidate) noexcept {
  increment(types_[static_cast<std::size_t>(candidate.type)]);
  increment(candidate.transport == Transport::udp ? udp_ : tcp_);
  has_public_host_ |= candidate.is_public;
  ipv4_ |= candidate.family == Candidate::Family::ipv4;
  ipv6_ |= candidate.family == Candidate::Family::ipv6;
  const bool is_host =
      candidate.type == CandidateType::host || candidate.type == CandidateType::mdns;
  if (is_host && candidate.transport == Transport::udp) increment(udp_hosts_);
  if (candidate.mapped != 0) add(Mapping{candidate.base, candidate.mapped});
}

void Candidates::add(const Candidates& others) noexcept {
  if (others.none()) return;
  for (std::size_t i = 0; i < kCandidateTypes; ++i) increment(types_[i], others.types_[i]);
  increment(udp_, others.udp_);
  increment(tcp_, others.tcp_);
  has_public_host_ |= others.has_public_host_;
  ipv4_ |= others.ipv4_;
  ipv6_ |= others.ipv6_;
  increment(udp_hosts_, others.udp_hosts_);
  is_symmetric_ |= others.is_symmetric_;
  for (const Mapping& each : others.mappings_) {
    if (each.mapped != 0) add(each);
  }
}

bool Candidates::behind_symmetric_nat() const noexcept {
  // Where bases are hidden: there are more mapped addresses than ports.
  const auto hidden = std::ranges::count_if(
      mappings_, [](const Mapping& each) { return each.mapped != 0 && each.base == 0; });
  return is_symmetric_ || (udp_hosts_ != 0 && hidden > udp_hosts_);
}

void Candidates::add(Mapping mapping) noexcept {
  for (Mapping& known : mappings_) {
    if (known.mapped == 0) known = mapping;
    if (known.base != mapping.base) continue;
    if (known.mapped == mapping.mapped) return;
    // Those without a base may be of different ports.
    if (known.base != 0) is_symmetric_ = true;
  }
}

bool Candidates::only_hosts() const noexcept {
  return !none() && of(CandidateType::srflx) == 0 && of(CandidateType::prflx) == 0 &&
         of(CandidateType::relay) == 0;
}

void add_candidates(Candidates& to, std::string_view json) noexcept {
  if (json.empty()) return;
  // What most nodes write, and there is but one.
  constexpr std::string_view kUsual = R"({"sdp":"candidate:)";
  if (json.starts_with(kUsual)) {
    const auto candidate = read_candidate(json.substr(kUsual.size() - kPrefix.size()));
    if (candidate) to.add(*candidate);
    return;
  }
  std::size_t at = find_candidate(json);
  for (std::size_t i = 0; i < kMostCandidatesOfAMessage && at != std::string_view::npos; ++i) {
    json.remove_prefix(at);
    if (const auto candidate = read_candidate(json)) to.add(*candidate);
    json.remove_prefix(kPrefix.size());
    at = is_followed_by_another(json) ? json.find('\\') + kBetween.size() : find_candidate(json);
  }
}

}  // namespace crolang::negotiation
