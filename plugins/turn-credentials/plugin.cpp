/// turn-credentials: rtc-config/1 without a web server. Each node gets the operator's TURN servers
/// with a username and a password that expire. See README.md.
#include <chrono>
#include <crolang/plugin.hpp>

#include "turn-credentials/configuration.hpp"

namespace crolang::turn_credentials {
namespace {

class TurnCredentials final : public plugin::RtcConfig {
 public:
  explicit TurnCredentials(const plugin::Host& host)
      : configuration_({.turn_urls = host.env("TURN_URLS"),
                        .stun_urls = host.env("STUN_URLS"),
                        .secret = host.env("TURN_SHARED_SECRET"),
                        .credential_ttl_s = host.env("TURN_CREDENTIAL_TTL_S"),
                        .username = host.env("TURN_USERNAME"),
                        .ice_transport_policy = host.env("ICE_TRANSPORT_POLICY")}) {}

  void resolve(std::string_view node, plugin::Text answer) override {
    const auto now = std::chrono::system_clock::now();
    answer.text(
        configuration_.for_node(node, std::chrono::time_point_cast<std::chrono::seconds>(now)));
  }

 private:
  Configuration configuration_;
};

constexpr crolang_env kEnv[] = {
    {"TURN_URLS", CROLANG_STRING, CROLANG_REQUIRED, nullptr,
     "TURN servers, turn:host[:port][?transport=udp|tcp] or turns:…, separated by commas or "
     "blanks"},
    {"STUN_URLS", CROLANG_STRING, 0, nullptr,
     "STUN servers, stun:host[:port] or stuns:…, separated by commas or blanks"},
    {"TURN_SHARED_SECRET", CROLANG_STRING, CROLANG_REQUIRED | CROLANG_SECRET, nullptr,
     "the secret that the TURN servers know, coturn's static-auth-secret"},
    {"TURN_CREDENTIAL_TTL_S", CROLANG_UINT, 0, "14400",
     "how long credentials are good, in seconds, from 1 to 2592000"},
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
