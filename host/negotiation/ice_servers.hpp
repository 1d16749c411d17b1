#pragma once
/// Which kinds of ICE servers a node was given, as far as a diagnosis needs it.
/// Threads: values. Errors: none.

#include <string_view>

namespace crolang::negotiation {

struct IceServers {
  bool known = false;  ///< false: another instance gave them to the node
  bool stun = false;
  bool turn = false;
  bool relay_only = false;  ///< iceTransportPolicy is relay
};

/// Of a normalised RTC configuration, as the JSON string literal that nodes get.
IceServers ice_servers_of(std::string_view literal) noexcept;

}  // namespace crolang::negotiation
