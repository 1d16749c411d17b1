#pragma once
/// Counts the ICE candidates of a message by type and transport (RFC 8839, section 5.1), in place:
/// in the raw JSON text of its `candidate` or `sessionDescription`, without unescaping it.
///
/// No address is kept. Of server-reflexive candidates 16-bit keyed hashes of the base and of the
/// mapped address are kept: detecting a symmetric NAT means comparing candidates of several
/// messages.
///
/// Threads: no shared state. Errors: what is not a candidate is not
/// counted. Source: RFC 8839, RFC 6544 (tcp), draft-ietf-mmusic-mdns-ice-candidates.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "crolang/enum_count.hpp"

namespace crolang::negotiation {

enum class CandidateType : std::uint8_t {
  host,
  mdns,  ///< a host whose address is hidden behind a name that ends with .local
  srflx,
  prflx,
  relay,
};
inline constexpr std::size_t kCandidateTypes = enum_count<CandidateType>();

constexpr std::string_view name_of(CandidateType type) {
  switch (type) {
    case CandidateType::host:
      return "host";
    case CandidateType::mdns:
      return "mdns";
    case CandidateType::srflx:
      return "srflx";
    case CandidateType::prflx:
      return "prflx";
    case CandidateType::relay:
      return "relay";
  }
  return {};
}

enum class Transport : std::uint8_t { udp, tcp };

struct Candidate {
  enum class Family : std::uint8_t { ipv4, ipv6, hidden };

  CandidateType type{};
  Transport transport{};
  Family family{};
  bool is_public = false;         ///< a host candidate with a globally routable IPv4 address
  std::uint16_t mapped_hash = 0;  ///< of address and port, for srflx over UDP; else 0
  std::uint16_t base_hash = 0;    ///< of raddr and rport; 0: absent or hidden

  bool operator==(const Candidate&) const = default;
};

/// Reads the candidate that begins at the start of `text`, with `candidate:`. `text` is the inside
/// of a JSON string from there on; the candidate ends where its line or the string does.
std::optional<Candidate> read_candidate(std::string_view text) noexcept;

/// The summary that is sent to another instance: all that a diagnosis needs.
struct CandidateSummary {
  std::array<std::uint16_t, kCandidateTypes> types{};
  std::uint16_t udp = 0;
  std::uint16_t tcp = 0;
  bool has_public_host = false;
  bool ipv4 = false;
  bool ipv6 = false;
  bool behind_symmetric_nat = false;

  bool operator==(const CandidateSummary&) const = default;
};

/// The candidates of one side. Counts stop at 65535.
class Candidates {
 public:
  Candidates() = default;
  explicit Candidates(const CandidateSummary& summary) noexcept;
  CandidateSummary summary() const noexcept;

  void add(const Candidate& candidate) noexcept;
  void add(const Candidates& others) noexcept;

  std::uint16_t of(CandidateType type) const noexcept {
    return counts_[static_cast<std::size_t>(type)];
  }
  std::uint16_t udp() const noexcept { return counts_[kUdp]; }
  std::uint16_t tcp() const noexcept { return counts_[kTcp]; }
  bool none() const noexcept { return udp() == 0 && tcp() == 0; }
  bool only_hosts() const noexcept;
  bool has_public_host() const noexcept { return has_public_host_; }
  /// False if an address is hidden: then it may be of any family.
  bool only_ipv4() const noexcept { return ipv4_ && !ipv6_ && of(CandidateType::mdns) == 0; }
  bool only_ipv6() const noexcept { return ipv6_ && !ipv4_ && of(CandidateType::mdns) == 0; }
  /// Two STUN servers reported different mapped addresses for one base.
  bool behind_symmetric_nat() const noexcept;

 private:
  struct Mapping {
    std::uint16_t base_hash = 0;    // 0: hidden
    std::uint16_t mapped_hash = 0;  // 0: none
  };
  void add(Mapping mapping) noexcept;

  // Stored after the counts of each type, in one array so that eight are added at once.
  static constexpr std::size_t kUdp = kCandidateTypes;
  static constexpr std::size_t kTcp = kUdp + 1;
  static constexpr std::size_t kUdpHosts = kTcp + 1;
  std::array<std::uint16_t, kUdpHosts + 1> counts_{};
  bool has_public_host_ = false;
  bool ipv4_ = false;
  bool ipv6_ = false;
  bool is_symmetric_ = false;
  // The first ones; nodes with more interfaces than this are rare.
  std::array<Mapping, 6> mappings_{};
};

/// Candidates of one message beyond this are ignored.
inline constexpr std::size_t kMaxCandidatesPerMessage = 256;

/// Hot: per message of a negotiation. Adds all candidates in the raw JSON text of a value. A
/// candidate ends with its line or its string, or where the next one begins. If the value begins
/// with `{"sdp":"candidate:` (one trickled candidate), only that candidate is read.
void add_candidates(Candidates& to, std::string_view json) noexcept;

}  // namespace crolang::negotiation
