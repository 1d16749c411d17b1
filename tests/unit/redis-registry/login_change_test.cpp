#include "redis-registry/login_change.hpp"

#include <gtest/gtest.h>

namespace crolang::redis_registry {
namespace {

using Outcome = LoginChange::Outcome;
using Result = LoginChange::Result;

std::uint64_t ask(LoginChange& change, int connections) {
  const std::uint64_t number = change.begin();
  for (int i = 0; i < connections; ++i) change.ask();
  return number;
}

TEST(LoginChange, IsAcceptedOnceAllHaveAnswered) {
  LoginChange change;
  const auto number = ask(change, 3);
  EXPECT_EQ(change.note(number, Outcome::accepted), Result::open);
  EXPECT_EQ(change.note(number, Outcome::unknown), Result::open) << "it was lost";
  EXPECT_EQ(change.note(number, Outcome::unknown), Result::accepted);
}

TEST(LoginChange, IsUncheckedIfNobodyAnswers) {
  LoginChange change;
  const auto number = ask(change, 2);
  EXPECT_EQ(change.note(number, Outcome::unknown), Result::open);
  EXPECT_EQ(change.note(number, Outcome::unknown), Result::unchecked);
}

TEST(LoginChange, IsRefusedByOne) {
  LoginChange change;
  const auto number = ask(change, 3);
  EXPECT_EQ(change.note(number, Outcome::accepted), Result::open);
  EXPECT_EQ(change.note(number, Outcome::refused), Result::refused);
  EXPECT_EQ(change.note(number, Outcome::refused), Result::open) << "it is over";
}

TEST(LoginChange, IgnoresOutcomesOfTheOneBefore) {
  LoginChange change;
  const auto before = ask(change, 2);
  EXPECT_EQ(change.note(before, Outcome::accepted), Result::open);
  const auto number = ask(change, 1);
  EXPECT_EQ(change.note(before, Outcome::refused), Result::open);
  EXPECT_EQ(change.note(number, Outcome::unknown), Result::unchecked);
}

}  // namespace
}  // namespace crolang::redis_registry
