#include "turn-credentials/configuration.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "turn-credentials/credentials.hpp"

namespace crolang::turn_credentials {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(std::string_view variable, std::string_view value, std::string_view why) {
  std::string text(variable);
  text.append(": '").append(value).append("' ").append(why);
  throw std::invalid_argument(text);
}

bool is_scheme(std::string_view text, std::string_view scheme) {
  const auto same = [](char a, char b) { return (a | 0x20) == b; };  // schemes are letters
  return std::ranges::equal(text, scheme, same);
}

// RFC 7064 and RFC 7065, section 3.1: no slashes behind the scheme, no user.
bool is_host(std::string_view text) {
  return !text.empty() && text.find_first_of("/?#@") == std::string_view::npos;
}

bool is_url(std::string_view url, std::string_view scheme, std::string_view secure_scheme) {
  const std::size_t colon = url.find(':');
  const std::string_view given = url.substr(0, colon);
  return colon != std::string_view::npos && is_host(url.substr(colon + 1)) &&
         (is_scheme(given, scheme) || is_scheme(given, secure_scheme));
}

bool is_stun(std::string_view url) {
  return is_url(url, "stun", "stuns");
}

bool is_turn(std::string_view url) {
  if (url.ends_with("?transport=udp") || url.ends_with("?transport=tcp")) {
    url.remove_suffix(std::string_view("?transport=udp").size());
  }
  return is_url(url, "turn", "turns");
}

constexpr std::string_view kNoTurn = "is not turn:host[:port][?transport=udp|tcp] or turns:…";
constexpr std::string_view kNoStun = "is not stun:host[:port] or stuns:…";

std::vector<std::string> read_urls(std::string_view variable, std::string_view list,
                                   bool (*is_good)(std::string_view), std::string_view why) {
  constexpr std::string_view kSeparators = ", \t\r\n";
  std::vector<std::string> urls;
  for (std::size_t at = 0; (at = list.find_first_not_of(kSeparators, at)) < list.size();) {
    const std::size_t end = std::min(list.find_first_of(kSeparators, at), list.size());
    urls.emplace_back(list.substr(at, end - at));
    if (!is_good(urls.back())) refuse(variable, urls.back(), why);
    at = end;
  }
  return urls;
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
    : turn_urls_(read_urls("TURN_URLS", settings.turn_urls, &is_turn, kNoTurn)),
      stun_urls_(read_urls("STUN_URLS", settings.stun_urls, &is_stun, kNoStun)),
      secret_(settings.secret),
      credential_ttl_(read_ttl(settings.credential_ttl_s)),
      ice_transport_policy_(settings.ice_transport_policy) {
  if (turn_urls_.empty()) refuse("TURN_URLS", settings.turn_urls, "names no server");
  if (secret_.empty()) throw std::invalid_argument("TURN_SHARED_SECRET is empty");
  if (ice_transport_policy_ != "all" && ice_transport_policy_ != "relay") {
    refuse("ICE_TRANSPORT_POLICY", ice_transport_policy_, "is neither all nor relay");
  }
}

std::string Configuration::for_node(std::string_view node, std::chrono::sys_seconds now) const {
  const Credentials credentials = make_credentials(secret_, node, now + credential_ttl_);
  Json servers = Json::array();
  if (!stun_urls_.empty()) servers.push_back({{"urls", stun_urls_}});
  // Nodes read `password`, browsers `credential`.
  servers.push_back({{"urls", turn_urls_},
                     {"username", credentials.username},
                     {"password", credentials.password},
                     {"credential", credentials.password}});
  // What follows the policy is what nodes get without any plugin.
  return Json{{"iceServers", std::move(servers)},
              {"iceTransportPolicy", ice_transport_policy_},
              {"bundlePolicy", "max-bundle"},
              {"rtcpMuxPolicy", "require"},
              {"iceCandidatePoolSize", 10}}
      .dump();
}

}  // namespace crolang::turn_credentials
