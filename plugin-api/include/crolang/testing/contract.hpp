/// Shared by all contract tests: the module under test and its open questions.
#pragma once

#include <crolang/plugin.h>
#include <gtest/gtest.h>

#include <crolang/testing/fake_host.hpp>
#include <crolang/testing/question.hpp>
#include <deque>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace crolang::plugin::testing {

/// A created module. The destructor ends it.
class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;
  virtual const void* table() const = 0;
  virtual void* self() const = 0;
  virtual void stop() = 0;
  virtual void on_control(std::function<void()> function) = 0;
  /// Reloads as after SIGHUP, with the variables unchanged.
  virtual void reload() {}
  /// The plugin's findings about its current values.
  virtual Checked check() const { return {}; }
};

using MakeModule = std::function<std::unique_ptr<Module>()>;

/// The module of `kind` in a plugin.
inline MakeModule module_of(const crolang_plugin& plugin, std::string kind, Env env = {}) {
  class OfPlugin final : public Module {
   public:
    OfPlugin(const crolang_plugin& plugin, std::string kind, const Env& env)
        : plugin_(plugin), env_(env), running_(plugin, env), kind_(std::move(kind)) {
      if (table() == nullptr) throw std::runtime_error("does not provide " + kind_);
    }
    const void* table() const override { return running_.table<void>(kind_); }
    void* self() const override { return running_.self(); }
    void stop() override { running_.stop(); }
    void on_control(std::function<void()> function) override {
      running_.host().on_control(std::move(function));
    }
    void reload() override { running_.reload(env_); }
    Checked check() const override { return check_variables(plugin_, env_); }

   private:
    const crolang_plugin& plugin_;
    const Env env_;
    Running running_;
    std::string kind_;
  };
  return [&plugin, kind = std::move(kind), env = std::move(env)] {
    return std::make_unique<OfPlugin>(plugin, kind, env);
  };
}

/// The same for a plugin's file, which is opened when the first test runs.
inline MakeModule module_of(std::string file, std::string kind, Env env = {}) {
  return [file = std::move(file), kind = std::move(kind), env = std::move(env)] {
    return module_of(open_file(file), kind, env)();
  };
}

/// A table without a plugin around it. `self` lives until the module ends.
inline MakeModule module_of(const void* table, std::function<std::shared_ptr<void>()> make_self) {
  class OfTable final : public Module {
   public:
    OfTable(const void* table, std::shared_ptr<void> self)
        : table_(table), self_(std::move(self)) {}
    const void* table() const override { return table_; }
    void* self() const override { return self_.get(); }
    void stop() override {}
    void on_control(std::function<void()> function) override { function(); }

   private:
    const void* table_;
    std::shared_ptr<void> self_;
  };
  return [table, make_self = std::move(make_self)]() -> std::unique_ptr<Module> {
    return std::make_unique<OfTable>(table, make_self());
  };
}

/// Creates questions, and checks after all modules of the test have ended that each was answered
/// exactly once, with a valid status.
class Questions {
 public:
  Question& next() {
    const std::lock_guard lock(mutex_);
    return questions_.emplace_back();
  }

  void expect_one_answer_each() const {
    const std::lock_guard lock(mutex_);
    for (const Question& question : questions_) {
      EXPECT_EQ(question.answers(), 1);
      const auto outcome = question.wait(std::chrono::milliseconds(0));
      if (!outcome) continue;
      EXPECT_GE(outcome->status, CROLANG_OK);
      EXPECT_LE(outcome->status, CROLANG_INTERNAL);
      EXPECT_EQ(outcome->error.find('\n'), std::string::npos) << outcome->error;
    }
  }

 private:
  mutable std::mutex mutex_;  // guards questions_
  std::deque<Question> questions_;
};

/// The last argument of INSTANTIATE_TEST_SUITE_P.
inline constexpr auto case_name = [](const auto& info) { return info.param.name; };

/// Runs function(0) … function(count - 1) at once, each on a thread of its own, and waits for them.
template <class F>
void on_threads(int count, F&& function) {
  std::latch start(count);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&start, &function, i] {
      start.arrive_and_wait();
      function(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace crolang::plugin::testing
