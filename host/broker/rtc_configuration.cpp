#include "broker/rtc_configuration.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "crolang/ice_url.hpp"
#include "json/scanner.hpp"

namespace crolang::broker {
namespace {

using Json = nlohmann::ordered_json;
using Fault = RtcNormaliser::Fault;

// nlohmann copies and destroys trees by recursion; no legitimate configuration is nested deeper.
constexpr std::size_t kMaxDepth = 32;
// STUN allows 512 bytes (RFC 8489 14.3); Chromium rejects a configuration with 510 or more, and
// finds no relay with 509.
constexpr std::size_t kMaxUsernameBytes = 508;
constexpr std::size_t kMaxPoolSize = 255;
constexpr std::size_t kMaxShownBytes = 64;
constexpr std::size_t kMaxReasonBytes = 1000;

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

/// A value that is not secret, for the log.
std::string shown(const Json& value) {
  if (value.is_structured()) return value.is_array() ? "a list" : "an object";
  std::string text = value.dump();
  if (text.size() <= kMaxShownBytes) return text;
  std::size_t size = kMaxShownBytes;
  // Do not cut within a UTF-8 character.
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size) + "…";
}

/// The URLs that are left out of the configuration, and why.
class LeftOut {
 public:
  void add(std::size_t server, std::string_view url, std::string_view why) {
    ++count_;
    if (!is_stun(url)) ++turn_count_;
    if (reasons_.size() > kMaxReasonBytes) return;
    if (!reasons_.empty()) reasons_ += "; ";
    reasons_.append("iceServers[").append(std::to_string(server)).append("] '");
    reasons_.append(plugin::shown_ice_url(url)).append("': ").append(why);
    if (reasons_.size() > kMaxReasonBytes) reasons_ += "; …";
  }

  std::size_t count() const { return count_; }
  std::size_t turn_count() const { return turn_count_; }
  const std::string& reasons() const { return reasons_; }

 private:
  static bool is_stun(std::string_view url) {
    const std::string text =
        plugin::detail::in_lower_case(plugin::detail::without_blanks_around(url));
    return text.starts_with("stun:") || text.starts_with("stuns:");
  }

  std::size_t count_ = 0;
  std::size_t turn_count_ = 0;
  std::string reasons_;
};

// Serialisers of some languages write unset members as null; most stacks treat that as a value.
void drop_nulls(Json& object) {
  auto& members = object.get_ref<Json::object_t&>();
  const auto is_null = [](const auto& member) { return member.second.is_null(); };
  if (std::ranges::none_of(members, is_null)) return;
  Json::object_t kept;
  // Rebuilt as a list: erasing key by key would be quadratic.
  Json::object_t::Container& list = kept;
  for (auto& member : members) {
    if (!is_null(member)) list.emplace_back(member.first, std::move(member.second));
  }
  members = std::move(kept);
}

/// Turns `urls` into an array. Returns why a member has the wrong type; nullptr: none has.
const char* fault_of_types(Json& server) {
  if (!server.is_object()) return "an entry of iceServers is not an object";
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
  drop_nulls(server);
  for (const char* name : {"username", "password", "credential"}) {
    const auto member = server.find(name);
    if (member != server.end() && !member->is_string()) {
      return "username, password or credential is not a string";
    }
  }
  return nullptr;
}

std::string_view text_of(const Json& server, const char* name) {
  const auto member = server.find(name);
  return member == server.end() ? std::string_view() : member->get_ref<const std::string&>();
}

void set_password_and_credential(Json& server) {
  const std::string password(text_of(server, "password"));
  const std::string credential(text_of(server, "credential"));
  if (password.empty() && !credential.empty()) server["password"] = credential;
  if (credential.empty() && !password.empty()) server["credential"] = password;
}

/// What is wrong with the credentials of a TURN server.
std::optional<std::string_view> fault_of_credentials(const Json& server) {
  const std::string_view username = text_of(server, "username");
  if (username.empty()) return "a TURN server needs a username";
  if (text_of(server, "credential").empty()) return "a TURN server needs a credential";
  if (username.size() > kMaxUsernameBytes) return "its username is longer than 508 bytes";
  return std::nullopt;
}

/// Keeps only the URLs that every stack accepts. Returns how many of them are TURN URLs.
std::size_t keep_good_urls(Json& server, std::size_t index, LeftOut& left_out) {
  std::optional<std::string_view> fault_of_all;
  if (const auto type = server.find("credentialType"); type != server.end()) {
    if (*type == "password") {
      server.erase(type);
    } else {
      fault_of_all = "its credentialType is not password";
    }
  }
  set_password_and_credential(server);
  const auto fault_of_turn = fault_of_credentials(server);
  std::size_t turn_urls = 0;
  Json kept = Json::array();
  for (const Json& each : server["urls"]) {
    const auto& url = each.get_ref<const std::string&>();
    auto checked = plugin::parse_ice_url(url);
    const auto* const good = std::get_if<plugin::IceUrl>(&checked);
    const bool is_turn = good != nullptr && good->server == plugin::IceUrl::Server::turn;
    if (good == nullptr) {
      left_out.add(index, url, std::get<plugin::IceUrlFault>(checked).why);
    } else if (fault_of_all) {
      left_out.add(index, url, *fault_of_all);
    } else if (is_turn && fault_of_turn) {
      left_out.add(index, url, *fault_of_turn);
    } else {
      turn_urls += is_turn ? 1 : 0;
      kept.push_back(good->text);
    }
  }
  server["urls"] = std::move(kept);
  return turn_urls;
}

/// A member that, if present, must have one of these values.
struct Choice {
  const char* member;
  std::initializer_list<std::string_view> values;
  std::string_view in_words;
};

std::optional<Fault> fault_of_choices(const Json& configuration) {
  for (const Choice& choice :
       {Choice{"iceTransportPolicy", {"all", "relay"}, "all or relay"},
        Choice{"bundlePolicy",
               {"balanced", "max-compat", "max-bundle"},
               "balanced, max-compat or max-bundle"},
        Choice{"rtcpMuxPolicy", {"require", "negotiate"}, "require or negotiate"}}) {
    const auto member = configuration.find(choice.member);
    if (member == configuration.end()) continue;
    const auto matches = [&](std::string_view value) { return *member == value; };
    if (std::ranges::none_of(choice.values, matches)) {
      std::string text = choice.member;
      text.append(" is ").append(shown(*member)).append(", not ").append(choice.in_words);
      return Fault{std::move(text)};
    }
  }
  if (const auto size = configuration.find("iceCandidatePoolSize"); size != configuration.end()) {
    if (!size->is_number_unsigned() || size->get<std::uint64_t>() > kMaxPoolSize) {
      return Fault{"iceCandidatePoolSize is " + shown(*size) + ", not an integer from 0 to 255"};
    }
  }
  return std::nullopt;
}

/// Members that no node can use, and that some stacks reject.
std::optional<Fault> drop_useless_members(Json& configuration) {
  if (const auto found = configuration.find("certificates"); found != configuration.end()) {
    // Certificates are objects of the node's own process, and have no JSON form.
    if (!found->is_array() || !found->empty()) {
      return Fault{"certificates cannot be given to a node"};
    }
    configuration.erase(found);
  }
  if (const auto found = configuration.find("sdpSemantics"); found != configuration.end()) {
    if (*found != "unified-plan" && *found != "plan-b") configuration.erase(found);
  }
  return std::nullopt;
}

/// Parses the answer and checks the types of its outermost members.
std::variant<Json, Fault> read(std::string_view answer) {
  if (too_deep(answer)) return Fault{"the RTC configuration is nested too deeply"};
  Json configuration = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (configuration.is_discarded()) return Fault{"the RTC configuration is not JSON"};
  if (!configuration.is_object()) return Fault{"the RTC configuration is not an object"};
  if (const auto wrapped = configuration.find("rtcConfiguration"); wrapped != configuration.end()) {
    Json inner = std::move(*wrapped);
    configuration = std::move(inner);
    if (!configuration.is_object()) return Fault{"rtcConfiguration is not an object"};
  }
  const auto servers = configuration.find("iceServers");
  if (servers == configuration.end() || !servers->is_array()) {
    return Fault{"the RTC configuration has no iceServers list"};
  }
  // Nodes treat an empty list as an error.
  if (servers->empty()) return Fault{"iceServers is empty"};
  for (Json& server : *servers) {
    if (const char* fault = fault_of_types(server)) return Fault{fault};
  }
  drop_nulls(configuration);
  return configuration;
}

}  // namespace

std::variant<RtcNormaliser::Configuration, Fault> RtcNormaliser::normalise(
    std::string_view answer) {
  if (last_.literal && answer == last_answer_) return last_;
  auto parsed = read(answer);
  if (auto* fault = std::get_if<Fault>(&parsed)) return std::move(*fault);
  Json& configuration = std::get<Json>(parsed);
  if (auto fault = fault_of_choices(configuration)) return std::move(*fault);
  if (auto fault = drop_useless_members(configuration)) return std::move(*fault);

  Configuration result;
  LeftOut left_out;
  Json kept = Json::array();
  std::size_t index = 0;
  for (Json& server : configuration["iceServers"]) {
    result.turn_urls += keep_good_urls(server, index++, left_out);
    if (!server["urls"].empty()) kept.push_back(std::move(server));
  }
  if (kept.empty()) return Fault{"no server in iceServers is usable: " + left_out.reasons()};
  const auto policy = configuration.find("iceTransportPolicy");
  if (result.turn_urls == 0 && policy != configuration.end() && *policy == "relay") {
    std::string text = "iceTransportPolicy is relay, but there is no TURN server";
    if (left_out.count() != 0) text += " that can be used: " + left_out.reasons();
    return Fault{std::move(text)};
  }
  configuration["iceServers"] = std::move(kept);

  std::string literal;
  // Indented by two spaces, as the TypeScript broker does, for readability in logs.
  json::append_quoted(literal, configuration.dump(2));
  result.literal = std::make_shared<const std::string>(std::move(literal));
  result.left_out = left_out.count();
  result.turn_left_out = left_out.turn_count();
  result.why_left_out = left_out.reasons();
  last_ = result;
  last_answer_ = answer;
  return result;
}

}  // namespace crolang::broker
