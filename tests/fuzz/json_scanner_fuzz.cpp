/// The scanner against nlohmann: both accept the same texts and find the same characters in every
/// string.
#include <string>
#include <string_view>

#include "fuzz/json_oracle.hpp"
#include "json/scanner.hpp"

using namespace crolang;

namespace {

void check_acceptance(std::string_view text) {
  json::Depth depth;
  const std::size_t start = json::skip_space(text, 0);
  const std::size_t end = json::scan_value(text, start, depth);
  const bool is_valid = end != json::npos && json::skip_space(text, end) == text.size();
  const auto expected = fuzz::parse(text);
  fuzz::require(is_valid == expected.has_value());
  if (!is_valid) return;

  const json::Kind kind = json::kind_of(text[start]);
  fuzz::require((kind == json::Kind::object) == expected->is_object());
  fuzz::require((kind == json::Kind::array) == expected->is_array());
  fuzz::require((kind == json::Kind::string) == expected->is_string());
  fuzz::require((kind == json::Kind::number) == expected->is_number());
  fuzz::require((kind == json::Kind::boolean) == expected->is_boolean());
  fuzz::require((kind == json::Kind::null) == expected->is_null());
  if (kind != json::Kind::string) return;

  const std::string_view literal = text.substr(start, end - start);
  std::string decoded;
  json::append_unescaped(decoded, literal);
  fuzz::require(fuzz::without_lone_surrogates(decoded) == expected->get_ref<const std::string&>());
  const json::StringScan scan = json::scan_string(text, start);
  fuzz::require(scan.end == end);
  fuzz::require(scan.has_escapes == (literal.find('\\') != std::string_view::npos));
}

void check_round_trip(std::string_view text, std::string_view expected_literal) {
  std::string literal;
  json::append_quoted(literal, text);
  fuzz::require(literal == expected_literal);
  std::string decoded;
  json::append_unescaped(decoded, literal);
  fuzz::require(decoded == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const auto literal = fuzz::stringify(text);
  if (literal) {
    check_acceptance(text);
    check_round_trip(text, *literal);
  } else {
    // Not UTF-8: nothing to compare, but nothing may break.
    json::Depth depth;
    const std::size_t end = json::scan_value(text, 0, depth);
    fuzz::require(end == json::npos || end <= text.size());
    std::string quoted;
    json::append_quoted(quoted, text);
    fuzz::require(json::scan_string(quoted, 0).end == quoted.size());
  }
  return 0;
}
