#include "unit/tls/handshake_ends.hpp"

#include <openssl/err.h>

#include <stdexcept>
#include <utility>

#include "tls/certificate_checks.hpp"

namespace crolang::tls::testing {
namespace {

Certificate same(const Issued& issued) {
  return share(issued.certificate.get());
}

int session_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

CertificatePair pair_of(const Issued& issued) {
  CertificatePair pair;
  pair.certificate = same(issued);
  EVP_PKEY_up_ref(issued.key.get());
  pair.key.reset(issued.key.get());
  pair.names = alternative_names(issued.certificate.get());
  pair.end_of_validity = valid_until(issued.certificate.get());
  return pair;
}

ClientAuthority authority_of(const Issued& issued) {
  const ScratchDirectory directory;
  auto loaded = load_client_authority(directory.write("ca.pem", pem(issued.certificate)),
                                      std::chrono::system_clock::now());
  if (!loaded.faults.empty()) throw std::runtime_error(loaded.faults.front());
  return std::move(loaded.authority);
}

std::shared_ptr<const ServerContext> make_server(const ServerSetup& setup) {
  std::vector<CertificatePair> pairs;
  for (const Issued* issued : setup.certificates) pairs.push_back(pair_of(*issued));
  auto tickets = setup.tickets != nullptr ? setup.tickets
                                          : std::make_shared<TicketKeys>(TicketKeys::TimePoint());
  const ClientAuthority authority =
      setup.client_authority != nullptr ? authority_of(*setup.client_authority) : ClientAuthority();
  auto built = ServerContext::build(pairs, authority, std::move(tickets), setup.options);
  if (auto* fault = std::get_if<std::string>(&built)) throw std::runtime_error(*fault);
  return std::get<std::shared_ptr<const ServerContext>>(std::move(built));
}

Client::Client(const ClientSetup& setup) : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_min_proto_version(context, setup.version);
  SSL_CTX_set_max_proto_version(context, setup.version);
  // TLS 1.1 needs it.
  if (setup.version < TLS1_2_VERSION) SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
    static_cast<Client*>(SSL_get_ex_data(ssl, session_index()))->ticket_.reset(session);
    return 1;
  });
  if (setup.ciphers != nullptr) SSL_CTX_set_cipher_list(context, setup.ciphers);
  if (setup.groups != nullptr) SSL_CTX_set1_groups_list(context, const_cast<char*>(setup.groups));
  if (setup.trusted != nullptr) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), setup.trusted->certificate.get());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (setup.certificate != nullptr) {
    SSL_CTX_use_certificate(context, setup.certificate->certificate.get());
    SSL_CTX_use_PrivateKey(context, setup.certificate->key.get());
  }
  end_ = std::make_unique<OpensslEnd>(context);
  SSL_set_connect_state(ssl());
  SSL_set_ex_data(ssl(), session_index(), this);
  if (setup.server_name != nullptr) {
    // SSL_set_tlsext_host_name, which is a macro with a C cast.
    SSL_ctrl(ssl(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(setup.server_name));
  }
  if (!setup.protocols.empty()) {
    SSL_set_alpn_protos(ssl(), reinterpret_cast<const unsigned char*>(setup.protocols.data()),
                        static_cast<unsigned>(setup.protocols.size()));
  }
  if (setup.session != nullptr) {
    // OpenSSL's client lets no ticket of TLS 1.3 resume twice.
    const Session copy(SSL_SESSION_dup(setup.session));
    SSL_set_session(ssl(), copy.get());
  }
}

std::string Client::handshake(std::string_view from_server) {
  end_->arrive(from_server);
  SSL_do_handshake(ssl());
  ERR_clear_error();
  return end_->sent();
}

std::string Client::receive(std::string_view from_server) {
  end_->arrive(from_server);
  std::string plaintext = end_->read();
  ERR_clear_error();
  return plaintext;
}

std::string Client::send(std::string_view plaintext) {
  if (!end_->write(plaintext)) throw std::runtime_error("the client cannot write");
  return end_->sent();
}

Session Client::ticket() {
  // In TLS 1.2 a renewed ticket replaces the one in the session, and is not reported.
  if (SSL_version(ssl()) < TLS1_3_VERSION) return Session(SSL_get1_session(ssl()));
  return std::move(ticket_);
}

std::string Client::server_subject() {
  return subject_of(SSL_get0_peer_certificate(ssl()));
}

Session lenient_ticket(const ClientSetup& setup, const ServerSetup& server) {
  const Openssl<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(context.get(), server.certificates.front()->certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), server.certificates.front()->key.get());
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()),
                      server.client_authority->certificate.get());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.get()), X509_V_FLAG_NO_CHECK_TIME);
  const auto fingerprint = authority_of(*server.client_authority).fingerprint;
  SSL_CTX_set_session_id_context(context.get(), fingerprint.data(),
                                 static_cast<unsigned>(fingerprint.size()));
  server.tickets->install(context.get());
  OpensslEnd end(context.get());
  SSL_set_accept_state(end.ssl());
  Client client(setup);
  std::string from_server;
  for (int i = 0; i < 4; ++i) {
    end.arrive(client.handshake(from_server));
    SSL_do_handshake(end.ssl());
    from_server = end.sent();
  }
  client.receive(from_server);
  return client.ticket();
}

RecordCipher& Server::cipher() {
  thread_local RecordCipher cipher;
  return cipher;
}

std::string Server::receive(std::string_view from_client) {
  std::string out;
  if (state == Handshake::State::needs_more) {
    const Handshake::Step step = handshake_.feed(from_client, out);
    state = step.state;
    from_client.remove_prefix(step.consumed);
    if (state == Handshake::State::done) {
      facts = handshake_.facts();
      auto finished = handshake_.finish();
      if (auto* keys = std::get_if<TrafficKeys>(&finished)) {
        auto records = std::make_unique<RecordEnds>();
        records_written = keys->records_written;
        if (!records->reader.start(cipher(), keys->suite, keys->client, 0) ||
            !records->writer.start(cipher(), keys->suite, keys->server, keys->records_written)) {
          throw std::runtime_error("the record layer does not take the keys");
        }
        stream_ = std::move(records);
      } else {
        stream_ = std::make_unique<SslStream>(std::get<SslStream>(std::move(finished)));
      }
    }
  }
  if (state == Handshake::State::done && !from_client.empty()) read(from_client, out);
  return out;
}

void Server::read(std::string_view from_client, std::string& out) {
  std::string into(from_client.size() + kMaxRecordBytes, '\0');
  if (auto* records = std::get_if<Records>(&stream_)) {
    std::string& unread = (*records)->unread;
    unread.append(from_client);
    into.resize(unread.size() + kMaxRecordBytes);
    const auto result = (*records)->reader.read(cipher(), unread, into);
    plaintext.append(into, 0, result.produced);
    unread.erase(0, result.consumed);
    if (result.update_requested) (*records)->writer.answer_key_update();
  } else {
    const auto result = stream().read(from_client, into, out);
    plaintext.append(into, 0, result.produced);
  }
}

std::string Server::send(std::string_view text) {
  if (auto* records = std::get_if<Records>(&stream_)) {
    std::string out(RecordWriter::max_sealed(text.size()), '\0');
    out.resize((*records)->writer.seal(cipher(), text, out).produced);
    return out;
  }
  std::string out;
  if (!stream().write(text, out)) throw std::runtime_error("the server cannot write");
  return out;
}

void connect(Client& client, Server& server) {
  std::string from_server;
  while (server.state == Handshake::State::needs_more) {
    const std::string from_client = client.handshake(from_server);
    if (from_client.empty()) return;
    from_server = server.receive(from_client);
  }
  // What comes last: tickets, the server's Finished in TLS 1.2, or an alert.
  client.handshake(from_server);
  client.receive("");
}

}  // namespace crolang::tls::testing
