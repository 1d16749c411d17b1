#include "negotiation/candidates.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "json/byte_mask.hpp"
#include "negotiation/secret_hash.hpp"
#include "text/ascii.hpp"

namespace crolang::negotiation {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPrefix = "candidate:";
constexpr char kLocalName[] = ".local";
constexpr std::size_t kLocalNameSize = sizeof(kLocalName) - 1;

/// `word` is in lower case, as nearly every text is.
template <std::size_t size>
bool equals_keyword(std::string_view text, const char (&word)[size]) {
  constexpr std::size_t kLength = size - 1;
  if (text.size() != kLength) return false;
  return std::memcmp(text.data(), word, kLength) == 0 ||
         text::equals_ignore_case(text, {word, kLength});
}

/// Whether the escape that begins with this backslash stands for a line end.
bool is_line_end(std::string_view escape) {
  if (escape.size() < 2) return true;
  if (escape[1] == 'r' || escape[1] == 'n') return true;
  return escape.size() >= 6 && escape.substr(1, 4) == "u000"sv &&
         (text::to_lower(escape[5]) == 'a' || text::to_lower(escape[5]) == 'd');
}

// Each of these takes a byte, or a block of bytes at once.
constexpr auto is_space = [](auto byte) { return byte == std::uint8_t{' '}; };
constexpr auto is_quote_or_backslash = [](auto byte) {
  return (byte == std::uint8_t{'"'}) | (byte == std::uint8_t{'\\'});
};
constexpr auto is_delimiter = [](auto byte) {
  return is_space(byte) | is_quote_or_backslash(byte);
};

/// Where a field may end: at the next space, quote or backslash. Looks at sixteen bytes at a time,
/// since the ends of short loops are hard to predict.
const char* find_delimiter(const char* at, const char* end) {
  for (; end - at >= 16; at += 16) {
    json::Block block;
    std::memcpy(&block, at, sizeof block);
    const std::uint64_t found = json::mask_of(std::bit_cast<json::Block>(is_delimiter(block)));
    if (found != 0) return at + std::countr_zero(found);
  }
  while (at != end && !is_delimiter(static_cast<std::uint8_t>(*at))) ++at;
  return at;
}

/// What stands between spaces in the first line of the inside of a JSON string. Escapes other than
/// line ends, such as `\/` in a foundation, belong to a field.
class Fields {
 public:
  explicit Fields(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  /// Empty at the end of the line.
  std::string_view next() {
    while (at_ != end_ && *at_ == ' ') ++at_;
    const char* const start = at_;
    while (true) {
      at_ = find_delimiter(at_, end_);
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

/// What is read of a candidate, and the rest of its line.
struct Line {
  bool is_complete = false;
  std::string_view transport;
  std::string_view address;
  std::string_view port;
  std::string_view type;
  Fields rest;
};

Line read_fields(std::string_view text) {
  Fields fields(text);
  const std::string_view foundation = fields.next();
  const std::string_view component = fields.next();
  const std::string_view transport = fields.next();
  const std::string_view priority = fields.next();
  const std::string_view address = fields.next();
  const std::string_view port = fields.next();
  const bool is_complete = !foundation.empty() && !component.empty() && !priority.empty() &&
                           !port.empty() && equals_keyword(fields.next(), "typ");
  const std::string_view type = fields.next();
  return {is_complete, transport, address, port, type, fields};
}

/// The fast path, for a line whose eight fields are within 64 bytes, separated by single spaces.
/// Nullopt: use read_fields. The candidate ends before `size`, and `text` may go on behind it.
std::optional<Line> read_fields_at_once(std::string_view text, std::size_t size) {
  if (text.size() < json::kMaskSize) return std::nullopt;
  const json::Bytes64 bytes(text.data());
  const std::uint64_t valid_bits =
      size < json::kMaskSize ? (std::uint64_t{1} << size) - 1 : ~std::uint64_t{0};
  const std::uint64_t spaces = bytes.mask(is_space) & valid_bits;
  const std::uint64_t others = bytes.mask(is_quote_or_backslash) & valid_bits;
  std::array<std::size_t, 8> ends;
  std::uint64_t delimiters = spaces | others;
  for (std::size_t& end : ends) {
    if (delimiters == 0) return std::nullopt;
    end = static_cast<std::size_t>(std::countr_zero(delimiters));
    delimiters &= delimiters - 1;
  }
  const std::uint64_t last = std::uint64_t{1} << ends[7];
  const std::uint64_t before_last = last - 1;
  const std::uint64_t consecutive_spaces = spaces & (spaces << 1U | 1U);
  if ((others & before_last) != 0 || (consecutive_spaces & (before_last | last)) != 0)
    return std::nullopt;
  const std::string_view rest = text.substr(ends[7], size - ends[7]);
  if (rest.front() == '\\' && !is_line_end(rest)) return std::nullopt;

  const auto field = [&](std::size_t i) {
    return text.substr(ends[i - 1] + 1, ends[i] - ends[i - 1] - 1);
  };
  return Line{
      equals_keyword(field(6), "typ"), field(2), field(4), field(5), field(7), Fields(rest)};
}

std::optional<CandidateType> type_of(std::string_view word, std::string_view address) {
  if (equals_keyword(word, "host")) {
    const bool is_hidden =
        address.size() > kLocalNameSize &&
        equals_keyword(address.substr(address.size() - kLocalNameSize), kLocalName);
    return is_hidden ? CandidateType::mdns : CandidateType::host;
  }
  if (equals_keyword(word, "srflx")) return CandidateType::srflx;
  if (equals_keyword(word, "prflx")) return CandidateType::prflx;
  if (equals_keyword(word, "relay")) return CandidateType::relay;
  return std::nullopt;
}

/// Globally routable: not private, shared (CGNAT, RFC 6598), link-local, loopback, multicast or
/// special-purpose (RFC 6890).
bool is_public_ipv4(std::string_view address) {
  // Most hosts are in one of these.
  if (address.starts_with("192.168.") || address.starts_with("10.")) return false;
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
  const bool is_special_purpose =
      (a == 192 && b == 0 && (c == 0 || c == 2)) || (a == 198 && b == 51 && c == 100) ||
      (a == 203 && b == 0 && c == 113) || (a == 198 && (b & 0xFE) == 18);
  return !is_private && !is_special_purpose;
}

/// Never 0. `address` and `port` are of one line, in this order.
std::uint16_t endpoint_hash(std::string_view address, std::string_view port) {
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

/// The same from inside a candidate on, in one step if the next colon is the next candidate's, as
/// in a session description with IPv4 addresses only.
std::size_t find_next_candidate(std::string_view json) {
  constexpr std::size_t kBeforeColon = kPrefix.size() - 1;
  const std::size_t colon = json.find(':');
  if (colon == std::string_view::npos) return colon;
  if (colon >= kBeforeColon) {
    const std::size_t at = colon - kBeforeColon;
    if (json.substr(at).starts_with(kPrefix) && !is_end_of_escape(json, at)) return at;
  }
  return find_candidate(json);
}

/// Saturates at 65535.
std::uint16_t saturating_add(std::uint16_t a, std::uint16_t b) {
  const auto sum = static_cast<std::uint16_t>(a + b);
  return static_cast<std::uint16_t>(sum | -static_cast<int>(sum < a));
}

/// `text` begins behind the prefix, and the candidate ends before `size`.
std::optional<Candidate> read(std::string_view text, std::size_t size) noexcept {
  const auto usual = read_fields_at_once(text, size);
  Line line = usual ? *usual : read_fields(text.substr(0, size));
  if (!line.is_complete) return std::nullopt;
  const auto type = type_of(line.type, line.address);
  if (!type) return std::nullopt;

  Candidate candidate;
  candidate.type = *type;
  if (equals_keyword(line.transport, "udp")) {
    candidate.transport = Transport::udp;
  } else if (equals_keyword(line.transport, "tcp") || equals_keyword(line.transport, "ssltcp")) {
    candidate.transport = Transport::tcp;
  } else {
    return std::nullopt;
  }
  // The first group of an IPv6 address has four digits at most; some write a bracket before it.
  const bool is_ipv6 =
      std::ranges::any_of(line.address.substr(0, 6), [](char c) { return c == ':'; });
  candidate.family = *type == CandidateType::mdns ? Candidate::Family::hidden
                     : is_ipv6                    ? Candidate::Family::ipv6
                                                  : Candidate::Family::ipv4;
  candidate.is_public = *type == CandidateType::host && is_public_ipv4(line.address);
  if (*type != CandidateType::srflx || candidate.transport != Transport::udp) return candidate;

  // `raddr` and `rport` come next, if they are told. Browsers that hide addresses write 0.0.0.0.
  std::string_view base;
  std::string_view base_port;
  if (equals_keyword(line.rest.next(), "raddr")) {
    base = line.rest.next();
    if (equals_keyword(line.rest.next(), "rport")) base_port = line.rest.next();
  }
  candidate.mapped_hash = endpoint_hash(line.address, line.port);
  if (!base_port.empty() && base_port != "0" && base_port != "9") {
    candidate.base_hash = endpoint_hash(base, base_port);
  }
  return candidate;
}

}  // namespace

std::optional<Candidate> read_candidate(std::string_view text) noexcept {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  return read(text, text.size());
}

Candidates::Candidates(const CandidateSummary& summary) noexcept
    : has_public_host_(summary.has_public_host),
      ipv4_(summary.ipv4),
      ipv6_(summary.ipv6),
      is_symmetric_(summary.behind_symmetric_nat) {
  std::ranges::copy(summary.types, counts_.begin());
  counts_[kUdp] = summary.udp;
  counts_[kTcp] = summary.tcp;
}

CandidateSummary Candidates::summary() const noexcept {
  CandidateSummary summary{.udp = udp(),
                           .tcp = tcp(),
                           .has_public_host = has_public_host_,
                           .ipv4 = ipv4_,
                           .ipv6 = ipv6_,
                           .behind_symmetric_nat = behind_symmetric_nat()};
  std::ranges::copy_n(counts_.begin(), kCandidateTypes, summary.types.begin());
  return summary;
}

void Candidates::add(const Candidate& candidate) noexcept {
  const auto increment = [this](std::size_t i) { counts_[i] = saturating_add(counts_[i], 1); };
  increment(static_cast<std::size_t>(candidate.type));
  increment(candidate.transport == Transport::udp ? kUdp : kTcp);
  has_public_host_ |= candidate.is_public;
  ipv4_ |= candidate.family == Candidate::Family::ipv4;
  ipv6_ |= candidate.family == Candidate::Family::ipv6;
  const bool is_host =
      candidate.type == CandidateType::host || candidate.type == CandidateType::mdns;
  if (is_host && candidate.transport == Transport::udp) increment(kUdpHosts);
  if (candidate.mapped_hash != 0) add(Mapping{candidate.base_hash, candidate.mapped_hash});
}

void Candidates::add(const Candidates& others) noexcept {
  if (others.none()) return;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    counts_[i] = saturating_add(counts_[i], others.counts_[i]);
  }
  has_public_host_ |= others.has_public_host_;
  ipv4_ |= others.ipv4_;
  ipv6_ |= others.ipv6_;
  is_symmetric_ |= others.is_symmetric_;
  for (const Mapping& each : others.mappings_) {
    if (each.mapped_hash != 0) add(each);
  }
}

bool Candidates::behind_symmetric_nat() const noexcept {
  // Bases hidden: more mapped addresses than UDP host candidates.
  const auto hidden = std::ranges::count_if(
      mappings_, [](const Mapping& each) { return each.mapped_hash != 0 && each.base_hash == 0; });
  return is_symmetric_ || (counts_[kUdpHosts] != 0 && hidden > counts_[kUdpHosts]);
}

void Candidates::add(Mapping mapping) noexcept {
  for (Mapping& known : mappings_) {
    if (known.mapped_hash == 0) known = mapping;
    if (known.base_hash != mapping.base_hash) continue;
    if (known.mapped_hash == mapping.mapped_hash) return;
    // Those without a base may be of different ports.
    if (known.base_hash != 0) is_symmetric_ = true;
  }
}

bool Candidates::only_hosts() const noexcept {
  return !none() && of(CandidateType::srflx) == 0 && of(CandidateType::prflx) == 0 &&
         of(CandidateType::relay) == 0;
}

void add_candidates(Candidates& to, std::string_view json) noexcept {
  if (json.empty()) return;
  constexpr std::string_view kTrickled = R"({"sdp":"candidate:)";
  if (json.starts_with(kTrickled)) {
    json.remove_prefix(kTrickled.size());
    if (const auto candidate = read(json, json.size())) to.add(*candidate);
    return;
  }
  std::size_t at = find_candidate(json);
  for (std::size_t i = 0; i < kMaxCandidatesPerMessage && at != std::string_view::npos; ++i) {
    json.remove_prefix(at + kPrefix.size());
    at = find_next_candidate(json);
    // It ends where the next one begins; otherwise a message made only of prefixes would take
    // quadratic time.
    if (const auto candidate = read(json, std::min(at, json.size()))) to.add(*candidate);
  }
}

}  // namespace crolang::negotiation
