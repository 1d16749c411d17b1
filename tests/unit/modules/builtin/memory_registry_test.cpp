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
using plugin::testing::session_of;
using plugin::testing::worker_of;

/// It answers before it returns.
Outcome answer_of(const Question& question) {
  EXPECT_EQ(question.answers(), 1);
  const auto outcome = question.wait(std::chrono::milliseconds(0)).value_or(Outcome{});
  EXPECT_EQ(outcome.status, CROLANG_OK);
  return outcome;
}

struct BoundRegistry {
  BoundRegistry() { EXPECT_EQ(table.bind(self(), Lent("here"), nullptr, nullptr, 0), CROLANG_OK); }

  void* self() const { return registry.get(); }

  Outcome claim(const char* id, std::uint64_t token) {
    Question question;
    table.claim(self(), {Lent(id), token, session_of(token), worker_of(token)}, 1000,
                &Question::claimed, &question);
    return answer_of(question);
  }

  const crolang_registry& table = *memory_registry_table();
  const std::unique_ptr<MemoryRegistry, void (*)(MemoryRegistry*)> registry{
      make_memory_registry(), &destroy_memory_registry};
};

TEST(MemoryRegistry, NamesItsOwnInstanceAsTheHolder) {
  BoundRegistry registry;
  EXPECT_EQ(registry.claim("bob", 1).code, CROLANG_GRANTED);
  const Outcome held = registry.claim("bob", 2);
  EXPECT_EQ(held.code, CROLANG_HELD);
  EXPECT_EQ(held.holders.front(), (Outcome::Holder{"here", 1}));
}

TEST(MemoryRegistry, GrantsAClaimAgainToItsHolder) {
  BoundRegistry registry;
  registry.claim("bob", 1);
  EXPECT_EQ(registry.claim("bob", 1).code, CROLANG_GRANTED);
}

TEST(MemoryRegistry, FindsEveryHolderElsewhereGone) {
  BoundRegistry registry;
  Question question;
  registry.table.probe(registry.self(), Lent("bob"), {Lent("there"), 7, 0, 0}, 1500, 2500,
                       &Question::probed, &question);
  EXPECT_EQ(answer_of(question).code, CROLANG_GONE);
}

TEST(MemoryRegistry, HasNowhereToSendAMessage) {
  BoundRegistry registry;
  Question question;
  registry.table.send(registry.self(), Lent("there"), {Lent("bob"), 7, 0, 0}, Lent("body"), 1000,
                      &Question::yes_no, &question);
  EXPECT_FALSE(answer_of(question).yes);
}

TEST(MemoryRegistry, SharesNothingWithAnother) {
  BoundRegistry registry;
  BoundRegistry other;
  registry.claim("bob", 1);
  EXPECT_EQ(other.claim("bob", 2).code, CROLANG_GRANTED);
}

}  // namespace
}  // namespace crolang::modules::builtin
