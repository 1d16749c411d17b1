#pragma once
/// A connection that stays on OpenSSL's SSL object: bytes in, bytes out. Idle it holds 14 KB.
///
/// Threads: one at a time, the owning worker. Errors: `failed`, after which only the alert in `out`
/// is to be sent; `failure` says why. Throws std::bad_alloc, after which the connection can only be
/// closed.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "tls/record_protocol.hpp"

namespace crolang::tls {

class SslConnection;

class SslStream {
 public:
  enum class State : std::uint8_t {
    open,
    closed,          ///< the client has sent close_notify: there is nothing more to read
    alert_received,  ///< the client has ended the connection because of an error
    failed,
  };

  struct Read {
    State state;
    std::size_t consumed;  ///< of the ciphertext
    std::size_t produced;  ///< of the plaintext
    /// `into` was full: call again, with the ciphertext that is left, before anything else.
    bool unfinished;
    Alert alert = Alert::close_notify;  ///< alert_received: which
  };

  SslStream(SslStream&&) noexcept;
  SslStream& operator=(SslStream&&) noexcept;
  ~SslStream();

  /// Decrypts `in` to `into`, and appends to `out` what the protocol wants sent in reply. If `into`
  /// is 16 KiB larger than `in`, one call takes all. A client that asks for a renegotiation, or
  /// for new keys without end, has failed.
  Read read(std::span<const char> in, std::span<char> into, std::string& out);

  /// Appends `plaintext` to `out` in records. False: it has failed before, and nothing is appended.
  bool write(std::span<const char> plaintext, std::string& out);

  /// Appends close_notify, once: nothing may be written after it.
  void close_notify(std::string& out);

  const std::string& failure() const noexcept;

 private:
  friend class Handshake;

  /// After its handshake.
  explicit SslStream(std::unique_ptr<SslConnection> connection) noexcept;

  void fail(std::string sentence);

  std::unique_ptr<SslConnection> connection_;
  std::string failure_;
  enum class Sent : std::uint8_t { data, close_notify } sent_ = Sent::data;
};

}  // namespace crolang::tls
