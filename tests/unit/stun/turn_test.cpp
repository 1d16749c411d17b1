#include "stun/turn.hpp"

#include <gtest/gtest.h>

#include "stun/integrity.hpp"
#include "stun/writer.hpp"

namespace crolang::stun {
namespace {

using Step = Exchange::Step;

TransportAddress address(std::string_view text, std::uint16_t port) {
  return {*client_address::parse_address(text), port};
}

/// A TURN server's side of the conversation, answer by answer.
class TurnTest : public ::testing::Test {
 protected:
  TurnTest() : turn_({"user", "password"}, [this] { return TransactionId{++last_}; }) {}

  Message asked() const { return *parse(turn_.request()); }
  Writer answer(Class message_class) const {
    return {message_class, asked().method, asked().transaction};
  }
  Writer error(std::uint8_t hundreds, std::uint8_t number) const {
    return answer(Class::error).add(Type::error_code, Bytes{0, 0, hundreds, number});
  }
  Writer with_challenge(Writer writer, std::string_view nonce = "nonce") const {
    return writer.add(Type::realm, "realm").add(Type::nonce, nonce);
  }
  Step receive(const Writer& writer) { return turn_.on_message(writer.bytes()); }
  Bytes key() const { return long_term_key("user", "realm", "password"); }
  Writer signed_success() const { return answer(Class::success).add_integrity(key()); }
  Writer allocated() const {
    return answer(Class::success)
        .add_address(Type::xor_relayed_address, kRelayed)
        .add_address(Type::xor_mapped_address, kMapped)
        .add_u32(Type::lifetime, 600);
  }

  void challenge() {
    ASSERT_EQ(receive(with_challenge(error(4, 1))), Step::proceeds);
    ASSERT_EQ(turn_.phase(), Phase::allocate);
  }
  void allocate() {
    challenge();
    ASSERT_EQ(receive(allocated().add_integrity(key())), Step::proceeds);
    ASSERT_EQ(turn_.phase(), Phase::permission);
  }

  const TransportAddress kRelayed = address("198.51.100.1", 50000);
  const TransportAddress kMapped = address("192.0.2.7", 5000);
  std::uint8_t last_ = 0;
  Turn turn_;
};

TEST_F(TurnTest, FirstAsksWithoutCredentials) {
  EXPECT_EQ(asked().method, Method::allocate);
  EXPECT_NE(asked().find(Type::requested_transport), nullptr);
  EXPECT_EQ(asked().find(Type::username), nullptr);
  EXPECT_EQ(asked().find(Type::message_integrity), nullptr);
}

TEST_F(TurnTest, ThenSignsWithWhatTheServerChallengesItFor) {
  challenge();
  EXPECT_EQ(asked().text(Type::username), "user");
  EXPECT_EQ(asked().text(Type::realm), "realm");
  EXPECT_EQ(asked().text(Type::nonce), "nonce");
  EXPECT_TRUE(has_integrity(asked(), key()));
  EXPECT_EQ(turn_.realm(), "realm");
}

TEST_F(TurnTest, AsksForPermissionToReachTheRelayItself) {
  allocate();
  EXPECT_EQ(asked().method, Method::create_permission);
  EXPECT_EQ(asked().address(Type::xor_peer_address), kRelayed);
  EXPECT_TRUE(has_integrity(asked(), key()));
  EXPECT_EQ(turn_.mapped(), kMapped);
  EXPECT_EQ(turn_.relayed(), kRelayed);
  EXPECT_TRUE(turn_.may_hold_relay());
}

TEST_F(TurnTest, GivesTheRelayBack) {
  allocate();
  ASSERT_EQ(receive(signed_success()), Step::proceeds);
  EXPECT_EQ(asked().method, Method::refresh);
  ASSERT_NE(asked().find(Type::lifetime), nullptr);
  EXPECT_EQ(asked().text(Type::lifetime), std::string_view("\0\0\0\0", 4));
  EXPECT_EQ(receive(signed_success()), Step::ended);
  EXPECT_FALSE(turn_.may_hold_relay());
  EXPECT_FALSE(turn_.failure());
  EXPECT_FALSE(turn_.is_open_relay());
}

TEST_F(TurnTest, FailsIfCredentialsAreRefused) {
  challenge();
  EXPECT_EQ(receive(with_challenge(error(4, 1))), Step::ended);
  ASSERT_TRUE(turn_.failure());
  EXPECT_EQ(turn_.failure()->code, 401);
  EXPECT_EQ(turn_.failure()->phase, Phase::allocate);
}

TEST_F(TurnTest, FailsWithoutARealmOrANonce) {
  EXPECT_EQ(receive(error(4, 1).add(Type::realm, "realm")), Step::ended);
  ASSERT_TRUE(turn_.failure());
  EXPECT_EQ(turn_.failure()->kind, Failure::Kind::no_challenge);
}

TEST_F(TurnTest, FailsWithAnEndlessRealm) {
  EXPECT_EQ(receive(error(4, 1).add(Type::realm, std::string(764, 'r')).add(Type::nonce, "n")),
            Step::ended);
  EXPECT_EQ(turn_.failure()->kind, Failure::Kind::no_challenge);
}

TEST_F(TurnTest, TakesANewNonceThreeTimes) {
  challenge();
  for (const std::string_view nonce : {"a", "b", "c"}) {
    ASSERT_EQ(receive(with_challenge(error(4, 38), nonce)), Step::proceeds);
    EXPECT_EQ(asked().text(Type::nonce), nonce);
  }
  EXPECT_EQ(receive(with_challenge(error(4, 38), "d")), Step::ended);
  EXPECT_EQ(turn_.failure()->code, 438);
}

TEST_F(TurnTest, ReleasesTheRelayAfterAPermissionIsDenied) {
  allocate();
  ASSERT_EQ(receive(error(4, 3)), Step::proceeds);
  EXPECT_EQ(asked().method, Method::refresh);
  EXPECT_EQ(receive(signed_success()), Step::ended);
  EXPECT_EQ(turn_.failure()->code, 403);
  EXPECT_EQ(turn_.failure()->phase, Phase::permission);
}

TEST_F(TurnTest, KeepsTheFirstFailure) {
  allocate();
  ASSERT_EQ(receive(error(4, 3)), Step::proceeds);
  EXPECT_EQ(receive(error(4, 37)), Step::ended);
  EXPECT_EQ(turn_.failure()->code, 403);
}

TEST_F(TurnTest, FailsIfAnAnswerIsNotSigned) {
  challenge();
  ASSERT_EQ(receive(allocated()), Step::proceeds);
  EXPECT_EQ(asked().method, Method::refresh) << "there may be something to release";
  EXPECT_EQ(turn_.failure()->kind, Failure::Kind::integrity);
  EXPECT_FALSE(turn_.relayed());
}

TEST_F(TurnTest, FailsIfTheAnswerToCreatePermissionIsNotSigned) {
  allocate();
  ASSERT_EQ(receive(answer(Class::success)), Step::proceeds);
  EXPECT_EQ(turn_.failure()->kind, Failure::Kind::integrity);
  EXPECT_EQ(turn_.failure()->phase, Phase::permission);
}

TEST_F(TurnTest, FailsIfThereIsNoRelayedAddress) {
  challenge();
  EXPECT_EQ(receive(signed_success()), Step::proceeds) << "there is something to release";
  EXPECT_EQ(turn_.failure()->kind, Failure::Kind::no_address);
}

TEST_F(TurnTest, FailsIfThereIsNoMappedAddress) {
  challenge();
  EXPECT_EQ(receive(answer(Class::success)
                        .add_address(Type::xor_relayed_address, kRelayed)
                        .add_u32(Type::lifetime, 600)
                        .add_integrity(key())),
            Step::proceeds);
  EXPECT_EQ(asked().method, Method::refresh);
  EXPECT_EQ(turn_.failure()->kind, Failure::Kind::no_address) << "nodes drop such an answer";
}

TEST_F(TurnTest, FailsIfTheRelayedAddressIsNone) {
  challenge();
  EXPECT_EQ(receive(answer(Class::success)
                        .add_address(Type::xor_relayed_address, address("0.0.0.0", 50000))
                        .add_address(Type::xor_mapped_address, kMapped)
                        .add_u32(Type::lifetime, 600)
                        .add_integrity(key())),
            Step::proceeds);
  EXPECT_EQ(turn_.failure()->kind, Failure::Kind::no_address);
}

TEST_F(TurnTest, FailsIfTheRelayHasNoLifetime) {
  challenge();
  EXPECT_EQ(receive(answer(Class::success)
                        .add_address(Type::xor_relayed_address, kRelayed)
                        .add_address(Type::xor_mapped_address, kMapped)
                        .add_integrity(key())),
            Step::proceeds);
  EXPECT_EQ(turn_.failure()->kind, Failure::Kind::no_lifetime) << "nodes drop such an answer";
}

TEST_F(TurnTest, MayHoldARelayAsSoonAsItHasAskedWithCredentials) {
  EXPECT_FALSE(turn_.may_hold_relay());
  challenge();
  EXPECT_TRUE(turn_.may_hold_relay()) << "the answer may be lost";
  EXPECT_EQ(receive(with_challenge(error(4, 1))), Step::ended);
}

TEST_F(TurnTest, NotesAServerThatRelaysForEverybody) {
  ASSERT_EQ(receive(allocated()), Step::proceeds);
  EXPECT_TRUE(turn_.is_open_relay());
  EXPECT_EQ(asked().find(Type::message_integrity), nullptr);
  ASSERT_EQ(receive(answer(Class::success)), Step::proceeds);
  EXPECT_EQ(receive(answer(Class::success)), Step::ended);
  EXPECT_FALSE(turn_.failure());
}

TEST_F(TurnTest, KeepsTheAddressOfAnotherServer) {
  EXPECT_EQ(receive(error(3, 0).add(Type::alternate_server, Bytes{0, 1, 0x0D, 0x96, 192, 0, 2, 9})),
            Step::ended);
  EXPECT_EQ(turn_.failure()->alternate, address("192.0.2.9", 3478));
}

TEST_F(TurnTest, IgnoresAnswersToOtherRequests) {
  const Bytes late = with_challenge(error(4, 1)).bytes();
  challenge();
  EXPECT_EQ(turn_.on_message(late), Step::ignored);
  EXPECT_EQ(turn_.on_message(Bytes{}), Step::ignored);
  EXPECT_EQ(turn_.phase(), Phase::allocate);
}

TEST_F(TurnTest, ReleasesWhenTheTimeIsOver) {
  allocate();
  turn_.release();
  EXPECT_EQ(asked().method, Method::refresh);
}

}  // namespace
}  // namespace crolang::stun
