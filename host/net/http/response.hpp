#pragma once
/// Responses as bytes. Threads: any; no shared state. Errors: std::bad_alloc.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http/refusal.hpp"

namespace crolang::net {

/// What becomes of the connection after a response.
enum class After : std::uint8_t { close, keep };

/// The part of the response that is sent: for HEAD only the header.
enum class Part : std::uint8_t { whole, header };

struct Response {
  unsigned status = 0;
  std::string bytes;  ///< the whole response, whichever part is to be sent
  After after = After::close;
  Part part = Part::whole;
  std::optional<RequestRefusal> refusal{};
};

struct Body {
  std::string_view content_type;  ///< empty: there is no body
  std::string_view text;
};
/// `extra_headers`: whole lines.
Response make_response(unsigned status, After after, Body body = {},
                       std::string_view extra_headers = {});

/// The same, with a line for the log.
Response refused(Response response, RequestRefusal refusal);

/// The bytes that are to be sent.
std::string_view bytes_of(const Response& response);

/// In every response below /socket.io/, since nodes may be web pages of any origin.
inline constexpr std::string_view kCors =
    "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n";

}  // namespace crolang::net
