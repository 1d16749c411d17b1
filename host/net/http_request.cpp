#include "net/http_request.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <optional>
#include <utility>

#include "websocket/handshake.hpp"

namespace crolang::net {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kPrefix = "/socket.io/";
constexpr std::string_view kCors =
    "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n";

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// What of the query concerns Engine.IO.
struct Parameters {
  int transports = 0;
  int versions = 0;
  std::string transport;
  std::string version;
  bool names_session = false;
};

Parameters read_parameters(std::string_view query) {
  Parameters found;
  session::for_each_parameter(query, [&](std::string_view name, std::string_view value) {
    if (name == "transport") {
      ++found.transports;
      found.transport = value;
    } else if (name == "EIO") {
      ++found.versions;
      found.version = value;
    } else if (name == "sid" && !value.empty()) {
      found.names_session = true;
    }
  });
  return found;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";  // RFC 9110 5.6.2
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

/// Nothing if this is no list of tokens.
std::optional<std::string_view> first_token(std::string_view list) {
  std::optional<std::string_view> first;
  for (;;) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view element = trim(list.substr(0, comma));
    if (!is_token(element)) return std::nullopt;
    if (!first) first = element;
    if (comma == list.size()) return first;
    list.remove_prefix(comma + 1);
  }
}

Response abort_upgrade(std::string_view message) {
  return make_response(400, After::close, {"text/html", message});
}

/// Engine.IO's own error codes, as its server words them.
enum class EngineError : std::uint8_t { unknown_transport, unknown_sid, bad_method, bad_request };

std::string_view message_of(EngineError error) {
  constexpr std::array<std::string_view, 4> kMessages = {"Transport unknown", "Session ID unknown",
                                                         "Bad handshake method", "Bad request"};
  return kMessages[static_cast<std::size_t>(error)];
}

Response engine_error(EngineError error, After after) {
  std::string body = R"({"code":)" + std::to_string(static_cast<int>(error)) + R"(,"message":")";
  body += message_of(error);
  body += "\"}";
  return make_response(400, after, {"application/json", body}, kCors);
}

std::optional<EngineError> check_engine(const Parameters& parameters, http::verb method) {
  if (parameters.transports != 1 || parameters.transport != "websocket") {
    return EngineError::unknown_transport;
  }
  // A live sid is no credential: sessions are never taken over, so no sid is known to anybody.
  if (parameters.names_session) return EngineError::unknown_sid;
  if (method != http::verb::get) return EngineError::bad_method;
  return std::nullopt;
}

using Request = http::request_header<>;

/// RFC 9110 5.3: a field's lines are one list.
bool has_token(const Request& request, http::field name, boost::beast::string_view token) {
  const auto [begin, end] = request.equal_range(name);
  return std::any_of(
      begin, end, [&](const auto& line) { return http::token_list(line.value()).exists(token); });
}

/// The first that is offered, empty if none is. Nothing if the offer is malformed.
std::optional<std::string_view> choose_protocol(const Request& request) {
  std::string_view chosen;
  const auto [begin, end] = request.equal_range(http::field::sec_websocket_protocol);
  for (auto line = begin; line != end; ++line) {
    const auto first = first_token(view(line->value()));
    if (!first) return std::nullopt;
    if (chosen.empty()) chosen = *first;
  }
  return chosen;
}

std::string switching_protocols(std::string_view key, std::string_view protocol) {
  const auto accept = websocket::accept_key(key);
  std::string response =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  response.append(accept.data(), accept.size());
  response += "\r\n";
  if (!protocol.empty()) {
    response += "Sec-WebSocket-Protocol: ";
    response += protocol;
    response += "\r\n";
  }
  response += kCors;
  response += "\r\n";
  return response;
}

Decision decide_upgrade(const Request& request, std::string_view path, std::string_view query) {
  if (request.method() == http::verb::options) return Silence{Silence::When::now};
  if (!path.starts_with(kPrefix)) return Silence{Silence::When::later};
  const Parameters parameters = read_parameters(query);
  if (const auto error = check_engine(parameters, request.method())) {
    return abort_upgrade(message_of(*error));
  }
  if (!boost::beast::iequals(request[http::field::upgrade], "websocket")) {
    return abort_upgrade("Invalid Upgrade header");
  }
  const std::string_view key = view(request[http::field::sec_websocket_key]);
  if (request.count(http::field::sec_websocket_key) != 1 || !websocket::is_valid_key(key)) {
    return abort_upgrade("Missing or invalid Sec-WebSocket-Key header");
  }
  const std::string_view version = view(request[http::field::sec_websocket_version]);
  if (version != "13" && version != "8") {
    return abort_upgrade("Missing or invalid Sec-WebSocket-Version header");
  }
  const auto protocol = choose_protocol(request);
  if (!protocol) return abort_upgrade("Invalid Sec-WebSocket-Protocol header");
  if (parameters.versions != 1 || parameters.version != "4") {
    return abort_upgrade("Unsupported protocol version");
  }
  return UpgradeRequest{switching_protocols(key, *protocol), session::Identity::from_query(query)};
}

bool is_client_bundle(std::string_view path) {
  path.remove_prefix(kPrefix.size());
  return path.starts_with("socket.io.") && (path.ends_with(".js") || path.ends_with(".map"));
}

Decision decide_page(const Request& request, std::string_view path, std::string_view query,
                     After after) {
  const http::verb method = request.method();
  if (!path.starts_with(kPrefix)) {
    if (method == http::verb::get || method == http::verb::head) {
      const Part part = method == http::verb::head ? Part::header : Part::whole;
      if (path == "/healthz") return PageRequest{Page::health, after, part};
      if (path == "/readyz") return PageRequest{Page::readiness, after, part};
      if (path == "/metrics") return PageRequest{Page::metrics, after, part};
    }
    return make_response(404, after);
  }
  if (method == http::verb::options) {
    std::string headers(kCors);
    headers += "Access-Control-Allow-Methods: *\r\nVary: Access-Control-Request-Headers\r\n";
    const std::string_view asked = view(request[http::field::access_control_request_headers]);
    if (!asked.empty()) {
      headers += "Access-Control-Allow-Headers: ";
      headers += asked;
      headers += "\r\n";
    }
    return make_response(204, after, {}, headers);
  }
  if (method == http::verb::get && is_client_bundle(path)) {
    return make_response(404, after, {}, kCors);
  }
  return engine_error(
      check_engine(read_parameters(query), method).value_or(EngineError::bad_request), after);
}

}  // namespace

std::string_view without_leading_empty_lines(std::string_view bytes) {
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  return bytes;
}

bool may_be_http(std::string_view beginning) {
  if (beginning == "\r") return true;  // half of an empty line
  // The longest method that is registered has 17 characters (UPDATEREDIRECTREF).
  constexpr std::size_t kLongestMethod = 17;
  for (std::size_t i = 0; i < beginning.size() && i <= kLongestMethod; ++i) {
    const char c = beginning[i];
    if (c == ' ') return i > 0;
    if ((c < 'A' || c > 'Z') && c != '-') return false;
  }
  return beginning.size() <= kLongestMethod;
}

Response make_response(unsigned status, After after, Body body, std::string_view extra_headers) {
  std::string bytes = "HTTP/1.1 " + std::to_string(status) + ' ';
  const auto reason = http::obsolete_reason(http::int_to_status(status));
  bytes.append(reason.data(), reason.size());
  bytes += after == After::keep ? "\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
                                : "\r\nConnection: close\r\n";
  if (!body.content_type.empty()) {
    bytes += "Content-Type: ";
    bytes += body.content_type;
    bytes += "\r\n";
  }
  bytes += extra_headers;
  bytes += "Content-Length: " + std::to_string(body.text.size()) + "\r\n\r\n";
  bytes += body.text;
  return {status, std::move(bytes), after, Part::whole};
}

std::string_view bytes_of(const Response& response) {
  const std::string_view whole = response.bytes;
  return response.part == Part::whole ? whole : whole.substr(0, whole.find("\r\n\r\n") + 4);
}

/// Bodies are not read: what would follow one could not be told from it. An answer to HEAD has none
/// of its own.
static After after_of(const http::request_parser<http::empty_body>& parser) {
  const bool has_body = parser.chunked() || parser.content_length().value_or(0) != 0;
  const bool keep = parser.keep_alive() && !has_body && parser.get().method() != http::verb::head;
  return keep ? After::keep : After::close;
}

Decision decide(std::string_view header) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.skip(true);
  boost::beast::error_code error;
  parser.put(boost::asio::const_buffer(header.data(), header.size()), error);
  if (error == http::error::header_limit) return make_response(431, After::close);
  if (error || !parser.is_header_done()) return make_response(400, After::close);
  const Request& request = parser.get().base();
  // RFC 9112 3.2: a request of HTTP/1.1 without exactly one Host is bad.
  const auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) {
    return make_response(400, After::close);
  }
  const std::string_view target = view(request.target());
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, question);
  const std::string_view query = target.substr(std::min(question + 1, target.size()));
  const bool wants_upgrade = !view(request[http::field::upgrade]).empty() &&
                             has_token(request, http::field::connection, "upgrade");
  if (wants_upgrade) return decide_upgrade(request, path, query);
  Decision decision = decide_page(request, path, query, after_of(parser));
  auto* response = std::get_if<Response>(&decision);
  if (response != nullptr && request.method() == http::verb::head) response->part = Part::header;
  return decision;
}

}  // namespace crolang::net
