#include "ice/target.hpp"

#include <charconv>

#include "crolang/ice_url.hpp"

namespace crolang::ice {
namespace {

constexpr std::uint16_t kPlainPort = 3478;
constexpr std::uint16_t kTlsPort = 5349;

/// `host[:port]`, checked by parse_ice_url.
void set_host_and_port(Target& target, std::string_view text) {
  std::size_t end = text.find(':');
  if (text.starts_with('[')) {
    end = text.find(']');
    target.host = text.substr(1, end - 1);
    end = text.find(':', end);
  } else {
    target.host = text.substr(0, end);
  }
  target.port = target.way == Way::tls ? kTlsPort : kPlainPort;
  if (end != std::string_view::npos) {
    std::from_chars(text.data() + end + 1, text.data() + text.size(), target.port);
  }
}

}  // namespace

std::string_view name_of(Way way) noexcept {
  switch (way) {
    case Way::udp:
      return "UDP";
    case Way::tcp:
      return "TCP";
    case Way::tls:
      return "TLS";
  }
  return {};
}

std::variant<std::vector<Target>, std::string> targets_of(std::string_view url,
                                                          const stun::Credentials& credentials) {
  const auto parsed = plugin::parse_ice_url(url);
  if (const auto* fault = std::get_if<plugin::IceUrlFault>(&parsed)) {
    return "'" + plugin::shown_ice_url(url) + "': " + std::string(fault->why) +
           ": write stun:host[:port], turn:host[:port][?transport=udp|tcp] or turns:host[:port]";
  }
  const auto& good = std::get<plugin::IceUrl>(parsed);
  Target target;
  target.url = good.text;
  const std::string_view text = target.url;
  const std::size_t colon = text.find(':');
  const std::size_t mark = text.find('?');
  if (text.substr(0, colon).ends_with('s')) {
    target.way = Way::tls;
  } else if (text.ends_with("?transport=tcp")) {
    target.way = Way::tcp;
  }
  set_host_and_port(
      target, text.substr(colon + 1, mark == std::string_view::npos ? mark : mark - colon - 1));
  if (good.server == plugin::IceUrl::Server::turn) {
    target.service = Service::turn;
    target.credentials = credentials;
    return std::vector<Target>{std::move(target)};
  }
  if (target.way == Way::tls) return std::vector<Target>{std::move(target)};
  Target by_tcp = target;
  by_tcp.way = Way::tcp;
  return std::vector<Target>{std::move(target), std::move(by_tcp)};
}

}  // namespace crolang::ice
