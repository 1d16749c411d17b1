// What the registry's contract leaves open, because it is so for one instance only. The rest is in
// tests/contract.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <crolang/testing/question.hpp>
#include <memory>

#include "modules/builtin/builtin.hpp"

namespace crolang::modules::builtin {
namespace {

using plugin::testing::Lent;
using plugin::testing::Outcome;
using plugin::testing::Question;

class MemoryRegistryTest : public testing::Test {
 protected:
  MemoryRegistryTest() {
    EXPECT_EQ(table_.bind(self(), Lent("here"), nullptr, nullptr, 0), CROLANG_OK);
  }

  void* self() const { return registry_.get(); }

  /// It answers before it returns.
  static Outcome answer_of(const Question& question) {
    EXPECT_EQ(question.answers(), 1);
    const auto outcome = question.wait(std::chrono::milliseconds(0)).value_or(Outcome{});
    EXPECT_EQ(outcome.status, CROLANG_OK);
    return outcome;
  }

  Outcome claim(const char* id, std::uint64_t token) {
    Question question;
    table_.claim(self(), {Lent(id), token}, 1000, &Question::claimed, &question);
    return answer_of(question);
  }

  const crolang_registry& table_ = *memory_registry_table();

 private:
  const std::unique_ptr<MemoryRegistry, void (*)(MemoryRegistry*)> registry_{
      make_memory_registry(), &destroy_memory_registry};
};

TEST_F(MemoryRegistryTest, NamesItsOwnInstanceAsTheHolder) {
  EXPECT_EQ(claim("bob", 1).code, CROLANG_GRANTED);
  const Outcome held = claim("bob", 2);
  EXPECT_EQ(held.code, CROLANG_HELD);
  EXPECT_EQ(held.holders.front(), (Outcome::Holder{"here", 1}));
}

TEST_F(MemoryRegistryTest, GrantsAClaimAgainToItsHolder) {
  claim("bob", 1);
  EXPECT_EQ(claim("bob", 1).code, CROLANG_GRANTED);
}

TEST_F(MemoryRegistryTest, FindsEveryHolderElsewhereGone) {
  Question question;
  table_.probe(self(), Lent("bob"), {Lent("there"), 7}, 1500, 2500, &Question::verdict, &question);
  EXPECT_EQ(answer_of(question).code, CROLANG_GONE);
}

TEST_F(MemoryRegistryTest, HasNowhereToSendAMessage) {
  Question question;
  table_.send(self(), Lent("there"), {Lent("bob"), 7}, Lent("body"), 1000, &Question::yes_no,
              &question);
  EXPECT_FALSE(answer_of(question).yes);
}

TEST_F(MemoryRegistryTest, SharesNothingWithAnother) {
  MemoryRegistryTest other;
  claim("bob", 1);
  EXPECT_EQ(other.claim("bob", 2).code, CROLANG_GRANTED);
}

}  // namespace
}  // namespace crolang::modules::builtin
