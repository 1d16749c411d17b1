#include "config/values.hpp"

#include <utility>

namespace crolang::config {

Values::Values(const Environment& environment, std::span<const Variable> variables) {
  for (const Variable& variable : variables) {
    config::Found found = config::find(environment, variable);
    if (!found.text.empty()) texts_.emplace(variable.name, std::move(found.text));
  }
}

std::optional<std::string> Values::find(std::string_view name) const {
  const auto found = texts_.find(name);
  if (found == texts_.end()) return std::nullopt;
  return found->second;
}

void Values::take(std::string_view name, const Values& other) {
  if (auto text = other.find(name)) {
    texts_.insert_or_assign(std::string(name), *std::move(text));
  } else if (const auto old = texts_.find(name); old != texts_.end()) {
    texts_.erase(old);
  }
}

}  // namespace crolang::config
