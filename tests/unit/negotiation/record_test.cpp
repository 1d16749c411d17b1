#include "negotiation/record.hpp"

#include <gtest/gtest.h>

#include <string>

#include "crolang/enum_count.hpp"

namespace crolang::negotiation {
namespace {

using namespace std::chrono_literals;

TEST(Record, KeepsBoundedNames) {
  Record record;
  record.set_names("alice", std::string(10'000, 'b'), std::string(1'000'000, 's'));
  EXPECT_EQ(record.initiator(), "alice");
  EXPECT_EQ(record.responder().size(), 128u);
  EXPECT_EQ(record.session().size(), 64u);
  record.set_names("", "bob", "");
  EXPECT_EQ(record.initiator(), "");
  EXPECT_EQ(record.name(Side::responder), "bob");
  EXPECT_EQ(record.session(), "");
}

TEST(Record, IsAsNewAfterReset) {
  Record record;
  record.set_names("alice", "bob", "s");
  record.number = 7;
  record.event_count = 3;
  record.party(Side::responder).lost = 2;
  record.reset();
  EXPECT_EQ(record.initiator(), "");
  EXPECT_EQ(record.number, 0u);
  EXPECT_EQ(record.event_count, 0);
  EXPECT_EQ(record.party(Side::responder).lost, 0);
}

TEST(Record, IsUnansweredAfterThirtySeconds) {
  Record record;
  record.started = TimePoint(1h);
  EXPECT_EQ(record.state_at(TimePoint(1h + 29'999ms)), State::attempting);
  EXPECT_EQ(record.state_at(TimePoint(1h + 30s)), State::unanswered);
  record.state = State::refused;
  EXPECT_EQ(record.state_at(TimePoint(2h)), State::refused);
}

TEST(Record, HasAnIdOfOneForm) {
  EXPECT_EQ(id_of(0xABC), "0000000000000abc");
  EXPECT_EQ(number_of("0000000000000abc"), 0xABCu);
  EXPECT_EQ(number_of(id_of(UINT64_MAX)), UINT64_MAX);
  for (const char* const other : {"", "abc", "0000000000000ABC", "00000000000000abc",
                                  "0000000000000ab ", "-000000000000abc", "000000000000000g"})
    EXPECT_EQ(number_of(other), 0u) << other;
}

TEST(States, HaveNamesOfTheirOwn) {
  for (std::size_t i = 0; i < enum_count<State>(); ++i) {
    const auto state = static_cast<State>(i);
    EXPECT_EQ(state_named(name_of(state)), state);
  }
  EXPECT_EQ(state_named("not_allowed"), std::nullopt);
  EXPECT_EQ(state_named(""), std::nullopt);
}

}  // namespace
}  // namespace crolang::negotiation
