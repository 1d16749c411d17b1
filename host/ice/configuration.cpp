#include "ice/configuration.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace crolang::ice {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& server, const char* name) {
  const auto found = server.find(name);
  return found != server.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void add(Targets& all, const Json& url, const stun::Credentials& credentials) {
  if (!url.is_string()) return;
  auto targets = targets_of(url.get_ref<const std::string&>(), credentials);
  auto* const good = std::get_if<std::vector<Target>>(&targets);
  if (good == nullptr) return;
  for (Target& each : *good) {
    if (all.targets.size() < kMaxTargets) {
      all.targets.push_back(std::move(each));
    } else {
      ++all.left_out;
    }
  }
}

}  // namespace

Targets targets_in(std::string_view configuration) {
  Targets all;
  const Json json = Json::parse(configuration, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("iceServers")) return all;
  for (const Json& server : json["iceServers"]) {
    if (!server.is_object() || !server.contains("urls")) continue;
    const stun::Credentials credentials{text_of(server, "username"), text_of(server, "credential")};
    for (const Json& url : server["urls"]) add(all, url, credentials);
  }
  return all;
}

}  // namespace crolang::ice
