/// A key that verifies signatures. Its type determines the algorithm, so a token cannot choose
/// another. Threads: any; keys are immutable. Errors: a Fault says why a key is unusable, without
/// showing it; std::bad_alloc.
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

  /// For RS256 (from 2048 bits), ES256 (P-256) or EdDSA (Ed25519), depending on the key.
  static std::variant<Key, Fault> from_public(Evp key);

  Algorithm algorithm() const noexcept { return algorithm_; }

  /// nullopt: the key has no name and is tried for every token of its algorithm.
  const std::optional<std::string>& id() const noexcept { return id_; }
  void set_id(std::string id) { id_ = std::move(id); }

  bool verifies(std::string_view text, std::string_view signature) const;

 private:
  explicit Key(Algorithm algorithm) : algorithm_(algorithm) {}

  Algorithm algorithm_;
  std::optional<std::string> id_;
  std::string secret_;  // for HS256
  Evp public_;          // for the other algorithms
};

}  // namespace crolang::jwt_auth
