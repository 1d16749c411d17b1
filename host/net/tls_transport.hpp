#pragma once
/// TLS of one connection, between its socket and its outbox: the handshake, then either the
/// broker's record layer for TLS 1.3 or OpenSSL's object (tls/handshake.hpp says which).
///
/// Memory: about 330 bytes and, while a record is incomplete or the socket does not take one, its
/// ciphertext. On OpenSSL's object 14 KB more.
///
/// Threads: the owning worker, but for `send`, `end` and what is unsent, which are used under the
/// lock of the connection's outbox; with Writer::any_thread in any thread. So whoever has put a
/// message into an outbox also encrypts it. Errors: see ReadResult; a connection that cannot be
/// written to any more is marked as broken in its Wire, and its socket is shut down, so that the
/// owner reads the end. `read` throws std::bad_alloc, after which the connection can only be
/// closed.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "net/tls_failure.hpp"
#include "net/transport.hpp"
#include "session/outbox.hpp"
#include "tls/handshake.hpp"
#include "tls/record_layer.hpp"
#include "tls/ssl_stream.hpp"

namespace crolang::net {

class TlsTransport {
 public:
  explicit TlsTransport(std::shared_ptr<const tls::ServerContext> context) noexcept;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  // ---- owning worker

  /// Reads from `fd` what the peer has sent, decrypts it into `into`, which has least_room(), and
  /// sends what the protocol requires, handshakes included.
  ReadResult read(int fd, session::Outbox& outbox, std::span<char> into);
  /// Whole records were received but have not found room: read again.
  bool has_pending() const noexcept { return pending_; }
  static constexpr std::size_t least_room() noexcept { return tls::kMaxInnerBytes; }
  /// What is kept of an incomplete record, in bytes.
  std::size_t held_bytes() const noexcept;
  /// About how much OpenSSL's object takes, in bytes.
  std::size_t openssl_bytes() const noexcept;

  /// The client's first flight has not been answered yet: the next read may take a signature.
  bool is_new() const noexcept { return is_new_; }
  /// Once, after the read during which the handshake ended well.
  std::optional<tls::HandshakeFacts::Resumption> take_result() noexcept {
    return std::exchange(result_, std::nullopt);
  }
  /// Once the handshake is done: that of the client's certificate, RFC 4514. Empty: none was asked
  /// for, or it was taken before.
  std::string take_client_subject() noexcept { return std::exchange(client_subject_, {}); }
  /// After a read that has failed.
  const TlsFailure& failure() const noexcept { return std::get<Failed>(incoming_).why; }

  // ---- under the outbox's lock

  /// Encrypts what is queued and sends it, as transport.hpp's flush. Returns the bytes that the
  /// socket has taken.
  std::size_t send(session::Outbox::Wire& wire, session::ByteQueue& queue) noexcept;
  /// Sends close_notify, unless an alert was sent before or the socket takes no more.
  void end(session::Outbox::Wire& wire) noexcept;
  bool has_unsent() const noexcept { return !unsent_.empty(); }
  std::size_t unsent_bytes() const noexcept { return unsent_.size(); }

 private:
  struct Failed {
    TlsFailure why;
  };
  /// A step of `read`: what became of `in`.
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    std::size_t sent = 0;
    enum class Next : std::uint8_t {
      wait,   // for more bytes
      again,  // another stream goes on with the rest
      room,   // the rest finds no room
      ended,  // by close_notify
      failed,
    } next = Next::wait;
  };
  /// TCP has.
  ReadResult ended(ReadResult result);
  Step take(session::Outbox& outbox, std::span<const char> in, std::span<char> into);
  Step shake_hands(session::Outbox& outbox, tls::Handshake& handshake, std::span<const char> in);
  Step open_records(session::Outbox& outbox, tls::RecordReader& reader, std::span<const char> in,
                    std::span<char> into);
  Step read_stream(session::Outbox& outbox, tls::SslStream& stream, std::span<const char> in,
                   std::span<char> into);
  bool begin_stream(session::Outbox& outbox, std::variant<tls::TrafficKeys, tls::SslStream> stream);
  void fail(TlsFailure why);

  /// What the protocol itself sends; it is not part of the queue. Returns the bytes that the socket
  /// has taken, of anything.
  std::size_t send_protocol(session::Outbox& outbox, std::string_view bytes);
  std::size_t send_unsent(session::Outbox::Wire& wire);
  /// Keeps what the socket does not take.
  std::size_t send_bytes(session::Outbox::Wire& wire, std::span<const char> bytes);

  // Of the owner.
  std::variant<tls::Handshake, tls::RecordReader, tls::SslStream, Failed> incoming_;
  std::string unread_;  // ciphertext that was not consumed
  std::string client_subject_;
  std::optional<tls::HandshakeFacts::Resumption> result_;
  bool pending_ = false;
  bool is_new_ = true;

  // Guarded by the outbox's lock.
  tls::RecordWriter writer_;          // has failed unless TLS 1.3 is past its handshake
  tls::SslStream* stream_ = nullptr;  // in incoming_
  std::string unsent_;
  bool is_plain_ = false;  // the client speaks HTTP without TLS
};

}  // namespace crolang::net
