#pragma once
/// The header of the PROXY protocol, versions 1 and 2, with which a proxy begins a connection to
/// say whose connection it is. Source: HAProxy's doc/proxy-protocol.txt, revision 2020/03/05.
///
/// Threads: pure functions. Errors: a ProxyHeaderFault, after which the connection cannot be used.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "client_address/address.hpp"

namespace crolang::client_address {

/// The longest line of version 1, with its CR LF (section 2.1).
inline constexpr std::size_t kMaxProxyLine = 107;

/// The longest header of version 2 that is accepted. Section 2.2 allows 65,551 bytes; the longest
/// addresses take 232, the rest is for additional data, which proxies send little of.
inline constexpr std::size_t kMaxProxyHeader = 4096;

struct ProxyHeader {
  std::size_t size = 0;  ///< in bytes; what follows belongs to the connection
  /// Who has connected to the proxy. nullopt: whoever is at the other end of the socket (LOCAL,
  /// UNKNOWN, UNSPEC, a Unix socket, a datagram).
  std::optional<Address> source{};
};

/// These bytes may be the beginning of a header: call again with more of them.
struct NeedsMore {};

enum class ProxyHeaderFault : std::uint8_t {
  absent,     ///< this is something else
  malformed,  ///< it begins like a header
  too_long,
  unsupported,  ///< a version, command, family or protocol that is not defined
};

/// `bytes`: all that has arrived. It needs no more than kMaxProxyHeader of them.
std::variant<NeedsMore, ProxyHeader, ProxyHeaderFault> parse_proxy_header(std::string_view bytes);

/// Of version 2, for a connection that is made on nobody's behalf (LOCAL).
inline constexpr std::string_view kLocalProxyHeader{"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16};

}  // namespace crolang::client_address
