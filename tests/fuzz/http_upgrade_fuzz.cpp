/// What decides upon a request header: whatever the bytes are, it comes to a decision that can be
/// sent.
///
/// Input: a request header. Headers that lack it get an end, so that more inputs come past the
/// parser.
///
/// - A Response starts with a status line of its status, has one Content-Length, which tells how
/// many bytes follow the
///   header (none are sent to HEAD), and what the request said makes no header line of its own.
/// - A 101 carries the Sec-WebSocket-Accept of the one key that was sent, and no other status goes
/// on to a WebSocket.
/// - Bytes of a foreign_protocol are never accepted, however many of them are there.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/identity.hpp"
#include "net/http/decision.hpp"
#include "net/http/framing.hpp"
#include "websocket/handshake.hpp"

namespace {

namespace net = crolang::net;

void require(bool condition, const char* what, std::string_view header) {
  if (condition) return;
  std::fprintf(stderr, "%s\nin the decision upon:\n%.*s\n", what, static_cast<int>(header.size()),
               header.data());
  std::abort();
}

/// The lines of a header that ends with an empty one; none: it is no header.
std::vector<std::string_view> lines_of(std::string_view header) {
  std::vector<std::string_view> lines;
  while (!header.empty()) {
    const std::size_t end = header.find("\r\n");
    if (end == std::string_view::npos) return {};
    lines.push_back(header.substr(0, end));
    header.remove_prefix(end + 2);
  }
  if (lines.empty() || !lines.back().empty()) return {};
  lines.pop_back();
  return lines;
}

/// The value of the only line of this name; otherwise nothing.
std::string_view only_value(const std::vector<std::string_view>& lines, std::string_view name) {
  std::string_view value;
  int times = 0;
  for (const std::string_view line : lines) {
    if (!line.starts_with(name)) continue;
    value = line.substr(name.size());
    ++times;
  }
  return times == 1 ? value : std::string_view();
}

/// What our responses may contain besides their status line.
bool is_our_line(std::string_view line) {
  for (const std::string_view name :
       {"Connection: ", "Keep-Alive: ", "Content-Type: ", "Content-Length: ", "Access-Control-",
        "Vary: ", "Upgrade: ", "Sec-WebSocket-Accept: ", "Sec-WebSocket-Protocol: "}) {
    if (line.starts_with(name)) return true;
  }
  return false;
}

std::vector<std::string_view> checked_lines(std::string_view response, std::string_view header) {
  const std::size_t end = response.find("\r\n\r\n");
  require(end != std::string_view::npos, "a response has no end of its header", header);
  auto lines = lines_of(response.substr(0, end + 4));
  require(!lines.empty() && lines.front().starts_with("HTTP/1.1 "), "a response has no status line",
          header);
  lines.erase(lines.begin());
  for (const std::string_view line : lines) {
    require(is_our_line(line), "a response has a line that is not ours", header);
    require(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
            "a line has a control character", header);
  }
  return lines;
}

void check(const net::Response& response, std::string_view header) {
  const std::string status = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  require(response.bytes.starts_with(status), "the status line is of another status", header);
  require(response.status >= 200 && response.status <= 599, "the status is none", header);
  const auto lines = checked_lines(response.bytes, header);
  const std::size_t body = response.bytes.size() - response.bytes.find("\r\n\r\n") - 4;
  const bool is_head = header.starts_with("HEAD ") && body == 0;
  require(is_head ? !only_value(lines, "Content-Length: ").empty()
                  : only_value(lines, "Content-Length: ") == std::to_string(body),
          "Content-Length is wrong", header);
  require(only_value(lines, "Connection: ") ==
              (response.after == net::After::keep ? "keep-alive" : "close"),
          "Connection is wrong", header);
}

void check(const net::UpgradeRequest& upgrade, std::string_view header) {
  require(upgrade.response.starts_with("HTTP/1.1 101 "), "an upgrade is no 101", header);
  require(upgrade.response.ends_with("\r\n\r\n") &&
              upgrade.response.find("\r\n\r\n") == upgrade.response.size() - 4,
          "a 101 has a body", header);
  const auto lines = checked_lines(upgrade.response, header);
  const std::string_view accept = only_value(lines, "Sec-WebSocket-Accept: ");
  // The key as it stands in some header of the request: found without a parser, by what it must
  // lead to.
  bool agrees = false;
  for (std::size_t at = 0; at + 24 <= header.size() && !agrees; ++at) {
    const std::string_view key = header.substr(at, 24);
    if (!crolang::websocket::is_valid_key(key)) continue;
    const auto expected = crolang::websocket::accept_key(key);
    agrees = accept == std::string_view(expected.data(), expected.size());
  }
  require(agrees, "Sec-WebSocket-Accept is of no key in the request", header);
  for (const auto field :
       {crolang::broker::Identity::Field::id, crolang::broker::Identity::Field::data}) {
    require(upgrade.identity.field(field).value_or("").size() <= header.size(),
            "the identity is longer than the request", header);
  }
}

void check(const net::PageRequest&, std::string_view header) {
  require(header.starts_with("GET ") || header.starts_with("HEAD "), "a page is not only read",
          header);
}

void check(const net::NoResponse&, std::string_view) {}

void decide(std::string_view header) {
  const net::Decision decision = net::decide(header, net::node_listener_policy());
  std::visit([&](const auto& decided) { check(decided, header); }, decision);
  if (net::foreign_protocol(header)) {
    require(!std::holds_alternative<net::UpgradeRequest>(decision) &&
                !std::holds_alternative<net::PageRequest>(decision),
            "accepted what cannot be HTTP", header);
  }
  for (std::size_t size = header.size(); size > 0 && size + 20 > header.size(); --size) {
    require(net::foreign_protocol(header) || !net::foreign_protocol(header.substr(0, size)),
            "foreign_protocol gives up on the beginning of what it takes", header);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes = std::string(reinterpret_cast<const char*>(data), size) + "\r\n\r\n";
  // A header ends at its first empty line, as those do that are decided on.
  const std::size_t end = bytes.find("\r\n\r\n") + 4;
  decide(std::string_view(bytes).substr(0, std::min(size, end)));
  decide(std::string_view(bytes).substr(0, end));
  return 0;
}
