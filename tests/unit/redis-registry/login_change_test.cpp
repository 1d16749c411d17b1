#include "redis-registry/login_change.hpp"

#include <gtest/gtest.h>

namespace crolang::redis_registry {
namespace {

using Outcome = LoginChange::Outcome;
using Verdict = LoginChange::Verdict;

std::uint64_t ask(LoginChange& change, int connections) {
  const std::uint64_t number = change.begin();
  for (int i = 0; i < connections; ++i) change.ask();
  return number;
}

TEST(LoginChange, IsAcceptedOnceAllHaveAnswered) {
  LoginChange change;
  const auto number = ask(change, 3);
  EXPECT_EQ(change.note(number, Outcome::accepted), Verdict::open);
  EXPECT_EQ(change.note(number, Outcome::unknown), Verdict::open) << "it was lost";
  EXPECT_EQ(change.note(number, Outcome::unknown), Verdict::accepted);
}

TEST(LoginChange, IsUncheckedIfNobodyAnswers) {
  LoginChange change;
  const auto number = ask(change, 2);
  EXPECT_EQ(change.note(number, Outcome::unknown), Verdict::open);
  EXPECT_EQ(change.note(number, Outcome::unknown), Verdict::unchecked);
}

TEST(LoginChange, IsRefusedByOne) {
  LoginChange change;
  const auto number = ask(change, 3);
  EXPECT_EQ(change.note(number, Outcome::accepted), Verdict::open);
  EXPECT_EQ(change.note(number, Outcome::refused), Verdict::refused);
  EXPECT_EQ(change.note(number, Outcome::refused), Verdict::open) << "it is over";
}

TEST(LoginChange, IgnoresOutcomesOfTheOneBefore) {
  LoginChange change;
  const auto before = ask(change, 2);
  EXPECT_EQ(change.note(before, Outcome::accepted), Verdict::open);
  const auto number = ask(change, 1);
  EXPECT_EQ(change.note(before, Outcome::refused), Verdict::open);
  EXPECT_EQ(change.note(number, Outcome::unknown), Verdict::unchecked);
}

}  // namespace
}  // namespace crolang::redis_registry
