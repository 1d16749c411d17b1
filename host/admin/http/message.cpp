#include "admin/http/message.hpp"

#include <array>
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

std::string_view reason_of(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 303:
      return "See Other";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:  // no enum: a status without a reason is valid (RFC 9112 4)
      return {};
  }
}

std::string status_and_headers(const Response& response) {
  std::string bytes = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  bytes += reason_of(response.status);
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
