#include "jwt-auth/key.hpp"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/hmac.h>

#include <array>
#include <crolang/enum_count.hpp>
#include <new>

namespace crolang::jwt_auth {
namespace {

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool has_mac(std::string_view secret, std::string_view text, std::string_view mac) {
  std::array<unsigned char, 32> expected{};
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes(text), text.size(),
           expected.data(), nullptr) == nullptr) {
    throw std::bad_alloc();
  }
  return mac.size() == expected.size() &&
         CRYPTO_memcmp(mac.data(), expected.data(), expected.size()) == 0;
}

/// RFC 7518 3.4: r and s side by side, 32 bytes each. OpenSSL requires DER; nullopt: the size is
/// wrong.
std::optional<std::string> to_der(std::string_view signature) {
  constexpr std::size_t kHalf = 32;
  if (signature.size() != 2 * kHalf) return std::nullopt;
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(ECDSA_SIG_new(),
                                                                   &ECDSA_SIG_free);
  BIGNUM* const r = BN_bin2bn(bytes(signature), kHalf, nullptr);
  BIGNUM* const s = BN_bin2bn(bytes(signature.substr(kHalf)), kHalf, nullptr);
  if (!pair || r == nullptr || s == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    throw std::bad_alloc();
  }
  const int size = i2d_ECDSA_SIG(pair.get(), nullptr);
  if (size <= 0) throw std::bad_alloc();
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_ECDSA_SIG(pair.get(), &out);
  return der;
}

bool is_signed(EVP_PKEY* key, const EVP_MD* digest, std::string_view text,
               std::string_view signature) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) != 1) {
    throw std::bad_alloc();
  }
  const bool good = EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text),
                                     text.size()) == 1;
  // A rejected signature leaves an entry in the error queue of this thread, which belongs to the
  // broker.
  ERR_clear_error();
  return good;
}

std::variant<Algorithm, Fault> algorithm_of(EVP_PKEY* key) {
  constexpr int kMinRsaBits = 2048;
  constexpr int kMaxRsaBits = 16384;  // OpenSSL does not verify with longer keys
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      if (const int bits = EVP_PKEY_get_bits(key); bits < kMinRsaBits || bits > kMaxRsaBits) {
        return Fault{"is an RSA key of " + std::to_string(bits) + " bits, not 2048 to 16384"};
      }
      return Algorithm::rs256;
    case EVP_PKEY_EC: {
      std::array<char, 32> group{};
      if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1 ||
          std::string_view(group.data()) != SN_X9_62_prime256v1) {
        return Fault{"is an EC key of a curve other than P-256"};
      }
      return Algorithm::es256;
    }
    case EVP_PKEY_ED25519:
      return Algorithm::eddsa;
    default:  // no enum: OpenSSL's numbers
      return Fault{"is neither RSA nor EC P-256 nor Ed25519"};
  }
}

}  // namespace

std::string_view name_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::hs256:
      return "HS256";
    case Algorithm::rs256:
      return "RS256";
    case Algorithm::es256:
      return "ES256";
    case Algorithm::eddsa:
      return "EdDSA";
  }
  return {};
}

std::optional<Algorithm> algorithm_named(std::string_view name) {
  for (std::size_t i = 0; i < enum_count<Algorithm>(); ++i) {
    const auto algorithm = static_cast<Algorithm>(i);
    if (name_of(algorithm) == name) return algorithm;
  }
  return std::nullopt;
}

std::variant<Key, Fault> Key::from_secret(std::string_view secret) {
  constexpr std::size_t kMinBytes = 32;
  if (secret.size() < kMinBytes) {
    return Fault{"has " + std::to_string(secret.size()) + " bytes; HS256 needs at least 32"};
  }
  Key key(Algorithm::hs256);
  key.secret_ = secret;
  return key;
}

std::variant<Key, Fault> Key::from_public(Evp given) {
  const auto algorithm = algorithm_of(given.get());
  if (const auto* fault = std::get_if<Fault>(&algorithm)) return *fault;
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, given.get(), nullptr), &EVP_PKEY_CTX_free);
  if (!context) throw std::bad_alloc();
  if (EVP_PKEY_public_check(context.get()) != 1) {
    ERR_clear_error();
    return Fault{"is not a valid key"};
  }
  Key key(std::get<Algorithm>(algorithm));
  key.public_ = std::move(given);
  return key;
}

bool Key::verifies(std::string_view text, std::string_view signature) const {
  switch (algorithm_) {
    case Algorithm::hs256:
      return has_mac(secret_, text, signature);
    case Algorithm::rs256:
      return is_signed(public_.get(), EVP_sha256(), text, signature);
    case Algorithm::es256: {
      const auto der = to_der(signature);
      return der && is_signed(public_.get(), EVP_sha256(), text, *der);
    }
    case Algorithm::eddsa:
      return is_signed(public_.get(), nullptr, text, signature);
  }
  return false;
}

}  // namespace crolang::jwt_auth
