#pragma once
/// Why a handshake has failed. Threads: values. Throws std::bad_alloc.

#include <openssl/ssl.h>

#include <cstdint>
#include <string>

#include "tls/server_context.hpp"

namespace crolang::tls {

struct HandshakeFailure {
  enum class Kind : std::uint8_t {
    plain_http,          ///< to be answered by a 400 in plain text
    not_tls,             ///< another protocol: to be closed
    version,             ///< no common version of TLS
    cipher,              ///< no common cipher, group or signature algorithm
    protocol,            ///< by ALPN the client speaks other protocols only, such as h2
    client_certificate,  ///< the client has none that the authority issued
    refused_by_client,   ///< it sent an alert: as a rule it does not trust the certificate
    malformed,           ///< against the protocol, or larger than allowed
    no_memory,
  };

  Kind kind = Kind::malformed;
  std::string sentence;  ///< for the log; may quote untrusted text
};

/// After SSL_do_handshake has failed: takes OpenSSL's errors of this thread.
HandshakeFailure take_failure(const SSL* ssl, MinimumVersion minimum_version);

}  // namespace crolang::tls
