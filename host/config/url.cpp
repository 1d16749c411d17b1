#include "config/url.hpp"

#include <crolang/url.hpp>

namespace crolang::config {

namespace {

bool is_host_and_port(const url::Authority& authority) {
  return !authority.host.empty() &&
         (authority.behind.empty() || url::read_port(authority.behind).has_value());
}

/// Separated by commas.
bool are_hosts(std::string_view list) {
  while (true) {
    const std::size_t comma = list.find(',');
    if (!is_host_and_port(url::split_authority(list.substr(0, comma)))) return false;
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

bool is_url(std::string_view text) {
  const auto scheme = url::split_scheme(text);
  if (!scheme || !url::is_scheme(scheme->name) || !url::is_printable(text)) return false;
  const std::size_t end = url::authority_size(scheme->rest);
  const auto authority = url::split_authority(scheme->rest.substr(0, end));
  // A unix socket is a path on this machine.
  if (scheme->name == "unix" && authority.host.empty() && authority.behind.empty()) {
    return authority.brackets == url::Brackets::none && scheme->rest.substr(end).starts_with('/');
  }
  std::string_view hosts = scheme->rest.substr(0, end);
  if (authority.userinfo) hosts.remove_prefix(authority.userinfo->size() + 1);
  return are_hosts(hosts);
}

std::string masked_url(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  const std::size_t authority = scheme_end == std::string_view::npos ? 0 : scheme_end + 3;
  std::string out(text.substr(0, authority));
  std::string_view rest = text.substr(authority);
  // The last @ anywhere: a password may have an unescaped / or ?, and hiding too much is better
  // than showing it.
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    out += "***";
    rest.remove_prefix(at);
  }
  const std::size_t query = rest.find_first_of("?#");
  out += rest.substr(0, query);
  if (query != std::string_view::npos) out.append(1, rest[query]).append("***");
  return out;
}

}  // namespace crolang::config
