/// Is this JSON Web Token (RFC 7519, signed after RFC 7515) good for this node? RFC 8725 is the
/// list of mistakes that are not made here. Threads: any. Errors: std::bad_alloc.
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

  std::string issuer{};    // empty: anybody
  std::string audience{};  // empty: anybody
  std::string node_id_claim = "sub";
  std::chrono::seconds leeway{60};
  Expiry expiry = Expiry::required;
};

struct Accepted {};
struct Refused {
  // For the log. Of the token it shows names at most: of its key, its issuer, its node.
  std::string reason;
};
using Verdict = std::variant<Accepted, Refused>;

/// The token in what a node gave as `data`: the text itself, or `{"token":"…"}`.
std::optional<std::string> token_in(std::string_view data);

Verdict judge(std::string_view token, std::string_view node, const std::vector<Key>& keys,
              const Rules& rules, std::chrono::sys_seconds now);

}  // namespace crolang::jwt_auth
