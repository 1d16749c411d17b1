#pragma once
/// How TLS of a connection has failed. Threads: values. Throws std::bad_alloc.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tls/handshake_failure.hpp"

namespace crolang::net {

/// Why TLS has ended other than by close_notify.
struct TlsFailure {
  enum class When : std::uint8_t {
    handshake,
    violation,  ///< after the handshake, by a record that is against the protocol
    alert,      ///< after the handshake, by an alert of the peer
  };
  When when = When::handshake;
  std::optional<tls::HandshakeFailure::Kind> kind{};  ///< of a handshake
  std::string sentence{};    ///< of a handshake, for the log; may quote untrusted text
  std::string_view words{};  ///< after it: the alert, or what was wrong; static text
};

}  // namespace crolang::net
