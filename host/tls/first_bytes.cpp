#include "tls/first_bytes.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace crolang::tls {
namespace {

constexpr std::array<std::string_view, 9> kMethods = {
    "GET ", "POST ", "PUT ", "HEAD ", "PATCH ", "DELETE ", "TRACE ", "OPTIONS ", "CONNECT "};

struct Protocol {
  std::string_view beginning;
  std::string_view name;
};
constexpr std::array<Protocol, 5> kProtocols = {{
    {"PRI * HT", "HTTP/2 without TLS"},
    {"SSH-", "SSH"},
    {"PROXY ", "a PROXY protocol header, version 1"},
    {"\r\n\r\n", "a PROXY protocol header, version 2"},
    {"*1\r\n", "Redis"},
}};

constexpr char kHandshakeRecord = 0x16;  // RFC 8446 5.1
constexpr char kMajorVersion = 3;

bool could_become(std::string_view begun, std::string_view whole) {
  return whole.substr(0, begun.size()) == begun.substr(0, whole.size());
}

std::string_view view(std::span<const char> bytes) {
  return {bytes.data(), std::min(bytes.size(), kFirstBytes)};
}

}  // namespace

FirstBytes recognize(std::span<const char> bytes) noexcept {
  const std::string_view begun = view(bytes);
  if (begun.empty()) return FirstBytes::undecided;
  if (begun[0] == kHandshakeRecord) {
    if (begun.size() == 1) return FirstBytes::undecided;
    return begun[1] == kMajorVersion ? FirstBytes::tls : FirstBytes::other;
  }
  for (const std::string_view method : kMethods) {
    if (begun.starts_with(method)) return FirstBytes::http;
    if (could_become(begun, method)) return FirstBytes::undecided;
  }
  return FirstBytes::other;
}

std::string describe_foreign(std::span<const char> bytes) {
  const std::string_view begun = view(bytes);
  for (const Protocol& protocol : kProtocols) {
    if (begun.starts_with(protocol.beginning)) return std::string(protocol.name);
  }
  // The ClientHello of SSL 2: a length of two bytes, then the type.
  if (begun.size() >= 3 && (begun[0] & 0x80) != 0 && begun[2] == 1) return "SSL 2";
  std::string text = "an unknown protocol, which begins with";
  for (const char c : begun) {
    std::array<char, 8> hex{};
    std::snprintf(hex.data(), hex.size(), " %02x", static_cast<unsigned char>(c));
    text += hex.data();
  }
  return text;
}

}  // namespace crolang::tls
