#include "redis-registry/tls_transport.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>
#include <system_error>
#include <utility>

namespace crolang::redis_registry {
namespace {

using Status = Transport::Status;

constexpr const char* kAuthorities = "REDIS_CA_FILE";

SSL* new_tls(SSL_CTX* context) {
  SSL* const tls = SSL_new(context);
  if (tls == nullptr) throw std::bad_alloc();
  return tls;
}

/// Alerts with which a server refuses a client without a certificate, or with one that it does not
/// accept (RFC 8446 6.2).
std::string_view about_own_certificate(int reason) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "the server requires a client certificate: set REDIS_CERT_FILE and REDIS_KEY_FILE";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return "the server does not accept the certificate in REDIS_CERT_FILE: name one that its "
             "authority has issued";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return "the server refuses the TLS handshake: it may require a client certificate "
             "(REDIS_CERT_FILE and REDIS_KEY_FILE)";
    default:  // no enum: OpenSSL's numbers
      return {};
  }
}

}  // namespace

TlsContext make_tls_context(const TlsFiles& files) {
  TlsContext context = common::new_tls_client();
  common::configure_tls_client(context.get(), {kAuthorities, files.authorities});
  common::use_client_certificate(context.get(), {"REDIS_CERT_FILE", files.certificate},
                                 {"REDIS_KEY_FILE", files.key});
  // A retry may come from another place, since more commands may have been buffered meanwhile.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // One system call for all records that have arrived.
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

TlsTransport::TlsTransport(Socket socket, TlsContext context, const std::string& host)
    : socket_(std::move(socket)),
      context_(std::move(context)),
      tls_(new_tls(context_.get())),
      check_(tls_.get(), host, kAuthorities) {
  SSL_set_app_data(tls_.get(), this);
  SSL_set_verify(tls_.get(), SSL_VERIFY_PEER, &TlsTransport::verify);
  SSL_set_connect_state(tls_.get());
}

int TlsTransport::verify(int good, X509_STORE_CTX* context) {
  const auto* const tls = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const self = static_cast<TlsTransport*>(SSL_get_app_data(tls));
  return self->check_.note(good == 1, context) ? 1 : 0;
}

Status TlsTransport::connect() {
  if (!socket_connected_) {
    const Status status = socket_.connect();
    if (status == Status::failed) {
      fault_ = std::generic_category().message(socket_.error());
    }
    if (status != Status::done) return status;
    socket_connected_ = true;
    if (SSL_set_fd(tls_.get(), socket_.descriptor()) != 1) throw std::bad_alloc();
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(tls_.get());
  if (result != 1) return failed(result);
  handshake_done_ = true;
  return Status::done;
}

Transport::Moved TlsTransport::read(std::span<char> into) {
  ERR_clear_error();
  const int size = static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX));
  const int result = SSL_read(tls_.get(), into.data(), size);
  if (result > 0) return {Status::done, static_cast<std::size_t>(result)};
  return {failed(result)};
}

Transport::Moved TlsTransport::write(std::string_view bytes) {
  ERR_clear_error();
  const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
  const int result = SSL_write(tls_.get(), bytes.data(), size);
  if (result > 0) return {Status::done, static_cast<std::size_t>(result)};
  return {failed(result)};
}

Status TlsTransport::failed(int result) {
  const int error = errno;
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Status::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return Status::wants_write;
    case SSL_ERROR_ZERO_RETURN:
      if (handshake_done_) return Status::ended;
      fault_ = "the server closed the connection during the TLS handshake";
      return Status::failed;
    case SSL_ERROR_SYSCALL:
      fault_ = error == 0 ? "the server closed the connection without an alert"
                          : std::generic_category().message(error);
      return Status::failed;
    default:  // no enum: OpenSSL's numbers
      fault_ = describe_failure();
      return Status::failed;
  }
}

std::string TlsTransport::describe_failure() {
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  const char* const words = ERR_reason_error_string(error);
  const std::string said = words == nullptr ? "unknown error" : words;
  ERR_clear_error();
  if (std::string why = check_.fault(); !why.empty()) return why;
  if (const auto why = about_own_certificate(reason); !why.empty()) {
    return std::string(why) + " (" + said + ")";
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER) {
    return "the TLS handshake failed: does that port speak plain Redis (redis://)?";
  }
  return (handshake_done_ ? "TLS: " : "the TLS handshake failed: ") + said;
}

std::string TlsTransport::fault() const {
  return fault_;
}

std::string TlsTransport::silence() const {
  return socket_connected_ && !handshake_done_
             ? "no answer to the TLS handshake: does that port speak plain Redis (redis://)?"
             : "no answer";
}

}  // namespace crolang::redis_registry
