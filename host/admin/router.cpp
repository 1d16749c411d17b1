#include "admin/router.hpp"

#include <utility>

namespace crolang::admin {
namespace {

bool is_placeholder(std::string_view segment) {
  return segment.starts_with('{');
}

/// The values of the placeholders; nullopt: the path is another one.
std::optional<std::vector<std::string>> values_in(const std::vector<std::string>& pattern,
                                                  const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  std::vector<std::string> values;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].empty() && !path[i].empty()) {
      values.push_back(path[i]);
    } else if (pattern[i].empty() || pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return values;
}

}  // namespace

void Router::add(Route route) {
  std::vector<std::string> segments = path_segments(route.pattern).value();
  for (std::string& segment : segments) {
    if (is_placeholder(segment)) segment.clear();
  }
  entries_.push_back({std::move(route), std::move(segments)});
}

std::variant<Router::Match, ApiAnswer> Router::find(std::string_view method, std::string_view path,
                                                    std::string_view query) const {
  const auto segments = path_segments(path);
  if (!segments) return error_answer(400, "the path is not percent-encoded UTF-8");
  const std::string_view wanted = method == "HEAD" ? name_of(Method::get) : method;
  std::string allowed;
  for (const Entry& entry : entries_) {
    auto values = values_in(entry.segments, *segments);
    if (!values) continue;
    if (name_of(entry.route.method) != wanted) {
      if (!allowed.empty()) allowed += ", ";
      allowed += entry.route.method == Method::get ? "GET, HEAD" : name_of(entry.route.method);
      continue;
    }
    auto parameters = read_query(query, entry.route.parameters);
    if (const auto* fault = std::get_if<std::string>(&parameters)) return error_answer(400, *fault);
    return Match{&entry.route,
                 {*std::move(values), std::get<Parameters>(std::move(parameters)), {}, {}}};
  }
  if (allowed.empty()) return error_answer(404, "there is no such path");
  ApiAnswer answer = error_answer(405, "this path allows " + allowed);
  answer.extra_headers = "Allow: " + allowed + "\r\n";
  return answer;
}

}  // namespace crolang::admin
