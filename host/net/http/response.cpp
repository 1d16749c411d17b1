#include "net/http/response.hpp"

#include <boost/beast/http/status.hpp>
#include <ostream>
#include <utility>

namespace crolang::net {

namespace http = boost::beast::http;

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

Response refused(Response response, RequestRefusal refusal) {
  response.refusal = std::move(refusal);
  return response;
}

std::string_view bytes_of(const Response& response) {
  const std::string_view whole = response.bytes;
  return response.part == Part::whole ? whole : whole.substr(0, whole.find("\r\n\r\n") + 4);
}

}  // namespace crolang::net
