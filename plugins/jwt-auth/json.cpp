#include "jwt-auth/json.hpp"

#include <set>
#include <string>
#include <vector>

namespace crolang::jwt_auth {

std::optional<Json> parse_object(std::string_view text) {
  constexpr int kMaxDepth = 32;
  std::vector<std::set<std::string>> open;  // names seen so far in each object being parsed
  bool refused = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (refused) return false;
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    refused = depth > kMaxDepth || (event == Json::parse_event_t::key &&
                                    !open.back().insert(value.get<std::string>()).second);
    return !refused;
  };
  Json json = Json::parse(text, watch, /*allow_exceptions=*/false);
  if (refused || !json.is_object()) return std::nullopt;
  return json;
}

const std::string* string_member(const Json& object, std::string_view name) {
  const auto member = object.find(name);
  return member == object.end() ? nullptr : member->get_ptr<const std::string*>();
}

}  // namespace crolang::jwt_auth
