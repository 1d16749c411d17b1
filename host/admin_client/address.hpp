#pragma once
/// Where the admin interface is: --admin-url, or ADMIN_PORT. Pure. Threads: values. Errors:
/// sentences for the operator.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace crolang::admin_client {

struct Address {
  enum class Security : std::uint8_t { plain, tls };

  Security security = Security::plain;
  std::string host;  ///< a name or an address, without brackets
  std::uint16_t port = 0;
  std::string prefix{};  ///< of the paths, if a proxy has one: "/broker"

  /// "http://[::1]:9000/broker"
  std::string text() const;
  /// The Host header.
  std::string authority() const;
  /// Whether what is sent to it stays on this machine.
  bool is_loopback() const;
};

/// `http[s]://host[:port][/prefix]`, or a sentence.
std::variant<Address, std::string> parse_url(std::string_view url);

/// Where a broker with these variables listens, as seen from its own machine.
Address local_address(std::string_view bind_address, std::uint16_t port);

/// Everything but unreserved characters (RFC 3986 2.3) as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace crolang::admin_client
