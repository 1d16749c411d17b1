#include "tls/server_context.hpp"

#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>
#include <string_view>

#include "tls/ssl_connection.hpp"

namespace crolang::tls {
namespace {

// Mozilla's intermediate profile, version 5.7, without its suites of DHE: whoever knows those knows
// ECDHE too, and they are the most costly for a server.
constexpr const char* kCiphersOfTls12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphersOfTls13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr std::array<int, 3> kGroups = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1};

constexpr int kSecurityLevel = 2;
// The first connection of a client takes one, and each resumption brings a new one.
constexpr std::size_t kTickets = 1;
// Of a client's certificate chain, in bytes.
constexpr long kMaxClientChain = 32 * 1024;

/// RFC 7301: "http/1.1", since WebSocket's upgrade is one of HTTP/1.1.
int select_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int size, void* /*argument*/) {
  static constexpr std::string_view kHttp = "http/1.1";
  std::span<const unsigned char> list(offered, size);
  while (!list.empty() && list[0] < list.size()) {
    const auto name = list.subspan(1, list[0]);
    if (name.size() == kHttp.size() && std::memcmp(name.data(), kHttp.data(), kHttp.size()) == 0) {
      *out = name.data();
      *out_size = static_cast<unsigned char>(name.size());
      return SSL_TLSEXT_ERR_OK;
    }
    list = list.subspan(1 + name.size());
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// A ticket restores the client's certificate as it was verified once. If it has expired since, the
/// client has to show one again.
SSL_TICKET_RETURN check_ticket(SSL* /*ssl*/, SSL_SESSION* session, const unsigned char* /*name*/,
                               std::size_t /*name_size*/, SSL_TICKET_STATUS status,
                               void* /*argument*/) {
  if (status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW) {
    const X509* client = SSL_SESSION_get0_peer(session);
    const bool expired = client != nullptr && X509_cmp_current_time(X509_get0_notAfter(client)) < 0;
    if (expired) return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
  }
  return SSL_TICKET_RETURN_IGNORE_RENEW;
}

std::string set_protocol(SSL_CTX* context, const ServerOptions& options) {
  SSL_CTX_set_security_level(context, kSecurityLevel);
  const int minimum =
      options.minimum_version == MinimumVersion::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  auto groups = kGroups;  // OpenSSL takes no const
  if (SSL_CTX_set_min_proto_version(context, minimum) != 1 ||
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, kCiphersOfTls12) != 1 ||
      SSL_CTX_set_ciphersuites(context, kCiphersOfTls13) != 1 ||
      SSL_CTX_set1_groups(context, groups.data(), groups.size()) != 1) {
    return "this OpenSSL lacks a cipher or a group that TLS needs: " + take_error();
  }
  // A TLS 1.3 handshake is mostly key derivation, and processors have instructions for SHA-256 but
  // not for SHA-384, which OpenSSL's clients put first. A client that prefers ChaCha20 has no
  // instructions for AES.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  // SslStream looks at each record by itself.
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
  // The record layer that follows begins exactly where OpenSSL has stopped to read.
  SSL_CTX_set_read_ahead(context, 0);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_alpn_select_cb(context, &select_protocol, nullptr);
  return {};
}

void set_tickets(SSL_CTX* context, const TicketKeys& keys) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, kTickets);
  constexpr std::chrono::seconds kLifetime = TicketKeys::kTicketLifetime;
  SSL_CTX_set_timeout(context, static_cast<long>(kLifetime.count()));
  SSL_CTX_set_session_ticket_cb(context, nullptr, &check_ticket, nullptr);
  keys.install(context);
}

std::string set_certificate(SSL_CTX* context, const CertificatePair& pair) {
  using Chain = Owned<STACK_OF(X509), [](STACK_OF(X509) * chain) { sk_X509_free(chain); }>;
  const Chain chain(or_bad_alloc(sk_X509_new_null()));
  for (const Certificate& authority : pair.chain) sk_X509_push(chain.get(), authority.get());
  constexpr int kOverride = 1;
  if (SSL_CTX_use_cert_and_key(context, pair.certificate.get(), pair.key.get(), chain.get(),
                               kOverride) != 1) {
    return "TLS_CERT_FILE '" + pair.certificate_file +
           "' cannot be used, OpenSSL says: " + take_error();
  }
  return {};
}

std::string set_authority(SSL_CTX* context, const ClientAuthority& authority) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const Certificate& certificate : authority.certificates) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1 ||
        SSL_CTX_add_client_CA(context, certificate.get()) != 1) {
      return "TLS_CLIENT_CA_FILE cannot be used, OpenSSL says: " + take_error();
    }
  }
  // An intermediate authority without its root.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_max_cert_list(context, kMaxClientChain);
  return {};
}

}  // namespace

ServerContext::Built ServerContext::build(const std::vector<CertificatePair>& pairs,
                                          const ClientAuthority& authority,
                                          std::shared_ptr<const TicketKeys> tickets,
                                          const ServerOptions& options) {
  std::shared_ptr<ServerContext> made(new ServerContext(std::move(tickets), options));
  for (const CertificatePair& pair : pairs) {
    if (auto fault = made->add(pair, authority); !fault.empty()) return fault;
  }
  SSL_CTX* first = made->contexts_.front().get();
  // SSL_CTX_set_tlsext_servername_callback, which is a macro with a C cast.
  SSL_CTX_callback_ctrl(first, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(&ServerContext::select_certificate));
  SSL_CTX_set_tlsext_servername_arg(first, made.get());
  return std::shared_ptr<const ServerContext>(std::move(made));
}

std::string ServerContext::add(const CertificatePair& pair, const ClientAuthority& authority) {
  ERR_clear_error();
  SslContext context(or_bad_alloc(SSL_CTX_new(TLS_server_method())));
  SSL_CTX* const made = context.get();
  if (auto fault = set_protocol(made, options_); !fault.empty()) return fault;
  if (auto fault = set_certificate(made, pair); !fault.empty()) return fault;
  set_tickets(made, *tickets_);
  // Sessions of clients that no authority has vouched for do not resume once one is asked for.
  SSL_CTX_set_session_id_context(made, authority.fingerprint.data(),
                                 static_cast<unsigned>(authority.fingerprint.size()));
  if (!authority.certificates.empty()) {
    if (auto fault = set_authority(made, authority); !fault.empty()) return fault;
  }
  SslConnection::install(made, options_.record_layer);
  end_of_validity_ = std::min(end_of_validity_, pair.end_of_validity);
  names_.add(pair.names, contexts_.size());
  contexts_.push_back(std::move(context));
  return {};
}

Ssl ServerContext::new_connection() const {
  Ssl ssl(SSL_new(contexts_.front().get()));
  if (ssl != nullptr) SSL_set_accept_state(ssl.get());
  return ssl;
}

int ServerContext::select_certificate(SSL* ssl, int* /*alert*/, void* self) {
  const auto& server = *static_cast<const ServerContext*>(self);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  try {
    const auto index = server.names_.find(name);
    if (!index) return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX* chosen = server.contexts_[*index].get();
    if (*index != 0 && SSL_set_SSL_CTX(ssl, chosen) == nullptr) return SSL_TLSEXT_ERR_ALERT_FATAL;
  } catch (const std::bad_alloc&) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace crolang::tls
