#pragma once
/// An SSL object that reads from and writes to the caller's buffers, and what its callbacks have
/// noticed: for handshake.hpp and ssl_stream.hpp only.
///
/// Threads: one at a time. Errors: OpenSSL's error queue is empty after each call of `run` that
/// does not read it. Throws std::bad_alloc.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "tls/openssl.hpp"
#include "tls/record_keys.hpp"
#include "tls/server_context.hpp"

namespace crolang::tls {

class SslConnection {
 public:
  /// nullptr: OpenSSL has no memory.
  static std::unique_ptr<SslConnection> open(std::shared_ptr<const ServerContext> context);

  /// Has the connections of `context` report what `noticed` returns. Once per context.
  static void install(SSL_CTX* context, RecordLayerChoice record_layer);

  SslConnection(const SslConnection&) = delete;
  SslConnection& operator=(const SslConnection&) = delete;
  ~SslConnection();

  const ServerContext& context() const noexcept { return *context_; }
  SSL* ssl() const noexcept { return ssl_.get(); }

  /// Runs `call(SSL*)`, which reads `first` and then `in`, and appends to `out`. `unread` says what
  /// it has left.
  template <class Call>
  int run(std::span<const char> first, std::span<const char> in, std::string& out, Call&& call) {
    begin(first, in, out);
    const int result = std::forward<Call>(call)(ssl_.get());
    end();
    return result;
  }
  std::size_t unread() const noexcept { return first_.size() + in_.size(); }

  /// What the callbacks have noticed.
  struct Noticed {
    /// Set as they are derived; TLS 1.3, RecordLayerChoice::compact only.
    TrafficSecret client_secret;
    TrafficSecret server_secret;
    /// Records written since the server's Finished.
    std::uint64_t records_after_finished = 0;
    /// The server expects a ClientHello, the first or the one after a HelloRetryRequest.
    bool expects_hello = true;
    /// Records that have arrived; SslStream sets it to 0.
    unsigned records_read = 0;
    /// Handshake messages that were taken from them.
    unsigned messages_read = 0;
    /// That were begun: a second one in TLS 1.2 is a renegotiation.
    unsigned handshakes = 0;
  };
  Noticed& noticed() noexcept { return noticed_; }

 private:
  SslConnection(std::shared_ptr<const ServerContext> context, Ssl ssl) noexcept
      : context_(std::move(context)), ssl_(std::move(ssl)) {}

  void begin(std::span<const char> first, std::span<const char> in, std::string& out) noexcept;
  void end();

  static const BIO_METHOD* method();
  static int read(BIO* bio, char* into, int size);
  static int write(BIO* bio, const char* bytes, int size);
  static long control(BIO* bio, int command, long number, void* pointer);
  static void on_secret(const SSL* ssl, const char* line);
  static void on_message(int written, int version, int type, const void* bytes, std::size_t size,
                         SSL* ssl, void* argument);
  static void on_state(const SSL* ssl, int where, int result);

  std::shared_ptr<const ServerContext> context_;
  Ssl ssl_;
  std::span<const char> first_;
  std::span<const char> in_;
  std::string* out_ = nullptr;
  bool no_memory_ = false;
  Noticed noticed_;
};

}  // namespace crolang::tls
