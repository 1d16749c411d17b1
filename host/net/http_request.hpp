#pragma once
/// Decides what a request header means: an upgrade to a node's WebSocket, a page, or a refusal.
/// Parsing is Beast's; no IO. Threads: pure. Errors: each is a response.

#include <cstddef>
#include <cstdint>
#include <optional>
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

/// Why a request is refused.
enum class RequestFault : std::uint8_t {
  not_http,
  tls,
  http2,
  proxy_protocol,
  malformed,  ///< value: how
  header_too_large,
  path,  ///< value: the path
  client_bundle,
  transport,  ///< value: what was asked for
  session,
  method,  ///< value: the method
  no_upgrade,
  upgrade_protocol,  ///< value: what was asked for
  key,
  version,
  subprotocol,
  engine_version,  ///< value: what was asked for
  body,
  options,
  early_frames,
  pipelined,
  metrics_off,
  incomplete,  ///< value: how long it was waited for
};
inline constexpr std::size_t kRequestFaults = 23;

/// For the log. What a stranger chose is bounded, and the query, which nodes authenticate with, is
/// not in it.
struct RequestRefusal {
  RequestFault fault;
  std::string value{};
  std::string node{};  ///< the id in the query, whoever that is; empty: none
};

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
  std::optional<RequestRefusal> refusal{};
};

/// The connection ends without a byte, at once or after kSilence.
struct Silence {
  enum class When : std::uint8_t { now, later } when;
  RequestRefusal refusal;
};

using Decision = std::variant<UpgradeRequest, Response, PageRequest, Silence>;

/// `header`: from the request line to the empty line, both included.
Decision decide(std::string_view header);

/// RFC 9112 2.2: empty lines before a request are ignored.
std::string_view without_leading_empty_lines(std::string_view bytes);

/// Nothing: these bytes may be the beginning of a request. Says what they are as soon as they
/// cannot be, so that a stranger who speaks another protocol is not left waiting.
std::optional<RequestFault> foreign_protocol(std::string_view beginning);

/// The bytes that are to be sent.
std::string_view bytes_of(const Response& response);

struct Body {
  std::string_view content_type;  ///< empty: there is no body
  std::string_view text;
};
Response make_response(unsigned status, After after, Body body = {},
                       std::string_view extra_headers = {});

}  // namespace crolang::net
