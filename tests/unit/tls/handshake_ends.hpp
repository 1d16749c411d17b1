#pragma once

/// Both ends of a handshake in memory: an OpenSSL client, and a server that goes on in whichever
/// way its handshake has ended. Threads: one.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tls/handshake.hpp"
#include "tls/record_layer.hpp"
#include "unit/tls/certificates.hpp"
#include "unit/tls/openssl_client.hpp"

namespace crolang::tls::testing {

/// A pair as load_certificates returns it.
CertificatePair pair_of(const Issued& issued);

struct ServerSetup {
  std::vector<const Issued*> certificates{};
  const Issued* client_authority = nullptr;
  std::shared_ptr<const TicketKeys> tickets{};
  ServerOptions options{};
};
std::shared_ptr<const ServerContext> make_server(const ServerSetup& setup);
ClientAuthority authority_of(const Issued& issued);

using Session = Owned<SSL_SESSION, &SSL_SESSION_free>;

struct ClientSetup {
  int version = TLS1_3_VERSION;
  const Issued* trusted = nullptr;  ///< nullptr: it verifies nothing
  const Issued* certificate = nullptr;
  const char* server_name = nullptr;
  std::string protocols{};  ///< ALPN, in wire format
  const char* ciphers = nullptr;
  const char* groups = nullptr;
  SSL_SESSION* session = nullptr;
};

class Client {
 public:
  explicit Client(const ClientSetup& setup);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  /// Its tickets stay good.
  ~Client() {
    SSL_set_quiet_shutdown(ssl(), 1);
    SSL_shutdown(ssl());
  }

  SSL* ssl() { return end_->ssl(); }
  OpensslEnd& end() { return *end_; }

  /// Continues the handshake with what the server has sent. Returns what is to be sent to it.
  std::string handshake(std::string_view from_server);
  bool is_done() { return SSL_is_init_finished(ssl()) == 1; }
  /// Everything that the server has written.
  std::string receive(std::string_view from_server);
  std::string send(std::string_view plaintext);
  /// The last ticket that has arrived, as a session to resume; nullptr: none.
  Session ticket();
  /// "Subject" of the server's certificate.
  std::string server_subject();

 private:
  Openssl<SSL_CTX> context_;
  std::unique_ptr<OpensslEnd> end_;
  Session ticket_;
};

/// The ticket of a server with the same keys and authority, which accepts expired certificates.
Session lenient_ticket(const ClientSetup& client, const ServerSetup& server);

/// The server's end.
class Server {
 public:
  explicit Server(std::shared_ptr<const ServerContext> context) : handshake_(std::move(context)) {}

  /// Feeds the handshake, and once it is done what comes after it. Returns what is to be sent.
  std::string receive(std::string_view from_client);
  /// As a record of its own.
  std::string send(std::string_view plaintext);

  Handshake::State state = Handshake::State::needs_more;
  std::string plaintext{};  ///< everything that has been received
  HandshakeFacts facts{};
  std::uint64_t records_written = 0;  ///< as of the handover
  const HandshakeFailure& failure() const { return handshake_.failure(); }
  bool is_compact() const { return std::holds_alternative<Records>(stream_); }
  SslStream& stream() { return *std::get<std::unique_ptr<SslStream>>(stream_); }

 private:
  struct RecordEnds {
    RecordReader reader;
    RecordWriter writer;
    std::string unread;
  };
  using Records = std::unique_ptr<RecordEnds>;

  /// One for each thread, as workers have it.
  static RecordCipher& cipher();
  void read(std::string_view from_client, std::string& out);

  Handshake handshake_;
  std::variant<std::monostate, Records, std::unique_ptr<SslStream>> stream_;
};

/// Passes bytes until neither has any more to say.
void connect(Client& client, Server& server);

}  // namespace crolang::tls::testing
