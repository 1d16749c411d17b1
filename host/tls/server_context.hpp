#pragma once
/// All that handshakes of one configuration have in common: certificates by server name, protocol
/// versions and ciphers, tickets, client authorities. Immutable once built and shared by reference
/// count: a renewal builds a new one, and each connection keeps the one that it began with.
///
/// TLS 1.2 and 1.3 with the ciphers and groups of Mozilla's intermediate profile
/// (https://wiki.mozilla.org/Security/Server_Side_TLS), ECDHE and AEAD only, at OpenSSL's security
/// level 2. AES-128 is preferred, unless the client prefers ChaCha20. No renegotiation, no
/// compression, no early data, no session cache.
///
/// Threads: any. Errors: see build.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tls/certificate_files.hpp"
#include "tls/client_authority.hpp"
#include "tls/openssl.hpp"
#include "tls/server_names.hpp"
#include "tls/ticket_keys.hpp"

namespace crolang::tls {

enum class MinimumVersion : std::uint8_t { tls12, tls13 };  ///< TLS_MIN_VERSION

/// TLS_RECORD_LAYER
enum class RecordLayerChoice : std::uint8_t {
  compact,  ///< connections that it can serve leave OpenSSL's SSL object after the handshake
  openssl,  ///< every connection stays on its SSL object
};

struct ServerOptions {
  MinimumVersion minimum_version = MinimumVersion::tls12;
  RecordLayerChoice record_layer = RecordLayerChoice::compact;
};

class ServerContext {
 public:
  using Built = std::variant<std::shared_ptr<const ServerContext>, std::string>;

  /// `pairs` must not be empty; the first is used for names that no other has. Without
  /// certificates in `authority` clients need none. The alternative is a sentence: what OpenSSL
  /// refuses although load_certificates did not. Throws std::bad_alloc.
  static Built build(const std::vector<CertificatePair>& pairs, const ClientAuthority& authority,
                     std::shared_ptr<const TicketKeys> tickets, const ServerOptions& options);

  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  /// An SSL object in accept state, which this object must outlive. nullptr: no memory.
  Ssl new_connection() const;

  /// The earliest of all pairs.
  WallTime end_of_validity() const noexcept { return end_of_validity_; }
  RecordLayerChoice record_layer() const noexcept { return options_.record_layer; }
  MinimumVersion minimum_version() const noexcept { return options_.minimum_version; }

 private:
  ServerContext(std::shared_ptr<const TicketKeys> tickets, const ServerOptions& options) noexcept
      : tickets_(std::move(tickets)), options_(options) {}

  /// Empty: the pair was added.
  std::string add(const CertificatePair& pair, const ClientAuthority& authority);
  static int select_certificate(SSL* ssl, int* alert, void* self);

  std::shared_ptr<const TicketKeys> tickets_;
  std::vector<SslContext> contexts_;  // one per pair
  ServerNames names_;                 // of the pairs, by their index
  ServerOptions options_;
  WallTime end_of_validity_ = WallTime::max();
};

}  // namespace crolang::tls
