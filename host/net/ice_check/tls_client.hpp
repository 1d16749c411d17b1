#pragma once
/// TLS to a server on a socket that does not block: the certificate must be for the host and of an
/// authority that this machine trusts (SSL_CERT_FILE, SSL_CERT_DIR), as nodes require it.
///
/// Threads: one. Errors: a fault of kind tls or certificate. SIGPIPE must be ignored. Throws
/// std::bad_alloc.

#include <cstdint>
#include <string>

#include "ice/outcome.hpp"
#include "tls/openssl.hpp"

namespace crolang::net {

class TlsClient {
 public:
  /// `socket` is connected, and outlives this object. `host` is sent as SNI, unless it is an
  /// address.
  TlsClient(int socket, const std::string& host);

  enum class Step : std::uint8_t { done, wants_read, wants_write, ended, failed };
  Step handshake();
  Step write(stun::ByteView bytes, std::size_t& written);
  Step read(std::span<std::uint8_t> buffer, std::size_t& size);

  /// Of the step that failed.
  const ice::Fault& fault() const noexcept { return fault_; }

 private:
  Step judge(int returned, ice::Fault::Kind kind);
  void note_certificate();

  const std::string host_;
  tls::SslContext context_;
  tls::Ssl ssl_;
  ice::Fault fault_{};
};

}  // namespace crolang::net
