#pragma once
/// What TLS clients have in common: TLS 1.2 or later, the authorities that they trust, and perhaps
/// a certificate of their own. Threads: any; reading files blocks. Errors: std::invalid_argument
/// with a sentence that names variable, file and remedy; std::bad_alloc.

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace crolang::common {

struct FreeSslContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;

/// The value of an environment variable that names a file.
struct FileVariable {
  std::string variable;
  std::string file;  ///< empty: it is not set
};

/// A context for clients, not configured yet.
SslContext new_tls_client();

/// Servers must have a certificate of an authority in the file; without one, of one that the system
/// trusts.
void configure_tls_client(SSL_CTX* context, const FileVariable& authorities);

/// The client proves who it is by this certificate, followed by its chain, and its private key.
/// Does nothing if neither is set.
void use_client_certificate(SSL_CTX* context, const FileVariable& certificate,
                            const FileVariable& key);

}  // namespace crolang::common
