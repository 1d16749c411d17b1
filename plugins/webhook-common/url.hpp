#pragma once
/// The parts of a webhook's URL. Threads: any. Errors: read_url throws during start-up, with a
/// sentence that names the variable and shows only the scheme of the URL.

#include <cstdint>
#include <string>
#include <string_view>

namespace crolang::webhook_common {

struct Url {
  enum class Scheme { http, https };

  Scheme scheme = Scheme::http;
  std::string host;           ///< without the brackets of an IPv6 address
  std::uint16_t port = 0;     ///< as given, or the scheme's default
  std::string authority;      ///< in the form of the Host header
  std::string target;         ///< path and query, in the form of the request line
  std::string authorization;  ///< "Basic …"; empty: the URL names no user
};

/// RFC 3986 and RFC 9110 4.2. The user and the password may be percent-encoded; a fragment is not
/// sent.
Url read_url(std::string_view variable, std::string_view text);

}  // namespace crolang::webhook_common
