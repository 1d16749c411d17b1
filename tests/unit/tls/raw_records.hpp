#pragma once

/// Records of TLS 1.3 as a peer could write them, also wrong ones. Keys are derived with HMAC here,
/// so that tests do not depend on what they test.

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tls/record_keys.hpp"
#include "tls/record_protocol.hpp"

namespace crolang::tls::testing {

inline constexpr CipherSuite kSuites[] = {CipherSuite::aes_128_gcm_sha256,
                                          CipherSuite::aes_256_gcm_sha384,
                                          CipherSuite::chacha20_poly1305_sha256};

/// Digits in pairs; blanks are ignored.
inline std::string from_hex(std::string_view digits) {
  std::string bytes;
  std::string pair;
  for (const char digit : digits) {
    if (digit == ' ') continue;
    pair += digit;
    if (pair.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
    pair.clear();
  }
  return bytes;
}

inline const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
inline unsigned char* octets(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
inline std::string text_of(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}
inline TrafficSecret secret_of(std::string_view bytes) {
  return TrafficSecret({octets(bytes), bytes.size()});
}

/// Any secret of the right length, a different one for each `seed`.
inline std::string some_secret(CipherSuite suite, char seed) {
  std::string secret(secret_bytes(suite), seed);
  for (std::size_t i = 0; i < secret.size(); ++i) {
    secret[i] = static_cast<char>(secret[i] + static_cast<char>(i * 7));
  }
  return secret;
}

/// RFC 8446 7.1 with an empty context, for at most one block of the hash.
inline std::string expand_label(CipherSuite suite, std::string_view secret, std::string_view label,
                                std::size_t size) {
  std::string info;
  info += '\0';
  info += static_cast<char>(size);
  info += static_cast<char>(label.size() + 6);
  info += "tls13 ";
  info += label;
  info += '\0';
  info += '\1';
  std::string block(EVP_MAX_MD_SIZE, '\0');
  unsigned length = 0;
  HMAC(suite == CipherSuite::aes_256_gcm_sha384 ? EVP_sha384() : EVP_sha256(), secret.data(),
       static_cast<int>(secret.size()), octets(info), info.size(), octets(block), &length);
  block.resize(std::min<std::size_t>(size, length));
  return block;
}

inline std::string next_secret(CipherSuite suite, std::string_view secret) {
  return expand_label(suite, secret, "traffic upd", secret_bytes(suite));
}

/// One direction of a connection, as its peer has it.
class RawKeys {
 public:
  RawKeys(CipherSuite suite, std::string secret, std::uint64_t first_sequence = 0)
      : sequence(first_sequence), suite_(suite), secret_(std::move(secret)) {}

  /// `inner`: content, its type, and padding.
  std::string seal(std::string_view inner) {
    return seal_with_header(header(inner.size() + kTagBytes), inner);
  }
  std::string seal(ContentType type, std::string_view content, std::size_t padding = 0) {
    return seal(std::string(content) + static_cast<char>(type) + std::string(padding, '\0'));
  }

  static std::string header(std::size_t length) {
    std::string header = "\x17\x03\x03";
    header += static_cast<char>(length >> 8);
    header += static_cast<char>(length & 0xff);
    return header;
  }

  std::string seal_with_header(std::string_view header, std::string_view inner) {
    std::string ciphertext(inner.size() + kTagBytes, '\0');
    const auto context = start(1);
    int size = 0;
    EVP_CipherUpdate(context.get(), nullptr, &size, octets(header),
                     static_cast<int>(header.size()));
    EVP_CipherUpdate(context.get(), octets(ciphertext), &size, octets(inner),
                     static_cast<int>(inner.size()));
    EVP_CipherFinal_ex(context.get(), octets(ciphertext) + inner.size(), &size);
    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                        octets(ciphertext) + inner.size());
    return std::string(header) + ciphertext;
  }

  /// The inner plaintext of one whole record; nullopt: it is not authentic.
  std::optional<std::string> open(std::string_view record) {
    const std::size_t size = record.size() - kRecordHeaderBytes - kTagBytes;
    std::string inner(size, '\0');
    std::string tag(record.substr(record.size() - kTagBytes));
    const auto context = start(0);
    int written = 0;
    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data());
    EVP_CipherUpdate(context.get(), nullptr, &written, octets(record), kRecordHeaderBytes);
    EVP_CipherUpdate(context.get(), octets(inner), &written, octets(record) + kRecordHeaderBytes,
                     static_cast<int>(size));
    if (EVP_CipherFinal_ex(context.get(), octets(inner) + size, &written) != 1) return std::nullopt;
    return inner;
  }

  void update() {
    secret_ = next_secret(suite_, secret_);
    sequence = 0;
  }

  std::uint64_t sequence;

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };

  std::unique_ptr<EVP_CIPHER_CTX, Free> start(int sealing) {
    const EVP_CIPHER* cipher = EVP_aes_128_gcm();
    if (suite_ == CipherSuite::aes_256_gcm_sha384) cipher = EVP_aes_256_gcm();
    if (suite_ == CipherSuite::chacha20_poly1305_sha256) cipher = EVP_chacha20_poly1305();
    const std::string key = expand_label(suite_, secret_, "key", key_bytes(suite_));
    std::string nonce = expand_label(suite_, secret_, "iv", kNonceBytes);
    for (std::size_t i = 0; i < 8; ++i) {
      char& byte = nonce[kNonceBytes - 1 - i];
      byte = static_cast<char>(byte ^ static_cast<char>(sequence >> (8 * i)));
    }
    ++sequence;
    std::unique_ptr<EVP_CIPHER_CTX, Free> context(EVP_CIPHER_CTX_new());
    EVP_CipherInit_ex(context.get(), cipher, nullptr, octets(key), octets(nonce), sealing);
    return context;
  }

  CipherSuite suite_;
  std::string secret_;
};

/// The whole records in `bytes`.
inline std::vector<std::string> split_records(std::string_view bytes) {
  std::vector<std::string> records;
  while (bytes.size() >= kRecordHeaderBytes) {
    const std::size_t length = std::size_t{octets(bytes)[3]} << 8 | octets(bytes)[4];
    records.emplace_back(bytes.substr(0, kRecordHeaderBytes + length));
    bytes.remove_prefix(records.back().size());
  }
  return records;
}

}  // namespace crolang::tls::testing
