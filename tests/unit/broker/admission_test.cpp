#include "broker/admission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "unit/broker/house.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using testing::Asked;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::Holder;
using testing::House;
using ::testing::IsEmpty;
using testing::kHere;
using testing::query_of;
using testing::Question;

constexpr auto kDeadline = 11s;  // beyond that of every question
const Holder kElsewhere{"elsewhere", 4711};

struct Outcomes final : AdmissionOutcomes {
  void on_admitted(SessionHandle, std::uint64_t held, RtcLiteral literal) override {
    token = held;
    rtc = std::move(literal);
    seen.emplace_back("admitted");
  }
  void on_refused(SessionHandle, Refusal refusal, std::string_view why) override {
    reason = why;
    seen.push_back("refused: " + std::string(text_of(refusal)));
  }
  void on_trouble(SessionHandle, Trouble trouble) override {
    seen.push_back("trouble: " + std::string(text_of(trouble)));
  }

  std::vector<std::string> seen;
  std::string reason;  // of the last refusal
  std::uint64_t token = 0;
  RtcLiteral rtc;
};

std::string refused(Refusal refusal) {
  return "refused: " + std::string(text_of(refusal));
}
std::string trouble(Trouble trouble) {
  return "trouble: " + std::string(text_of(trouble));
}

class AdmissionsTest : public ::testing::Test {
 protected:
  explicit AdmissionsTest(Policy policy = {}) : house(policy) {}

  /// The handle of a node that asks to be let in.
  SessionHandle start(std::string_view query) {
    Session& session = house.knock(query);
    admissions.start(session.handle(), session.identity());
    return session.handle();
  }
  SessionHandle start_bob() { return start(query_of("bob")); }

  /// What becomes of a node with this query.
  std::vector<std::string> outcome(std::string_view query) {
    start(query);
    house.settle();
    return std::exchange(outcomes.seen, {});
  }
  std::vector<std::string> outcome_of_bob() { return outcome(query_of("bob")); }

  std::vector<std::uint64_t> released() const {
    std::vector<std::uint64_t> tokens;
    for (const Asked& asked : house.modules.asked(Question::release)) tokens.push_back(asked.token);
    return tokens;
  }
  std::uint64_t claimed() const { return house.modules.last(Question::claim).token; }

  using Session = testing::Session;

  House house;
  Outcomes outcomes;
  Admissions admissions{house.grid, house.clients, outcomes};
};

enum class Answers { inline_, later };

std::string name_of_answers(const ::testing::TestParamInfo<Answers>& info) {
  return info.param == Answers::inline_ ? "AnsweredInline" : "AnsweredLater";
}

/// Everything that must be the same whether modules answer at once or later.
class AdmissionTest : public AdmissionsTest, public ::testing::WithParamInterface<Answers> {
 protected:
  explicit AdmissionTest(Policy policy = {}) : AdmissionsTest(policy) {
    if (GetParam() == Answers::later) house.modules.delay_answers();
  }

  void hold_elsewhere() {
    house.modules.on(Question::claim, [](const Asked& asked) { asked.held_by(kElsewhere); });
  }
  void answer_probe(std::int32_t verdict) {
    house.modules.on(Question::probe, [verdict](const Asked& asked) { asked.verdict(verdict); });
  }
  void fail(Question question, crolang_status status) {
    house.modules.on(question, [status](const Asked& asked) { asked.fail(status); });
  }
};

INSTANTIATE_TEST_SUITE_P(, AdmissionTest, ::testing::Values(Answers::inline_, Answers::later),
                         name_of_answers);

constexpr crolang_status kFailures[] = {CROLANG_UNAVAILABLE, CROLANG_TIMEOUT, CROLANG_CANCELLED,
                                        CROLANG_INVALID, CROLANG_INTERNAL};

TEST_P(AdmissionTest, LetsANodeInWhomNobodyObjectsTo) {
  EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted"));

  EXPECT_EQ(outcomes.token, claimed());
  EXPECT_NE(outcomes.token, 0u);
  EXPECT_EQ(house.modules.last(Question::claim).id, "bob");
  EXPECT_EQ(house.modules.last(Question::resolve_rtc).id, "bob");
  EXPECT_NE(outcomes.rtc->find("stun:example.org"), std::string::npos);
  EXPECT_THAT(released(), IsEmpty());
}

TEST_P(AdmissionTest, OpensTheClaimOfWhomItLetsIn) {
  outcome_of_bob();

  const auto claim = house.grid.claims.find(outcomes.token);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->stage, Claims::Stage::open);
}

TEST_P(AdmissionTest, RefusesWhoIsNotAuthentic) {
  house.modules.on(Question::authenticate, [](const Asked& asked) { asked.no(); });

  EXPECT_THAT(outcome_of_bob(), ElementsAre(refused(Refusal::authentication_failed)));
  EXPECT_EQ(house.modules.count(Question::claim), 0u);
  EXPECT_THAT(released(), IsEmpty());
}

TEST_P(AdmissionTest, PassesOnWhyANodeIsNotAuthentic) {
  house.modules.on(Question::authenticate,
                   [](const Asked& asked) { asked.no("expired 312 s ago"); });

  outcome_of_bob();
  EXPECT_EQ(outcomes.reason, "expired 312 s ago");
}

TEST_P(AdmissionTest, IsInTroubleIfNobodyCanAuthenticate) {
  for (const crolang_status status : kFailures) {
    fail(Question::authenticate, status);
    EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::authentication))) << status;
  }
  EXPECT_EQ(house.modules.count(Question::claim), 0u);
}

TEST_P(AdmissionTest, IsInTroubleIfTheIdCannotBeClaimed) {
  for (const crolang_status status : kFailures) {
    fail(Question::claim, status);
    EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::registry))) << status;
    EXPECT_EQ(released().back(), claimed()) << "the grant may only have got lost";
    EXPECT_FALSE(house.grid.claims.find(claimed()));
  }
  EXPECT_EQ(released().size(), std::size(kFailures));
  EXPECT_EQ(house.modules.count(Question::resolve_rtc), 0u);
}

TEST_P(AdmissionTest, IsInTroubleIfTheRtcConfigurationCannotBeResolved) {
  for (const crolang_status status : kFailures) {
    fail(Question::resolve_rtc, status);
    EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::rtc))) << status;
    EXPECT_EQ(released().back(), claimed());
    EXPECT_FALSE(house.grid.claims.find(claimed()));
  }
  EXPECT_EQ(released().size(), std::size(kFailures));
}

TEST_P(AdmissionTest, LetsANodeInWithoutTheServersThatItCouldNotUse) {
  house.modules.on(Question::resolve_rtc, [](const Asked& asked) {
    asked.text(R"({"iceServers":[{"urls":"stun:a"},{"urls":["stun:b:0","turn:c"]}]})");
  });
  const auto left_out = [&] {
    return house.grid.counters.value(telemetry::Counter::rtc_urls_left_out);
  };

  EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted"));
  EXPECT_NE(outcomes.rtc->find("stun:a"), std::string::npos);
  EXPECT_EQ(outcomes.rtc->find("stun:b"), std::string::npos);
  EXPECT_EQ(left_out(), 2u);

  EXPECT_THAT(outcome(query_of("alice")), ElementsAre("admitted"));
  EXPECT_EQ(left_out(), 4u) << "the same answer again is not looked at again, but counted";
}

TEST_P(AdmissionTest, IsInTroubleIfTheRtcConfigurationIsNonsense) {
  house.modules.on(Question::resolve_rtc, [](const Asked& asked) { asked.text("{}"); });

  EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::rtc)));
  EXPECT_THAT(released(), ElementsAre(claimed()));
  EXPECT_EQ(house.grid.counters.value(telemetry::Counter::rtc_configurations_refused), 1u);
}

TEST_P(AdmissionTest, RefusesAnIdWhoseHolderLivesElsewhere) {
  hold_elsewhere();
  answer_probe(CROLANG_ALIVE);

  EXPECT_THAT(outcome_of_bob(), ElementsAre(refused(Refusal::already_connected)));
  EXPECT_EQ(house.modules.count(Question::replace), 0u);
  EXPECT_THAT(released(), ElementsAre(claimed()));
}

TEST_P(AdmissionTest, ProbesExactlyTheHolderThatTheClaimMet) {
  hold_elsewhere();
  answer_probe(CROLANG_ALIVE);

  outcome_of_bob();

  const Asked& probe = house.modules.last(Question::probe);
  EXPECT_EQ(probe.id, "bob");
  EXPECT_EQ(probe.holder.instance, kElsewhere.instance);
  EXPECT_EQ(probe.holder.token, kElsewhere.token);
}

TEST_P(AdmissionTest, TakesTheIdOfAHolderThatYieldedOrIsGone) {
  hold_elsewhere();
  for (const std::int32_t verdict : {CROLANG_YIELDED, CROLANG_GONE}) {
    answer_probe(verdict);

    EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted")) << verdict;

    const Asked& replace = house.modules.last(Question::replace);
    EXPECT_EQ(replace.token, claimed());
    EXPECT_EQ(replace.holder.instance, kElsewhere.instance);
    EXPECT_EQ(replace.holder.token, kElsewhere.token);
    EXPECT_EQ(outcomes.token, claimed());
  }
  EXPECT_THAT(released(), IsEmpty());
}

TEST_P(AdmissionTest, IsInTroubleIfTheHolderCannotBeReached) {
  hold_elsewhere();
  answer_probe(CROLANG_UNREACHABLE);

  EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::probing)));
  EXPECT_EQ(house.modules.count(Question::replace), 0u);
  EXPECT_THAT(released(), ElementsAre(claimed()));
}

TEST_P(AdmissionTest, IsInTroubleIfTheHolderCannotBeAskedFor) {
  hold_elsewhere();
  for (const crolang_status status : kFailures) {
    fail(Question::probe, status);
    EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::probing))) << status;
  }
  house.modules.on(Question::probe, [](const Asked& asked) { asked.verdict(17); });
  EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::probing)));
  EXPECT_EQ(house.modules.count(Question::replace), 0u);
}

TEST_P(AdmissionTest, IsInTroubleIfAnotherNewcomerWasFaster) {
  hold_elsewhere();
  house.modules.on(Question::replace, [](const Asked& asked) { asked.held_by(kElsewhere); });

  EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::probing)));
  EXPECT_THAT(released(), ElementsAre(claimed()));
}

TEST_P(AdmissionTest, IsInTroubleIfTheHolderCannotBeReplaced) {
  hold_elsewhere();
  for (const crolang_status status : kFailures) {
    fail(Question::replace, status);
    EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::registry))) << status;
    EXPECT_EQ(released().back(), claimed());
  }
  EXPECT_EQ(released().size(), std::size(kFailures));
}

/// The holder is a session of this very instance, so the registry plugin is not asked about it.
class LocalHolderTest : public AdmissionsTest {
 protected:
  LocalHolderTest() : holder(house.join("bob")) {
    house.modules.on(Question::claim, [this](const Asked& asked) {
      asked.held_by({std::string(kHere), holder.token()});
    });
  }

  Session& holder;
};

TEST_F(LocalHolderTest, IsAskedForASignOfLife) {
  start_bob();
  house.turn();

  EXPECT_THAT(house.sent(holder), ElementsAre("2"));
  EXPECT_EQ(house.modules.count(Question::probe), 0u);
  EXPECT_THAT(outcomes.seen, IsEmpty());
}

TEST_F(LocalHolderTest, KeepsItsIdIfItShowsAny) {
  start_bob();
  house.turn();

  house.say(holder, "3");
  house.turn();

  EXPECT_THAT(outcomes.seen, ElementsAre(refused(Refusal::already_connected)));
  EXPECT_EQ(holder.state(), session::State::joined);
}

TEST_F(LocalHolderTest, YieldsItsIdIfItIsSilent) {
  const std::uint64_t incumbent = holder.token();
  start_bob();
  house.turn();

  house.pass(1499ms);
  EXPECT_THAT(outcomes.seen, IsEmpty());
  house.pass(1ms);

  EXPECT_THAT(outcomes.seen, ElementsAre("admitted"));
  EXPECT_EQ(house.modules.last(Question::replace).holder.token, incumbent);
  EXPECT_EQ(holder.state(), session::State::closing);
}

TEST_F(LocalHolderTest, KeepsNobodyWaitingForEverIfItCannotBeAsked) {
  house.loses_posts = true;
  start_bob();
  house.turn();
  EXPECT_THAT(outcomes.seen, IsEmpty());

  house.pass(kDeadline + 1500ms);

  EXPECT_THAT(outcomes.seen, ElementsAre(trouble(Trouble::probing)));
}

TEST_F(LocalHolderTest, IsGoneIfItsConnectionBreaksMeanwhile) {
  start_bob();
  house.turn();

  house.cut(holder);
  house.turn();

  EXPECT_THAT(outcomes.seen, ElementsAre("admitted"));
}

TEST_F(AdmissionsTest, ReplacesALocalHolderThatTheRegistryRemembersByMistake) {
  house.modules.on(Question::claim, [](const Asked& asked) {
    asked.held_by({std::string(kHere), 4711});
  });

  EXPECT_THAT(outcome_of_bob(), ElementsAre("admitted"));
  EXPECT_EQ(house.modules.last(Question::replace).holder.token, 4711u);
}

TEST_F(AdmissionsTest, NeverEvictsAnAdmissionThatIsUnderWay) {
  house.modules.keep(Question::resolve_rtc);
  start_bob();
  const std::uint64_t first = claimed();
  house.modules.on(Question::claim, [&](const Asked& asked) {
    asked.held_by({std::string(kHere), first});
  });

  EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::probing)));
  EXPECT_EQ(house.modules.count(Question::replace), 0u);
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
  house.modules.on(Question::claim, [](const Asked& asked) { asked.held_by(kElsewhere); });

  EXPECT_THAT(outcome_of_bob(), ElementsAre(refused(Refusal::already_connected)));
  EXPECT_EQ(house.modules.count(Question::probe), 0u);
  EXPECT_THAT(released(), ElementsAre(claimed()));
}

TEST_F(AdmissionsTest, TellsTheAuthenticatorWhatTheNodeSaysOfItself) {
  start("id=bob&version=2.1&runtime=jvm&data=%7B%22a%22:1%7D");

  const Asked& asked = house.modules.last(Question::authenticate);
  EXPECT_EQ(asked.id, "bob");
  EXPECT_EQ(asked.version, "2.1");
  EXPECT_EQ(asked.runtime, "jvm");
  EXPECT_EQ(asked.data, R"({"a":1})");
}

TEST_F(AdmissionsTest, TellsAbsentDataFromEmptyData) {
  start("id=bob&version=2.1&runtime=jvm");
  EXPECT_EQ(house.modules.last(Question::authenticate).data, std::nullopt);

  start("id=bob&version=2.1&runtime=jvm&data=");
  EXPECT_EQ(house.modules.last(Question::authenticate).data, "");
}

TEST_F(AdmissionsTest, NamesTheFirstFieldThatIsMissing) {
  EXPECT_THAT(outcome(""), ElementsAre(refused(Refusal::missing_id)));
  EXPECT_THAT(outcome("version=1&runtime=x"), ElementsAre(refused(Refusal::missing_id)));
  EXPECT_THAT(outcome("id=a"), ElementsAre(refused(Refusal::missing_version)));
  EXPECT_THAT(outcome("id=a&runtime=x"), ElementsAre(refused(Refusal::missing_version)));
  EXPECT_THAT(outcome("id=a&version=1"), ElementsAre(refused(Refusal::missing_runtime)));
  EXPECT_THAT(house.modules.asked(), IsEmpty());
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

TEST_F(AdmissionsTest, RefusesIdsThatNobodyCouldAddress) {
  for (const std::string& id : {std::string(), std::string(257, 'a'), std::string("%FF"),
                                std::string("a%00b"), std::string("a%0A"), std::string("%7F"),
                                std::string("%C2%85"), std::string("+a"), std::string("a%C2%A0")}) {
    EXPECT_THAT(outcome(query_of(id)), ElementsAre(refused(Refusal::invalid_id))) << id;
  }
  EXPECT_THAT(house.modules.asked(), IsEmpty());
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

TEST_F(AdmissionsTest, TellsEverybodyToComeAgainWhileDraining) {
  house.grid.draining = true;

  EXPECT_THAT(outcome_of_bob(), ElementsAre(trouble(Trouble::draining)));
  EXPECT_THAT(outcome(""), ElementsAre(trouble(Trouble::draining)));
  EXPECT_THAT(house.modules.asked(), IsEmpty());
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
      house.modules.on(Question::claim, [](const Asked& asked) { asked.held_by(kElsewhere); });
    }
    house.modules.keep(stage);
  }

  /// As if nothing had happened.
  void answer_well() {
    const Asked& asked = house.modules.last(GetParam());
    switch (GetParam()) {
      case Question::authenticate:
        asked.yes();
        break;
      case Question::probe:
        asked.verdict(CROLANG_GONE);
        break;
      case Question::resolve_rtc:
        asked.text(R"({"iceServers":[{"urls":"stun:a"}]})");
        break;
      default:
        asked.granted();
        break;
    }
    house.turn();
  }

  std::size_t claims() const { return house.modules.count(Question::claim); }
  bool grants() const { return GetParam() == Question::claim || GetParam() == Question::replace; }
};

std::string name_of_stage(const ::testing::TestParamInfo<Question>& info) {
  return modules::question_name(info.param);
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
    EXPECT_FALSE(house.grid.claims.find(claimed()));
  }
  EXPECT_THAT(outcomes.seen, IsEmpty());
}

TEST_P(StageTest, IsDeafToTheAnswerOnceTheNodeHasLeft) {
  admissions.cancel(start_bob());
  const std::size_t before = house.modules.asked().size();

  answer_well();

  EXPECT_THAT(outcomes.seen, IsEmpty());
  EXPECT_EQ(house.modules.asked().size(), before);
}

TEST_P(StageTest, CancelsNothingTwice) {
  const SessionHandle bob = start_bob();

  admissions.cancel(bob);
  admissions.cancel(bob);

  EXPECT_EQ(released().size(), claims());
}

TEST_P(StageTest, GoesOnAfterALateAnswer) {
  start_bob();
  EXPECT_THAT(outcomes.seen, IsEmpty());

  answer_well();

  EXPECT_THAT(outcomes.seen, ElementsAre("admitted"));
  EXPECT_EQ(outcomes.token, claimed());
}

TEST_P(StageTest, IsInTroubleIfTheAnswerNeverComes) {
  start_bob();

  house.pass(kDeadline + 2s);

  EXPECT_THAT(outcomes.seen, ElementsAre(::testing::StartsWith("trouble: ")));
  EXPECT_EQ(released().size(), claims());
  EXPECT_THAT(released(), Each(claims() == 0 ? 0 : claimed()));
}

TEST_P(StageTest, ReleasesWhatIsGrantedAfterTheDeadline) {
  start_bob();
  house.pass(kDeadline + 2s);
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
  Session& first = house.knock(query_of("bob"));
  const std::uint32_t slot = first.handle().slot;
  admissions.start(first.handle(), first.identity());
  const Asked stale = house.modules.last(GetParam());
  admissions.cancel(first.handle());
  house.cut(first);
  const SessionHandle second = start_bob();
  ASSERT_EQ(second.slot, slot);

  stale.fail(CROLANG_INTERNAL);
  house.turn();
  EXPECT_THAT(outcomes.seen, IsEmpty());
  answer_well();

  EXPECT_THAT(outcomes.seen, ElementsAre("admitted"));
}

TEST_P(StageTest, IsInTroubleIfTheLeaseIsLostMeanwhile) {
  const SessionHandle bob = start_bob();
  if (claims() == 0) {
    EXPECT_FALSE(admissions.lose(bob, 4711));
    return;
  }

  EXPECT_FALSE(admissions.lose(bob, claimed() + 1));
  EXPECT_TRUE(admissions.lose(bob, claimed()));
  answer_well();

  EXPECT_THAT(outcomes.seen, ElementsAre(trouble(Trouble::probing)));
  EXPECT_THAT(released(), ElementsAre(claimed()));
}

}  // namespace
}  // namespace crolang::broker
