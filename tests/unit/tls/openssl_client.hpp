#pragma once

/// An OpenSSL client in memory whose server has finished its handshake and left the connection to
/// the record layer: what tests, fuzzers and benchmarks talk to.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tls/record_keys.hpp"
#include "unit/tls/raw_records.hpp"

namespace crolang::tls::testing {

struct FreeOpenssl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <class Object>
using Openssl = std::unique_ptr<Object, FreeOpenssl>;

/// A server with a certificate of its own, and the secrets that it has agreed on.
class OpensslServer {
 public:
  struct Secrets {
    std::string client;
    std::string server;
  };

  OpensslServer() : context(SSL_CTX_new(TLS_server_method())) {
    const Openssl<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const Openssl<X509> certificate(X509_new());
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24L * 60 * 60);
    X509_set_pubkey(certificate.get(), key.get());
    if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0 ||
        SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
      throw std::runtime_error("no certificate");
    }
    SSL_CTX_set_keylog_callback(context.get(), [](const SSL* ssl, const char* line) {
      auto* secrets = static_cast<Secrets*>(SSL_get_app_data(ssl));
      const std::string_view text = line;
      const std::string secret = from_hex(text.substr(text.rfind(' ') + 1));
      if (text.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) secrets->client = secret;
      if (text.starts_with("SERVER_TRAFFIC_SECRET_0 ")) secrets->server = secret;
    });
  }

  Openssl<SSL_CTX> context;
};

inline const char* openssl_name(CipherSuite suite) {
  switch (suite) {
    case CipherSuite::aes_128_gcm_sha256:
      return "TLS_AES_128_GCM_SHA256";
    case CipherSuite::aes_256_gcm_sha384:
      return "TLS_AES_256_GCM_SHA384";
    case CipherSuite::chacha20_poly1305_sha256:
      return "TLS_CHACHA20_POLY1305_SHA256";
  }
  return nullptr;
}

/// One side of a connection, without a socket.
class OpensslEnd {
 public:
  explicit OpensslEnd(SSL_CTX* context) : ssl_(SSL_new(context)) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  }

  SSL* ssl() { return ssl_.get(); }

  /// The ciphertext that it has written since the last call.
  std::string sent() {
    char* data = nullptr;
    BIO* bio = SSL_get_wbio(ssl_.get());
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio, &data));
    std::string bytes(data, size);
    static_cast<void>(BIO_reset(bio));
    return bytes;
  }

  void arrive(std::string_view ciphertext) {
    if (ciphertext.empty()) return;
    BIO_write(SSL_get_rbio(ssl_.get()), ciphertext.data(), static_cast<int>(ciphertext.size()));
  }

  /// Everything that can be read. What it says then is in `error`.
  std::string read() {
    std::string plaintext;
    std::array<char, kMaxContentBytes> piece;
    int size = 0;
    while ((size = SSL_read(ssl_.get(), piece.data(), piece.size())) > 0) {
      plaintext.append(piece.data(), static_cast<std::size_t>(size));
    }
    error = SSL_get_error(ssl_.get(), size);
    return plaintext;
  }

  bool write(std::string_view plaintext) {
    return plaintext.empty() ||
           SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size())) ==
               static_cast<int>(plaintext.size());
  }

  /// Asks for a KeyUpdate with its next write: SSL_KEY_UPDATE_REQUESTED or _NOT_REQUESTED.
  bool key_update(int kind) { return SSL_key_update(ssl_.get(), kind) == 1; }

  int error = SSL_ERROR_NONE;

 private:
  Openssl<SSL> ssl_;
};

enum class HandOver : std::uint8_t {
  to_the_record_layer,  ///< the server's SSL object is gone
  none,                 ///< it stays in `server`
};

/// The client of a connection whose handshake is done.
class OpensslClient : public OpensslEnd {
 public:
  OpensslClient(OpensslServer& with, CipherSuite suite,
                HandOver hand_over = HandOver::to_the_record_layer, std::size_t tickets = 2)
      : OpensslEnd(client_context(suite)),
        server(std::make_unique<OpensslEnd>(with.context.get())) {
    SSL_set_connect_state(ssl());
    SSL_set_accept_state(server->ssl());
    SSL_set_num_tickets(server->ssl(), tickets);
    SSL_set_app_data(server->ssl(), &secrets);
    for (int i = 0; i < 4; ++i) {
      SSL_do_handshake(ssl());
      server->arrive(sent());
      const bool was_finished = SSL_is_init_finished(server->ssl()) == 1;
      SSL_do_handshake(server->ssl());
      const std::string answer = server->sent();
      if (!was_finished && SSL_is_init_finished(server->ssl()) == 1) {
        server_sequence = split_records(answer).size();
      }
      arrive(answer);
    }
    if (SSL_is_init_finished(ssl()) != 1 || SSL_is_init_finished(server->ssl()) != 1) {
      throw std::runtime_error("no handshake");
    }
    if (hand_over == HandOver::to_the_record_layer) {
      SSL_set_quiet_shutdown(server->ssl(), 1);
      server.reset();
    }
  }

  OpensslServer::Secrets secrets;
  std::uint64_t server_sequence = 0;  ///< records that the server has sent: tickets
  std::unique_ptr<OpensslEnd> server;

 private:
  static SSL_CTX* client_context(CipherSuite suite) {
    static const Openssl<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context.get(), openssl_name(suite));
    return context.get();
  }
};

}  // namespace crolang::tls::testing
