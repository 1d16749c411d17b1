/// What an issuer of tokens has: private keys, and the signatures, PEM files and JSON Web Keys made
/// of them. Written against RFC 7515 and 7518, not against the plugin. Threads: any. Errors:
/// std::runtime_error.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::jwt_auth::testing {

using Json = nlohmann::json;
using PrivateKey = std::shared_ptr<EVP_PKEY>;

inline const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

inline void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL could not make the key, signature or file");
}

inline std::string base64url(std::string_view raw) {
  std::string text((raw.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes(raw),
                                   static_cast<int>(raw.size()));
  text.resize(static_cast<std::size_t>(size));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

// ---- Keys ---------------------------------------------------------------------------------------

inline PrivateKey owned(EVP_PKEY* key) {
  require(key != nullptr);
  return {key, [](EVP_PKEY* ended) { EVP_PKEY_free(ended); }};
}

inline PrivateKey make_rsa(std::size_t bits = 2048) {
  return owned(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits));
}
inline PrivateKey make_ec(const char* curve = "P-256") {
  return owned(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
}
inline PrivateKey make_ed25519() {
  return owned(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

/// Made once: RSA keys take their time.
inline const PrivateKey& rsa() {
  static const PrivateKey key = make_rsa();
  return key;
}
inline const PrivateKey& ec() {
  static const PrivateKey key = make_ec();
  return key;
}
inline const PrivateKey& ed25519() {
  static const PrivateKey key = make_ed25519();
  return key;
}
inline const std::string kSecret = "0123456789abcdef0123456789abcdef";

inline std::string drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

inline std::string public_pem(const PrivateKey& key) {
  BIO* const bio = BIO_new(BIO_s_mem());
  require(PEM_write_bio_PUBKEY(bio, key.get()) == 1);
  return drain(bio);
}

inline std::string private_pem(const PrivateKey& key) {
  BIO* const bio = BIO_new(BIO_s_mem());
  require(PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return drain(bio);
}

inline std::string pkcs1_pem(const PrivateKey& key) {
  unsigned char* der = nullptr;
  const int size = i2d_PublicKey(key.get(), &der);
  require(size > 0);
  BIO* const bio = BIO_new(BIO_s_mem());
  require(PEM_write_bio(bio, PEM_STRING_RSA_PUBLIC, "", der, size) > 0);
  OPENSSL_free(der);
  return drain(bio);
}

inline std::string certificate_pem(const PrivateKey& key) {
  X509* const certificate = X509_new();
  require(X509_set_version(certificate, 2) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  require(X509_set_pubkey(certificate, key.get()) == 1);
  const bool ed = EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519;
  require(X509_sign(certificate, key.get(), ed ? nullptr : EVP_sha256()) > 0);
  BIO* const bio = BIO_new(BIO_s_mem());
  require(PEM_write_bio_X509(bio, certificate) == 1);
  X509_free(certificate);
  return drain(bio);
}

inline std::string number(const PrivateKey& key, const char* name) {
  BIGNUM* value = nullptr;
  require(EVP_PKEY_get_bn_param(key.get(), name, &value) == 1);
  std::string raw(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
  BN_bn2bin(value, reinterpret_cast<unsigned char*>(raw.data()));
  BN_free(value);
  return raw;
}

inline std::string coordinate(const PrivateKey& key, const char* name) {
  std::string raw = number(key, name);
  return std::string(32 - raw.size(), '\0') + raw;
}

inline Json rsa_jwk(const PrivateKey& key) {
  return {{"kty", "RSA"},
          {"n", base64url(number(key, OSSL_PKEY_PARAM_RSA_N))},
          {"e", base64url(number(key, OSSL_PKEY_PARAM_RSA_E))}};
}
inline Json ec_jwk(const PrivateKey& key) {
  return {{"kty", "EC"},
          {"crv", "P-256"},
          {"x", base64url(coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X))},
          {"y", base64url(coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y))}};
}
inline Json ed25519_jwk(const PrivateKey& key) {
  std::string raw(32, '\0');
  std::size_t size = raw.size();
  require(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(raw.data()),
                                      &size) == 1);
  return {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", base64url(raw)}};
}
inline Json secret_jwk(std::string_view secret = kSecret) {
  return {{"kty", "oct"}, {"k", base64url(secret)}};
}

/// With another member, or another value of one.
inline Json with(Json object, const char* name, Json value) {
  object[name] = std::move(value);
  return object;
}

inline std::string jwks(const std::vector<Json>& keys) {
  return Json{{"keys", keys}}.dump();
}

// ---- Signatures ---------------------------------------------------------------------------------

inline std::string hmac(std::string_view secret, std::string_view text) {
  std::string mac(32, '\0');
  require(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes(text),
               text.size(), reinterpret_cast<unsigned char*>(mac.data()), nullptr) != nullptr);
  return mac;
}

/// As OpenSSL gives it: of EC keys in DER.
inline std::string sign_raw(const PrivateKey& key, std::string_view text,
                            int rsa_padding = RSA_PKCS1_PADDING) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  const int type = EVP_PKEY_get_base_id(key.get());
  EVP_PKEY_CTX* parameters = nullptr;
  require(EVP_DigestSignInit(context.get(), &parameters,
                             type == EVP_PKEY_ED25519 ? nullptr : EVP_sha256(), nullptr,
                             key.get()) == 1);
  if (type == EVP_PKEY_RSA) require(EVP_PKEY_CTX_set_rsa_padding(parameters, rsa_padding) == 1);
  std::size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, bytes(text), text.size()) == 1);
  std::string signature(size, '\0');
  require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         bytes(text), text.size()) == 1);
  signature.resize(size);
  return signature;
}

/// As tokens want it.
inline std::string sign(const PrivateKey& key, std::string_view text) {
  const std::string der = sign_raw(key, text);
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC) return der;
  const unsigned char* at = bytes(der);
  ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  require(pair != nullptr);
  std::array<unsigned char, 64> sides{};
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), sides.data(), 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), sides.data() + 32, 32);
  ECDSA_SIG_free(pair);
  return {sides.begin(), sides.end()};
}

// ---- Tokens -------------------------------------------------------------------------------------

inline std::string signed_text(const std::string& header, const std::string& payload) {
  return base64url(header) + "." + base64url(payload);
}

inline std::string token(const PrivateKey& key, const std::string& header,
                         const std::string& payload) {
  const std::string text = signed_text(header, payload);
  return text + "." + base64url(sign(key, text));
}

inline std::string token(std::string_view secret, const std::string& header,
                         const std::string& payload) {
  const std::string text = signed_text(header, payload);
  return text + "." + base64url(hmac(secret, text));
}

inline std::string header(const char* algorithm) {
  return Json{{"alg", algorithm}, {"typ", "JWT"}}.dump();
}

}  // namespace crolang::jwt_auth::testing
