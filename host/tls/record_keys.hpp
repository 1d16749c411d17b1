#pragma once
/// Traffic secrets and the keys of one direction of a TLS 1.3 connection (RFC 8446 7.1 to 7.3),
/// derived by OpenSSL.
///
/// Threads: an object belongs to one at a time. Errors: a derivation fails only if OpenSSL has no
/// memory. Everything secret is overwritten when it is destroyed.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

struct evp_kdf_st;
struct evp_kdf_ctx_st;

namespace crolang::tls {

/// RFC 8446 B.4.
enum class CipherSuite : std::uint8_t {
  aes_128_gcm_sha256,
  aes_256_gcm_sha384,
  chacha20_poly1305_sha256,
};

/// From the number on the wire, 0x1301 to 0x1303. nullopt: one that this record layer doesn't know.
[[nodiscard]] std::optional<CipherSuite> cipher_suite(std::uint16_t id) noexcept;
[[nodiscard]] std::size_t key_bytes(CipherSuite suite) noexcept;
/// The length of its hash, and so of its traffic secrets.
[[nodiscard]] std::size_t secret_bytes(CipherSuite suite) noexcept;

inline constexpr std::size_t kMaxKeyBytes = 32;
inline constexpr std::size_t kMaxSecretBytes = 48;
inline constexpr std::size_t kNonceBytes = 12;

/// client_application_traffic_secret_N or server_application_traffic_secret_N of RFC 8446 7.1.
class TrafficSecret {
 public:
  TrafficSecret() noexcept = default;
  /// More than kMaxSecretBytes: stays empty.
  explicit TrafficSecret(std::span<const std::uint8_t> bytes) noexcept;
  TrafficSecret(const TrafficSecret&) noexcept = default;
  TrafficSecret& operator=(const TrafficSecret&) noexcept = default;
  ~TrafficSecret();

  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
    return std::span(bytes_).first(size_);
  }
  void clear() noexcept;

 private:
  std::array<std::uint8_t, kMaxSecretBytes> bytes_{};
  std::uint8_t size_ = 0;
};

/// RFC 8446 5.3, 7.3: what seals or opens records. Not copied, since two copies would use the same
/// nonces.
struct RecordKeys {
  std::uint64_t sequence = 0;  ///< of the next record; only ever counted up under one key
  std::array<std::uint8_t, kMaxKeyBytes> key{};
  std::array<std::uint8_t, kNonceBytes> iv{};
  CipherSuite suite{};

  RecordKeys() noexcept = default;
  RecordKeys(const RecordKeys&) = delete;
  RecordKeys& operator=(const RecordKeys&) = delete;
  ~RecordKeys();
  void clear() noexcept;
};

/// HKDF-Expand-Label. One for each thread, since it keeps OpenSSL's context.
class KeyDerivation {
 public:
  /// Throws std::runtime_error if this OpenSSL cannot derive keys of TLS 1.3, std::bad_alloc.
  KeyDerivation();
  ~KeyDerivation();
  KeyDerivation(const KeyDerivation&) = delete;
  KeyDerivation& operator=(const KeyDerivation&) = delete;

  /// RFC 8446 7.3: key and iv of `secret`, and the sequence number 0. False: `keys` is cleared.
  [[nodiscard]] bool derive(CipherSuite suite, const TrafficSecret& secret,
                            RecordKeys& keys) noexcept;
  /// RFC 8446 7.2: replaces the secret by the one that follows a KeyUpdate. False: it is cleared.
  [[nodiscard]] bool advance(CipherSuite suite, TrafficSecret& secret) noexcept;

 private:
  bool expand(CipherSuite suite, std::span<const std::uint8_t> secret, const char* label,
              std::span<std::uint8_t> into) noexcept;

  struct Free {
    void operator()(evp_kdf_st* kdf) const noexcept;
    void operator()(evp_kdf_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_kdf_st, Free> kdf_;
  std::unique_ptr<evp_kdf_ctx_st, Free> context_;
};

}  // namespace crolang::tls
