#pragma once
/// What a listener serves: a table of pages, and whether nodes connect there. Each listener has a
/// policy of its own, so that one for operators can serve what the one for nodes must not.
/// Threads: constants.

#include <cstdint>
#include <span>
#include <string_view>

#include "net/http/response.hpp"
#include "origin/allow_list.hpp"

namespace crolang::net {

enum class Page : std::uint8_t { root, health, readiness, metrics };

struct PageRequest {
  Page page;
  After after;
  Part part = Part::whole;
};

enum class Methods : std::uint8_t { get_and_head };

struct Route {
  std::string_view path;  ///< the whole path
  Methods methods;
  Page page;
};

enum class SocketIo : std::uint8_t { served, not_served };

struct HttpPolicy {
  std::span<const Route> routes;  ///< constants
  SocketIo socket_io;
  /// Of the web pages that may use Socket.IO; nullptr: of all. Outlives the policy.
  const origin::AllowList* origins = nullptr;
};

/// Of the listener that nodes connect to.
const HttpPolicy& node_listener_policy() noexcept;

/// Where Socket.IO is, on a listener that serves it.
inline constexpr std::string_view kSocketIoPrefix = "/socket.io/";

}  // namespace crolang::net
