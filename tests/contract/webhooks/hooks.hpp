#pragma once
/// The five webhooks as tests see them: what each asks, what it is sent, and what it makes of the
/// answer. Threads: one. Errors: failed expectations.

#include <crolang/plugin.h>

#include <crolang/testing/fake_host.hpp>
#include <crolang/testing/lent_node.hpp>
#include <crolang/testing/question.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "contract/webhooks/server.hpp"

namespace crolang::webhooks {

struct Hook {
  std::string name;
  std::string file;
  std::string kind;
  std::string variable;
  std::string body;                    ///< that `ask` makes
  std::string good_answer;             ///< that `expect_good` expects
  std::vector<std::string> senseless;  ///< JSON answers that mean nothing
  std::function<void(const plugin::testing::Running&, plugin::testing::Question&, std::uint32_t)>
      ask;
  std::function<void(const plugin::testing::Outcome&)> expect_good;
  enum class Answers { waited_for, ignored } answers = Answers::waited_for;
  enum class Body { judged, passed_on } body_of_answer = Body::judged;
  enum class Forbidden { is_a_no, is_a_fault } forbidden = Forbidden::is_a_fault;
};

inline void PrintTo(const Hook& hook, std::ostream* out) {
  *out << hook.name;
}

const std::vector<Hook>& hooks();
const Hook& hook(const std::string& name);

/// A plugin in a broker of its own, asked as the broker does.
class Asked {
 public:
  Asked(const Hook& hook, const std::string& url, plugin::testing::Env env = {});

  /// Its answer is waited for by Question::wait.
  plugin::testing::Question& ask(std::uint32_t timeout_ms = 60'000);
  /// Asks and waits. Of an observer the outcome is CROLANG_OK.
  plugin::testing::Outcome answer(std::uint32_t timeout_ms = 60'000);

  /// What was wrong is said once, by a line that starts with the webhook's variable and contains
  /// this: to the broker, which logs it, or to the log if nobody waits for the answer.
  void expect_fault(const std::string& words);
  std::vector<std::string> warnings();
  /// Of the questions that were answered with one.
  std::vector<std::string> errors() const;
  std::vector<std::string> lines(std::int32_t level);

  plugin::testing::Running& running() { return *running_; }
  const Hook& hook() const { return hook_; }

 private:
  const Hook& hook_;
  std::vector<std::unique_ptr<plugin::testing::Question>> questions_;
  std::unique_ptr<plugin::testing::Running> running_;
};

std::string url_of(const Server& server, const std::string& path = "/hook");

/// Of parameters that have a name.
inline constexpr auto name_of_case = [](const auto& info) { return info.param.name; };

/// Waits until it holds, 10 s at most.
bool eventually(const std::function<bool()>& holds);

}  // namespace crolang::webhooks
