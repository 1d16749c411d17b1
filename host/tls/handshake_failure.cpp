#include "tls/handshake_failure.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <string_view>

namespace crolang::tls {
namespace {

using Kind = HandshakeFailure::Kind;

/// RFC 8446 6.2: those by which a client refuses a certificate.
bool is_about_certificate(int alert) {
  return alert == SSL_AD_BAD_CERTIFICATE || alert == SSL_AD_UNSUPPORTED_CERTIFICATE ||
         alert == SSL_AD_CERTIFICATE_REVOKED || alert == SSL_AD_CERTIFICATE_EXPIRED ||
         alert == SSL_AD_CERTIFICATE_UNKNOWN || alert == SSL_AD_UNKNOWN_CA;
}

HandshakeFailure refused(int alert) {
  std::string sentence = is_about_certificate(alert)
                             ? "the client does not accept the server's certificate"
                             : "the client has ended the handshake";
  sentence.append(" (alert ").append(SSL_alert_desc_string_long(alert)).append(")");
  return {Kind::refused_by_client, std::move(sentence)};
}

std::string no_common_version(MinimumVersion minimum) {
  const bool only13 = minimum == MinimumVersion::tls13;
  return std::string("client and broker have no TLS version in common: the broker requires ") +
         (only13 ? "TLS 1.3 (TLS_MIN_VERSION)" : "TLS 1.2 or 1.3");
}

}  // namespace

HandshakeFailure take_failure(const SSL* ssl, MinimumVersion minimum_version) {
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  const std::string text = take_error();
  if (reason == ERR_R_MALLOC_FAILURE)
    return {Kind::no_memory, "out of memory during a TLS handshake"};
  if (ERR_GET_LIB(error) != ERR_LIB_SSL)
    return {Kind::malformed, "the TLS handshake has failed: " + text};
  if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
    return refused(reason - SSL_AD_REASON_OFFSET);
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_INAPPROPRIATE_FALLBACK:
      return {Kind::version, no_common_version(minimum_version)};
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
      return {
          Kind::cipher,
          "client and broker have no TLS cipher, group or signature algorithm in common: " + text};
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return {Kind::protocol, "the client offers no ALPN protocol but others than http/1.1"};
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return {Kind::client_certificate,
              "the client has sent no certificate, and TLS_CLIENT_CA_FILE asks for one"};
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return {Kind::client_certificate,
              std::string("the client's certificate is not accepted: ") +
                  X509_verify_cert_error_string(SSL_get_verify_result(ssl))};
    default:  // no enum: OpenSSL's reasons
      return {Kind::malformed, "the TLS handshake has failed: " + text};
  }
}

}  // namespace crolang::tls
