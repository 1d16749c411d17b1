/// What judges RTC configurations and the URLs of ICE servers: whatever an answer is, what nodes
/// get of it is one that every WebRTC stack takes.
///
/// Input: an answer of an rtc-config/1 module, and the same bytes as a URL.
///
/// - A configuration is JSON in a JSON string, has servers, and each has URLs that are parsed good
///   and as they should be spelt; those of TURN come with credentials. Policies are of their
///   values, `relay` comes with a TURN server.
/// - What came out goes in again unchanged, with nothing left out.
/// - A URL that is good is so in its new spelling, which stays. What is shown of any is bounded,
///   and without a password, whatever it is.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "broker/rtc_configuration.hpp"
#include "crolang/ice_url.hpp"

namespace {

using Json = nlohmann::json;
using crolang::broker::RtcNormaliser;
using crolang::plugin::IceUrl;

void require(bool condition, const char* what, std::string_view input) {
  if (condition) return;
  std::fprintf(stderr, "%s\nof:\n%.*s\n", what, static_cast<int>(input.size()), input.data());
  std::abort();
}

bool is_one_of(const Json& configuration, const char* member,
               std::initializer_list<const char*> values) {
  if (!configuration.contains(member)) return true;
  for (const char* value : values) {
    if (configuration[member] == value) return true;
  }
  return false;
}

void check_url(std::string_view url) {
  const auto parsed = crolang::plugin::parse_ice_url(url);
  if (const auto* good = std::get_if<IceUrl>(&parsed)) {
    const auto again = crolang::plugin::parse_ice_url(good->text);
    const auto* same = std::get_if<IceUrl>(&again);
    require(same != nullptr && same->text == good->text && same->server == good->server,
            "the spelling of a good URL is not good", url);
  }
  const std::string shown = crolang::plugin::shown_ice_url(url);
  require(shown.size() <= 128 + 3, "too much is shown", url);
  const std::string with_password = "turn:user:" + std::string(url) + "@a.example";
  require(crolang::plugin::shown_ice_url(with_password) == "turn:…@a.example",
          "a password is shown", url);
}

/// Returns whether it relays.
bool check_server(const Json& server, std::string_view answer) {
  require(!server["urls"].empty(), "a server has no URL", answer);
  bool relays = false;
  for (const Json& url : server["urls"]) {
    const auto parsed = crolang::plugin::parse_ice_url(url.get<std::string>());
    const auto* good = std::get_if<IceUrl>(&parsed);
    require(good != nullptr && good->text == url, "a URL is not good", answer);
    if (good->server != IceUrl::Server::turn) continue;
    relays = true;
    for (const char* member : {"username", "credential", "password"}) {
      require(server.contains(member) && server[member] != "", "credentials are missing", answer);
    }
    require(server["username"].get<std::string>().size() <= 508, "a username is long", answer);
  }
  require(!server.contains("credentialType"), "a credentialType is there", answer);
  return relays;
}

void check_answer(std::string_view answer) {
  RtcNormaliser normaliser;
  const auto result = normaliser.normalise(answer);
  const auto* made = std::get_if<RtcNormaliser::Configuration>(&result);
  if (made == nullptr) {
    require(!std::get<RtcNormaliser::Fault>(result).text.empty(), "a fault has no words", answer);
    return;
  }
  require((made->left_out == 0) == made->why_left_out.empty(), "left out for no reason", answer);
  require(made->why_left_out.size() <= 1400, "the reasons are long", answer);
  const std::string text = Json::parse(*made->literal).get<std::string>();
  const Json configuration = Json::parse(text);
  require(!configuration["iceServers"].empty(), "there is no server", answer);
  bool relays = false;
  for (const Json& server : configuration["iceServers"]) {
    relays = check_server(server, answer) || relays;
  }
  require(is_one_of(configuration, "iceTransportPolicy", {"all", "relay"}) &&
              is_one_of(configuration, "bundlePolicy", {"balanced", "max-compat", "max-bundle"}) &&
              is_one_of(configuration, "rtcpMuxPolicy", {"require", "negotiate"}),
          "a policy is none of its values", answer);
  require(relays || configuration.value("iceTransportPolicy", "all") == "all",
          "a relay is wanted and there is none", answer);
  require(relays == (made->turn_urls != 0), "TURN URLs are miscounted", answer);
  for (const auto& member : configuration.items()) {
    require(!member.value().is_null(), "a member is null", answer);
  }

  const auto again = normaliser.normalise(text);
  const auto* same = std::get_if<RtcNormaliser::Configuration>(&again);
  require(same != nullptr && *same->literal == *made->literal && same->left_out == 0,
          "what came out does not go in unchanged", answer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_url(input);
  check_answer(input);
  return 0;
}
