/// Keys out of the formats that they are kept in. Threads: any. Errors: a Fault says what is wrong
/// with the whole, without showing it; std::bad_alloc.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "jwt-auth/key.hpp"

namespace crolang::jwt_auth {

struct Keys {
  std::vector<Key> usable;           // at least one
  std::vector<std::string> ignored;  // which others there are, and why they are not used
};

/// Public keys and certificates, one or several. Of a certificate only the key counts. A file with
/// anything else in it is refused.
std::variant<Keys, Fault> keys_from_pem(std::string_view text);

/// A JSON Web Key Set (RFC 7517 5). Keys that cannot verify any token are ignored, as it says
/// there.
std::variant<Keys, Fault> keys_from_jwks(std::string_view text);

}  // namespace crolang::jwt_auth
