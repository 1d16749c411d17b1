#include "tls/server_names.hpp"

#include "text/ascii.hpp"

namespace crolang::tls {

void ServerNames::add(const std::vector<std::string>& names, std::size_t index) {
  for (const std::string& name : names) names_.try_emplace(name, index);
}

std::optional<std::size_t> ServerNames::find(std::string_view server_name) const {
  std::string name = text::to_lower(server_name);
  if (const auto found = names_.find(name); found != names_.end()) return found->second;
  // RFC 6125 6.4.3: a wildcard stands for one whole label, the first.
  const std::size_t dot = name.find('.');
  if (dot == 0 || dot == std::string::npos) return std::nullopt;
  const auto found = names_.find(name.replace(0, dot, 1, '*'));
  return found != names_.end() ? std::optional(found->second) : std::nullopt;
}

}  // namespace crolang::tls
