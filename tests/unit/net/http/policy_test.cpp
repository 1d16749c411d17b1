#include "net/http/policy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <variant>

#include "net/http/decision.hpp"

namespace crolang::net {
namespace {

const std::string kUpgrade =
    "GET /socket.io/?EIO=4&transport=websocket&id=bob HTTP/1.1\r\nHost: x\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

unsigned status_of(const Decision& decision) {
  const auto* const response = std::get_if<Response>(&decision);
  return response == nullptr ? 0 : response->status;
}

/// A listener that serves one page, and no nodes.
constexpr std::array<Route, 1> kOneRoute{{{"/status", Methods::get_and_head, Page::health}}};
constexpr HttpPolicy kOnePage{kOneRoute, SocketIo::not_served};

TEST(HttpPolicy, ServesThePagesOfItsRoutesAndNoOthers) {
  const Decision decision = decide(get("/status"), kOnePage);
  ASSERT_TRUE(std::holds_alternative<PageRequest>(decision));
  EXPECT_EQ(std::get<PageRequest>(decision).page, Page::health);

  EXPECT_EQ(status_of(decide(get("/metrics"), kOnePage)), 404U);
  EXPECT_EQ(status_of(decide(get("/status"), node_listener_policy())), 404U);
}

TEST(HttpPolicy, TakesNoNodesWhereSocketIoIsNotServed) {
  EXPECT_TRUE(std::holds_alternative<UpgradeRequest>(decide(kUpgrade, node_listener_policy())));

  const Decision decision = decide(kUpgrade, kOnePage);
  ASSERT_TRUE(std::holds_alternative<NoResponse>(decision));
  EXPECT_EQ(std::get<NoResponse>(decision).refusal.fault, RequestFault::path);
}

TEST(HttpPolicy, KnowsNothingOfEngineIoWhereSocketIoIsNotServed) {
  EXPECT_EQ(status_of(decide(get("/socket.io/?EIO=4"), node_listener_policy())), 400U);
  EXPECT_EQ(status_of(decide(get("/socket.io/?EIO=4"), kOnePage)), 404U);
}

TEST(HttpPolicy, OfTheListenerForNodesHasFourPages) {
  EXPECT_EQ(node_listener_policy().routes.size(), 4U);
  EXPECT_EQ(node_listener_policy().socket_io, SocketIo::served);
}

}  // namespace
}  // namespace crolang::net
