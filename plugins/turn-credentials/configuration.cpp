#include "turn-credentials/configuration.hpp"

#include <algorithm>
#include <charconv>
#include <crolang/ice_url.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace crolang::turn_credentials {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(std::string_view variable, std::string_view value, std::string_view why) {
  std::string text(variable);
  text.append(": '").append(value).append("' ").append(why);
  throw std::invalid_argument(text);
}

constexpr std::string_view kNoTurn = "is not turn:host[:port][?transport=udp|tcp] or turns:…";
constexpr std::string_view kNoStun = "is not stun:host[:port] or stuns:…";

/// The fault of a URL; empty: none. Variables are written by hand, so a spelling that the broker
/// would correct in a webhook's answer is refused here, and the correct one is shown.
std::string fault_of(std::string_view url, plugin::IceUrl::Server wanted) {
  const bool is_turn = wanted == plugin::IceUrl::Server::turn;
  std::string fault(is_turn ? kNoTurn : kNoStun);
  const auto parsed = plugin::parse_ice_url(url);
  if (const auto* bad = std::get_if<plugin::IceUrlFault>(&parsed)) {
    if (bad->why != plugin::kNoIceScheme) fault.append(": ").append(bad->why);
    return fault;
  }
  const auto& good = std::get<plugin::IceUrl>(parsed);
  if (good.server != wanted) return fault;
  return good.text == url ? std::string() : fault.append(": write ").append(good.text);
}

std::vector<std::string> read_list(std::string_view variable, std::string_view list,
                                   plugin::IceUrl::Server wanted) {
  constexpr std::string_view kSeparators = ", \t\r\n";
  std::vector<std::string> urls;
  for (std::size_t at = 0; (at = list.find_first_not_of(kSeparators, at)) < list.size();) {
    const std::size_t end = std::min(list.find_first_of(kSeparators, at), list.size());
    const std::string_view url = list.substr(at, end - at);
    if (const std::string fault = fault_of(url, wanted); !fault.empty()) {
      refuse(variable, plugin::shown_ice_url(url), fault);
    }
    urls.emplace_back(url);
    at = end;
  }
  return urls;
}

std::vector<std::string> read_turn_urls(std::string_view list) {
  auto urls = read_list("TURN_URLS", list, plugin::IceUrl::Server::turn);
  if (urls.empty()) refuse("TURN_URLS", list, "names no server");
  return urls;
}

std::vector<std::string> read_stun_urls(std::string_view list) {
  return read_list("STUN_URLS", list, plugin::IceUrl::Server::stun);
}

std::string read_secret(std::string_view value) {
  if (value.empty()) throw std::invalid_argument("TURN_SHARED_SECRET is empty");
  return std::string(value);
}

std::string read_policy(std::string_view value) {
  if (value != "all" && value != "relay") {
    refuse("ICE_TRANSPORT_POLICY", value, "is neither all nor relay");
  }
  return std::string(value);
}

Username read_username(std::string_view value) {
  if (value == "expiry:id") return Username::expiry_and_node;
  if (value == "expiry") return Username::expiry;
  refuse("TURN_USERNAME", value, "is neither expiry:id nor expiry");
}

std::chrono::seconds read_ttl(std::string_view value) {
  constexpr std::int64_t kThirtyDays = 2'592'000;
  std::int64_t seconds = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (fault != std::errc() || end != value.data() + value.size() || seconds < 1 ||
      seconds > kThirtyDays) {
    refuse("TURN_CREDENTIAL_TTL_S", value, "is not between 1 and 2592000");
  }
  return std::chrono::seconds(seconds);
}

}  // namespace

Configuration::Configuration(const Settings& settings)
    : turn_urls_(read_turn_urls(settings.turn_urls)),
      stun_urls_(read_stun_urls(settings.stun_urls)),
      secret_(read_secret(settings.secret)),
      credential_ttl_(read_ttl(settings.credential_ttl_s)),
      username_(read_username(settings.username)),
      ice_transport_policy_(read_policy(settings.ice_transport_policy)) {}

void check(const Settings& settings, const plugin::Findings& findings) {
  findings.expect_no_throw([&] { read_turn_urls(settings.turn_urls); });
  findings.expect_no_throw([&] { read_stun_urls(settings.stun_urls); });
  findings.expect_no_throw([&] { read_secret(settings.secret); });
  findings.expect_no_throw([&] { read_ttl(settings.credential_ttl_s); });
  findings.expect_no_throw([&] { read_username(settings.username); });
  findings.expect_no_throw([&] { read_policy(settings.ice_transport_policy); });
}

std::string Configuration::for_node(std::string_view node, std::chrono::sys_seconds now) const {
  const Credentials credentials = make_credentials(secret_, node, now + credential_ttl_, username_);
  Json servers = Json::array();
  if (!stun_urls_.empty()) servers.push_back({{"urls", stun_urls_}});
  // Nodes read `password`, browsers `credential`.
  servers.push_back({{"urls", turn_urls_},
                     {"username", credentials.username},
                     {"password", credentials.password},
                     {"credential", credentials.password}});
  // The members after the policy are the same as without any plugin.
  return Json{{"iceServers", std::move(servers)},
              {"iceTransportPolicy", ice_transport_policy_},
              {"bundlePolicy", "max-bundle"},
              {"rtcpMuxPolicy", "require"}}
      .dump();
}

}  // namespace crolang::turn_credentials
