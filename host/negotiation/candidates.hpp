#pragma once
/// Counts the ICE candidates of a message by type and transport (RFC 8839, section 5.1), in place:
/// in the raw JSON text of its `candidate` or `sessionDescription`, without unescaping it.
///
/// No address is kept. Of server-reflexive candidates 16 bits of a keyed hash of their base and of
/// their mapped address are, since only by comparing those of several messages it can be seen that
/// a NAT gives each server another port.
///
/// Threads: values and functions on the caller's data. Errors: what is not a candidate is not
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
  bool is_public = false;    ///< an IPv4 address of the internet: servers see the same
  std::uint16_t mapped = 0;  ///< of srflx over UDP, else 0
  std::uint16_t base = 0;    ///< the same, if it is told

  bool operator==(const Candidate&) const = default;
};

/// Reads the candidate that begins at the start of `text`, with `candidate:`. `text` is the inside
/// of a JSON string from there on; the candidate ends where its line or the string does.
std::optional<Candidate> read_candidate(std::string_view text) noexcept;

/// The candidates of one side. Counts stop at 65535.
class Candidates {
 public:
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
  /// Two servers have seen one port as different ones.
  bool behind_symmetric_nat() const noexcept;

 private:
  struct Mapping {
    std::uint16_t base = 0;    // 0: hidden
    std::uint16_t mapped = 0;  // 0: none
  };
  void add(Mapping mapping) noexcept;

  // Behind those of each type. In one array, since eight are added at once.
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

/// More candidates of one message are not read.
inline constexpr std::size_t kMostCandidatesOfAMessage = 256;

/// Hot: per message of a negotiation. Adds all candidates in the raw JSON text of a value. Each
/// ends with its line, with its string, or where the next one begins. Of a value that begins with
/// `{"sdp":"candidate:`, as most nodes write one candidate, only this is read.
void add_candidates(Candidates& to, std::string_view json) noexcept;

}  // namespace crolang::negotiation
