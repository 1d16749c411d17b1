#include "net/ice_check/tls_client.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstring>

#include "client_address/address.hpp"

namespace crolang::net {
namespace {

using Kind = ice::Fault::Kind;

/// So that what SSL_get_error looks at is of the next call.
void forget_errors() {
  errno = 0;
  ERR_clear_error();
}

/// The trailing dot of an absolute name (RFC 1034 3.1) is for lookups only.
std::string without_last_dot(std::string host) {
  if (host.ends_with('.')) host.pop_back();
  return host;
}

}  // namespace

TlsClient::TlsClient(int socket, const std::string& host) : host_(without_last_dot(host)) {
  context_.reset(tls::or_bad_alloc(SSL_CTX_new(TLS_client_method())));
  // A call returns after each record, also if it has no data: the owner looks at the time then.
  SSL_CTX_clear_mode(context_.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  SSL_CTX_set_default_verify_paths(context_.get());
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  forget_errors();
  ssl_.reset(tls::or_bad_alloc(SSL_new(context_.get())));
  SSL* const ssl = ssl_.get();
  tls::or_bad_alloc(SSL_set_fd(ssl, socket) == 1 ? ssl : nullptr);
  SSL_set_connect_state(ssl);
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      wanted, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (client_address::parse_address(host_)) {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, host_.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(wanted, host_.data(), host_.size());
    // SSL_set_tlsext_host_name without its casts. RFC 6066 3: the server name is no address.
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(host_.c_str()));
  }
}

TlsClient::Step TlsClient::handshake() {
  forget_errors();
  return judge(SSL_do_handshake(ssl_.get()), Kind::tls);
}

TlsClient::Step TlsClient::write(stun::ByteView bytes, std::size_t& written) {
  forget_errors();
  return judge(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written), Kind::closed);
}

TlsClient::Step TlsClient::read(std::span<std::uint8_t> buffer, std::size_t& size) {
  forget_errors();
  return judge(SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &size), Kind::closed);
}

TlsClient::Step TlsClient::judge(int returned, Kind kind) {
  if (returned > 0) return Step::done;
  const int system_error = errno;
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return Step::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::wants_write;
    case SSL_ERROR_ZERO_RETURN:
      return Step::ended;
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      if (system_error == 0) return Step::ended;
      fault_ = {Kind::closed, std::strerror(system_error)};
      return Step::failed;
    default:  // no enum: OpenSSL's numbers
      break;
  }
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return Step::ended;
  }
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    ERR_clear_error();
    note_certificate();
    return Step::failed;
  }
  fault_ = {kind, tls::take_error()};
  // What the first bytes of plain STUN, HTTP or SSH look like as a record of TLS.
  const bool is_plain = reason == SSL_R_WRONG_VERSION_NUMBER ||
                        reason == SSL_R_PACKET_LENGTH_TOO_LONG || reason == SSL_R_HTTP_REQUEST ||
                        reason == SSL_R_BAD_RECORD_TYPE || reason == SSL_R_UNEXPECTED_MESSAGE;
  if (is_plain) fault_.speaks = ice::Fault::Speaks::plain;
  return Step::failed;
}

void TlsClient::note_certificate() {
  const long result = SSL_get_verify_result(ssl_.get());
  fault_ = {Kind::certificate, X509_verify_cert_error_string(result)};
  if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    fault_.detail = "it is not for " + host_;
  }
}

}  // namespace crolang::net
