#include "admin/http/request_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <iterator>
#include <optional>
#include <utility>

namespace crolang::admin::http {
namespace {

namespace beast = boost::beast;
using Header = beast::http::request_header<>;
using Field = beast::http::field;

std::string text(beast::string_view view) {
  return {view.data(), view.size()};
}

std::optional<std::string> single(const Header& header, Field name) {
  const auto found = header.find(name);
  if (found == header.end()) return std::nullopt;
  return text(found->value());
}

std::size_t lines_of(const Header& header) {
  return static_cast<std::size_t>(std::distance(header.begin(), header.end()));
}

RequestFault fault_of(beast::error_code error) {
  namespace http = beast::http;
  if (error == http::error::header_limit) return {431, "the header is larger than 16 KiB"};
  if (error == http::error::body_limit) return {413, "the body is larger than 64 KiB"};
  return {400, "this is no valid HTTP request"};
}

/// What Beast lets pass.
std::optional<RequestFault> check(const Header& header) {
  // RFC 9112 3.2: a request without exactly one Host is invalid; here also by HTTP/1.0.
  if (header.count(Field::host) != 1) return RequestFault{400, "there is not exactly one Host"};
  // Who reads the first and who reads the last one disagree.
  for (const Field name : {Field::origin, Field::authorization, Field::content_type}) {
    if (header.count(name) > 1) return RequestFault{400, "a header is given more than once"};
  }
  // RFC 9112 6.1: Beast takes a coding that it does not know for no body.
  if (const auto coding = single(header, Field::transfer_encoding)) {
    if (header.count(Field::transfer_encoding) > 1 || !beast::iequals(*coding, "chunked") ||
        header.version() < 11) {
      return RequestFault{501, "chunked is the only Transfer-Encoding"};
    }
  }
  if (!header.target().starts_with('/')) return RequestFault{400, "the target is no path"};
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f' && c != '#'; };
  if (!std::ranges::all_of(header.target(), is_plain))
    return RequestFault{400, "the target contains invalid characters"};
  return std::nullopt;
}

}  // namespace

RequestReader::RequestReader() {
  parser_.header_limit(kMostHeaderBytes);
  parser_.body_limit(kMostBodyBytes);
}

std::variant<Incomplete, Request, RequestFault> RequestReader::read(std::string& bytes) {
  while (!bytes.empty() && !parser_.is_done()) {
    beast::error_code error;
    const bool was_header_done = parser_.is_header_done();
    const std::size_t taken =
        parser_.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    bytes.erase(0, taken);
    if (error == beast::http::error::need_more) break;
    if (error) return fault_of(error);
    if (!was_header_done && parser_.is_header_done()) {
      // Before the body is waited for.
      if (const auto fault = check(parser_.get())) return *fault;
      header_lines_ = lines_of(parser_.get());
      parser_.eager(true);
    } else if (taken == 0) {
      break;
    }
  }
  if (!parser_.is_done()) {
    // Beast bounds neither extensions of chunks nor trailers, and waits for the end of their lines.
    if (bytes.size() > kMostHeaderBytes) return RequestFault{431, "a chunk's header is too large"};
    return Incomplete{};
  }
  // Beast has put trailers among the headers, where they may not count (RFC 9110 6.5.1).
  if (lines_of(parser_.get()) != header_lines_)
    return RequestFault{400, "trailers are not accepted"};
  Request request;
  auto& message = parser_.get();
  request.keep_alive = parser_.keep_alive();
  request.method = text(message.method_string());
  const std::string target = text(message.target());
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  request.query = target.substr(std::min(question + 1, target.size()));
  request.host = text(message[Field::host]);
  request.origin = single(message, Field::origin);
  request.fetch_site = text(message["Sec-Fetch-Site"]);
  request.authorization = single(message, Field::authorization);
  request.cookie = text(message[Field::cookie]);
  request.content_type = text(message[Field::content_type]);
  request.accept = text(message[Field::accept]);
  request.body = std::move(message.body());
  return request;
}

}  // namespace crolang::admin::http
