#include "negotiation/ice_servers.hpp"

namespace crolang::negotiation {
namespace {

/// A string of the configuration that begins like this; its quotes are escaped.
bool has(std::string_view literal, std::string_view beginning) noexcept {
  return literal.find(beginning) != std::string_view::npos;
}

}  // namespace

IceServers ice_servers_of(std::string_view literal) noexcept {
  return {.known = true,
          .stun = has(literal, R"(\"stun:)") || has(literal, R"(\"stuns:)"),
          .turn = has(literal, R"(\"turn:)") || has(literal, R"(\"turns:)"),
          .relay_only = has(literal, R"(\"iceTransportPolicy\": \"relay\")")};
}

}  // namespace crolang::negotiation
