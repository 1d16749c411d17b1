#pragma once
/// Seals and opens single records of TLS 1.3 (RFC 8446 5.2 to 5.4) with OpenSSL's ciphers.
///
/// One for each worker: the contexts of OpenSSL, of about a kilobyte each, are given the keys of a
/// connection for one record, so a connection keeps its keys only.
///
/// Threads: one at a time. Errors: values; OpenSSL's error queue is left empty, so that it cannot
/// be taken for the failure of another connection. Hot: no allocation.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crolang/enum_count.hpp"
#include "tls/record_keys.hpp"
#include "tls/record_protocol.hpp"

struct evp_cipher_ctx_st;

namespace crolang::tls {

class RecordCipher {
 public:
  /// Throws std::runtime_error if this OpenSSL cannot derive keys of TLS 1.3, std::bad_alloc. A
  /// cipher that it doesn't have (FIPS has no ChaCha20) is no error: handshakes don't choose it.
  RecordCipher();
  ~RecordCipher();
  RecordCipher(const RecordCipher&) = delete;
  RecordCipher& operator=(const RecordCipher&) = delete;

  /// Writes one record without padding to the front of `out`, which must have room for the content
  /// and kRecordOverhead, and must not overlap it. At most kMaxContentBytes. Returns the bytes
  /// written; the caller sends all of them or ends the connection. 0: it failed, and `keys` must
  /// not be used again.
  [[nodiscard]] std::size_t seal(RecordKeys& keys, ContentType type, std::span<const char> content,
                                 std::span<char> out) noexcept;

  struct Opened {
    enum class Kind : std::uint8_t { content, failed } kind;
    ContentType type{};       ///< content: any number but 0
    Alert alert{};            ///< failed: to be sent
    std::size_t content = 0;  ///< bytes at the front of `out`
  };

  /// Opens one whole record whose header check_header has taken. `out` must have room for
  /// inner_bytes() of it, and must not overlap it; what lies behind the content there is
  /// overwritten too. Nothing of a record that fails is left in `out`.
  [[nodiscard]] Opened open(RecordKeys& keys, std::span<const char> record,
                            std::span<char> out) noexcept;

  [[nodiscard]] KeyDerivation& derivation() noexcept { return derivation_; }

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const noexcept;
  };
  /// A context with its cipher, and the key that it has: consecutive records of one connection do
  /// not set it up again.
  struct Context {
    std::unique_ptr<evp_cipher_ctx_st, Free> context;
    std::array<std::uint8_t, kMaxKeyBytes> key{};
    bool has_key = false;
  };
  static constexpr std::size_t kSuites = enum_count<CipherSuite>();

  /// Gives it the key and the nonce of the next record, which is thereby used up. nullptr: failed.
  static evp_cipher_ctx_st* prepare(Context& context, RecordKeys& keys) noexcept;

  KeyDerivation derivation_;
  std::array<Context, kSuites> sealing_;
  std::array<Context, kSuites> opening_;
};

/// What the header at the front of a record says. RFC 8446 5.2.
struct RecordHeader {
  enum class Kind : std::uint8_t { valid, failed } kind;
  Alert alert{};           ///< failed: to be sent
  std::size_t record = 0;  ///< valid: bytes of the record, header included

  /// The room that RecordCipher::open needs.
  [[nodiscard]] std::size_t inner_bytes() const noexcept {
    return record - kRecordHeaderBytes - kTagBytes;
  }
};
/// Of a record that arrives after the handshake, when change_cipher_spec is not expected any more.
[[nodiscard]] RecordHeader check_header(std::span<const char, kRecordHeaderBytes> header) noexcept;

}  // namespace crolang::tls
