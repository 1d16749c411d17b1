#pragma once
/// A request and a response of the admin listener. Threads: plain values, not synchronised.
/// Errors: std::bad_alloc.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::admin::http {

/// With its body. It is well formed: one Host, a target in origin-form.
struct Request {
  std::string method;
  std::string path;   ///< as sent
  std::string query;  ///< without the question mark
  std::string host;
  std::optional<std::string> origin{};
  std::string fetch_site{};  ///< Sec-Fetch-Site; empty: the client is no browser, or an old one
  std::optional<std::string> authorization{};
  std::string cookie{};
  std::string content_type{};
  std::string accept{};
  std::string body{};
  bool keep_alive = true;

  bool is_head() const noexcept { return method == "HEAD"; }
};

struct Response {
  unsigned status = 200;
  std::string content_type{};  ///< empty: there is no body
  std::string body{};
  std::string extra_headers{};  ///< whole lines
};

enum class Connection : std::uint8_t { keep, close };
enum class Part : std::uint8_t { whole, header };

/// The bytes to send.
std::string serialized(const Response& response, Part part, Connection connection);

/// The header of a response whose body ends with the connection.
std::string stream_header(const Response& response);

}  // namespace crolang::admin::http
