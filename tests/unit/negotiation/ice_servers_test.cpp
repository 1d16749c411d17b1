#include "negotiation/ice_servers.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "json/scanner.hpp"

namespace crolang::negotiation {
namespace {

/// As broker::RtcNormaliser writes it.
IceServers of(const nlohmann::ordered_json& configuration) {
  std::string literal;
  json::append_quoted(literal, configuration.dump(2));
  return ice_servers_of(literal);
}

nlohmann::ordered_json server(const char* url) {
  return {{"urls", {url}}, {"username", "turnip"}, {"credential", "stun"}};
}

TEST(IceServers, AreFoundInTheConfiguration) {
  const auto both = of({{"iceServers", {server("stun:a:3478"), server("turn:a:3478")}}});
  EXPECT_TRUE(both.known && both.stun && both.turn && !both.relay_only);
  const auto stun = of({{"iceServers", {server("stun:a:3478")}}, {"iceTransportPolicy", "all"}});
  EXPECT_TRUE(stun.stun && !stun.turn && !stun.relay_only);
  const auto turns = of({{"iceServers", {server("turns:a")}}, {"iceTransportPolicy", "relay"}});
  EXPECT_TRUE(!turns.stun && turns.turn && turns.relay_only);
}

TEST(IceServers, AreUnknownAtFirst) {
  EXPECT_FALSE(IceServers{}.known);
}

}  // namespace
}  // namespace crolang::negotiation
