#include "jwt-auth/token.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <crolang/base64.hpp>
#include <utility>

#include "jwt-auth/json.hpp"

namespace crolang::jwt_auth {
namespace {

// Ten times the usual size: limits untrusted input.
constexpr std::size_t kMaxBytes = 16 * 1024;
constexpr std::size_t kMaxEnvelope = kMaxBytes + 1024;

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_text;
};

std::optional<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == std::string_view::npos || token.find('.', first + 1) != last) return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, last - first - 1),
               token.substr(last + 1), token.substr(0, last)};
}

std::optional<Json> decode_object(std::string_view part) {
  const auto text = base64::decode_url(part);
  return text ? parse_object(*text) : std::nullopt;
}

/// The header only selects among the configured keys of its algorithm; keys in the token itself
/// (jwk, jku, x5c, x5u) are ignored.
bool may_have_signed(const Key& key, Algorithm algorithm, const std::string* id) {
  return key.algorithm() == algorithm && (id == nullptr || !key.id() || *key.id() == *id);
}

/// Why a token is refused; nullopt: this check found no fault.
using Fault = std::optional<std::string>;

/// Quotes a value for the log, shortened: a token's key id, issuer and node are not secret, but may
/// be long.
std::string quote(std::string_view value) {
  constexpr std::size_t kShown = 64;
  std::string text = "\"" + std::string(value.substr(0, kShown));
  return text += value.size() > kShown ? "…\"" : "\"";
}

Fault signature_fault(const Parts& parts, const std::vector<Key>& keys) {
  const auto header = decode_object(parts.header);
  if (!header) return "the token's header is not a JSON object in base64url";
  // RFC 7515 4.1.11: extensions that must be understood. None is supported.
  if (header->contains("crit")) return "the token's header has crit";
  const std::string* name = string_member(*header, "alg");
  const auto algorithm = name != nullptr ? algorithm_named(*name) : std::nullopt;
  if (!algorithm) {
    return "the token's alg is " + (name == nullptr ? "missing" : quote(*name)) +
           ", not HS256, RS256, ES256 or EdDSA";
  }
  const std::string* id = string_member(*header, "kid");
  if (id == nullptr && header->contains("kid")) return "the token's kid is not a string";
  const auto signature = base64::decode_url(parts.signature);
  if (!signature) return "the token's signature is not base64url";

  bool any = false;
  for (const Key& key : keys) {
    if (!may_have_signed(key, *algorithm, id)) continue;
    if (key.verifies(parts.signed_text, *signature)) return std::nullopt;
    any = true;
  }
  if (any) return "the token's signature does not match";
  return "there is no key for the token's alg " + *name +
         (id == nullptr ? std::string() : " and kid " + quote(*id));
}

/// Formats whole seconds; the number may have any value.
std::string seconds_in(double seconds) {
  constexpr double kMost = 1e15;
  return std::to_string(static_cast<long long>(std::ceil(std::min(seconds, kMost)))) + " s";
}

/// Such a number is a time from 2001 to 2286 in milliseconds, but from the year 33658 on in
/// seconds.
bool is_in_milliseconds(double time) {
  return time >= 1e12 && time < 1e13;
}

Fault time_fault(const Json& claims, const Rules& rules, std::chrono::sys_seconds now) {
  const auto seconds = static_cast<double>(now.time_since_epoch().count());
  const auto leeway = static_cast<double>(rules.leeway.count());
  for (const char* name : {"exp", "nbf", "iat"}) {
    if (claims.contains(name) && !claims[name].is_number()) {
      return "the token's " + std::string(name) + " is not a number";
    }
  }
  for (const char* name : {"exp", "nbf", "iat"}) {
    // RFC 7519 2. A token with such an exp would never expire.
    if (claims.contains(name) && is_in_milliseconds(claims[name].get<double>()))
      return "the token's " + std::string(name) + " is in milliseconds, not in seconds";
  }
  if (!claims.contains("exp")) {
    if (rules.expiry == Rules::Expiry::required) return "the token has no exp";
  } else if (const auto exp = claims["exp"].get<double>(); seconds - leeway >= exp) {
    return "the token expired " + seconds_in(seconds - exp) + " ago";
  }
  if (claims.contains("nbf")) {
    const auto nbf = claims["nbf"].get<double>();
    if (seconds + leeway < nbf) {
      return "the token is not valid for another " + seconds_in(nbf - seconds);
    }
  }
  if (claims.contains("iat")) {
    const auto iat = claims["iat"].get<double>();
    if (seconds + leeway < iat) {
      return "the token was issued " + seconds_in(iat - seconds) + " in the future";
    }
  }
  return std::nullopt;
}

/// Precondition: time_fault has found no fault.
std::optional<std::chrono::seconds> time_left(const Json& claims, const Rules& rules,
                                              std::chrono::sys_seconds now) {
  if (!claims.contains("exp")) return std::nullopt;
  constexpr double kTenYears = 10.0 * 365 * 24 * 3600;
  const double left = std::ceil(claims["exp"].get<double>()) +
                      static_cast<double>(rules.leeway.count()) -
                      static_cast<double>(now.time_since_epoch().count());
  return std::chrono::seconds(static_cast<long>(std::clamp(left, 1.0, kTenYears)));
}

/// RFC 7519 4.1.3: one string or a list of them.
bool is_meant_for(const Json& claims, const std::string& audience) {
  const auto aud = claims.find("aud");
  if (aud == claims.end()) return false;
  if (!aud->is_array()) return *aud == audience;
  return std::find(aud->begin(), aud->end(), audience) != aud->end();
}

/// Checks that the claims name this node, and the issuer and audience that the operator has set.
Fault claims_fault(const Json& claims, std::string_view node, const Rules& rules) {
  // Describes the actual value of a claim.
  const auto other = [&](std::string_view claim) {
    const std::string* value = string_member(claims, claim);
    if (value != nullptr) return "the token's " + std::string(claim) + " is " + quote(*value);
    return "the token's " + std::string(claim) +
           (claims.contains(claim) ? " is not a string" : " is missing");
  };
  const auto is = [&](std::string_view claim, std::string_view expected) {
    const std::string* value = string_member(claims, claim);
    return value != nullptr && *value == expected;
  };
  if (!rules.issuer.empty() && !is("iss", rules.issuer)) return other("iss") + ", not JWT_ISSUER";
  if (!rules.audience.empty() && !is_meant_for(claims, rules.audience)) {
    const bool is_list = claims.contains("aud") && claims["aud"].is_array();
    return is_list ? "the token's aud does not contain JWT_AUDIENCE"
                   : other("aud") + ", not JWT_AUDIENCE";
  }
  if (!is(rules.node_id_claim, node)) return other(rules.node_id_claim) + ", not the node's id";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> token_in(std::string_view data) {
  if (data.size() > kMaxEnvelope) return std::nullopt;
  const std::size_t first = data.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || data[first] != '{') return std::string(data);
  const auto object = parse_object(data);
  const std::string* token = object ? string_member(*object, "token") : nullptr;
  return token == nullptr ? std::nullopt : std::optional(*token);
}

Validation validate(std::string_view token, std::string_view node, const std::vector<Key>& keys,
                    const Rules& rules, std::chrono::sys_seconds now) {
  if (token.size() > kMaxBytes) return Refused{"the token is longer than 16 KiB"};
  if (token.empty()) return Refused{"the token is empty"};
  if (token.starts_with("Bearer ")) return Refused{"\"Bearer \" precedes the token: remove it"};
  if (token.starts_with('"')) return Refused{"the token has quotes around it: remove them"};
  const auto parts = split(token);
  if (!parts) return Refused{"the token is not three parts with dots between them"};
  if (auto fault = signature_fault(*parts, keys)) return Refused{*std::move(fault)};
  // From here on the content is authenticated.
  const auto claims = decode_object(parts->payload);
  if (!claims) return Refused{"the token's payload is not a JSON object in base64url"};
  if (auto fault = time_fault(*claims, rules, now)) return Refused{*std::move(fault)};
  if (auto fault = claims_fault(*claims, node, rules)) return Refused{*std::move(fault)};
  return Accepted{time_left(*claims, rules, now)};
}

}  // namespace crolang::jwt_auth
