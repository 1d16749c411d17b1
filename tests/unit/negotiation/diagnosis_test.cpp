#include "negotiation/diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace crolang::negotiation {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const TimePoint kStart{100h};
constexpr IceServers kStun{.known = true, .stun = true};
constexpr IceServers kTurn{.known = true, .stun = true, .turn = true};
constexpr IceServers kOnlyTurn{.known = true, .turn = true};
constexpr IceServers kRelayOnly{.known = true, .turn = true, .relay_only = true};

constexpr std::string_view kHost = "candidate:1 1 udp 1 192.168.1.2 5000 typ host";
constexpr std::string_view kHidden = "candidate:1 1 udp 1 a.local 5000 typ host";
constexpr std::string_view kPublicHost = "candidate:1 1 udp 1 8.8.8.8 5000 typ host";
constexpr std::string_view kTcp = "candidate:1 1 tcp 1 192.168.1.2 9 typ host tcptype active";
constexpr std::string_view kReflexive =
    "candidate:1 1 udp 1 198.51.100.7 6000 typ srflx raddr 192.168.1.2 rport 5000";
constexpr std::string_view kReflexiveElsewhere =
    "candidate:1 1 udp 1 198.51.100.7 6001 typ srflx raddr 192.168.1.2 rport 5000";
constexpr std::string_view kRelay =
    "candidate:1 1 udp 1 203.0.113.9 7000 typ relay raddr 198.51.100.7 rport 6000";

class DiagnosisTest : public ::testing::Test {
 protected:
  DiagnosisTest() {
    record.set_names("alice", "bob", "s");
    record.number = 1;
    record.started = kStart;
    record.last_message = kStart;
    record.attempt_ack = Ack::ok;
    circumstances.now = kStart + 20s;
  }
  void answer(std::chrono::milliseconds after = 200ms) {
    record.state = State::answered;
    record.answered_after = after;
    record.answer_ack = Ack::ok;
    record.last_message = kStart + after;
    circumstances.now = record.last_message + 20s;
  }
  void candidates(Side side, std::initializer_list<std::string_view> lines) {
    for (const std::string_view line : lines) {
      record.party(side).candidates.add(read_candidate(line).value());
    }
  }
  void both(const IceServers& servers, std::initializer_list<std::string_view> lines) {
    for (const Side side : {Side::initiator, Side::responder}) {
      record.party(side).servers = servers;
      candidates(side, lines);
    }
  }
  std::string words() { return diagnose(record, circumstances).words; }
  void expect_usual(std::string_view expected = "nothing unusual") {
    const Diagnosis diagnosis = diagnose(record, circumstances);
    EXPECT_EQ(diagnosis.words, expected);
    EXPECT_TRUE(diagnosis.usual);
  }
  void expect(std::string_view expected) {
    const Diagnosis diagnosis = diagnose(record, circumstances);
    EXPECT_EQ(diagnosis.words, expected);
    EXPECT_FALSE(diagnosis.usual);
  }

  Record record;
  Circumstances circumstances;
};

// ---- The attempt

TEST_F(DiagnosisTest, OfAnAttemptWaitsForTheAnswer) {
  expect_usual("nothing unusual so far: bob has not answered yet");
  circumstances.responder = Presence::not_connected;
  expect("bob got the attempt and is not connected any more");
}

TEST_F(DiagnosisTest, OfSilenceSaysWhetherTheOtherIsThere) {
  circumstances.now = kStart + 30s;
  expect("no answer after 30 s: bob got the attempt and is silent");
  circumstances.responder = Presence::connected;
  expect("no answer after 30 s: bob is connected but silent");
  circumstances.responder = Presence::not_connected;
  expect("no answer after 30 s: bob got the attempt and is not connected any more");
  record.attempt_ack = Ack::pending;
  EXPECT_THAT(words(), HasSubstr("the attempt is not acknowledged yet"));
}

TEST_F(DiagnosisTest, OfAnAttemptThatWasNotDelivered) {
  record.state = State::not_connected;
  record.attempt_ack = Ack::not_connected;
  expect("bob was not connected");
  circumstances.responder = Presence::connected;
  expect("bob was not connected then, but is now");
  record.state = State::unauthorized;
  record.attempt_ack = Ack::unauthorized;
  expect("the attempt was not delivered: alice is not authorized to send to bob");
  record.state = State::failed;
  record.attempt_ack = Ack::error;
  expect("the attempt was not delivered: it was acknowledged ERROR");
  record.failure = "the registry is not available";
  expect("the attempt was not delivered: the registry is not available");
}

TEST_F(DiagnosisTest, OfADeclinedAttempt) {
  answer();
  record.state = State::refused;
  expect("bob refused");
  record.state = State::not_allowed;
  expect("bob takes no incoming connections");
  record.answer_ack = Ack::not_connected;
  expect(
      "bob takes no incoming connections; the answer was not delivered: alice was not connected "
      "any more");
}

// ---- The answer

TEST_F(DiagnosisTest, OfALateAnswer) {
  both(kStun, {kHost, kReflexive});
  answer(9'999ms);
  expect_usual();
  answer(12s);
  expect("answer after 12 s: later than most stacks wait");
  answer(34s);
  expect("answer after 34 s: later than nodes wait");
}

TEST_F(DiagnosisTest, OfAnAnswerThatWasNotDelivered) {
  answer();
  record.answer_ack = Ack::not_connected;
  expect("the answer was not delivered: alice was not connected any more");
}

TEST_F(DiagnosisTest, OfCandidatesThatWereNotDelivered) {
  answer();
  both(kStun, {kHost, kReflexive});
  record.party(Side::initiator).lost = 3;
  record.party(Side::initiator).last_loss = Ack::not_connected;
  expect(
      "candidates stopped after the answer: 3 of alice were not delivered: bob was not connected "
      "any more");
  record.party(Side::initiator).lost = 1;
  record.party(Side::initiator).last_loss = Ack::unauthorized;
  EXPECT_THAT(words(), HasSubstr("1 of alice was not delivered: alice is not authorized"));
}

// ---- The candidates

TEST_F(DiagnosisTest, WaitsForCandidates) {
  answer();
  circumstances.now = record.last_message + 4s;
  expect_usual("nothing unusual so far: candidates are being exchanged");
}

TEST_F(DiagnosisTest, OfCandidatesThatStopped) {
  answer();
  both(kStun, {});
  expect("candidates stopped after the answer: neither side sent one");
  candidates(Side::initiator, {kHost, kReflexive});
  expect("candidates stopped after the answer: bob sent none");
  circumstances.responder = Presence::not_connected;
  expect("candidates stopped after the answer: bob sent none and is not connected any more");
}

TEST_F(DiagnosisTest, OfHealthyOnes) {
  answer();
  both({.known = true}, {kHost});
  expect_usual();
  both(kStun, {kHost, kReflexive});
  expect_usual();
  both(kTurn, {kHost, kReflexive, kRelay});
  expect_usual();
}

TEST_F(DiagnosisTest, OfHostsAloneWhereThereAreNoServers) {
  answer();
  both({.known = true}, {kHidden});
  expect_usual();
  // Nor is anything known of them.
  record.party(Side::initiator).servers = {};
  record.party(Side::responder).servers = {};
  expect_usual();
}

TEST_F(DiagnosisTest, OfHostsAloneWithServers) {
  answer();
  both(kStun, {kHidden, kTcp});
  expect("both sides sent only host candidates: none of their ICE servers answered");
  candidates(Side::responder, {kReflexive});
  expect("alice sent only host candidates: none of its ICE servers answered");
}

TEST_F(DiagnosisTest, OfHostsWithAddressesOfTheInternetBlamesNoServer) {
  answer();
  both(kStun, {kPublicHost});
  expect_usual();
}

TEST_F(DiagnosisTest, OfMissingRelays) {
  answer();
  both(kTurn, {kHost, kReflexive});
  expect(
      "neither side has a relay candidate: the TURN server is unreachable or refuses the "
      "credentials");
  candidates(Side::initiator, {kRelay});
  expect(
      "bob has no relay candidate: for it the TURN server is unreachable or refuses the "
      "credentials");
}

TEST_F(DiagnosisTest, OfMissingRelaysSaysNothingElseAboutThem) {
  answer();
  both(kTurn, {kHost});
  EXPECT_THAT(words(), Not(HasSubstr("only host")));
  EXPECT_THAT(words(), HasSubstr("neither side has a relay candidate"));
}

TEST_F(DiagnosisTest, OfNodesThatMayUseOnlyARelayAndHaveNone) {
  answer();
  both(kRelayOnly, {});
  expect(
      "neither side has a relay candidate: the TURN server is unreachable or refuses the "
      "credentials");
}

TEST_F(DiagnosisTest, TakesTheServersOfANodeOfAnotherInstanceToBeTheSame) {
  answer();
  record.party(Side::initiator).servers = kOnlyTurn;
  candidates(Side::initiator, {kHost});
  candidates(Side::responder, {kHost});
  EXPECT_THAT(words(), HasSubstr("neither side has a relay candidate"));
}

TEST_F(DiagnosisTest, OfASymmetricNat) {
  answer();
  both(kStun, {kHost, kReflexive});
  candidates(Side::responder, {kReflexiveElsewhere});
  expect("bob is behind a symmetric NAT: they need a TURN server, and were given none");
  candidates(Side::initiator, {kReflexiveElsewhere});
  expect("both sides are behind a symmetric NAT: they need a TURN server, and were given none");
  candidates(Side::initiator, {kRelay});
  expect_usual();
}

TEST_F(DiagnosisTest, OfASymmetricNatAndAnAddressOfTheInternet) {
  answer();
  both(kStun, {kReflexive, kReflexiveElsewhere});
  candidates(Side::responder, {kHost});
  candidates(Side::initiator, {kPublicHost});
  expect_usual();
}

TEST_F(DiagnosisTest, OfTcpAlone) {
  answer();
  both({.known = true}, {kTcp});
  candidates(Side::responder, {kHost});
  expect("alice sent only TCP candidates: UDP is blocked or switched off for it");
}

TEST_F(DiagnosisTest, OfARelayAndPrivateAddresses) {
  answer();
  both({.known = true}, {});
  record.party(Side::initiator).servers = kRelayOnly;
  candidates(Side::initiator, {kRelay});
  candidates(Side::responder, {kHost});
  expect(
      "alice may use only its relay, and bob sent only private host candidates, which a relay "
      "elsewhere cannot reach");
}

TEST_F(DiagnosisTest, OfFamiliesThatDiffer) {
  answer();
  both({.known = true}, {});
  candidates(Side::initiator, {kHost});
  candidates(Side::responder, {"candidate:1 1 udp 1 2001:db8::1 9 typ host"});
  expect("alice has only IPv4 candidates, bob only IPv6");
}

TEST_F(DiagnosisTest, ShortensNames) {
  record.set_names(std::string(10'000, 'a'), std::string(128, 'b'), "s");
  record.state = State::refused;
  EXPECT_THAT(words(), SizeIs(std::string(40, 'b').size() + std::string("… refused").size()));
}

TEST_F(DiagnosisTest, SaysThatAnotherInstanceKeepsWhatItDidNotTell) {
  both(kTurn, {kHost, kReflexive, kRelay});
  record.party(Side::responder) = {};
  record.party(Side::responder).is_kept_elsewhere = true;
  answer();
  const Diagnosis diagnosis = diagnose(record, circumstances);
  EXPECT_TRUE(diagnosis.usual);
  EXPECT_EQ(diagnosis.words,
            "nothing unusual here; what bob sent is not known: another instance keeps it");
  // What is known is judged.
  record.party(Side::initiator) = {};
  record.party(Side::initiator).servers = kTurn;
  candidates(Side::initiator, {kHost});
  EXPECT_THAT(diagnose(record, circumstances).words, HasSubstr("alice has no relay candidate"));
  // The other may have what it needs.
  record.party(Side::initiator).servers = kStun;
  record.party(Side::initiator).candidates = {};
  candidates(Side::initiator, {kReflexive, kReflexiveElsewhere});
  EXPECT_TRUE(diagnose(record, circumstances).usual);
  record.party(Side::responder).is_kept_elsewhere = false;
  EXPECT_FALSE(diagnose(record, circumstances).usual);
}

}  // namespace
}  // namespace crolang::negotiation
