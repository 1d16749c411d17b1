#include "webhook-common/url.hpp"

#include <algorithm>
#include <crolang/base64.hpp>
#include <crolang/url.hpp>
#include <stdexcept>

namespace crolang::webhook_common {
namespace {

using crolang::url::Plus;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

/// RFC 7617 2: the user ends at the first colon. An invalid percent sequence is kept as it is.
std::string basic_credentials(std::string_view userinfo) {
  const std::size_t colon = std::min(userinfo.find(':'), userinfo.size());
  std::string credentials;
  crolang::url::append_decoded(credentials, userinfo.substr(0, colon), Plus::is_itself);
  credentials += ':';
  if (colon < userinfo.size()) {
    crolang::url::append_decoded(credentials, userinfo.substr(colon + 1), Plus::is_itself);
  }
  return "Basic " + base64::encode(credentials);
}

}  // namespace

Url read_url(std::string_view variable, std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    throw std::invalid_argument(std::string(variable).append(": ").append(why));
  };
  const auto scheme = crolang::url::split_scheme(text);
  if (!scheme) refuse("is not a URL such as https://host:port/path");
  Url url;
  if (const std::string name = lower(scheme->name); name == "https") {
    url.scheme = Url::Scheme::https;
  } else if (name != "http") {
    refuse("the scheme '" + name + "' is not supported; use http or https");
  }
  if (!crolang::url::is_printable(text)) {
    refuse("has blanks, control characters or non-ASCII characters");
  }

  const std::size_t authority_end = crolang::url::authority_size(scheme->rest);
  const std::string_view target = scheme->rest.substr(authority_end);
  if (!target.starts_with('/')) url.target = "/";
  url.target += target.substr(0, target.find('#'));

  const auto authority = crolang::url::split_authority(scheme->rest.substr(0, authority_end));
  if (authority.userinfo) url.authorization = basic_credentials(*authority.userinfo);
  if (authority.brackets == crolang::url::Brackets::unclosed) {
    refuse("the host's bracket is not closed");
  }
  if (authority.host.empty()) refuse("the host is missing");
  if (scheme->rest.substr(0, authority_end).find(',', authority.userinfo.value_or("").size()) !=
      std::string_view::npos) {
    refuse("only one host is allowed");
  }
  url.host = lower(authority.host);
  const std::uint16_t usual = url.scheme == Url::Scheme::https ? 443 : 80;
  const auto port = authority.behind.empty() ? usual : crolang::url::read_port(authority.behind);
  if (!port) refuse("the port is not a number from 1 to 65535");
  url.port = *port;
  url.authority =
      authority.brackets == crolang::url::Brackets::closed ? "[" + url.host + "]" : url.host;
  if (url.port != usual) url.authority += ":" + std::to_string(url.port);
  return url;
}

}  // namespace crolang::webhook_common
