#include "broker/queued_message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::broker {
namespace {

using Stage = QueuedMessage::Stage;

const socketio::AckId kAck = socketio::scan_ack_id("17", 0).id;
constexpr std::string_view kLiteral = R"("{\"to\":\"bob\"}")";
const Message kMessage{Relayed::connection_attempt, kAck, "bob", kLiteral};

TEST(QueuedMessage, HoldsTheEventAsTheReceiverGetsIt) {
  const QueuedMessage queued(1, kMessage, Stage::waiting);

  EXPECT_EQ(queued.remote_event, R"(42["CONNECTION_ATTEMPT","{\"to\":\"bob\"}"])");
}

TEST(QueuedMessage, OutlivesTheMessageThatItWasMadeOf) {
  std::string to = "bob";
  std::string literal(kLiteral);
  const QueuedMessage queued(1, {Relayed::socket_msg_exchange, kAck, to, literal}, Stage::waiting);
  to.assign(to.size(), '?');
  literal.assign(literal.size(), '?');

  const Message message = queued.message();

  EXPECT_EQ(message.type, Relayed::socket_msg_exchange);
  EXPECT_EQ(message.ack, kAck);
  EXPECT_EQ(message.to, "bob");
  EXPECT_EQ(message.literal, kLiteral);
}

TEST(QueuedMessage, GivesTheLiteralOfEveryType) {
  for (std::size_t i = 0; i < kRelayedNames.size(); ++i) {
    const QueuedMessage queued(1, {static_cast<Relayed>(i), kAck, "bob", kLiteral}, Stage::waiting);
    EXPECT_EQ(queued.message().literal, kLiteral) << kRelayedNames[i];
  }
}

TEST(QueuedMessage, HasTheNamesOfItsNegotiationBeforeTheEvent) {
  negotiation::Message change;
  change.from = negotiation::Side::responder;
  change.initiator = "bob";
  change.responder = "alice";
  change.session = "s1";
  Message message{Relayed::connection_acceptance, kAck, "bob", kLiteral};
  message.state_change = &change;
  const QueuedMessage queued(1, message, Stage::waiting);

  EXPECT_EQ(queued.remote_event,
            R"(N00050002alices142["CONNECTION_ACCEPTANCE","{\"to\":\"bob\"}"])");
  EXPECT_EQ(queued.message().literal, kLiteral);
  EXPECT_EQ(queued.bytes(), QueuedMessage::bytes(message));
}

TEST(QueuedMessage, SaysThatItsNegotiationIsNotRecorded) {
  Message message{Relayed::ice_initiator_to_responder, kAck, "bob", kLiteral};
  message.is_unrecorded = true;
  const QueuedMessage queued(1, message, Stage::waiting);

  EXPECT_EQ(queued.remote_event,
            R"(W42["ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER","{\"to\":\"bob\"}"])");
  EXPECT_EQ(queued.message().literal, kLiteral);
  EXPECT_EQ(queued.bytes(), QueuedMessage::bytes(message));
}

TEST(QueuedMessage, HasTheSizeComputedForItsMessage) {
  const QueuedMessage queued(1, kMessage, Stage::waiting);

  EXPECT_EQ(queued.bytes(), QueuedMessage::bytes(kMessage));
  EXPECT_GE(queued.bytes(), sizeof(QueuedMessage) + queued.to.size() + queued.remote_event.size());
}

TEST(QueuedMessage, BecomesAnotherMessageInTheMemoryThatItHas) {
  QueuedMessage queued(1, kMessage, Stage::authorized);
  queued.finish(Outcome::not_taken);
  queued.refused = true;
  queued.receipted = true;
  const char* const memory = queued.remote_event.data();

  queued.assign(2, {Relayed::socket_msg_exchange, {}, "al", "\"\""}, Stage::waiting);

  EXPECT_EQ(queued.number, 2u);
  EXPECT_EQ(queued.remote_event, R"(42["SOCKET_MSG_EXCHANGE",""])");
  EXPECT_EQ(queued.remote_event.data(), memory);
  EXPECT_EQ(queued.to, "al");
  EXPECT_FALSE(queued.ack.present());
  EXPECT_EQ(queued.stage, Stage::waiting);
  EXPECT_EQ(queued.outcome, Outcome::delivered);
  EXPECT_FALSE(queued.refused);
  EXPECT_FALSE(queued.receipted);
}

TEST(QueuedMessage, IsKeptForAnotherUnlessItIsLarge) {
  const std::string large = '"' + std::string(4000, 'x') + '"';
  QueuedMessages messages;
  messages.emplace_back(1, kMessage, Stage::waiting);
  messages.emplace_back(2, Message{Relayed::socket_msg_exchange, kAck, "bob", large},
                        Stage::waiting);
  SpareMessages spare;

  remove_front(messages, spare);
  EXPECT_EQ(spare.size(), 1u);
  EXPECT_EQ(messages.front().number, 2u);
  remove_front(messages, spare);
  EXPECT_EQ(spare.size(), 1u);
  EXPECT_TRUE(messages.empty());
}

TEST(QueuedMessage, MayBeDeliveredOnceItIsAuthorized) {
  QueuedMessage queued(1, kMessage, Stage::authorizing);
  queued.set_authorization(Outcome::delivered);

  EXPECT_EQ(queued.stage, Stage::authorized);
}

TEST(QueuedMessage, IsFinishedByAnyOtherAuthorizationResult) {
  for (const Outcome result : {Outcome::unauthorized, Outcome::authorization_unavailable}) {
    QueuedMessage queued(1, kMessage, Stage::authorizing);
    queued.set_authorization(result);

    EXPECT_EQ(queued.stage, Stage::finished);
    EXPECT_EQ(queued.outcome, result);
  }
}

}  // namespace
}  // namespace crolang::broker
