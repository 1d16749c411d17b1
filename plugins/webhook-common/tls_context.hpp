#pragma once
/// The certificates that a webhook trusts. Threads: any. Errors: std::invalid_argument, naming
/// WEBHOOK_CA_FILE.

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "webhook-common/url.hpp"

namespace crolang::webhook_common {

using TlsContext = std::unique_ptr<boost::asio::ssl::context>;

/// Null for http, but the file is validated in any case. `ca_file`: empty means the system's
/// certificates.
TlsContext make_tls_context(Url::Scheme scheme, const std::string& ca_file);

/// Throws if no https webhook could use the file.
void check_ca_file(const std::string& ca_file);

}  // namespace crolang::webhook_common
