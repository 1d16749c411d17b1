#include "net/http/request.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <utility>

#include "net/http/framing.hpp"

namespace crolang::net {
namespace {

using boost::beast::iequals;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

Response malformed(std::string_view how) {
  return refused(make_response(400, After::close), {RequestFault::malformed, std::string(how)});
}

/// Parses a target in origin-form, or in absolute-form, which is for proxies (RFC 9112 3.2.2), or
/// `*`, which is the server itself. Otherwise nullopt: CONNECT asks a proxy for a tunnel, whose
/// bytes may follow at once.
std::optional<Target> read_target(std::string_view text, http::verb method) {
  if (method == http::verb::connect) return std::nullopt;
  if (text == "*" && method == http::verb::options) return Target{text, {}};
  if (!text.starts_with('/')) {
    const std::size_t scheme = text.find("://");
    constexpr std::array<std::string_view, 4> kSchemes = {"http", "https", "ws", "wss"};
    if (scheme == std::string_view::npos ||
        std::ranges::none_of(kSchemes, [&](std::string_view known) {
          return iequals(text.substr(0, scheme), known);
        })) {
      return std::nullopt;
    }
    text.remove_prefix(scheme + 3);
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    // RFC 9110 4.2.1, 4.2.4: without a host, or with a user, it is invalid.
    if (end == 0 || text.substr(0, end).find('@') != std::string_view::npos) return std::nullopt;
    text.remove_prefix(end);
  }
  const std::size_t question = std::min(text.find('?'), text.size());
  const std::string_view path = text.substr(0, question);
  return Target{path.empty() ? "/" : path, text.substr(std::min(question + 1, text.size()))};
}

/// Whether the end of the request can be determined. RFC 9112 6.1: with a Transfer-Encoding only if
/// that ends in `chunked`, once, and is not of HTTP/1.0. Beast rejects a Content-Length that
/// contradicts it or another one, but treats an unknown coding as no body.
bool is_well_framed(const http::request_header<>& header) {
  const auto [begin, end] = header.equal_range(http::field::transfer_encoding);
  if (begin == end) return true;
  if (header.version() < 11) return false;
  bool chunked = false;
  for (auto line = begin; line != end; ++line) {
    for (std::string_view list = view(line->value());;) {
      const std::size_t comma = std::min(list.find(','), list.size());
      const std::string_view coding = trim(list.substr(0, comma));
      if (chunked || !is_token(coding)) return false;
      chunked = iequals(coding, "chunked");
      if (comma == list.size()) break;
      list.remove_prefix(comma + 1);
    }
  }
  return chunked;
}

/// RFC 9112 5.2: a line that continues in the next one. It is obsolete, and a proxy in between may
/// read it differently.
bool is_folded(std::string_view header) {
  return header.find("\r\n ") != std::string_view::npos ||
         header.find("\r\n\t") != std::string_view::npos;
}

/// RFC 9110 5.3: a field's lines are one list.
bool has_token(const http::request_header<>& header, http::field name,
               boost::beast::string_view token) {
  const auto [begin, end] = header.equal_range(name);
  return std::any_of(
      begin, end, [&](const auto& line) { return http::token_list(line.value()).exists(token); });
}

}  // namespace

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

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

bool Request::wants_upgrade() const {
  return !field(http::field::upgrade).empty() &&
         has_token(header_, http::field::connection, "upgrade");
}

After Request::after() const {
  const bool keep = persistence_ == Persistence::keep && body_ == RequestBody::none &&
                    method() != http::verb::head;
  return keep ? After::keep : After::close;
}

std::string_view Request::field(http::field name) const {
  return view(header_[name]);
}

std::variant<Request, Response> read_request(std::string_view header) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.skip(true);
  boost::beast::error_code error;
  parser.put(boost::asio::const_buffer(header.data(), header.size()), error);
  if (error == http::error::header_limit) {
    return refused(make_response(431, After::close), {RequestFault::header_too_large});
  }
  // RFC 9113 3.4.
  if (header.starts_with("PRI * HTTP/2.0\r\n")) {
    return refused(make_response(400, After::close), {RequestFault::http2});
  }
  if (error) {
    // A PROXY protocol line may precede the request, since it ends like a header line.
    const auto fault = foreign_protocol(header);
    if (fault == RequestFault::proxy_protocol) {
      return refused(make_response(400, After::close), {*fault});
    }
    return malformed(error.message());
  }
  if (!parser.is_header_done() || is_folded(header)) return malformed("a folded line");
  const bool has_body = parser.chunked() || parser.content_length().value_or(0) != 0;
  const bool keeps = parser.keep_alive();
  Request request(std::move(parser.get().base()), has_body ? RequestBody::some : RequestBody::none,
                  keeps ? Request::Persistence::keep : Request::Persistence::close);
  if (!is_well_framed(request.header_)) return malformed("its Transfer-Encoding");
  // RFC 9112 3.2: a request of HTTP/1.1 without exactly one Host is invalid.
  const auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.header_.version() >= 11)) {
    return malformed(hosts == 0 ? "no Host" : "more than one Host");
  }
  const auto target = read_target(view(request.header_.target()), request.method());
  if (!target) return malformed("its target");
  request.target_ = *target;
  return std::variant<Request, Response>(std::move(request));
}

}  // namespace crolang::net
