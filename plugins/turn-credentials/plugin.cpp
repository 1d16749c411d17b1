/// turn-credentials: rtc-config/1 without a web server. Each node gets the operator's TURN servers
/// with a username and a password that expire. See README.md.
#include <chrono>
#include <crolang/plugin.hpp>
#include <memory>
#include <mutex>
#include <utility>

#include "turn-credentials/configuration.hpp"

namespace crolang::turn_credentials {
namespace {

Settings settings_in(const plugin::Variables& variables) {
  return {.turn_urls = variables.env("TURN_URLS"),
          .stun_urls = variables.env("STUN_URLS"),
          .secret = variables.env("TURN_SHARED_SECRET"),
          .credential_ttl_s = variables.env("TURN_CREDENTIAL_TTL_S"),
          .username = variables.env("TURN_USERNAME"),
          .ice_transport_policy = variables.env("ICE_TRANSPORT_POLICY")};
}

class TurnCredentials final : public plugin::RtcConfig {
 public:
  static void check_variables(const plugin::Variables& variables,
                              const plugin::Findings& findings) {
    check(settings_in(variables), findings);
  }

  explicit TurnCredentials(const plugin::Host& host) : host_(host) { reload(); }

  void reload() override {
    auto next = std::make_shared<const Configuration>(settings_in(host_));
    const std::lock_guard lock(mutex_);
    configuration_.swap(next);
  }

  void resolve(std::string_view node, plugin::Text answer) override {
    const auto now = std::chrono::system_clock::now();
    answer.text(
        configuration()->for_node(node, std::chrono::time_point_cast<std::chrono::seconds>(now)));
  }

 private:
  std::shared_ptr<const Configuration> configuration() const {
    const std::lock_guard lock(mutex_);
    return configuration_;
  }

  const plugin::Host host_;
  mutable std::mutex mutex_;  // guards configuration_, not what it points to
  std::shared_ptr<const Configuration> configuration_;
};

constexpr crolang_env kEnv[] = {
    {"TURN_URLS", CROLANG_STRING, CROLANG_REQUIRED, nullptr,
     "TURN servers, turn:host[:port][?transport=udp|tcp] or turns:…, separated by commas or "
     "blanks"},
    {"STUN_URLS", CROLANG_STRING, 0, nullptr,
     "STUN servers, stun:host[:port] or stuns:…, separated by commas or blanks"},
    {"TURN_SHARED_SECRET", CROLANG_STRING, CROLANG_REQUIRED | CROLANG_SECRET | CROLANG_RELOADABLE,
     nullptr, "the secret that the TURN servers know, coturn's static-auth-secret"},
    {"TURN_CREDENTIAL_TTL_S", CROLANG_UINT, 0, "14400",
     "how long credentials are valid, in seconds, from 1 to 2592000"},
    {"TURN_USERNAME", CROLANG_STRING, 0, "expiry:id",
     "expiry:id, or expiry: usernames without the node's id, for WebRTC stacks that cut them at "
     "the colon"},
    {"ICE_TRANSPORT_POLICY", CROLANG_STRING, 0, "all",
     "all, or relay: nodes connect through the TURN servers only"},
};

}  // namespace
}  // namespace crolang::turn_credentials

CROLANG_PLUGIN(crolang::turn_credentials::TurnCredentials, "io.crolang.turn-credentials", "1.0.0",
               "time-limited TURN credentials for each node", crolang::turn_credentials::kEnv)
