/// jwt-auth: authentication/1 without a web server. A node presents a JSON Web Token with its id.
/// See README.md.
#include <charconv>
#include <chrono>
#include <crolang/plugin.hpp>
#include <exception>
#include <stdexcept>
#include <string>

#include "jwt-auth/key_ring.hpp"
#include "jwt-auth/token.hpp"

namespace crolang::jwt_auth {
namespace {

std::chrono::seconds read_leeway(std::string_view value) {
  constexpr int kOneHour = 3600;
  int seconds = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (fault != std::errc() || end != value.data() + value.size() || seconds < 0 ||
      seconds > kOneHour) {
    throw std::invalid_argument("JWT_LEEWAY_S: '" + std::string(value) +
                                "' is not between 0 and 3600");
  }
  return std::chrono::seconds(seconds);
}

Rules read_rules(const plugin::Variables& variables) {
  return {.issuer = std::string(variables.env("JWT_ISSUER")),
          .audience = std::string(variables.env("JWT_AUDIENCE")),
          .node_id_claim = std::string(variables.env("JWT_NODE_ID_CLAIM")),
          .leeway = read_leeway(variables.env("JWT_LEEWAY_S")),
          .expiry = variables.env("JWT_REQUIRE_EXP") == "false" ? Rules::Expiry::optional
                                                                : Rules::Expiry::required};
}

KeySources sources_in(const plugin::Variables& variables) {
  return {.secret = variables.env("JWT_SECRET"),
          .public_key_file = variables.env("JWT_PUBLIC_KEY_FILE"),
          .jwks_file = variables.env("JWT_JWKS_FILE")};
}

class JwtAuth final : public plugin::Authentication {
 public:
  static void check_variables(const plugin::Variables& variables,
                              const plugin::Findings& findings) {
    check(sources_in(variables), findings);
    findings.expect_no_throw([&] { read_rules(variables); });
  }

  explicit JwtAuth(const plugin::Host& host)
      : host_(host),
        rules_(read_rules(host)),
        ends_sessions_(host.env("JWT_EXPIRY_ENDS_SESSION") == "true"),
        keys_(sources_in(host),
              [host](plugin::LogLevel level, std::string_view text) { host.log(level, text); }) {
    if (keys_.has_files()) watch_files();
  }

  void reload() override {
    const bool watched = keys_.has_files();
    keys_.reload(sources_in(host_));
    host_.log(plugin::LogLevel::info,
              "all keys reloaded; usable keys: " + std::to_string(keys_.keys()->size()));
    if (keys_.has_files() == watched) return;
    if (watched) {
      host_.cancel(timer_);
    } else {
      watch_files();
    }
  }

  // Verifying takes well below a millisecond with every algorithm, so it is done on the worker.
  void authenticate(const plugin::ConnectingNode& node, plugin::Authenticated answer) override {
    const Validation validation = validate_token_of(node);
    if (const auto* refused = std::get_if<Refused>(&validation)) {
      answer.no(refused->reason);
      return;
    }
    const auto& good_for = std::get<Accepted>(validation).good_for;
    if (good_for && ends_sessions_) {
      answer.yes_for(*good_for);
    } else {
      answer.yes();
    }
  }

  void stop(plugin::Stopped stopped) override {
    if (keys_.has_files()) host_.cancel(timer_);
    stopped();
  }

 private:
  Validation validate_token_of(const plugin::ConnectingNode& node) const {
    if (!node.data) return Refused{"the node sent no token: it belongs in data, in the query"};
    const auto token = token_in(*node.data);
    if (!token) return Refused{"the node's data is neither a token nor an object with one"};
    const auto now =
        std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    return validate(*token, node.id, *keys_.keys(), rules_, now);
  }

  // Runs on the control thread, so that no worker waits for a disk.
  void watch_files() {
    timer_ = host_.post_after(std::chrono::seconds(1), [this] {
      try {
        keys_.refresh();
      } catch (const std::exception& error) {
        // The keys read before stay in use, and the files are read again.
        host_.log(plugin::LogLevel::error, error.what());
      }
      watch_files();
    });
  }

  plugin::Host host_;
  Rules rules_;
  const bool ends_sessions_;
  KeyRing keys_;
  plugin::Timer timer_;
};

constexpr crolang_env kEnv[] = {
    {"JWT_SECRET", CROLANG_STRING, CROLANG_SECRET | CROLANG_RELOADABLE, nullptr,
     "for tokens signed with HS256: the secret, at least 32 bytes"},
    {"JWT_PUBLIC_KEY_FILE", CROLANG_STRING, CROLANG_RELOADABLE, nullptr,
     "for RS256, ES256 or EdDSA: a PEM file with the public key or a certificate"},
    {"JWT_JWKS_FILE", CROLANG_STRING, CROLANG_RELOADABLE, nullptr,
     "a file with a JSON Web Key Set"},
    {"JWT_ISSUER", CROLANG_STRING, 0, nullptr, "what a token's iss must be"},
    {"JWT_AUDIENCE", CROLANG_STRING, 0, nullptr, "what a token's aud must be or contain"},
    {"JWT_NODE_ID_CLAIM", CROLANG_STRING, 0, "sub", "the claim that must be the node's id"},
    {"JWT_LEEWAY_S", CROLANG_UINT, 0, "60",
     "tolerated clock difference, in seconds, from 0 to 3600"},
    {"JWT_REQUIRE_EXP", CROLANG_BOOL, 0, "true", "false: a token without exp never expires"},
    {"JWT_EXPIRY_ENDS_SESSION", CROLANG_BOOL, 0, "false",
     "true: a node is disconnected when its token expires, and reconnects with a new one"},
};

}  // namespace
}  // namespace crolang::jwt_auth

CROLANG_PLUGIN(crolang::jwt_auth::JwtAuth, "io.crolang.jwt-auth", "1.0.0",
               "admits nodes that present a JSON Web Token for their id", crolang::jwt_auth::kEnv)
