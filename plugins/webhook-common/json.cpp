#include "webhook-common/json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace crolang::webhook_common {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBlanks = " \t\r\n";

/// The object without what is nested deeper than anything that is looked for, since nlohmann frees
/// trees by recursion.
Json read_object(std::string_view text) {
  const auto shallow = [](int depth, Json::parse_event_t, const Json&) { return depth < 4; };
  Json object = Json::parse(text, shallow, /*allow_exceptions=*/false);
  return object.is_object() ? object : Json();
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  const auto plain = [](char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; };
  if (std::all_of(text.begin(), text.end(), plain)) {
    out.append(1, '"').append(text).append(1, '"');
  } else {
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

std::optional<std::string> compact_container(std::string_view text) {
  const std::size_t start = text.find_first_not_of(kBlanks);
  if (start == std::string_view::npos || (text[start] != '{' && text[start] != '[') ||
      !Json::accept(text)) {
    return std::nullopt;
  }
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = start; i < text.size(); ++i) {
    const char c = text[i];
    if (!in_string && kBlanks.find(c) != std::string_view::npos) continue;
    out += c;
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') out += text[++i];
  }
  return out;
}

std::optional<bool> read_bool(std::string_view text, std::string_view member) {
  const Json object = read_object(text);
  const auto found = object.find(member);
  if (found == object.end() || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

std::optional<TextSet> read_strings(std::string_view text, std::string_view member) {
  const Json object = read_object(text);
  const auto found = object.find(member);
  if (found == object.end() || !found->is_array()) return std::nullopt;
  TextSet strings;
  for (const Json& element : *found) {
    if (!element.is_string()) return std::nullopt;
    strings.insert(element.get_ref<const std::string&>());
  }
  return strings;
}

}  // namespace crolang::webhook_common
