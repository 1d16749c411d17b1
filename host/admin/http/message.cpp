#include "admin/http/message.hpp"

#include <array>
#include <boost/beast/http/status.hpp>
#include <ctime>

namespace crolang::admin::http {
namespace {

std::string date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  return {text.data(),
          std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::string status_and_headers(const Response& response) {
  const auto reason =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(response.status));
  std::string bytes = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  bytes.append(reason.data(), reason.size());
  bytes += "\r\nDate: " + date() + "\r\n";
  if (!response.content_type.empty()) bytes += "Content-Type: " + response.content_type + "\r\n";
  return bytes + response.extra_headers;
}

}  // namespace

std::string serialized(const Response& response, Part part, Connection connection) {
  std::string bytes = status_and_headers(response);
  bytes += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  bytes += connection == Connection::keep ? "Connection: keep-alive\r\n\r\n"
                                          : "Connection: close\r\n\r\n";
  if (part == Part::whole) bytes += response.body;
  return bytes;
}

std::string stream_header(const Response& response) {
  return status_and_headers(response) + "Connection: close\r\n\r\n";
}

}  // namespace crolang::admin::http
