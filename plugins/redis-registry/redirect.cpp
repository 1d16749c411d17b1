#include "redis-registry/redirect.hpp"

#include <charconv>
#include <string>

#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {
namespace {

constexpr std::string_view kAsk = "ASK ";

/// `host:port`; the host may have colons itself. "?" is the name of a node that does not know its
/// own, as in SlotMap.
std::optional<HostPort> read_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  HostPort address{std::string(text.substr(0, colon)), 0};
  if (address.host == "?") address.host.clear();
  const std::string_view digits = text.substr(colon + 1);
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, address.port);
  if (error != std::errc{} || stop != end || address.port == 0) return std::nullopt;
  return address;
}

}  // namespace

std::optional<Redirect> read_redirect(std::string_view error) {
  if (error.starts_with("MOVED ")) return Redirect{Redirect::Kind::moved, {}};
  if (error.starts_with("TRYAGAIN")) return Redirect{Redirect::Kind::later, {}};
  if (!error.starts_with(kAsk)) return std::nullopt;
  const std::string_view rest = error.substr(kAsk.size());
  const std::size_t space = rest.find(' ');
  if (space == std::string_view::npos) return Redirect{Redirect::Kind::later, {}};
  auto to = read_address(rest.substr(space + 1));
  if (!to) return Redirect{Redirect::Kind::later, {}};
  return Redirect{Redirect::Kind::ask, std::move(*to)};
}

std::optional<Redirect> read_redirect(const redisReply* reply) {
  if (reply == nullptr || !is_error(*reply)) return std::nullopt;
  return read_redirect(text_of(*reply));
}

bool is_cluster_down(std::string_view error) {
  // A slot without a master says nothing of the others.
  return error.starts_with("CLUSTERDOWN") && !error.starts_with("CLUSTERDOWN Hash slot");
}

}  // namespace crolang::redis_registry
