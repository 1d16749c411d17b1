#pragma once
/// Checks that a server's certificate is for the requested host: a name or an address among its
/// subject alternative names, as in RFC 6125 6.4 and in browsers. The common name is ignored.
/// Threads: one at a time. Errors: std::bad_alloc.

#include <openssl/ssl.h>

#include <string>

namespace crolang::common {

class CertificateCheck {
 public:
  /// Makes the handshake fail if the certificate is not for `host`, and sends `host` as SNI. Must
  /// not be moved until the handshake is over. `ca_variable` names the file of trusted authorities.
  CertificateCheck(SSL* tls, const std::string& host, std::string ca_variable);
  CertificateCheck(const CertificateCheck&) = delete;
  CertificateCheck& operator=(const CertificateCheck&) = delete;

  /// For the verify callback: examines the certificate that is being verified.
  bool note(bool good, X509_STORE_CTX* context) noexcept;

  /// Why the certificate was rejected; empty: it was not, or there was none.
  std::string fault() const;

 private:
  const std::string host_;
  const std::string ca_variable_;
  int error_ = X509_V_OK;
  bool names_hosts_ = true;
};

}  // namespace crolang::common
