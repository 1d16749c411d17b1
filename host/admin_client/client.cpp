#include "admin_client/client.hpp"

#include <httplib.h>

#include <chrono>
#include <utility>

#include "admin_client/shown.hpp"

namespace crolang::admin_client {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectTimeout = 5s;
// The broker waits for 3 s for other instances.
constexpr auto kReadTimeout = 15s;
constexpr auto kRequestTimeout = 60s;
constexpr std::size_t kMostBytes = std::size_t{64} << 20;

const char* name_of(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::post:
      return "POST";
    case Method::del:
      return "DELETE";
  }
  return "";
}

std::unique_ptr<httplib::ClientImpl> connect(const Address& address) {
  std::unique_ptr<httplib::ClientImpl> client;
  switch (address.security) {
    case Address::Security::plain:
      client = std::make_unique<httplib::ClientImpl>(address.host, address.port);
      break;
    case Address::Security::tls:
      client = std::make_unique<httplib::SSLClient>(address.host, address.port);
      break;
  }
  client->set_connection_timeout(kConnectTimeout);
  client->set_read_timeout(kReadTimeout);
  client->set_write_timeout(kConnectTimeout);
  client->set_keep_alive(true);
  client->set_tcp_nodelay(true);
  client->set_follow_location(false);
  return client;
}

std::string fault_of_error(const Address& address, httplib::Error error) {
  const std::string where = address.text();
  using Error = httplib::Error;
  // Those of other features of the library, such as compression, cannot occur.
  if (error == Error::Connection) {
    return "cannot connect to " + where +
           ": is the broker running, with this ADMIN_PORT and ADMIN_BIND_ADDRESS?";
  }
  if (error == Error::ConnectionTimeout) {
    return "no connection to " + where + " within 5 s: a firewall may drop it";
  }
  // A peer that closes may be noticed by either.
  if (error == Error::Read || error == Error::Write) {
    return where + " has not answered in time, or closed the connection";
  }
  if (error == Error::SSLServerVerification || error == Error::SSLConnection ||
      error == Error::SSLLoadingCerts) {
    return "no TLS connection to " + where + ": " + httplib::to_string(error) +
           "; its certificate must be for this host, and of an authority that this machine trusts "
           "(SSL_CERT_FILE)";
  }
  if (error == Error::Canceled) {
    return "the answer of " + where + " is larger than 64 MiB, or takes longer than a minute";
  }
  return "the request to " + where + " failed: " + httplib::to_string(error);
}

}  // namespace

std::string fault_of_status(const Address& address, int status, std::string_view body,
                            std::string_view retry_after) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  std::string sentence;
  if (json.is_object() && json.contains("error") && json["error"].is_string()) {
    sentence = shown(json["error"].get_ref<const std::string&>());
  }
  constexpr int kUnauthorized = 401;
  constexpr int kTooMany = 429;
  if (status == kUnauthorized) {
    return address.text() + " refuses ADMIN_TOKEN: it must be the one that the broker has";
  }
  if (status == kTooMany) {
    std::string text = address.text() + " had too many wrong tokens from here: try again ";
    return text + (retry_after.empty() ? std::string("later") : "in " + shown(retry_after) + " s");
  }
  if (!sentence.empty()) return sentence;
  return address.text() + " does not answer as the admin interface of a broker (status " +
         std::to_string(status) + "): see ADMIN_PORT and --admin-url";
}

Client::Client(Address address, std::string token)
    : address_(std::move(address)), token_(std::move(token)), http_(connect(address_)) {}

Client::~Client() = default;

Answer Client::ask(Method method, std::string_view target) {
  httplib::Request request;
  request.method = name_of(method);
  request.path = address_.prefix + std::string(target);
  request.headers = {{"Host", address_.authority()},
                     {"Accept", "application/json"},
                     {"Authorization", "Bearer " + token_}};
  std::string body;
  const auto end = std::chrono::steady_clock::now() + kRequestTimeout;
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    if (body.size() + size > kMostBytes || std::chrono::steady_clock::now() > end) return false;
    body.append(data, size);
    return true;
  };
  const httplib::Result result = http_->send(request);
  if (!result) return {.fault = fault_of_error(address_, result.error())};
  constexpr int kFirstSuccess = 200;
  constexpr int kFirstRedirect = 300;
  if (result->status < kFirstSuccess || result->status >= kFirstRedirect) {
    return {.fault = fault_of_status(address_, result->status, body,
                                     result->get_header_value("Retry-After"))};
  }
  Answer answer;
  answer.body = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!answer.body.is_object()) {
    answer.fault = fault_of_status(address_, result->status, {}, {});
  }
  return answer;
}

}  // namespace crolang::admin_client
