/// Reads keys from PEM and JWK texts. Threads: any. Errors: a Fault says why the text is unusable,
/// without showing it; std::bad_alloc.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "jwt-auth/key.hpp"

namespace crolang::jwt_auth {

struct Keys {
  std::vector<Key> usable;           // at least one
  std::vector<std::string> ignored;  // the other keys, and why they are not used
};

/// Reads one or several public keys and certificates. Only the key of a certificate is used. A file
/// with anything else in it is refused.
std::variant<Keys, Fault> keys_from_pem(std::string_view text);

/// Reads a JSON Web Key Set (RFC 7517 5). Keys that cannot verify any token are ignored, as the RFC
/// requires.
std::variant<Keys, Fault> keys_from_jwks(std::string_view text);

}  // namespace crolang::jwt_auth
