#pragma once
/// Whether a server's certificate is for the host that is asked: a name or an address among its
/// subject alternative names, as RFC 6125 6.4 and the browsers have it. Its common name does not
/// count. Threads: the loop's only. Errors: std::bad_alloc.

#include <boost/asio/ssl.hpp>
#include <string>

namespace crolang::webhook_common {

class CertificateCheck {
 public:
  /// Sees to it that the handshake fails if the certificate is not for `host`, also as what SNI
  /// asks for. Stays where it is until the handshake is over.
  CertificateCheck(SSL* tls, const std::string& host);
  CertificateCheck(const CertificateCheck&) = delete;
  CertificateCheck& operator=(const CertificateCheck&) = delete;

  /// What asio's set_verify_callback wants: looks at the certificate that is being judged.
  bool note(bool good, X509_STORE_CTX* context) noexcept;

  /// Why the certificate was not accepted; empty: it was, or there was none.
  std::string fault() const;

 private:
  const std::string host_;
  int error_ = X509_V_OK;
  bool names_hosts_ = true;
};

}  // namespace crolang::webhook_common
