#include "admin/host_check.hpp"

#include <algorithm>
#include <optional>

#include "client_address/address.hpp"
#include "text/ascii.hpp"

namespace crolang::admin {
namespace {

/// nullopt: what follows the colon is not a port.
std::optional<std::string_view> without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.ends_with(']')) return host;
  const std::string_view port = host.substr(colon + 1);
  constexpr std::size_t kMostDigits = 5;
  const bool is_number = !port.empty() && port.size() <= kMostDigits &&
                         std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) return std::nullopt;
  return host.substr(0, colon);
}

}  // namespace

bool is_allowed_host(std::string_view host) noexcept {
  const auto name = without_port(host);
  if (!name) return false;
  if (text::equals_ignore_case(*name, "localhost")) return true;
  if (name->starts_with('[')) {
    if (!name->ends_with(']') || name->find(':') == std::string_view::npos) return false;
    return client_address::parse_address(name->substr(1, name->size() - 2)).has_value();
  }
  return name->find(':') == std::string_view::npos &&
         client_address::parse_address(*name).has_value();
}

bool is_same_origin(std::string_view origin, std::string_view host) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.size() > scheme.size() &&
        text::equals_ignore_case(origin.substr(0, scheme.size()), scheme))
      return text::equals_ignore_case(origin.substr(scheme.size()), host);
  }
  return false;
}

bool is_same_fetch_site(std::string_view fetch_site) noexcept {
  // "none": somebody has entered the address.
  return fetch_site.empty() || fetch_site == "same-origin" || fetch_site == "none";
}

}  // namespace crolang::admin
