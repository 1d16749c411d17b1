#include "tls/record_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

namespace crolang::tls {

namespace {

const char* hash_name(CipherSuite suite) noexcept {
  switch (suite) {
    case CipherSuite::aes_128_gcm_sha256:
    case CipherSuite::chacha20_poly1305_sha256:
      return "SHA256";
    case CipherSuite::aes_256_gcm_sha384:
      return "SHA384";
  }
  return nullptr;
}

// OSSL_PARAM has no const, though it is used for input too.
OSSL_PARAM octets(const char* name, const void* bytes, std::size_t size) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<void*>(bytes), size);
}

}  // namespace

std::optional<CipherSuite> cipher_suite(std::uint16_t id) noexcept {
  switch (id) {
    case 0x1301:
      return CipherSuite::aes_128_gcm_sha256;
    case 0x1302:
      return CipherSuite::aes_256_gcm_sha384;
    case 0x1303:
      return CipherSuite::chacha20_poly1305_sha256;
  }
  return std::nullopt;
}

std::size_t key_bytes(CipherSuite suite) noexcept {
  return suite == CipherSuite::aes_128_gcm_sha256 ? 16 : 32;
}

std::size_t secret_bytes(CipherSuite suite) noexcept {
  return suite == CipherSuite::aes_256_gcm_sha384 ? 48 : 32;
}

TrafficSecret::TrafficSecret(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.size() > bytes_.size()) return;
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  size_ = static_cast<std::uint8_t>(bytes.size());
}

TrafficSecret::~TrafficSecret() {
  clear();
}

void TrafficSecret::clear() noexcept {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
  size_ = 0;
}

RecordKeys::~RecordKeys() {
  clear();
}

void RecordKeys::clear() noexcept {
  OPENSSL_cleanse(key.data(), key.size());
  OPENSSL_cleanse(iv.data(), iv.size());
  sequence = 0;
}

KeyDerivation::KeyDerivation()
    : kdf_(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, nullptr)),
      context_(kdf_ ? EVP_KDF_CTX_new(kdf_.get()) : nullptr) {
  ERR_clear_error();
  if (!kdf_) throw std::runtime_error("OpenSSL provides no TLS13-KDF: 3.0 or later is needed");
  if (!context_) throw std::bad_alloc();
}

KeyDerivation::~KeyDerivation() = default;

void KeyDerivation::Free::operator()(evp_kdf_st* kdf) const noexcept {
  EVP_KDF_free(kdf);
}

void KeyDerivation::Free::operator()(evp_kdf_ctx_st* context) const noexcept {
  EVP_KDF_CTX_free(context);
}

bool KeyDerivation::derive(CipherSuite suite, const TrafficSecret& secret,
                           RecordKeys& keys) noexcept {
  keys.clear();
  keys.suite = suite;
  const std::span key = std::span(keys.key).first(key_bytes(suite));
  if (expand(suite, secret.bytes(), "key", key) && expand(suite, secret.bytes(), "iv", keys.iv)) {
    return true;
  }
  keys.clear();
  return false;
}

bool KeyDerivation::advance(CipherSuite suite, TrafficSecret& secret) noexcept {
  std::array<std::uint8_t, kMaxSecretBytes> next;
  const std::span bytes = std::span(next).first(secret_bytes(suite));
  const bool is_derived = expand(suite, secret.bytes(), "traffic upd", bytes);
  secret.clear();
  if (is_derived) secret = TrafficSecret(bytes);
  OPENSSL_cleanse(next.data(), next.size());
  return is_derived;
}

bool KeyDerivation::expand(CipherSuite suite, std::span<const std::uint8_t> secret,
                           const char* label, std::span<std::uint8_t> into) noexcept {
  if (secret.size() != secret_bytes(suite)) return false;
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(hash_name(suite)),
                                       0),
      octets(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      octets(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
      octets(OSSL_KDF_PARAM_LABEL, label, std::strlen(label)),
      OSSL_PARAM_construct_end(),
  };
  const bool is_derived = EVP_KDF_derive(context_.get(), into.data(), into.size(), parameters) == 1;
  if (!is_derived) ERR_clear_error();
  EVP_KDF_CTX_reset(context_.get());  // overwrites its copy of the secret
  return is_derived;
}

}  // namespace crolang::tls
