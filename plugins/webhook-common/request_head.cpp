#include "webhook-common/request_head.hpp"

#include <string_view>

namespace crolang::webhook_common {
namespace {

constexpr std::string_view kUserAgent = "User-Agent: ";

std::string before_user_agent(const Url& url) {
  return "POST " + url.target + " HTTP/1.1\r\nHost: " + url.authority + "\r\n";
}

std::string after_user_agent(const Url& url) {
  std::string head = "Accept: application/json\r\nContent-Type: application/json\r\n";
  if (!url.authorization.empty()) head += "Authorization: " + url.authorization + "\r\n";
  return head;
}

bool has_user_agent(std::string_view lines) {
  return lines.starts_with(kUserAgent) ||
         lines.find("\r\n" + std::string(kUserAgent)) != std::string_view::npos;
}

}  // namespace

RequestHead::RequestHead(const Url& url, Signer signer)
    : before_user_agent_(before_user_agent(url)),
      after_user_agent_(after_user_agent(url)),
      signer_(std::move(signer)) {}

std::string RequestHead::write(Request& request, std::chrono::sys_seconds now) {
  const std::string_view own_lines = request.content.header_lines();
  std::string head = before_user_agent_;
  if (!has_user_agent(own_lines)) head.append(kUserAgent).append("crolang-broker\r\n");
  head += after_user_agent_;
  head += own_lines;
  if (!signer_.empty()) {
    if (request.id.empty()) request.id = ids_.next();
    const std::string timestamp = std::to_string(now.time_since_epoch().count());
    head.append("webhook-id: ").append(request.id);
    head.append("\r\nwebhook-timestamp: ").append(timestamp);
    head.append("\r\nwebhook-signature: ");
    head.append(signer_.signature(request.id, timestamp, request.content.body())).append("\r\n");
  }
  head.append("Content-Length: ")
      .append(std::to_string(request.content.body().size()))
      .append("\r\n\r\n");
  return head;
}

}  // namespace crolang::webhook_common
