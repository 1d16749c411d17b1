#pragma once
/// Reads one request from the bytes of a connection, with its body. Parsing is Beast's; no IO.
/// Threads: one at a time. Errors: what to answer; std::bad_alloc.

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "admin/http/message.hpp"

namespace crolang::admin::http {

inline constexpr std::size_t kMostHeaderBytes = std::size_t{16} * 1024;
inline constexpr std::size_t kMostBodyBytes = std::size_t{64} * 1024;

/// The bytes are no request that can be answered otherwise; nothing more is read.
struct RequestFault {
  unsigned status;
  std::string_view sentence;  ///< lives as long as the process
};

struct Incomplete {};

class RequestReader {
 public:
  RequestReader();

  /// Takes from `bytes` what belongs to this request; what belongs to the next one stays. To be
  /// called with what has stayed and more until it returns something else than Incomplete, and then
  /// not again.
  std::variant<Incomplete, Request, RequestFault> read(std::string& bytes);

 private:
  boost::beast::http::request_parser<boost::beast::http::string_body> parser_;
  std::size_t header_lines_ = 0;  // without trailers
};

}  // namespace crolang::admin::http
