#include "net/http/framing.hpp"

namespace crolang::net {
namespace {

bool may_be_http(std::string_view beginning) {
  if (beginning == "\r") return true;  // half of an empty line
  // RFC 9112 2.2: lines end with CR LF. A lone LF is refused at once.
  for (std::size_t at = beginning.find('\n'); at != std::string_view::npos;
       at = beginning.find('\n', at + 1)) {
    if (at == 0 || beginning[at - 1] != '\r') return false;
  }
  // The longest method that is registered has 17 characters (UPDATEREDIRECTREF).
  constexpr std::size_t kLongestMethod = 17;
  for (std::size_t i = 0; i < beginning.size() && i <= kLongestMethod; ++i) {
    const char c = beginning[i];
    if (c == ' ') return i > 0;
    if ((c < 'A' || c > 'Z') && c != '-') return false;
  }
  return beginning.size() <= kLongestMethod;
}

}  // namespace

std::string_view header_lines(std::string_view header) {
  header.remove_prefix(std::min(header.find('\n'), header.size() - 1) + 1);
  if (header.ends_with("\r\n")) header.remove_suffix(2);
  return header;
}

std::string_view without_leading_empty_lines(std::string_view bytes) {
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  return bytes;
}

std::optional<RequestFault> foreign_protocol(std::string_view beginning) {
  // RFC 8446 5.1: a record of the type handshake.
  if (beginning.starts_with('\x16')) return RequestFault::tls;
  // The PROXY protocol's two versions. The second begins with two empty lines, which have been
  // removed.
  constexpr std::string_view kSecond("\0\r\nQUIT\n", 8);
  if (beginning.starts_with("PROXY ") || beginning.starts_with(kSecond)) {
    return RequestFault::proxy_protocol;
  }
  if (may_be_http(beginning)) return std::nullopt;
  return RequestFault::not_http;
}

}  // namespace crolang::net
