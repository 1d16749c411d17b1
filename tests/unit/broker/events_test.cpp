#include "broker/events.hpp"

#include <gtest/gtest.h>

#include <array>

namespace crolang::broker {
namespace {

TEST(Events, KnowsTheSevenRelayedTypesByName) {
  for (std::size_t i = 0; i < kRelayedNames.size(); ++i) {
    const auto type = relayed_type(kRelayedNames[i]);
    ASSERT_TRUE(type) << kRelayedNames[i];
    EXPECT_EQ(name_of(*type), kRelayedNames[i]);
  }
  EXPECT_EQ(relayed_type("SOCKET_MSG_EXCHANGE"), Relayed::socket_msg_exchange);
  EXPECT_EQ(relayed_type("CONNECTION_ATTEMPT"), Relayed::connection_attempt);
  EXPECT_EQ(relayed_type("ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR"),
            Relayed::ice_responder_to_initiator);
}

TEST(Events, RelaysNothingElse) {
  for (const std::string_view name :
       {"", "connection_attempt", "CONNECTION_ATTEMPT ", "CONNECTION_ATTEMP", "AUTHENTICATED",
        "ARE_NODES_CONNECTED_TO_BROKER", "message", "__proto__"}) {
    EXPECT_FALSE(relayed_type(name)) << name;
  }
}

TEST(Events, WordsAcknowledgementsAsNodesKnowThem) {
  EXPECT_EQ(arguments_of(AckStatus::ok), R"(["OK"])");
  EXPECT_EQ(arguments_of(AckStatus::error), R"(["ERROR"])");
  EXPECT_EQ(arguments_of(AckStatus::unauthorized), R"(["UNAUTHORIZED"])");
  EXPECT_EQ(arguments_of(AckStatus::not_connected), R"(["NOT_CONNECTED"])");
  EXPECT_EQ(arguments_of(AckStatus::disabled), R"(["DISABLED"])");
  EXPECT_EQ(name_of(AckStatus::not_connected), "NOT_CONNECTED");
}

TEST(Events, WordsRefusalsAsNodesKnowThem) {
  EXPECT_EQ(text_of(Refusal::missing_id),
            "server side exception: Error: Missing required OnConnectionData value: id");
  EXPECT_EQ(text_of(Refusal::missing_version),
            "server side exception: Error: Missing required OnConnectionData value: version");
  EXPECT_EQ(text_of(Refusal::missing_runtime),
            "server side exception: Error: Missing required OnConnectionData value: runtime");
  EXPECT_EQ(text_of(Refusal::invalid_id), "invalid node id");
  EXPECT_EQ(text_of(Refusal::authentication_failed), "authentication failed");
  EXPECT_EQ(text_of(Refusal::already_connected), "client already connected");
  // Clients take it as final.
  EXPECT_EQ(text_of(Refusal::refused_by_operator), text_of(Refusal::authentication_failed));
}

TEST(Events, HasAnOwnTextForEveryTemporaryFailure) {
  constexpr std::array kTroubles = {
      TemporaryFailure::authentication, TemporaryFailure::registry, TemporaryFailure::rtc,
      TemporaryFailure::draining,       TemporaryFailure::full,     TemporaryFailure::probing};
  for (std::size_t i = 0; i < kTroubles.size(); ++i) {
    EXPECT_FALSE(text_of(kTroubles[i]).empty());
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(text_of(kTroubles[i]), text_of(kTroubles[j]));
  }
}

}  // namespace
}  // namespace crolang::broker
