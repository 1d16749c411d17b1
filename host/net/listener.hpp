#pragma once
/// The listening socket. Threads: bind on one; the descriptor is shared by all workers. Errors: a
/// sentence with the remedy.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "net/descriptor.hpp"

namespace crolang::net {

struct ListenFault {
  std::string text;
};

/// `address` empty: `::` with IPv4 as well, or 0.0.0.0 on a machine without IPv6. `variable` and
/// `address_variable`: those that have set the port and the address, for the sentence.
std::variant<Descriptor, ListenFault> listen_on(const std::string& address, std::uint16_t port,
                                                std::string_view variable = "PORT",
                                                std::string_view address_variable = "BIND_ADDRESS");

}  // namespace crolang::net
