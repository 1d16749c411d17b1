#pragma once
/// The server's side of one TLS handshake: bytes in, bytes out. OpenSSL does all of it; this
/// decides when it begins, bounds it, and says how it ended.
///
/// Before a whole first record has arrived there is no SSL object, only the bytes received; so
/// clients that send nothing, or half a ClientHello, cost little. A client may send at most
/// kMaxHandshakeInput bytes before the handshake is done, and a ClientHello may have
/// kMaxClientHello (hello_limit.hpp).
///
/// When it is done, `finish` gives what the connection continues with:
///
/// - TrafficKeys, for the broker's own record layer (tls/record_layer.hpp), if TLS 1.3 was
///   negotiated with a suite which that layer knows. The SSL object has been freed. This is sound
///   because: both application secrets are taken only after SSL_do_handshake has succeeded, so
///   after the client's Finished and, if asked for, its certificate have been verified (OpenSSL
///   reports the server's secret earlier); no other secret is kept, and both are overwritten when
///   they are freed; all output has been handed out, and the records among it that were sealed by
///   the server's application key, which carry session tickets, are counted; OpenSSL has read no
///   byte behind the client's Finished, so `consumed` says where the record layer begins; there is
///   no early data, no authentication after the handshake and, in TLS 1.3, no renegotiation; the
///   SSL object is freed after a quiet shutdown, so its tickets stay good.
/// - SslStream in all other cases: TLS 1.2, another suite, a client that wants smaller records
///   (RFC 6066 4), TLS_RECORD_LAYER=openssl.
///
/// Threads: one at a time. Errors: see HandshakeFailure; nothing throws but std::bad_alloc, and
/// OpenSSL's own lack of memory is a failure.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "tls/handshake_failure.hpp"
#include "tls/record_keys.hpp"
#include "tls/server_context.hpp"
#include "tls/ssl_stream.hpp"

namespace crolang::tls {

/// Enough for a client's certificate chain.
inline constexpr std::size_t kMaxHandshakeInput = 64 * 1024;
/// Of a client's identity, in bytes; a longer one is refused, since it must not be cut.
inline constexpr std::size_t kMaxClientSubject = 2048;

/// A finished handshake.
struct HandshakeFacts {
  enum class Resumption : std::uint8_t { full, resumed };

  std::string_view version;  ///< "TLSv1.3"; static text
  std::string_view suite;    ///< RFC name, "TLS_AES_128_GCM_SHA256"; static text
  Resumption resumption = Resumption::full;
  std::string_view protocol;   ///< by ALPN: "http/1.1", or empty; static text
  std::string server_name;     ///< as the client sent it, untrusted; empty: none
  std::string client_subject;  ///< of its verified certificate, RFC 4514; empty: none was asked for
};

struct TrafficKeys {
  CipherSuite suite;
  TrafficSecret client;
  TrafficSecret server;
  /// Sealed so far by the server's secret: the sequence number of its next record.
  std::uint64_t records_written;
};

class Handshake {
 public:
  enum class State : std::uint8_t { needs_more, done, failed };

  struct Step {
    State state;
    /// Of the input. All of it, unless the state is done: what follows belongs to the stream.
    std::size_t consumed;
  };

  explicit Handshake(std::shared_ptr<const ServerContext> context) noexcept;
  Handshake(Handshake&&) noexcept;
  Handshake& operator=(Handshake&&) noexcept;
  ~Handshake();

  /// Takes what the client has sent and appends to `out` what is to be sent to it, in every state:
  /// an alert if it failed. Not to be called after done or failed. Throws std::bad_alloc, after
  /// which the connection can only be closed.
  Step feed(std::span<const char> in, std::string& out);

  /// The client's ClientHello has not arrived, or it has to send another one.
  bool expects_hello() const noexcept;

  /// Once it has failed.
  const HandshakeFailure& failure() const noexcept;
  /// Once it is done, and before `finish`.
  const HandshakeFacts& facts() const noexcept;
  /// Once it is done, and only once.
  std::variant<TrafficKeys, SslStream> finish();

 private:
  struct Progress;

  std::shared_ptr<const ServerContext> context_;
  std::unique_ptr<Progress> progress_;  // from the first byte on
};

}  // namespace crolang::tls
