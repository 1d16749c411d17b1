#pragma once
/// TLS over a socket, by OpenSSL. The server's certificate must be for the host. Threads: one at a
/// time; SIGPIPE must be ignored. Errors: as those of Transport.

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "common/certificate_check.hpp"
#include "common/tls_client.hpp"
#include "redis-registry/socket_transport.hpp"

namespace crolang::redis_registry {

/// Files for TLS; empty: the system's CAs, no client certificate.
struct TlsFiles {
  std::string authorities;  ///< REDIS_CA_FILE
  std::string certificate;  ///< REDIS_CERT_FILE
  std::string key;          ///< REDIS_KEY_FILE

  bool empty() const { return authorities.empty() && certificate.empty() && key.empty(); }
};

/// Shared with the connections that are made by it.
using TlsContext = std::shared_ptr<SSL_CTX>;

/// Reads the files. Throws std::invalid_argument with a sentence that names variable, file and
/// remedy.
TlsContext make_tls_context(const TlsFiles& files);

class TlsTransport final : public Transport {
 public:
  /// `host`: a name or an address.
  TlsTransport(Socket socket, TlsContext context, const std::string& host);

  int descriptor() const override { return socket_.descriptor(); }
  Status connect() override;
  Moved read(std::span<char> into) override;
  Moved write(std::string_view bytes) override;
  bool has_more() const override { return SSL_has_pending(tls_.get()) == 1; }
  std::string fault() const override;
  std::string silence() const override;
  void abort() override { socket_.abort(); }

 private:
  struct Free {
    void operator()(SSL* tls) const noexcept { SSL_free(tls); }
  };

  static int verify(int good, X509_STORE_CTX* context);
  /// The outcome of an operation that did not succeed.
  Status failed(int result);
  std::string describe_failure();

  Socket socket_;
  TlsContext context_;
  std::unique_ptr<SSL, Free> tls_;
  common::CertificateCheck check_;
  bool socket_connected_ = false;
  bool handshake_done_ = false;  // the handshake is over
  std::string fault_;
};

}  // namespace crolang::redis_registry
