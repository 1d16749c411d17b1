#include "broker/admission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using testing::Asked;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::Harness;
using testing::Holder;
using ::testing::IsEmpty;
using testing::kHere;
using testing::query_of;
using testing::Question;

constexpr auto kDeadline = 11s;  // beyond that of every question
const Holder kElsewhere{"elsewhere", 4711};

struct Outcomes final : AdmissionOutcomes {
  void on_admitted(SessionHandle, std::uint64_t held, RtcLiteral literal,
                   std::optional<TimePoint> end) override {
    token = held;
    until = end;
    rtc = std::move(literal);
    seen.emplace_back("admitted");
  }
  void on_refused(SessionHandle, Refusal refusal, std::string_view why) override {
    reason = why;
    seen.push_back("refused: " + std::string(text_of(refusal)));
  }
  void on_failure(SessionHandle, TemporaryFailure failure) override {
    seen.push_back("failure: " + std::string(text_of(failure)));
  }

  std::vector<std::string> seen;
  std::string reason;  // of the last refusal
  std::uint64_t token = 0;
  RtcLiteral rtc;
  std::optional<TimePoint> until;
};

std::string refused(Refusal refusal) {
  return "refused: " + std::string(text_of(refusal));
}
std::string failure(TemporaryFailure failure) {
  return "failure: " + std::string(text_of(failure));
}

class AdmissionsTest : public ::testing::Test {
 protected:
  explicit AdmissionsTest(Policy policy = {}) : harness(policy) {}

  /// The handle of a node that asks to be let in.
  SessionHandle start(std::string_view query) {
    Node& session = harness.request_upgrade(query);
    admissions.start(session.handle(), session.identity(), {});
    return session.handle();
  }
  SessionHandle start_bob() { return start(query_of("bob")); }

  /// What becomes of a node with this query.
  std::vector<std::string> outcome(std::string_view query) {
    start(query);
    harness.settle();
    return std::exchange(outcomes.seen, {});
  }
  std::vector<std::string> outcome_of_bob() { return outcome(query_of("bob")); }

  std::vector<std::uint64_t> released() const {
    std::vector<std::uint64_t> tokens;
    for (const Asked& asked : harness.modules.asked(Question::release))
      tokens.push_back(asked.token);
    return tokens;
  }
  std::uint64_t claimed() const { return harness.modules.last(Question::claim).token; }

  Harness harness;
  Outcomes outcomes;
  Admissions admissions{harness.shared, harness.clients, outcomes, harness.counters};
};

enum class Answers { inline_, later };

std::string name_of_answers(const ::testing::TestParamInfo<Answers>& info) {
  return info.param == Answers::inline_ ? "AnsweredInline" : "AnsweredLater";
}

/// Everything that must be the same whether modules answer at once or later.
class AdmissionTest : public AdmissionsTest, public ::testing::WithParamInterface<Answers> {
 protected:
  explicit AdmissionTest(Policy policy = {}) : AdmissionsTest(policy) {
    if (GetParam() == Answers::later) harness.modules.delay_answers();
  }

  void hold_elsewhere() {
    harness.modules.on(Question::claim, [](const Asked& asked) { asked.held_by(kElsewhere); });
  }
  void answer_probe(std::int32_t result) {
    harness.modules.on(Question::probe, [result](const Asked& asked) { asked.probed(result); });
  }
  void fail(Question question, crolang_status status) {
    harness.modules.on(question, [status](const Asked& asked) { asked.fail(status); });
  }
};

INSTANTIATE_TEST_SUITE_P(, AdmissionTest, ::testing::Values(Answers::inline_, Answers::later),
                         name_of_answers);

constexpr crolang_status kFailures[] = {CROLANG_UNAVAILABLE, CROLANG_TIMEOUT, CROLANG_CANCELLED,
                                        CROLANG_INVALID, CROLANG_INTERNAL};

TEST_P(AdmissionTest, AdmitsANodeIfEveryModuleAgrees) {
  EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted"));

  EXPECT_EQ(outcomes.token, claimed());
  EXPECT_NE(outcomes.token, 0u);
  EXPECT_EQ(harness.modules.last(Question::claim).id, "bob");
  EXPECT_EQ(harness.modules.last(Question::resolve_rtc).id, "bob");
  EXPECT_NE(outcomes.rtc->find("stun:example.org"), std::string::npos);
  EXPECT_THAT(released(), IsEmpty());
}

TEST_P(AdmissionTest, SaysWhenTheAuthenticationExpires) {
  const TimePoint start = harness.now;
  admissions.set_now(start);
  harness.modules.on(Question::authenticate, [](const Asked& asked) { asked.yes_for(90s); });
  EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted"));
  EXPECT_EQ(outcomes.until, start + 90s);

  harness.modules.on(Question::authenticate, [](const Asked& asked) { asked.yes_for(0s); });
  EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted"));
  EXPECT_EQ(outcomes.until, std::nullopt);

  // No sum overflows.
  harness.modules.on(Question::authenticate,
                     [](const Asked& asked) { asked.yes_for(std::chrono::milliseconds::max()); });
  EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted"));
  EXPECT_EQ(outcomes.until, start + 24h * 3650);
}

TEST_P(AdmissionTest, PassesAddressAndKeptRequestToTheAuthentication) {
  Node& bob = harness.request_upgrade(query_of("bob"));
  admissions.start(bob.handle(), bob.identity(), {});
  harness.settle();
  EXPECT_EQ(harness.modules.last(Question::authenticate).client_address, "");
  EXPECT_EQ(harness.modules.last(Question::authenticate).team, std::nullopt);

  Identity identity = Identity::from_query(query_of("alice"));
  identity.keep_request("Host: here\r\nX-Team: red\r\n");
  admissions.start(harness.request_upgrade(query_of("alice")).handle(), identity,
                   client_address::ipv4_address({192, 0, 2, 7}));
  harness.settle();
  EXPECT_EQ(harness.modules.last(Question::authenticate).id, "alice");
  EXPECT_EQ(harness.modules.last(Question::authenticate).client_address, "192.0.2.7");
  EXPECT_EQ(harness.modules.last(Question::authenticate).team, "red");
}

TEST_P(AdmissionTest, OpensTheClaimOfAnAdmittedNode) {
  outcome_of_bob();

  const auto claim = harness.shared.claims.find(outcomes.token);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->stage, Claims::Stage::open);
}

TEST_P(AdmissionTest, RefusesANodeThatIsNotAuthentic) {
  harness.modules.on(Question::authenticate, [](const Asked& asked) { asked.no(); });

  EXPECT_THAT(outcome_of_bob(), ElementsAre(refused(Refusal::authentication_failed)));
  EXPECT_EQ(harness.modules.count(Question::claim), 0u);
  EXPECT_THAT(released(), IsEmpty());
}

TEST_P(AdmissionTest, PassesOnWhyANodeIsNotAuthentic) {
  harness.modules.on(Question::authenticate,
                     [](const Asked& asked) { asked.no("expired 312 s ago"); });

  outcome_of_bob();
  EXPECT_EQ(outcomes.reason, "expired 312 s ago");
}

TEST_P(AdmissionTest, FailsIfTheAuthenticationIsUnavailable) {
  for (const crolang_status status : kFailures) {
    fail(Question::authenticate, status);
    EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::authentication))) << status;
  }
  EXPECT_EQ(harness.modules.count(Question::claim), 0u);
}

TEST_P(AdmissionTest, FailsIfTheIdCannotBeClaimed) {
  for (const crolang_status status : kFailures) {
    fail(Question::claim, status);
    EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::registry))) << status;
    EXPECT_EQ(released().back(), claimed()) << "the grant may only have got lost";
    EXPECT_FALSE(harness.shared.claims.find(claimed()));
  }
  EXPECT_EQ(released().size(), std::size(kFailures));
  EXPECT_EQ(harness.modules.count(Question::resolve_rtc), 0u);
}

TEST_P(AdmissionTest, FailsIfTheRtcConfigurationCannotBeResolved) {
  for (const crolang_status status : kFailures) {
    fail(Question::resolve_rtc, status);
    EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::rtc))) << status;
    EXPECT_EQ(released().back(), claimed());
    EXPECT_FALSE(harness.shared.claims.find(claimed()));
  }
  EXPECT_EQ(released().size(), std::size(kFailures));
}

TEST_P(AdmissionTest, AdmitsANodeWithoutUnusableServers) {
  harness.modules.on(Question::resolve_rtc, [](const Asked& asked) {
    asked.text(R"({"iceServers":[{"urls":"stun:a"},{"urls":["stun:b:0","turn:c"]}]})");
  });
  const auto left_out = [&] {
    return harness.shared.counters.value(telemetry::Counter::rtc_urls_left_out);
  };

  EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted"));
  EXPECT_NE(outcomes.rtc->find("stun:a"), std::string::npos);
  EXPECT_EQ(outcomes.rtc->find("stun:b"), std::string::npos);
  EXPECT_EQ(left_out(), 2u);

  EXPECT_THAT(outcome(query_of("alice")), ElementsAre("admitted"));
  EXPECT_EQ(left_out(), 4u) << "the same answer again is not looked at again, but counted";
}

TEST_P(AdmissionTest, FailsIfTheRtcConfigurationIsInvalid) {
  harness.modules.on(Question::resolve_rtc, [](const Asked& asked) { asked.text("{}"); });

  EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::rtc)));
  EXPECT_THAT(released(), ElementsAre(claimed()));
  EXPECT_EQ(harness.shared.counters.value(telemetry::Counter::rtc_configurations_refused), 1u);
}

TEST_P(AdmissionTest, RefusesAnIdWhoseHolderIsAliveElsewhere) {
  hold_elsewhere();
  answer_probe(CROLANG_ALIVE);

  EXPECT_THAT(outcome_of_bob(), ElementsAre(refused(Refusal::already_connected)));
  EXPECT_EQ(harness.modules.count(Question::replace), 0u);
  EXPECT_THAT(released(), ElementsAre(claimed()));
}

TEST_P(AdmissionTest, ProbesExactlyTheHolderThatTheClaimReported) {
  hold_elsewhere();
  answer_probe(CROLANG_ALIVE);

  outcome_of_bob();

  const Asked& probe = harness.modules.last(Question::probe);
  EXPECT_EQ(probe.id, "bob");
  EXPECT_EQ(probe.holder.instance, kElsewhere.instance);
  EXPECT_EQ(probe.holder.token, kElsewhere.token);
}

TEST_P(AdmissionTest, TakesTheIdOfAHolderThatYieldedOrIsGone) {
  hold_elsewhere();
  for (const std::int32_t result : {CROLANG_YIELDED, CROLANG_GONE}) {
    answer_probe(result);

    EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted")) << result;

    const Asked& replace = harness.modules.last(Question::replace);
    EXPECT_EQ(replace.token, claimed());
    EXPECT_EQ(replace.holder.instance, kElsewhere.instance);
    EXPECT_EQ(replace.holder.token, kElsewhere.token);
    EXPECT_EQ(outcomes.token, claimed());
  }
  EXPECT_THAT(released(), IsEmpty());
}

TEST_P(AdmissionTest, FailsIfTheHolderCannotBeReached) {
  hold_elsewhere();
  answer_probe(CROLANG_UNREACHABLE);

  EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::probing)));
  EXPECT_EQ(harness.modules.count(Question::replace), 0u);
  EXPECT_THAT(released(), ElementsAre(claimed()));
}

TEST_P(AdmissionTest, FailsIfTheHolderCannotBeProbed) {
  hold_elsewhere();
  for (const crolang_status status : kFailures) {
    fail(Question::probe, status);
    EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::probing))) << status;
  }
  harness.modules.on(Question::probe, [](const Asked& asked) { asked.probed(17); });
  EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::probing)));
  EXPECT_EQ(harness.modules.count(Question::replace), 0u);
}

TEST_P(AdmissionTest, FailsIfAnotherNodeTookTheIdFirst) {
  hold_elsewhere();
  harness.modules.on(Question::replace, [](const Asked& asked) { asked.held_by(kElsewhere); });

  EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::probing)));
  EXPECT_THAT(released(), ElementsAre(claimed()));
}

TEST_P(AdmissionTest, FailsIfTheHolderCannotBeReplaced) {
  hold_elsewhere();
  for (const crolang_status status : kFailures) {
    fail(Question::replace, status);
    EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::registry))) << status;
    EXPECT_EQ(released().back(), claimed());
  }
  EXPECT_EQ(released().size(), std::size(kFailures));
}

/// The holder is a session of this very instance, so the registry plugin is not asked about it.
class LocalHolderTest : public AdmissionsTest {
 protected:
  LocalHolderTest() : holder(harness.join("bob")) {
    harness.modules.on(Question::claim, [this](const Asked& asked) {
      asked.held_by({std::string(kHere), holder.token()});
    });
  }

  Node& holder;
};

TEST_F(LocalHolderTest, IsProbed) {
  start_bob();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(holder), ElementsAre("2"));
  EXPECT_EQ(harness.modules.count(Question::probe), 0u);
  EXPECT_THAT(outcomes.seen, IsEmpty());
}

TEST_F(LocalHolderTest, KeepsItsIdIfItShowsAny) {
  start_bob();
  harness.run_iteration();

  harness.say(holder, "3");
  harness.run_iteration();

  EXPECT_THAT(outcomes.seen, ElementsAre(refused(Refusal::already_connected)));
  EXPECT_EQ(holder.state(), session::State::joined);
}

TEST_F(LocalHolderTest, YieldsItsIdIfItIsSilent) {
  const std::uint64_t incumbent = holder.token();
  start_bob();
  harness.run_iteration();

  harness.pass(1499ms);
  EXPECT_THAT(outcomes.seen, IsEmpty());
  harness.pass(1ms);

  EXPECT_THAT(outcomes.seen, ElementsAre("admitted"));
  EXPECT_EQ(harness.modules.last(Question::replace).holder.token, incumbent);
  EXPECT_EQ(holder.state(), session::State::closing);
}

TEST_F(LocalHolderTest, DoesNotBlockAnAdmissionIfItCannotBeAsked) {
  harness.loses_posts = true;
  start_bob();
  harness.run_iteration();
  EXPECT_THAT(outcomes.seen, IsEmpty());

  harness.pass(kDeadline + 1500ms);

  EXPECT_THAT(outcomes.seen, ElementsAre(failure(TemporaryFailure::probing)));
}

TEST_F(LocalHolderTest, IsGoneIfItsConnectionBreaksMeanwhile) {
  start_bob();
  harness.run_iteration();

  harness.cut(holder);
  harness.run_iteration();

  EXPECT_THAT(outcomes.seen, ElementsAre("admitted"));
}

TEST_F(AdmissionsTest, ReplacesALocalHolderThatTheRegistryRemembersByMistake) {
  harness.modules.on(Question::claim, [](const Asked& asked) {
    asked.held_by({std::string(kHere), 4711});
  });

  EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted"));
  EXPECT_EQ(harness.modules.last(Question::replace).holder.token, 4711u);
}

TEST_F(AdmissionsTest, NeverEvictsAnAdmissionInProgress) {
  harness.modules.keep(Question::resolve_rtc);
  start_bob();
  const std::uint64_t first = claimed();
  harness.modules.on(Question::claim, [&](const Asked& asked) {
    asked.held_by({std::string(kHere), first});
  });

  EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::probing)));
  EXPECT_EQ(harness.modules.count(Question::replace), 0u);
}

class WithoutProbesTest : public AdmissionsTest {
 protected:
  WithoutProbesTest() : AdmissionsTest(policy()) {}
  static Policy policy() {
    Policy policy;
    policy.probe_timeout = 0ms;
    return policy;
  }
};

TEST_F(WithoutProbesTest, RefusesAHeldIdWithoutAsking) {
  harness.modules.on(Question::claim, [](const Asked& asked) { asked.held_by(kElsewhere); });

  EXPECT_THAT(outcome_of_bob(), ElementsAre(refused(Refusal::already_connected)));
  EXPECT_EQ(harness.modules.count(Question::probe), 0u);
  EXPECT_THAT(released(), ElementsAre(claimed()));
}

TEST_F(AdmissionsTest, PassesTheStatedIdentityToTheAuthentication) {
  start("id=bob&version=2.1&runtime=jvm&data=%7B%22a%22:1%7D");

  const Asked& asked = harness.modules.last(Question::authenticate);
  EXPECT_EQ(asked.id, "bob");
  EXPECT_EQ(asked.version, "2.1");
  EXPECT_EQ(asked.runtime, "jvm");
  EXPECT_EQ(asked.data, R"({"a":1})");
}

TEST_F(AdmissionsTest, DistinguishesAbsentDataFromEmptyData) {
  start("id=bob&version=2.1&runtime=jvm");
  EXPECT_EQ(harness.modules.last(Question::authenticate).data, std::nullopt);

  start("id=bob&version=2.1&runtime=jvm&data=");
  EXPECT_EQ(harness.modules.last(Question::authenticate).data, "");
}

TEST_F(AdmissionsTest, NamesTheFirstFieldThatIsMissing) {
  EXPECT_THAT(outcome(""), ElementsAre(refused(Refusal::missing_id)));
  EXPECT_THAT(outcome("version=1&runtime=x"), ElementsAre(refused(Refusal::missing_id)));
  EXPECT_THAT(outcome("id=a"), ElementsAre(refused(Refusal::missing_version)));
  EXPECT_THAT(outcome("id=a&runtime=x"), ElementsAre(refused(Refusal::missing_version)));
  EXPECT_THAT(outcome("id=a&version=1"), ElementsAre(refused(Refusal::missing_runtime)));
  EXPECT_THAT(harness.modules.asked(), IsEmpty());
}

TEST_F(AdmissionsTest, TakesAFieldThatIsGivenTwiceForMissing) {
  EXPECT_THAT(outcome("id=a&id=a&version=1&runtime=x"), ElementsAre(refused(Refusal::missing_id)));
  EXPECT_THAT(outcome("id=a&version=1&version=2&runtime=x"),
              ElementsAre(refused(Refusal::missing_version)));
  EXPECT_THAT(outcome("id=a&version=1&runtime=x&runtime="),
              ElementsAre(refused(Refusal::missing_runtime)));
}

TEST_F(AdmissionsTest, AcceptsAnEmptyVersionAndRuntime) {
  EXPECT_THAT(outcome("id=a&version=&runtime"), ElementsAre("admitted"));
}

TEST_F(AdmissionsTest, RefusesIdsThatCouldNotBeAddressed) {
  for (const std::string& id : {std::string(), std::string(257, 'a'), std::string("%FF"),
                                std::string("a%00b"), std::string("a%0A"), std::string("%7F"),
                                std::string("%C2%85"), std::string("+a"), std::string("a%C2%A0")}) {
    EXPECT_THAT(outcome(query_of(id)), ElementsAre(refused(Refusal::invalid_id))) << id;
  }
  EXPECT_THAT(harness.modules.asked(), IsEmpty());
}

TEST_F(AdmissionsTest, SaysWhatIsWrongWithAnId) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "it is empty"},
      {"%ff", "it is not UTF-8"},
      {"a%0ab", "it has a control character"},
      {"a%20", "it begins or ends with white space"},
      {std::string(257, 'x'), "it has 257 bytes, MAX_NODE_ID_BYTES is 256"}};
  for (const auto& [id, reason] : cases) {
    EXPECT_THAT(outcome(query_of(id)), ElementsAre(refused(Refusal::invalid_id)));
    EXPECT_EQ(outcomes.reason, reason);
  }
}

TEST_F(AdmissionsTest, AcceptsUnusualIds) {
  for (const std::string& id : {std::string(256, 'a'), std::string("__proto__"), std::string("a+b"),
                                std::string("%C3%A4"), std::string("%22%5C")}) {
    EXPECT_THAT(outcome(query_of(id)), ElementsAre("admitted")) << id;
  }
}

TEST_F(AdmissionsTest, AsksAllNodesToRetryWhileDraining) {
  harness.shared.draining = true;

  EXPECT_THAT(outcome_of_bob(), ElementsAre(failure(TemporaryFailure::draining)));
  EXPECT_THAT(outcome(""), ElementsAre(failure(TemporaryFailure::draining)));
  EXPECT_THAT(harness.modules.asked(), IsEmpty());
}

TEST_F(AdmissionsTest, ClaimsUnderANewTokenEachTime) {
  outcome_of_bob();
  const std::uint64_t first = claimed();
  outcome_of_bob();

  EXPECT_NE(claimed(), first);
}

/// The question at which an admission is left alone.
class StageTest : public AdmissionsTest, public ::testing::WithParamInterface<Question> {
 protected:
  StageTest() {
    const Question stage = GetParam();
    if (stage == Question::probe || stage == Question::replace) {
      harness.modules.on(Question::claim, [](const Asked& asked) { asked.held_by(kElsewhere); });
    }
    harness.modules.keep(stage);
  }

  /// As if nothing had happened.
  void answer_well() {
    const Asked& asked = harness.modules.last(GetParam());
    switch (GetParam()) {
      case Question::authenticate:
        asked.yes();
        break;
      case Question::probe:
        asked.probed(CROLANG_GONE);
        break;
      case Question::resolve_rtc:
        asked.text(R"({"iceServers":[{"urls":"stun:a"}]})");
        break;
      default:
        asked.granted();
        break;
    }
    harness.run_iteration();
  }

  std::size_t claims() const { return harness.modules.count(Question::claim); }
  bool grants() const { return GetParam() == Question::claim || GetParam() == Question::replace; }
};

std::string name_of_stage(const ::testing::TestParamInfo<Question>& info) {
  return std::string(modules::question_name(info.param));
}

INSTANTIATE_TEST_SUITE_P(, StageTest,
                         ::testing::Values(Question::authenticate, Question::claim, Question::probe,
                                           Question::replace, Question::resolve_rtc),
                         name_of_stage);

TEST_P(StageTest, ReleasesTheTokenOnceIfTheNodeLeaves) {
  const SessionHandle bob = start_bob();

  admissions.cancel(bob);

  ASSERT_EQ(released().size(), claims());
  if (claims() != 0) {
    EXPECT_EQ(released().front(), claimed());
    EXPECT_FALSE(harness.shared.claims.find(claimed()));
  }
  EXPECT_THAT(outcomes.seen, IsEmpty());
}

TEST_P(StageTest, IgnoresTheAnswerOnceTheNodeHasLeft) {
  admissions.cancel(start_bob());
  const std::size_t before = harness.modules.asked().size();

  answer_well();

  EXPECT_THAT(outcomes.seen, IsEmpty());
  EXPECT_EQ(harness.modules.asked().size(), before);
}

TEST_P(StageTest, CancelsNothingTwice) {
  const SessionHandle bob = start_bob();

  admissions.cancel(bob);
  admissions.cancel(bob);

  EXPECT_EQ(released().size(), claims());
}

TEST_P(StageTest, ContinuesAfterALateAnswer) {
  start_bob();
  EXPECT_THAT(outcomes.seen, IsEmpty());

  answer_well();

  EXPECT_THAT(outcomes.seen, ElementsAre("admitted"));
  EXPECT_EQ(outcomes.token, claimed());
}

TEST_P(StageTest, FailsIfTheAnswerNeverComes) {
  start_bob();

  harness.pass(kDeadline + 2s);

  EXPECT_THAT(outcomes.seen, ElementsAre(::testing::StartsWith("failure: ")));
  EXPECT_EQ(released().size(), claims());
  EXPECT_THAT(released(), Each(claims() == 0 ? 0 : claimed()));
}

TEST_P(StageTest, ReleasesWhatIsGrantedAfterTheDeadline) {
  start_bob();
  harness.pass(kDeadline + 2s);
  const std::size_t before = released().size();

  answer_well();

  EXPECT_EQ(released().size() - before, grants() ? 1u : 0u);
  EXPECT_THAT(released(), Each(claims() == 0 ? 0 : claimed()));
  EXPECT_EQ(outcomes.seen.size(), 1u);
}

TEST_P(StageTest, DoesNotCancelForAnotherSessionInTheSameSlot) {
  SessionHandle other = start_bob();
  ++other.generation;

  admissions.cancel(other);
  answer_well();

  EXPECT_THAT(outcomes.seen, ElementsAre("admitted"));
}

TEST_P(StageTest, KeepsTheAnswersOfTwoAdmissionsInOneSlotApart) {
  Node& first = harness.request_upgrade(query_of("bob"));
  const std::uint32_t slot = first.handle().slot;
  admissions.start(first.handle(), first.identity(), {});
  const Asked stale = harness.modules.last(GetParam());
  admissions.cancel(first.handle());
  harness.cut(first);
  const SessionHandle second = start_bob();
  ASSERT_EQ(second.slot, slot);

  stale.fail(CROLANG_INTERNAL);
  harness.run_iteration();
  EXPECT_THAT(outcomes.seen, IsEmpty());
  answer_well();

  EXPECT_THAT(outcomes.seen, ElementsAre("admitted"));
}

TEST_P(StageTest, FailsIfTheLeaseIsLostMeanwhile) {
  const SessionHandle bob = start_bob();
  if (claims() == 0) {
    EXPECT_FALSE(admissions.lose(bob, 4711));
    return;
  }

  EXPECT_FALSE(admissions.lose(bob, claimed() + 1));
  EXPECT_TRUE(admissions.lose(bob, claimed()));
  answer_well();

  EXPECT_THAT(outcomes.seen, ElementsAre(failure(TemporaryFailure::probing)));
  EXPECT_THAT(released(), ElementsAre(claimed()));
}

TEST_F(AdmissionsTest, MeasuresEachAdmissionFromItsStartToItsOutcome) {
  harness.modules.keep(Question::authenticate);
  start_bob();
  harness.pass(0ms);
  EXPECT_EQ(harness.counters.histogram(telemetry::Latency::admission).counts().count(), 0u);
  harness.modules.last(Question::authenticate).no();
  harness.run_iteration();
  ASSERT_THAT(outcomes.seen, ElementsAre(refused(Refusal::authentication_failed)));
  EXPECT_EQ(harness.counters.histogram(telemetry::Latency::admission).counts().count(), 1u);
}

TEST_F(AdmissionsTest, DoesNotMeasureWhatNeedsNoAdmission) {
  outcome("id=bob");
  EXPECT_EQ(harness.counters.histogram(telemetry::Latency::admission).counts().count(), 0u);
}

}  // namespace
}  // namespace crolang::broker
