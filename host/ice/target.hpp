#pragma once
/// The servers to be tried: URLs of STUN and TURN servers (RFC 7064, RFC 7065) as nodes use them.
/// Pure. Threads: values. Errors: a sentence that names the URL, without credentials.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "stun/turn.hpp"

namespace crolang::ice {

enum class Service : std::uint8_t { stun, turn };
enum class Way : std::uint8_t { udp, tcp, tls };

/// "UDP"
std::string_view name_of(Way way) noexcept;

/// One URL, tried in one way.
struct Target {
  std::string url;  ///< as nodes get it
  Service service{};
  Way way{};
  std::string host;  ///< a name or an address, without brackets
  std::uint16_t port = 0;
  stun::Credentials credentials{};  ///< of a TURN server
  /// What the password is called in the configuration, if there are two that differ; else empty.
  std::string_view password_name{};
};

/// A stun: URL is tried over UDP and TCP, all others in the one way that they name.
std::variant<std::vector<Target>, std::string> targets_of(std::string_view url,
                                                          const stun::Credentials& credentials);

}  // namespace crolang::ice
