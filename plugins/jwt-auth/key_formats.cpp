#include "jwt-auth/key_formats.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <crolang/base64.hpp>
#include <new>

#include "jwt-auth/json.hpp"

namespace crolang::jwt_auth {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* owned) const {
    free(owned);
  }
};
template <class T, auto free>
using Owned = std::unique_ptr<T, Free<free>>;
using Number = Owned<BIGNUM, &BN_free>;

template <class T>
T* or_bad_alloc(T* allocated) {
  if (allocated == nullptr) throw std::bad_alloc();
  return allocated;
}

/// Takes ownership.
Key::Evp owned(EVP_PKEY* key) {
  return {key, [](EVP_PKEY* ended) { EVP_PKEY_free(ended); }};
}

// ---- PEM ----------------------------------------------------------------------------------------

struct Block {
  std::string name;
  std::string der;
};

/// nullopt: there is none left, or it is damaged; the library's error queue distinguishes the two.
std::optional<Block> next_block(BIO* pem) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(pem, &name, &header, &data, &size) != 1) return std::nullopt;
  Block block{name, {data, data + size}};
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return block;
}

std::variant<Key, Fault> key_from_block(const Block& block) {
  const auto* at = reinterpret_cast<const unsigned char*>(block.der.data());
  const auto size = static_cast<long>(block.der.size());
  EVP_PKEY* key = nullptr;
  if (block.name == PEM_STRING_PUBLIC) {
    key = d2i_PUBKEY(nullptr, &at, size);
  } else if (block.name == PEM_STRING_RSA_PUBLIC) {
    key = d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size);
  } else if (block.name == PEM_STRING_X509) {
    const Owned<X509, &X509_free> certificate(d2i_X509(nullptr, &at, size));
    if (certificate) key = X509_get_pubkey(certificate.get());
  } else {
    const bool is_private = block.name.find("PRIVATE KEY") != std::string::npos;
    return Fault{std::string("is neither a public key nor a certificate") +
                 (is_private ? ": openssl pkey -pubout writes the public one" : "")};
  }
  ERR_clear_error();
  if (key == nullptr) return Fault{"cannot be decoded"};
  return Key::from_public(owned(key));
}

// ---- JSON Web Keys ------------------------------------------------------------------------------

Fault wants(std::string_view names) {
  return Fault{"lacks " + std::string(names) + " in base64url"};
}

std::optional<std::string> bytes_member(const Json& jwk, std::string_view name) {
  const std::string* text = string_member(jwk, name);
  return text == nullptr ? std::nullopt : base64::decode_url(*text);
}

const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Number to_number(const std::string& big_endian) {
  return Number(
      or_bad_alloc(BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr)));
}

/// nullptr: the parameters are not a key.
Key::Evp build(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM, &OSSL_PARAM_free> params(or_bad_alloc(OSSL_PARAM_BLD_to_param(builder)));
  const Owned<EVP_PKEY_CTX, &EVP_PKEY_CTX_free> context(
      or_bad_alloc(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)));
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context.get());
  EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get());
  ERR_clear_error();
  return owned(key);
}

using Builder = Owned<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free>;

std::variant<Key, Fault> from_public(Key::Evp key) {
  if (!key) return Fault{"is not a valid key"};
  return Key::from_public(std::move(key));
}

std::variant<Key, Fault> rsa_key(const Json& jwk) {
  const auto n = bytes_member(jwk, "n");
  const auto e = bytes_member(jwk, "e");
  if (!n || !e) return wants("n or e");
  const Number modulus = to_number(*n);
  const Number exponent = to_number(*e);
  const Builder builder(or_bad_alloc(OSSL_PARAM_BLD_new()));
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return from_public(build("RSA", builder.get()));
}

std::variant<Key, Fault> ec_key(const Json& jwk) {
  const std::string* curve = string_member(jwk, "crv");
  if (curve == nullptr || *curve != "P-256") return Fault{"is of a curve other than P-256"};
  const auto x = bytes_member(jwk, "x");
  const auto y = bytes_member(jwk, "y");
  // RFC 7518 6.2.1.2: always the full size of a coordinate.
  if (!x || !y || x->size() != 32 || y->size() != 32) return wants("x or y, 32 bytes");
  const std::string point = '\x04' + *x + *y;  // SEC 1, 2.3.3: uncompressed
  const Builder builder(or_bad_alloc(OSSL_PARAM_BLD_new()));
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return from_public(build("EC", builder.get()));
}

std::variant<Key, Fault> okp_key(const Json& jwk) {
  const std::string* curve = string_member(jwk, "crv");
  if (curve == nullptr || *curve != "Ed25519") return Fault{"is of a curve other than Ed25519"};
  const auto x = bytes_member(jwk, "x");
  if (!x || x->size() != 32) return wants("x, 32 bytes");
  return from_public(
      owned(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(*x), x->size())));
}

std::variant<Key, Fault> secret_key(const Json& jwk) {
  const auto k = bytes_member(jwk, "k");
  if (!k) return wants("k");
  return Key::from_secret(*k);
}

std::variant<Key, Fault> key_of_type(const Json& jwk) {
  const std::string* type = string_member(jwk, "kty");
  if (type == nullptr) return Fault{"has no kty"};
  if (*type == "RSA") return rsa_key(jwk);
  if (*type == "EC") return ec_key(jwk);
  if (*type == "OKP") return okp_key(jwk);
  if (*type == "oct") return secret_key(jwk);
  return Fault{"is of an unknown kty"};
}

bool may_verify(const Json& jwk) {
  const auto operations = jwk.find("key_ops");
  return operations == jwk.end() ||
         (operations->is_array() &&
          std::find(operations->begin(), operations->end(), "verify") != operations->end());
}

/// RFC 7517 4.
std::variant<Key, Fault> key_from_jwk(const Json& jwk) {
  if (!jwk.is_object()) return Fault{"is not an object"};
  if (jwk.contains("use") && jwk["use"] != "sig") return Fault{"is not for signatures"};
  if (!may_verify(jwk)) return Fault{"is not for verifying"};
  if (jwk.contains("kid") && !jwk["kid"].is_string())
    return Fault{"has a kid that is not a string"};
  auto made = key_of_type(jwk);
  if (auto* key = std::get_if<Key>(&made)) {
    if (jwk.contains("alg") && jwk["alg"] != name_of(key->algorithm())) {
      return Fault{"is for an algorithm other than " + std::string(name_of(key->algorithm()))};
    }
    if (const std::string* id = string_member(jwk, "kid")) key->set_id(*id);
  }
  return made;
}

}  // namespace

std::variant<Keys, Fault> keys_from_pem(std::string_view text) {
  const Owned<BIO, &BIO_free> pem(
      or_bad_alloc(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
  Keys keys;
  ERR_clear_error();
  while (const auto block = next_block(pem.get())) {
    auto key = key_from_block(*block);
    if (const auto* fault = std::get_if<Fault>(&key)) {
      return Fault{"block " + std::to_string(keys.usable.size() + 1) + " (" + block->name + ") " +
                   fault->text};
    }
    keys.usable.push_back(std::get<Key>(std::move(key)));
  }
  const bool damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (damaged) return Fault{"a PEM block is damaged"};
  if (keys.usable.empty()) {
    return Fault{text.starts_with("ssh-") || text.starts_with("ecdsa-")
                     ? "it is an SSH key, not PEM: convert it with ssh-keygen -e -m pkcs8 -f"
                 : text.starts_with('{') ? "it is JSON, not PEM: JWT_JWKS_FILE takes a key set"
                                         : "there is no PEM block in it"};
  }
  return keys;
}

std::variant<Keys, Fault> keys_from_jwks(std::string_view text) {
  const auto set = parse_object(text);
  if (!set || !set->contains("keys") || !(*set)["keys"].is_array()) {
    return Fault{set && set->contains("kty") ? "it is one key, not a set: wrap it in {\"keys\":[…]}"
                 : text.starts_with("-----BEGIN")
                     ? "it is PEM, not a JSON Web Key Set: JWT_PUBLIC_KEY_FILE takes that"
                     : "it is not a JSON Web Key Set"};
  }
  Keys keys;
  std::string ignored;
  for (const Json& jwk : (*set)["keys"]) {
    auto key = key_from_jwk(jwk);
    if (const auto* fault = std::get_if<Fault>(&key)) {
      const std::string* id = jwk.is_object() ? string_member(jwk, "kid") : nullptr;
      const std::size_t number = keys.usable.size() + keys.ignored.size() + 1;
      keys.ignored.push_back("key " + (id ? "'" + *id + "'" : std::to_string(number)) + " " +
                             fault->text);
      ignored += "; " + keys.ignored.back();
    } else {
      keys.usable.push_back(std::get<Key>(std::move(key)));
    }
  }
  if (keys.usable.empty()) return Fault{"no key in it can be used" + ignored};
  return keys;
}

}  // namespace crolang::jwt_auth
