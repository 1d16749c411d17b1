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
  std::string node;
};

// As much of what a stranger chose as the log shows.
constexpr std::size_t kShown = 128;

std::string shown(std::string_view text) {
  return std::string(text.substr(0, kShown));
}

// The query holds what nodes authenticate with. Where a proxy or a client has encoded its marks, or
// put others in their place, it is part of the path, or of one parameter's value.

std::string shown_path(std::string_view path) {
  const auto is_mark = [](std::string_view text) {
    return text.front() == '&' || text.front() == ';' || text.starts_with("%3f") ||
           text.starts_with("%3F") || text.starts_with("%26");
  };
  std::size_t end = 0;
  while (end < path.size() && !is_mark(path.substr(end))) ++end;
  return shown(path.substr(0, end));
}

std::string shown_word(std::string_view value) {
  const auto* const end = std::ranges::find_if(value, [](char c) {
    return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             c == '-' || c == '_' || c == '.');
  });
  const std::string_view word = value.substr(0, static_cast<std::size_t>(end - value.begin()));
  if (word.empty()) return value.empty() ? "empty" : "no word";
  return shown(word);
}

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
    } else if (name == "id") {
      found.node = shown(value);
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

Response refuse(Response response, RequestRefusal refusal) {
  response.refusal = std::move(refusal);
  return response;
}

Response abort_upgrade(std::string_view message, RequestRefusal refusal) {
  return refuse(make_response(400, After::close, {"text/html", message}), std::move(refusal));
}

Response malformed(std::string_view how) {
  return refuse(make_response(400, After::close), {RequestFault::malformed, std::string(how)});
}

/// Engine.IO's own error codes, as its server words them.
enum class EngineError : std::uint8_t { unknown_transport, unknown_sid, bad_method, bad_request };

std::string_view message_of(EngineError error) {
  // The first is what a client shows that begins with polling: it has to say what to do.
  constexpr std::array<std::string_view, 4> kMessages = {
      "Transport unknown: only websocket; transports: ['websocket']", "Session ID unknown",
      "Bad handshake method", "Bad request"};
  return kMessages[static_cast<std::size_t>(error)];
}

/// What is asked for with this parameter, for the log.
std::string asked_for(int times, const std::string& value) {
  if (times == 0) return "missing";
  return times == 1 ? shown_word(value) : "given " + std::to_string(times) + " times";
}

/// Else it is told so only once it has changed the other.
std::string of_old_client(const Parameters& parameters) {
  return parameters.versions == 1 && parameters.version == "3"
             ? " with EIO=3 (Socket.IO 2: take a client of 3 or 4)"
             : "";
}

RequestRefusal refusal_of(EngineError error, const Parameters& parameters, http::verb method) {
  switch (error) {
    case EngineError::unknown_transport:
      return {RequestFault::transport,
              asked_for(parameters.transports, parameters.transport) + of_old_client(parameters),
              parameters.node};
    case EngineError::unknown_sid:
      return {RequestFault::session, {}, parameters.node};
    case EngineError::bad_method:
      return {RequestFault::method, std::string(http::to_string(method)), parameters.node};
    case EngineError::bad_request:
      break;
  }
  return {RequestFault::no_upgrade, {}, parameters.node};
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

struct Target {
  std::string_view path;
  std::string_view query;
};

/// Of the origin-form, and of the absolute-form that is for proxies (RFC 9112 3.2.2). Nothing if it
/// is neither: of the other two forms, `*` is the server itself, and CONNECT asks a proxy for a
/// tunnel, whose bytes may follow at once.
std::optional<Target> read_target(std::string_view text, http::verb method) {
  if (method == http::verb::connect) return std::nullopt;
  if (text == "*" && method == http::verb::options) return Target{text, {}};
  if (!text.starts_with('/')) {
    const std::size_t scheme = text.find("://");
    constexpr std::array<std::string_view, 4> kSchemes = {"http", "https", "ws", "wss"};
    if (scheme == std::string_view::npos ||
        std::ranges::none_of(kSchemes, [&](std::string_view known) {
          return boost::beast::iequals(text.substr(0, scheme), known);
        })) {
      return std::nullopt;
    }
    text.remove_prefix(scheme + 3);
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    // RFC 9110 4.2.1, 4.2.4: without a host, or with a user, it is none.
    if (end == 0 || text.substr(0, end).find('@') != std::string_view::npos) return std::nullopt;
    text.remove_prefix(end);
  }
  const std::size_t question = std::min(text.find('?'), text.size());
  const std::string_view path = text.substr(0, question);
  return Target{path.empty() ? "/" : path, text.substr(std::min(question + 1, text.size()))};
}

/// Can it be said where the request ends? RFC 9112 6.1: with a Transfer-Encoding only if that ends
/// in `chunked`, once, and is not of HTTP/1.0. Beast sees to it that no Content-Length contradicts
/// it or another one, but takes what it does not know for no body.
bool is_well_framed(const Request& request) {
  const auto [begin, end] = request.equal_range(http::field::transfer_encoding);
  if (begin == end) return true;
  if (request.version() < 11) return false;
  bool chunked = false;
  for (auto line = begin; line != end; ++line) {
    for (std::string_view list = view(line->value());;) {
      const std::size_t comma = std::min(list.find(','), list.size());
      const std::string_view coding = trim(list.substr(0, comma));
      if (chunked || !is_token(coding)) return false;
      chunked = boost::beast::iequals(coding, "chunked");
      if (comma == list.size()) break;
      list.remove_prefix(comma + 1);
    }
  }
  return chunked;
}

/// RFC 9112 5.2: a line that goes on in the next one. Nobody sends that, and who stands between may
/// read it otherwise.
bool is_folded(std::string_view header) {
  return header.find("\r\n ") != std::string_view::npos ||
         header.find("\r\n\t") != std::string_view::npos;
}

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

enum class RequestBody : std::uint8_t { none, some };

Decision decide_upgrade(const Request& request, const Target& target, RequestBody body) {
  const http::verb method = request.method();
  const Parameters parameters = read_parameters(target.query);
  const auto refusal = [&](RequestFault fault, std::string_view value = {}) {
    return RequestRefusal{fault, shown(value), parameters.node};
  };
  if (method == http::verb::options) {
    return Silence{Silence::When::now, refusal(RequestFault::options)};
  }
  if (!target.path.starts_with(kPrefix)) {
    return Silence{Silence::When::later, refusal(RequestFault::path, shown_path(target.path))};
  }
  if (const auto error = check_engine(parameters, method)) {
    return abort_upgrade(message_of(*error), refusal_of(*error, parameters, method));
  }
  const std::string_view protocol_asked = view(request[http::field::upgrade]);
  if (!boost::beast::iequals(protocol_asked, "websocket")) {
    return abort_upgrade("Invalid Upgrade header",
                         refusal(RequestFault::upgrade_protocol, protocol_asked));
  }
  const std::string_view key = view(request[http::field::sec_websocket_key]);
  if (request.count(http::field::sec_websocket_key) != 1 || !websocket::is_valid_key(key)) {
    return abort_upgrade("Missing or invalid Sec-WebSocket-Key header", refusal(RequestFault::key));
  }
  const std::string_view version = view(request[http::field::sec_websocket_version]);
  if (version != "13" && version != "8") {
    return abort_upgrade("Missing or invalid Sec-WebSocket-Version header",
                         refusal(RequestFault::version));
  }
  const auto protocol = choose_protocol(request);
  if (!protocol) {
    return abort_upgrade("Invalid Sec-WebSocket-Protocol header",
                         refusal(RequestFault::subprotocol));
  }
  if (parameters.versions != 1 || parameters.version != "4") {
    return abort_upgrade(
        "Unsupported protocol version",
        refusal(RequestFault::engine_version, asked_for(parameters.versions, parameters.version)));
  }
  // It would be taken for WebSocket frames.
  if (body == RequestBody::some) {
    return abort_upgrade("An upgrade has no body", refusal(RequestFault::body));
  }
  return UpgradeRequest{switching_protocols(key, *protocol),
                        session::Identity::from_query(target.query)};
}

bool is_client_bundle(std::string_view path) {
  path.remove_prefix(kPrefix.size());
  return path.starts_with("socket.io.") && (path.ends_with(".js") || path.ends_with(".map"));
}

Decision decide_page(const Request& request, const Target& target, After after) {
  const auto [path, query] = target;
  const http::verb method = request.method();
  if (!path.starts_with(kPrefix)) {
    if (method == http::verb::get || method == http::verb::head) {
      const Part part = method == http::verb::head ? Part::header : Part::whole;
      if (path == "/") return PageRequest{Page::root, after, part};
      if (path == "/healthz") return PageRequest{Page::health, after, part};
      if (path == "/readyz") return PageRequest{Page::readiness, after, part};
      if (path == "/metrics") return PageRequest{Page::metrics, after, part};
    }
    return refuse(make_response(404, after), {RequestFault::path, shown_path(path)});
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
    return refuse(make_response(404, after, {}, kCors), {RequestFault::client_bundle});
  }
  const Parameters parameters = read_parameters(query);
  const EngineError error = check_engine(parameters, method).value_or(EngineError::bad_request);
  return refuse(engine_error(error, after), refusal_of(error, parameters, method));
}

}  // namespace

std::string_view without_leading_empty_lines(std::string_view bytes) {
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  return bytes;
}

static bool may_be_http(std::string_view beginning) {
  if (beginning == "\r") return true;  // half of an empty line
  // RFC 9112 2.2: lines end with both. Who ends them with one is not waited for.
  for (std::size_t at = beginning.find('\n'); at != std::string_view::npos;
       at = beginning.find('\n', at + 1)) {
    if (at == 0 || beginning[at - 1] != '\r') return false;
  }
  // The longest method that is registered has 17 characters (UPDATEREDIRECTREF).
  constexpr std::size_t kLongestMethod = 17;
  for (std::size_t i = 0; i < beginning.size() && i <= kLongestMethod; ++i) {
    const char c = beginning[i];
    if (c == ' ') return i > 0;
    if ((c < 'A' || c > 'Z') && c != '-') return false;
  }
  return beginning.size() <= kLongestMethod;
}

std::optional<RequestFault> foreign_protocol(std::string_view beginning) {
  // RFC 8446 5.1: a record of the type handshake.
  if (beginning.starts_with('\x16')) return RequestFault::tls;
  // The PROXY protocol's two versions. The second begins with two empty lines, which are gone.
  constexpr std::string_view kSecond("\0\r\nQUIT\n", 8);
  if (beginning.starts_with("PROXY ") || beginning.starts_with(kSecond)) {
    return RequestFault::proxy_protocol;
  }
  if (may_be_http(beginning)) return std::nullopt;
  return RequestFault::not_http;
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

using Parser = http::request_parser<http::empty_body>;

static RequestBody body_of(const Parser& parser) {
  const bool has_body = parser.chunked() || parser.content_length().value_or(0) != 0;
  return has_body ? RequestBody::some : RequestBody::none;
}

/// Bodies are not read: what would follow one could not be told from it. An answer to HEAD has none
/// of its own.
static After after_of(const Parser& parser) {
  const bool keep = parser.keep_alive() && body_of(parser) == RequestBody::none &&
                    parser.get().method() != http::verb::head;
  return keep ? After::keep : After::close;
}

Decision decide(std::string_view header) {
  Parser parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.skip(true);
  boost::beast::error_code error;
  parser.put(boost::asio::const_buffer(header.data(), header.size()), error);
  if (error == http::error::header_limit) {
    return refuse(make_response(431, After::close), {RequestFault::header_too_large});
  }
  // RFC 9113 3.4.
  if (header.starts_with("PRI * HTTP/2.0\r\n")) {
    return refuse(make_response(400, After::close), {RequestFault::http2});
  }
  if (error) {
    // A line of the PROXY protocol in front of a request ends as a header does.
    const auto fault = foreign_protocol(header);
    if (fault == RequestFault::proxy_protocol)
      return refuse(make_response(400, After::close), {*fault});
    return malformed(error.message());
  }
  if (!parser.is_header_done() || is_folded(header)) return malformed("a folded line");
  const Request& request = parser.get().base();
  if (!is_well_framed(request)) return malformed("its Transfer-Encoding");
  // RFC 9112 3.2: a request of HTTP/1.1 without exactly one Host is bad.
  const auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) {
    return malformed(hosts == 0 ? "no Host" : "more than one Host");
  }
  const auto target = read_target(view(request.target()), request.method());
  if (!target) return malformed("its target");
  const bool wants_upgrade = !view(request[http::field::upgrade]).empty() &&
                             has_token(request, http::field::connection, "upgrade");
  if (wants_upgrade) return decide_upgrade(request, *target, body_of(parser));
  Decision decision = decide_page(request, *target, after_of(parser));
  auto* response = std::get_if<Response>(&decision);
  if (response != nullptr && request.method() == http::verb::head) response->part = Part::header;
  return decision;
}

}  // namespace crolang::net
