#include "ice/diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/ice/now.hpp"

namespace crolang::ice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = Fault::Kind;
using Meaning = Alternative::Meaning;
using stun::Phase;

constexpr std::string_view kGoodPassword = "ab+d/fgh0123456789ABCDEFGH0=";

Target turn(std::string_view url, std::string username = "1700003600:alice",
            std::string_view password = kGoodPassword) {
  return std::get<std::vector<Target>>(
      targets_of(url, {std::move(username), std::string(password)}))[0];
}

Outcome failed(Fault fault) {
  Outcome outcome;
  outcome.server = "192.0.2.9:3478";
  outcome.realm = "example.org";
  outcome.fault = std::move(fault);
  return outcome;
}

Outcome refused_with(int code, Phase phase = Phase::allocate) {
  Fault fault{Kind::stun};
  fault.failure = stun::Failure{stun::Failure::Kind::error_response, phase, code, "Reason"};
  Outcome outcome = failed(std::move(fault));
  outcome.relayed = stun::TransportAddress{*client_address::parse_address("192.0.2.9"), 50000};
  return outcome;
}

std::string cause(const Target& target, const Outcome& outcome, std::string_view secret_name = {}) {
  return diagnose(target, outcome, {kNow, secret_name}).cause;
}

std::string cause_of_code(int code, Phase phase = Phase::allocate) {
  return cause(turn("turn:h"), refused_with(code, phase));
}

TEST(IceDiagnosis, OfAnAlternateServerThatIsNotFollowed) {
  Outcome outcome = refused_with(300);
  outcome.fault->failure->alternate =
      stun::TransportAddress{*client_address::parse_address("127.0.0.1"), 6379};
  EXPECT_THAT(cause(turn("turn:h"), outcome),
              HasSubstr("sends clients to 127.0.0.1:6379, which cannot be reached"));
  outcome.is_alternate = true;
  EXPECT_THAT(cause(turn("turn:h"), outcome), HasSubstr("and so did that one"));
}

TEST(IceDiagnosis, NamesCodeReasonAndRequest) {
  EXPECT_EQ(diagnose(turn("turn:h"), refused_with(486), {kNow}).error,
            "486 Reason to the Allocate request");
}

TEST(IceDiagnosis, OfRefusedCredentialsByTheFormOfThePassword) {
  const Outcome outcome = refused_with(401);
  EXPECT_THAT(cause(turn("turn:h", "1700003600:a", std::string(40, 'a')), outcome),
              AllOf(HasSubstr("hexadecimal"), HasSubstr("base64(HMAC-SHA1")));
  EXPECT_THAT(cause(turn("turn:h", "1700003600:a", kGoodPassword.substr(0, 27)), outcome),
              HasSubstr("lacks the ="));
  EXPECT_THAT(cause(turn("turn:h", "1700003600:a", std::string(64, 'a')), outcome),
              HasSubstr("SHA-256"));
  EXPECT_THAT(cause(turn("turn:h"), outcome),
              AllOf(HasSubstr("secret"), HasSubstr("clocks are apart"), HasSubstr("1 h")));
}

TEST(IceDiagnosis, OfExpiredCredentials) {
  EXPECT_THAT(cause(turn("turn:h", "1699999910:a"), refused_with(401)),
              HasSubstr("expired 1 min 30 s ago"));
}

TEST(IceDiagnosis, OfCredentialsThatDoNotExpire) {
  EXPECT_THAT(cause(turn("turn:h", "alice", "password"), refused_with(401)),
              AllOf(HasSubstr("realm 'example.org'"), HasSubstr("another realm")));
}

TEST(IceDiagnosis, OfCredentialsInPlaceOfWhichOthersAreAccepted) {
  Outcome outcome = refused_with(401);
  outcome.accepted = Meaning::in_base64;
  EXPECT_THAT(cause(turn("turn:h", "1700003600:a", std::string(40, 'a')), outcome),
              AllOf(HasSubstr("is hexadecimal"), HasSubstr("the server accepts this user")));
  outcome.accepted = Meaning::by_sha1;
  EXPECT_THAT(cause(turn("turn:h", "1700003600:a", "x"), outcome), HasSubstr("base64(HMAC-SHA1"));
  outcome.accepted = Meaning::quoted_secret;
  EXPECT_THAT(cause(turn("turn:h"), outcome, "TURN_SHARED_SECRET"),
              HasSubstr("TURN_SHARED_SECRET with quotes"));
  outcome.accepted = Meaning::later_expiry;
  EXPECT_THAT(cause(turn("turn:h"), outcome),
              AllOf(HasSubstr("clocks apart"), HasSubstr("another 1 h here")));
  EXPECT_THAT(cause(turn("turn:h", "1699999910:a"), outcome), HasSubstr("expired 1 min 30 s ago"));
}

TEST(IceDiagnosis, OfAnotherSecret) {
  Outcome outcome = refused_with(401);
  outcome.tried_secret = true;
  EXPECT_THAT(cause(turn("turn:h"), outcome, "TURN_SHARED_SECRET"),
              HasSubstr("another secret than TURN_SHARED_SECRET"));
}

TEST(IceDiagnosis, OfOldPionTurnThatAnswers400) {
  Outcome outcome = refused_with(400);
  outcome.accepted = Meaning::in_base64;
  EXPECT_THAT(cause(turn("turn:h", "1700003600:a", std::string(40, 'a')), outcome),
              HasSubstr("hexadecimal"));
  EXPECT_THAT(cause(turn("turn:h", "1700003600:a b"), refused_with(400)),
              HasSubstr("TURN_USERNAME=expiry"));
}

TEST(IceDiagnosis, OfErrorCodes) {
  EXPECT_THAT(cause_of_code(403, Phase::permission),
              AllOf(HasSubstr("denied-peer-ip"), HasSubstr("192.0.2.9:50000")));
  EXPECT_THAT(cause_of_code(403), HasSubstr("stun-only"));
  EXPECT_THAT(cause_of_code(437), HasSubstr("mixes connections"));
  EXPECT_THAT(cause_of_code(438), HasSubstr("several servers behind one address"));
  EXPECT_THAT(cause_of_code(442), HasSubstr("no-udp-relay"));
  EXPECT_THAT(cause_of_code(486), HasSubstr("user-quota"));
  EXPECT_THAT(cause_of_code(508), HasSubstr("max-port"));
  EXPECT_THAT(cause_of_code(300), HasSubstr("alternate-server"));
  EXPECT_THAT(cause_of_code(401, Phase::permission), HasSubstr("a moment ago"));
  EXPECT_THAT(cause_of_code(599), HasSubstr("log"));
}

TEST(IceDiagnosis, OfAnswersThatAreNotAsTheyShouldBe) {
  const auto of = [](stun::Failure::Kind kind) {
    Fault fault{Kind::stun};
    fault.failure = stun::Failure{kind, Phase::allocate};
    return cause(turn("turn:h"), failed(std::move(fault)));
  };
  EXPECT_THAT(of(stun::Failure::Kind::no_challenge), HasSubstr("realm"));
  EXPECT_THAT(of(stun::Failure::Kind::integrity), HasSubstr("ALG"));
  EXPECT_THAT(of(stun::Failure::Kind::no_address), HasSubstr("defective"));
}

TEST(IceDiagnosis, OfTheWayToTheServer) {
  EXPECT_THAT(cause(turn("turn:h"), failed({Kind::unresolved, "Name unknown"})),
              HasSubstr("misspelt"));
  EXPECT_THAT(cause(turn("turn:h"), failed({Kind::no_route, "Network is unreachable"})),
              HasSubstr("this machine has no network"));
  EXPECT_THAT(cause(turn("turn:h:99"), failed({Kind::refused})),
              AllOf(HasSubstr("UDP port 99"), HasSubstr("no-udp")));
  EXPECT_THAT(cause(turn("turns:h"), failed({Kind::refused})),
              AllOf(HasSubstr("TCP port 5349"), HasSubstr("no-tls")));
  EXPECT_THAT(cause(turn("turn:h"), failed({Kind::timed_out})),
              HasSubstr("firewall drops UDP port 3478"));
  EXPECT_THAT(cause(turn("turns:h"), failed({Kind::timed_out})),
              HasSubstr("firewall drops TCP port 5349"));
}

TEST(IceDiagnosis, OfAServerThatAcceptsAndDoesNotAnswer) {
  Fault fault{Kind::timed_out};
  fault.connected = true;
  EXPECT_THAT(cause(turn("turns:h"), failed(fault)), HasSubstr("does not speak TLS"));
  EXPECT_THAT(cause(turn("turn:h?transport=tcp"), failed(fault)), HasSubstr("another protocol"));
}

TEST(IceDiagnosis, OfAnotherProtocol) {
  Fault fault{Kind::not_stun};
  fault.speaks = Fault::Speaks::tls;
  EXPECT_THAT(cause(turn("turn:h?transport=tcp"), failed(fault)), HasSubstr("write turns:"));
  fault.speaks = Fault::Speaks::http;
  EXPECT_THAT(cause(turn("turn:h?transport=tcp"), failed(fault)), HasSubstr("web server"));
  Fault plain{Kind::tls, "wrong version number"};
  plain.speaks = Fault::Speaks::plain;
  EXPECT_THAT(cause(turn("turns:h"), failed(plain)), HasSubstr("write turn:…?transport=tcp"));
}

TEST(IceDiagnosis, OfCertificates) {
  const auto of = [](std::string detail) {
    return cause(turn("turns:h"), failed({Kind::certificate, std::move(detail)}));
  };
  EXPECT_THAT(of("certificate has expired"), HasSubstr("renew"));
  EXPECT_THAT(of("certificate is not yet valid"), HasSubstr("clock"));
  EXPECT_THAT(of("it is not for h"), HasSubstr("a certificate for h"));
  EXPECT_THAT(of("self-signed certificate"), HasSubstr("public authority"));
  EXPECT_THAT(of("unable to get local issuer certificate"), HasSubstr("whole chain"));
}

TEST(IceDiagnosis, OfARelayThatNobodyReaches) {
  Outcome outcome = failed({Kind::private_relay});
  outcome.relayed = stun::TransportAddress{*client_address::parse_address("10.0.0.5"), 50000};
  const Diagnosis diagnosis = diagnose(turn("turn:h"), outcome, {kNow});
  EXPECT_THAT(diagnosis.error, HasSubstr("10.0.0.5:50000"));
  EXPECT_THAT(diagnosis.cause, HasSubstr("external-ip"));
}

TEST(IceDiagnosis, NeverShowsThePassword) {
  const Target target = turn("turn:h", "alice", "geheim");
  for (const int code : {300, 400, 401, 403, 437, 486, 500}) {
    const Diagnosis diagnosis = diagnose(target, refused_with(code), {kNow});
    EXPECT_THAT(diagnosis.error + diagnosis.cause, Not(HasSubstr("geheim")));
  }
}

TEST(IceDiagnosis, WarnsOfWhatNodesDoNotNotice) {
  Outcome good;
  EXPECT_THAT(warnings_of(turn("turn:h"), good, {kNow}), IsEmpty());
  EXPECT_THAT(warnings_of(turn("turn:h", "1700000300:a"), good, {kNow})[0],
              HasSubstr("valid for 5 min only"));
  EXPECT_THAT(warnings_of(turn("turn:h", "1699999990:a"), good, {kNow})[0],
              HasSubstr("expired 10 s ago"));
  good.is_open_relay = true;
  EXPECT_THAT(warnings_of(turn("turn:h"), good, {kNow})[0], HasSubstr("for everybody"));
}

TEST(IceDiagnosis, ShowsOnlyWhatCanBePrinted) {
  EXPECT_EQ(printable("a\x1b[0m\n\xff"), "a?[0m??");
  EXPECT_EQ(printable(std::string_view("padded\0\0", 8)), "padded");
  EXPECT_EQ(printable(std::string(200, 'x')).size(), 100U);
}

TEST(IceDiagnosis, WritesDurations) {
  using std::chrono::seconds;
  EXPECT_EQ(text_of(seconds(0)), "0 s");
  EXPECT_EQ(text_of(seconds(61)), "1 min 1 s");
  EXPECT_EQ(text_of(seconds(3600)), "1 h");
  EXPECT_EQ(text_of(seconds(47 * 3600 + 60)), "47 h 1 min");
  EXPECT_EQ(text_of(seconds(3 * 86400 + 5)), "3 days");
}

}  // namespace
}  // namespace crolang::ice
