#include "broker/rtc_configuration.hpp"

#include <nlohmann/json.hpp>

#include "json/scanner.hpp"

namespace crolang::broker {
namespace {

using Json = nlohmann::ordered_json;

// nlohmann copies and destroys trees by recursion; no honest configuration is nested deeper.
constexpr std::size_t kMaxDepth = 32;

bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

const char* normalise_server(Json& server) {
  if (!server.is_object()) return "an entry of iceServers is no object";
  const auto urls = server.find("urls");
  if (urls == server.end()) return "an entry of iceServers has no urls";
  if (urls->is_string()) {
    *urls = Json::array({*urls});
  } else if (!urls->is_array() || urls->empty()) {
    return "urls is neither a string nor a list of strings";
  }
  for (const Json& url : *urls) {
    if (!url.is_string()) return "urls is neither a string nor a list of strings";
  }
  for (const char* name : {"username", "password", "credential"}) {
    const auto member = server.find(name);
    if (member == server.end()) continue;
    if (member->is_null()) {
      server.erase(member);
    } else if (!member->is_string()) {
      return "username, password or credential is no string";
    }
  }
  if (server.contains("password") && !server.contains("credential")) {
    server["credential"] = Json(server["password"]);
  } else if (server.contains("credential") && !server.contains("password")) {
    server["password"] = Json(server["credential"]);
  }
  return nullptr;
}

}  // namespace

std::variant<RtcLiteral, RtcNormaliser::Fault> RtcNormaliser::normalise(std::string_view answer) {
  if (last_literal_ && answer == last_answer_) return last_literal_;
  if (too_deep(answer)) return Fault{"the RTC configuration is nested too deeply"};
  Json configuration = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (configuration.is_discarded()) return Fault{"the RTC configuration is not JSON"};
  if (!configuration.is_object()) return Fault{"the RTC configuration is no object"};
  if (const auto wrapped = configuration.find("rtcConfiguration"); wrapped != configuration.end()) {
    Json inner = std::move(*wrapped);
    configuration = std::move(inner);
    if (!configuration.is_object()) return Fault{"rtcConfiguration is no object"};
  }
  const auto servers = configuration.find("iceServers");
  if (servers == configuration.end() || !servers->is_array()) {
    return Fault{"the RTC configuration has no list iceServers"};
  }
  // Nodes take an empty list as an error.
  if (servers->empty()) return Fault{"iceServers is empty"};
  for (Json& server : *servers) {
    if (const char* fault = normalise_server(server)) return Fault{fault};
  }
  std::string literal;
  // The peer pretty-prints with two blanks; so do we, for whoever reads it in a log.
  json::append_quoted(literal, configuration.dump(2));
  last_literal_ = std::make_shared<const std::string>(std::move(literal));
  last_answer_ = answer;
  return last_literal_;
}

}  // namespace crolang::broker
