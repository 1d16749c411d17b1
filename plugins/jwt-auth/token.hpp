/// Verifies a JSON Web Token (RFC 7519, signed according to RFC 7515) for a node, following RFC
/// 8725 (best current practices). Threads: any. Errors: std::bad_alloc.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "jwt-auth/key.hpp"

namespace crolang::jwt_auth {

struct Rules {
  enum class Expiry { required, optional };

  std::string issuer{};    // empty: any
  std::string audience{};  // empty: any
  std::string node_id_claim = "sub";
  std::chrono::seconds leeway{60};
  Expiry expiry = Expiry::required;
};

struct Accepted {
  /// The time until the same token will be refused; nullopt: it has no exp. Never 0.
  std::optional<std::chrono::seconds> good_for;
};
struct Refused {
  // For the log. Shows at most the key id, issuer and node of the token.
  std::string reason;
};
using Validation = std::variant<Accepted, Refused>;

/// Extracts the token from a node's `data`: the text itself, or `{"token":"…"}`.
std::optional<std::string> token_in(std::string_view data);

Validation validate(std::string_view token, std::string_view node, const std::vector<Key>& keys,
                    const Rules& rules, std::chrono::sys_seconds now);

}  // namespace crolang::jwt_auth
