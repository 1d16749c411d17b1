#include "broker/parcel.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::broker {
namespace {

using Stage = Parcel::Stage;

const socketio::AckId kAck = socketio::scan_ack_id("17", 0).id;
constexpr std::string_view kLiteral = R"("{\"to\":\"bob\"}")";
const Message kMessage{Relayed::connection_attempt, kAck, "bob", kLiteral};

TEST(Parcel, HoldsTheEventAsTheReceiverGetsIt) {
  const Parcel parcel(1, kMessage, Stage::arrived);

  EXPECT_EQ(parcel.event, R"(42["CONNECTION_ATTEMPT","{\"to\":\"bob\"}"])");
}

TEST(Parcel, OutlivesTheMessageThatItWasMadeOf) {
  std::string to = "bob";
  std::string literal(kLiteral);
  const Parcel parcel(1, {Relayed::socket_msg_exchange, kAck, to, literal}, Stage::arrived);
  to.assign(to.size(), '?');
  literal.assign(literal.size(), '?');

  const Message message = parcel.message();

  EXPECT_EQ(message.type, Relayed::socket_msg_exchange);
  EXPECT_EQ(message.ack, kAck);
  EXPECT_EQ(message.to, "bob");
  EXPECT_EQ(message.literal, kLiteral);
}

TEST(Parcel, GivesTheLiteralOfEveryType) {
  for (std::size_t i = 0; i < kRelayedNames.size(); ++i) {
    const Parcel parcel(1, {static_cast<Relayed>(i), kAck, "bob", kLiteral}, Stage::arrived);
    EXPECT_EQ(parcel.message().literal, kLiteral) << kRelayedNames[i];
  }
}

TEST(Parcel, CostsWhatItsMessageWasSaidToCost) {
  const Parcel parcel(1, kMessage, Stage::arrived);

  EXPECT_EQ(parcel.bytes(), Parcel::bytes(kMessage));
  EXPECT_GE(parcel.bytes(), sizeof(Parcel) + parcel.to.size() + parcel.event.size());
}

TEST(Parcel, MayBeDeliveredOnceItIsAuthorized) {
  Parcel parcel(1, kMessage, Stage::asked);
  parcel.decide(Outcome::delivered);

  EXPECT_EQ(parcel.stage, Stage::cleared);
}

TEST(Parcel, IsSettledByAnyOtherVerdict) {
  for (const Outcome verdict : {Outcome::unauthorized, Outcome::authorization_unavailable}) {
    Parcel parcel(1, kMessage, Stage::asked);
    parcel.decide(verdict);

    EXPECT_EQ(parcel.stage, Stage::settled);
    EXPECT_EQ(parcel.outcome, verdict);
  }
}

}  // namespace
}  // namespace crolang::broker
