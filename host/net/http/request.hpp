#pragma once
/// Reads a request's header: what it asks for, and whether it is a valid request. Parsing is
/// Beast's; no IO. Threads: any; no shared state. Errors: each is a response that says 400 or 431.

#include <boost/beast/http/message.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "net/http/response.hpp"

namespace crolang::net {

namespace http = boost::beast::http;

enum class RequestBody : std::uint8_t { none, some };

struct Target {
  std::string_view path;
  std::string_view query;
};

/// A request with a complete and valid header. Its views are valid as long as it lives.
class Request {
 public:
  http::verb method() const { return header_.method(); }
  const Target& target() const noexcept { return target_; }
  RequestBody body() const noexcept { return body_; }
  bool wants_upgrade() const;
  /// Whether the connection can be kept after the response: not after a request with a body, since
  /// bodies are not read and the next request could not be found, and not after HEAD.
  After after() const;
  /// The first field of that name; empty: there is none.
  std::string_view field(http::field name) const;
  std::size_t count(http::field name) const { return header_.count(name); }
  /// The values of all lines of that name.
  template <class Use>
  void for_each_line(http::field name, Use&& use) const {
    const auto [begin, end] = header_.equal_range(name);
    for (auto line = begin; line != end; ++line) {
      use(std::string_view(line->value().data(), line->value().size()));
    }
  }

 private:
  friend std::variant<Request, Response> read_request(std::string_view header);

  enum class Persistence : std::uint8_t { close, keep };
  Request(http::request_header<> header, RequestBody body, Persistence persistence)
      : header_(std::move(header)), body_(body), persistence_(persistence) {}

  http::request_header<> header_;
  RequestBody body_;
  Persistence persistence_;  // what the client asks for
  Target target_;            // of header_
};

/// `header`: from the request line to the empty line, both included.
std::variant<Request, Response> read_request(std::string_view header);

/// RFC 9110 5.6.2.
bool is_token(std::string_view text);
/// The first of a comma-separated list. nullopt: this is not a list of tokens.
std::optional<std::string_view> first_token(std::string_view list);

}  // namespace crolang::net
