#include "webhook-rtc/configuration.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace crolang::webhook_rtc {
namespace {

using Json = nlohmann::json;

// What the broker accepts; nlohmann frees trees by recursion.
constexpr int kMaxDepth = 32;

bool is_url_or_urls(const Json& urls) {
  const auto is_string = [](const Json& url) { return url.is_string(); };
  return urls.is_string() ||
         (urls.is_array() && !urls.empty() && std::all_of(urls.begin(), urls.end(), is_string));
}

const char* fault_of_server(const Json& server) {
  if (!server.is_object()) return "the answer has an entry of \"iceServers\" that is no object";
  const auto urls = server.find("urls");
  if (urls == server.end() || !is_url_or_urls(*urls)) {
    return "the answer has an entry of \"iceServers\" without \"urls\" (a string or a list of "
           "them)";
  }
  for (const char* const name : {"username", "password", "credential"}) {
    const auto member = server.find(name);
    if (member != server.end() && !member->is_string() && !member->is_null()) {
      return "the answer has a username, password or credential that is no string";
    }
  }
  return nullptr;
}

}  // namespace

const char* fault_of(std::string_view answer) {
  bool too_deep = false;
  const auto shallow = [&](int depth, Json::parse_event_t, const Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return depth <= kMaxDepth;
  };
  const Json whole = Json::parse(answer, shallow, /*allow_exceptions=*/false);
  if (!whole.is_object()) return "the answer is no JSON object";
  if (too_deep) return "the answer is nested too deeply";
  const auto wrapped = whole.find("rtcConfiguration");
  const Json& configuration = wrapped == whole.end() ? whole : *wrapped;
  if (!configuration.is_object()) return "the answer has an \"rtcConfiguration\" that is no object";
  const auto servers = configuration.find("iceServers");
  if (servers == configuration.end() || !servers->is_array() || servers->empty()) {
    return "the answer has no \"iceServers\" that is a list with something in it";
  }
  for (const Json& server : *servers) {
    if (const char* const fault = fault_of_server(server)) return fault;
  }
  return nullptr;
}

}  // namespace crolang::webhook_rtc
