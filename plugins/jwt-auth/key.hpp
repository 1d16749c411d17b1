/// A key that verifies signatures, tied to one algorithm by what it is: no token can choose to have
/// it used in another way. Threads: any; a key does not change. Errors: a Fault says why something
/// is no usable key, without showing it; std::bad_alloc.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace crolang::jwt_auth {

/// RFC 7518 3.1 and RFC 8037 3.1.
enum class Algorithm { hs256, rs256, es256, eddsa };

std::string_view name_of(Algorithm algorithm);
std::optional<Algorithm> algorithm_named(std::string_view name);

/// A sentence without its subject: "is too short".
struct Fault {
  std::string text;
};

class Key {
 public:
  using Evp = std::shared_ptr<EVP_PKEY>;

  /// For HS256. At least 32 bytes, as RFC 7518 3.2 requires.
  static std::variant<Key, Fault> from_secret(std::string_view secret);

  /// For RS256 (from 2048 bits), ES256 (P-256) or EdDSA (Ed25519), whatever it is.
  static std::variant<Key, Fault> from_public(Evp key);

  Algorithm algorithm() const noexcept { return algorithm_; }

  /// nullopt: the key goes by no name and is tried for every token of its algorithm.
  const std::optional<std::string>& id() const noexcept { return id_; }
  void set_id(std::string id) { id_ = std::move(id); }

  bool verifies(std::string_view text, std::string_view signature) const;

 private:
  explicit Key(Algorithm algorithm) : algorithm_(algorithm) {}

  Algorithm algorithm_;
  std::optional<std::string> id_;
  std::string secret_;  // of HS256
  Evp public_;          // of the others
};

}  // namespace crolang::jwt_auth
