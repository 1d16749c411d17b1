#pragma once
/// Decides what a request header means: an upgrade to a node's WebSocket, a page, or a refusal.
/// Parsing is Beast's; no IO. Threads: pure. Errors: each is a response.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "session/identity.hpp"

namespace crolang::net {

/// Node.js's own bound, which nodes and operators know.
inline constexpr std::size_t kMaxHeaderBytes = 16384;

enum class Page : std::uint8_t { root, health, readiness, metrics };

/// What becomes of the connection after a response.
enum class After : std::uint8_t { close, keep };

/// What of the response is sent: HEAD asks for its header alone.
enum class Part : std::uint8_t { whole, header };

struct PageRequest {
  Page page;
  After after;
  Part part = Part::whole;
};

/// The whole 101 is ready; it is sent once the node is admitted.
struct UpgradeRequest {
  std::string response;
  session::Identity identity;
};

struct Response {
  unsigned status = 0;
  std::string bytes;  ///< all of it, whatever part is to be sent
  After after = After::close;
  Part part = Part::whole;
};

/// The connection ends without a byte, at once or after kSilence.
struct Silence {
  enum class When : std::uint8_t { now, later } when;
};

using Decision = std::variant<UpgradeRequest, Response, PageRequest, Silence>;

/// `header`: from the request line to the empty line, both included.
Decision decide(std::string_view header);

/// RFC 9112 2.2: empty lines before a request are ignored.
std::string_view without_leading_empty_lines(std::string_view bytes);

/// May these bytes be the beginning of a request? Says no as soon as they cannot, so that a
/// stranger who speaks another protocol is not left waiting.
bool may_be_http(std::string_view beginning);

/// The bytes that are to be sent.
std::string_view bytes_of(const Response& response);

struct Body {
  std::string_view content_type;  ///< empty: there is no body
  std::string_view text;
};
Response make_response(unsigned status, After after, Body body = {},
                       std::string_view extra_headers = {});

}  // namespace crolang::net
