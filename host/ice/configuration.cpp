#include "ice/configuration.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace crolang::ice {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& server, const char* name) {
  const auto found = server.find(name);
  return found != server.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Of a server: what browsers read, and what crolang nodes do.
std::vector<stun::Credentials> credentials_in(const Json& server) {
  const std::string username = text_of(server, "username");
  std::string credential = text_of(server, "credential");
  std::string password = text_of(server, "password");
  if (credential.empty()) std::swap(credential, password);
  std::vector<stun::Credentials> all{{username, credential}};
  if (!password.empty() && password != credential) all.push_back({username, std::move(password)});
  return all;
}

void add(Targets& all, const Json& url, const std::vector<stun::Credentials>& credentials) {
  constexpr std::array<std::string_view, 2> kNames{"credential", "password"};
  if (!url.is_string()) return;
  for (std::size_t i = 0; i < credentials.size(); ++i) {
    auto targets = targets_of(url.get_ref<const std::string&>(), credentials[i]);
    auto* const good = std::get_if<std::vector<Target>>(&targets);
    if (good == nullptr) return;
    for (Target& each : *good) {
      if (each.service == Service::stun && i != 0) continue;
      if (each.service == Service::turn && credentials.size() > 1) each.password_name = kNames[i];
      all.add(std::move(each));
    }
  }
}

}  // namespace

void Targets::add(Target target) {
  const bool is_turn = target.service == Service::turn;
  std::size_t& count = is_turn ? turn_ : stun_;
  if (count == kMaxTargets) {
    ++(is_turn ? left_out_turn_ : left_out_stun_);
    return;
  }
  ++count;
  all_.push_back(std::move(target));
}

Targets targets_in(std::string_view configuration) {
  Targets all;
  const Json json = Json::parse(configuration, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("iceServers")) return all;
  for (const Json& server : json["iceServers"]) {
    if (!server.is_object() || !server.contains("urls")) continue;
    const std::vector<stun::Credentials> credentials = credentials_in(server);
    for (const Json& url : server["urls"]) add(all, url, credentials);
  }
  return all;
}

}  // namespace crolang::ice
