/// The contract of modules of every kind but registry/1, tested with examples that the plugin's
/// author provides:
///
///   namespace pt = crolang::plugin::testing;
///   using pt::ModuleContract;  // the macro requires an unqualified name
///   INSTANTIATE_TEST_SUITE_P(DenyList, ModuleContract,
///       ::testing::Values(pt::ModuleCase{"deny_list",
///           pt::module_of(DENY_LIST_SO, CROLANG_AUTHORIZATION, {{"DENY_LIST", "eve"}}),
///           {pt::authorize("alice", "bob", pt::Expect::yes), pt::authorize("eve", "bob",
///           pt::Expect::no)}}),
///       pt::case_name);
///
/// Include it in one source file of a test program. Asynchronous answers are waited for, up to 10
/// s.
#pragma once

#include <atomic>
#include <crolang/testing/contract.hpp>
#include <crolang/testing/lent_node.hpp>
#include <string>
#include <thread>
#include <vector>

namespace crolang::plugin::testing {

struct Example {
  /// Asks the question once. Its arguments do not outlive the call.
  std::function<void(const void* table, void* self, std::uint32_t timeout_ms, Question&)> ask;
  /// Checks the answer.
  std::function<void(const Outcome&)> check;
};

struct ModuleCase {
  std::string name;
  MakeModule make;
  std::vector<Example> examples;
};

inline void PrintTo(const ModuleCase& module, std::ostream* out) {
  *out << module.name;
}

enum class Expect { yes, no, failure };

inline std::function<void(const Outcome&)> check_yes_no(Expect expected) {
  return [expected](const Outcome& outcome) {
    if (expected == Expect::failure) {
      EXPECT_NE(outcome.status, CROLANG_OK);
    } else {
      EXPECT_EQ(outcome.status, CROLANG_OK) << outcome.error;
      EXPECT_EQ(outcome.yes, expected == Expect::yes);
    }
  };
}

inline Example authorize(std::string from, std::string to, Expect expected) {
  return {[=](const void* table, void* self, std::uint32_t timeout_ms, Question& question) {
            static_cast<const crolang_authorization*>(table)->authorize(
                self, Lent(from), Lent(to), timeout_ms, &Question::yes_no, &question);
          },
          check_yes_no(expected)};
}

inline Example authenticate(Connecting node, Expect expected) {
  return {[=](const void* table, void* self, std::uint32_t timeout_ms, Question& question) {
            static_cast<const crolang_authentication*>(table)->authenticate(
                self, LentNode(node), timeout_ms, &Question::authenticated, &question);
          },
          check_yes_no(expected)};
}

/// `data`: nullopt if the node sends none.
inline Example authenticate(std::string id, std::optional<std::string> data, Expect expected) {
  return authenticate(Connecting{.id = std::move(id), .data = std::move(data)}, expected);
}

/// The answer must contain `part`, "iceServers" for example.
inline Example resolve(std::string node, std::string part) {
  return {[=](const void* table, void* self, std::uint32_t timeout_ms, Question& question) {
            static_cast<const crolang_rtc_config*>(table)->resolve(self, Lent(node), timeout_ms,
                                                                   &Question::text, &question);
          },
          [=](const Outcome& outcome) {
            EXPECT_EQ(outcome.status, CROLANG_OK) << outcome.error;
            EXPECT_NE(outcome.text.find(part), std::string::npos) << outcome.text;
          }};
}

inline Example check(std::vector<std::string> ids, std::vector<bool> valid) {
  return {[=](const void* table, void* self, std::uint32_t timeout_ms, Question& question) {
            const LentList lent(ids);
            static_cast<const crolang_validity*>(table)->check(
                self, lent.data(), lent.size(), timeout_ms, &Question::flags, &question);
          },
          [=](const Outcome& outcome) {
            EXPECT_EQ(outcome.status, CROLANG_OK) << outcome.error;
            EXPECT_EQ(outcome.flags, valid);
          }};
}

/// An observer gives no answer: its examples only have to return.
inline Example observe(std::string from, std::string to, bool receiver_connected) {
  return {[=](const void* table, void* self, std::uint32_t, Question& question) {
            static_cast<const crolang_observer*>(table)->on_message(self, Lent(from), Lent(to),
                                                                    receiver_connected);
            Question::done(&question, CROLANG_OK, {});
          },
          [](const Outcome&) {}};
}

class ModuleContract : public ::testing::TestWithParam<ModuleCase> {
 protected:
  static constexpr std::uint32_t kDeadline = 10'000;

  void SetUp() override { module_ = GetParam().make(); }
  void TearDown() override {
    module_.reset();
    questions_.expect_one_answer_each();
  }

  const std::vector<Example>& examples() const { return GetParam().examples; }

  Question& ask(const Example& example, std::uint32_t timeout_ms = kDeadline) {
    Question& question = questions_.next();
    example.ask(module_->table(), module_->self(), timeout_ms, question);
    return question;
  }

  static void check(const Example& example, const Question& question) {
    const auto outcome = question.wait();
    ASSERT_TRUE(outcome) << "no answer";
    example.check(*outcome);
  }

  Module& module() { return *module_; }

 private:
  Questions questions_;
  std::unique_ptr<Module> module_;
};

// A program that does not instantiate it may include this header.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ModuleContract);

TEST_P(ModuleContract, AnswersItsExamplesAfterTheArgumentsAreGone) {
  for (const Example& example : examples()) check(example, ask(example));
}

TEST_P(ModuleContract, AnswersTheSameWhenAskedAgain) {
  for (int round = 0; round < 3; ++round) {
    for (const Example& example : examples()) check(example, ask(example));
  }
}

TEST_P(ModuleContract, AnswersSeveralThreadsAtOnce) {
  on_threads(4, [this](int) {
    for (int round = 0; round < 25; ++round) {
      for (const Example& example : examples()) check(example, ask(example));
    }
  });
}

TEST_P(ModuleContract, AnswersManyOpenQuestions) {
  // At most 32 in total, which is the plugin's quota in the blocking pool.
  std::vector<std::pair<const Example*, Question*>> open;
  for (std::size_t i = 0; i < 32; ++i) {
    const Example& example = examples()[i % examples().size()];
    open.emplace_back(&example, &ask(example));
  }
  for (const auto& [example, question] : open) check(*example, *question);
}

TEST_P(ModuleContract, AnswersWithinAShortDeadline) {
  for (const Example& example : examples()) {
    const Question& question = ask(example, 100);
    EXPECT_TRUE(question.wait(std::chrono::seconds(3))) << "long after the deadline";
  }
}

TEST_P(ModuleContract, FindsNoFaultInItsCurrentValues) {
  EXPECT_EQ(module().check().faults, std::vector<std::string>());
}

TEST_P(ModuleContract, AnswersTheSameWhileItReloads) {
  std::atomic<bool> over = false;
  std::thread reloading([&] {
    while (!over) module().reload();
  });
  on_threads(3, [this](int) {
    for (int round = 0; round < 10; ++round) {
      for (const Example& example : examples()) check(example, ask(example));
    }
  });
  over = true;
  reloading.join();
}

TEST_P(ModuleContract, LeavesNothingUnansweredWhenItIsStopped) {
  // Some of these may still be open when stop is called; TearDown checks their answers.
  for (std::size_t i = 0; i < 32; ++i) ask(examples()[i % examples().size()]);
  module().stop();
}

TEST_P(ModuleContract, StartsAndStopsWithoutAQuestion) {
  module().stop();
}

TEST_P(ModuleContract, CoexistsWithAnotherOfItsKind) {
  Questions others;
  {
    const auto other = GetParam().make();
    const Example& example = examples().front();
    Question& asked_other = others.next();
    example.ask(other->table(), other->self(), kDeadline, asked_other);
    check(example, ask(example));
    check(example, asked_other);
  }
  others.expect_one_answer_each();
}

}  // namespace crolang::plugin::testing
