#include "webhook-common/tls_context.hpp"

#include "common/tls_client.hpp"

namespace crolang::webhook_common {

namespace ssl = boost::asio::ssl;

TlsContext make_tls_context(Url::Scheme scheme, const std::string& ca_file) {
  // Reading the system's certificates takes about 50 ms.
  if (scheme == Url::Scheme::http && ca_file.empty()) return nullptr;
  auto tls = std::make_unique<ssl::context>(ssl::context::tls_client);
  common::configure_tls_client(tls->native_handle(), {"WEBHOOK_CA_FILE", ca_file});
  return scheme == Url::Scheme::https ? std::move(tls) : nullptr;
}

void check_ca_file(const std::string& ca_file) {
  make_tls_context(Url::Scheme::http, ca_file);
}

}  // namespace crolang::webhook_common
