#include "admin/query.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "websocket/utf8.hpp"

namespace crolang::admin {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_number_between(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end && number >= least && number <= most;
}

std::string listed(const std::vector<std::string_view>& choices) {
  std::string text;
  for (const std::string_view each : choices) {
    if (!text.empty()) text += each == choices.back() ? " or " : ", ";
    text += each;
  }
  return text;
}

/// Empty: the value is one that the parameter takes.
std::string fault_of(const Parameter& parameter, std::string_view value) {
  const std::string name(parameter.name);
  switch (parameter.type) {
    case Parameter::Type::text:
      if (value.empty()) return name + " is empty";
      if (value.size() > parameter.most)
        return name + " has more than " + std::to_string(parameter.most) + " bytes";
      return {};
    case Parameter::Type::number:
      if (is_number_between(value, parameter.least, parameter.most)) return {};
      return name + " is not a whole number from " + std::to_string(parameter.least) + " to " +
             std::to_string(parameter.most);
    case Parameter::Type::choice:
      if (std::ranges::find(parameter.choices, value) != parameter.choices.end()) return {};
      return name + " is not " + listed(parameter.choices);
  }
  return {};
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!websocket::is_utf8(decoded)) return std::nullopt;
  return decoded;
}

std::optional<std::vector<std::string>> path_segments(std::string_view path) {
  std::vector<std::string> segments;
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    auto segment = percent_decoded(path.substr(0, slash));
    if (!segment) return std::nullopt;
    segments.push_back(*std::move(segment));
    if (slash == path.size()) return segments;
    path.remove_prefix(slash + 1);
  }
}

std::optional<std::vector<std::pair<std::string, std::string>>> form_fields(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (part.empty()) continue;
    std::string plain(part);
    std::ranges::replace(plain, '+', ' ');
    const std::size_t equals = std::min(plain.find('='), plain.size());
    auto name = percent_decoded(std::string_view(plain).substr(0, equals));
    auto value =
        percent_decoded(std::string_view(plain).substr(std::min(equals + 1, plain.size())));
    if (!name || !value) return std::nullopt;
    fields.emplace_back(*std::move(name), *std::move(value));
  }
  return fields;
}

std::variant<Parameters, std::string> read_query(std::string_view query,
                                                 std::span<const Parameter> declared) {
  auto fields = form_fields(query);
  if (!fields) return "the query is not percent-encoded UTF-8";
  Parameters parameters;
  for (auto& [name, value] : *fields) {
    const auto known =
        std::ranges::find_if(declared, [&](const Parameter& each) { return each.name == name; });
    if (known == declared.end()) return "unknown parameter " + name.substr(0, 64);
    if (parameters.find(name) != nullptr) return name + " is given more than once";
    if (std::string fault = fault_of(*known, value); !fault.empty()) return fault;
    parameters.set(std::move(name), std::move(value));
  }
  for (const Parameter& each : declared) {
    if (!each.default_value.empty() && parameters.find(each.name) == nullptr)
      parameters.set(std::string(each.name), std::string(each.default_value));
  }
  return parameters;
}

}  // namespace crolang::admin
