#include "net/http/policy.hpp"

#include <array>

namespace crolang::net {

const HttpPolicy& node_listener_policy() noexcept {
  static constexpr std::array<Route, 4> kRoutes{{
      {"/", Methods::get_and_head, Page::root},
      {"/healthz", Methods::get_and_head, Page::health},
      {"/readyz", Methods::get_and_head, Page::readiness},
      {"/metrics", Methods::get_and_head, Page::metrics},
  }};
  static constexpr HttpPolicy kPolicy{kRoutes, SocketIo::served};
  return kPolicy;
}

}  // namespace crolang::net
