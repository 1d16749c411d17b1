/// The fixture of registry_contract.hpp: one or two instances with the registry under test, and
/// checks of their answers. Threads: any, once constructed.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <crolang/testing/registry_instance.hpp>
#include <optional>

namespace crolang::plugin::testing {

struct RegistryCase {
  std::string name;
  MakeModule make;
  /// shared: modules made one after the other see each other's leases.
  enum class Grid { one_instance, shared } grid;
};

inline void PrintTo(const RegistryCase& registry, std::ostream* out) {
  *out << registry.name;
}

class RegistryContract : public ::testing::TestWithParam<RegistryCase> {
 protected:
  using Holder = Outcome::Holder;
  static inline const Holder kNobody{};
  static constexpr int kRounds = 300;

  void SetUp() override { here_ = make_instance(); }
  void TearDown() override {
    there_.reset();
    here_.reset();
    questions_.expect_one_answer_each();
  }

  Instance& here() { return *here_; }
  /// A second instance of the grid.
  Instance& there() {
    if (!there_) there_ = make_instance();
    return *there_;
  }
  /// The instances that an instance may ask: itself, and another if there can be one.
  std::vector<Instance*> others() {
    std::vector<Instance*> instances{&here()};
    if (shared()) instances.push_back(&there());
    return instances;
  }
  bool shared() const { return GetParam().grid == RegistryCase::Grid::shared; }

  std::string id(const std::string& name) const { return name + "-" + run_; }

  static Outcome answer(const Question& question) {
    const auto outcome = question.wait();
    if (!outcome) throw std::runtime_error("no answer");
    EXPECT_EQ(outcome->status, CROLANG_OK) << outcome->error;
    return *outcome;
  }

  static void expect_granted(const Question& question) {
    EXPECT_EQ(answer(question).code, CROLANG_GRANTED);
  }
  static void expect_held(const Question& question, const Holder& holder) {
    const Outcome outcome = answer(question);
    EXPECT_EQ(outcome.code, CROLANG_HELD);
    EXPECT_EQ(outcome.holders, std::vector{holder});
  }
  static void expect_located(const Question& question, const std::vector<Holder>& holders) {
    EXPECT_EQ(answer(question).holders, holders);
  }

  /// The status that one instance sees of another; nullopt: none.
  static std::optional<std::string> status_of(Instance& asked, const std::string& name) {
    std::optional<std::string> status;
    for (const Outcome::Instance& each : answer(asked.list_instances()).instances) {
      if (each.name != name) continue;
      EXPECT_FALSE(status) << "listed twice";
      status = each.status;
    }
    return status;
  }
  /// Polls, for at most 10 s.
  template <class Condition>
  static void wait_for(Condition&& condition) {
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    bool holds = condition();
    while (!holds && std::chrono::steady_clock::now() < latest) holds = condition();
    EXPECT_TRUE(holds);
  }

  /// Claims and announces.
  static void join(Instance& instance, const std::string& id, std::uint64_t token) {
    expect_granted(instance.claim(id, token));
    answer(instance.announce(id, token));
  }

  struct ThousandIds {
    std::vector<std::string> ids;
    std::vector<Holder> holders;  // of each id
  };
  /// A thousand ids, of which only the last one has a holder: "alice", which joins here.
  ThousandIds thousand_ids(std::uint64_t token) {
    join(here(), id("alice"), token);
    ThousandIds all;
    for (int i = 0; i < 999; ++i) all.ids.push_back(id(std::to_string(i)));
    all.ids.push_back(id("alice"));
    all.holders.assign(999, kNobody);
    all.holders.push_back({here().name(), token});
    return all;
  }

  /// `count` questions from four threads at once; exactly one of them must be granted, the others
  /// must name its token, which is returned.
  template <class Ask>
  std::uint64_t expect_one_winner(int count, Ask&& ask) {
    struct Entry {
      std::uint64_t token = random_token();
      Outcome outcome;
    };
    std::vector<Entry> entries(static_cast<std::size_t>(count));
    on_threads(4, [&](int thread) {
      for (std::size_t i = static_cast<std::size_t>(thread); i < entries.size(); i += 4) {
        entries[i].outcome = answer(ask(i, entries[i].token));
      }
    });
    std::vector<std::uint64_t> winners;
    for (const Entry& entry : entries) {
      if (entry.outcome.code == CROLANG_GRANTED) winners.push_back(entry.token);
    }
    EXPECT_EQ(winners.size(), 1u);
    if (winners.size() != 1) return 0;
    for (const Entry& entry : entries) {
      if (entry.outcome.code == CROLANG_GRANTED) continue;
      EXPECT_EQ(entry.outcome.holders.front().token, winners.front());
    }
    return winners.front();
  }

  /// Two threads ask at the same moment, for a fresh id each round; exactly one must be granted.
  template <class Ask>
  void expect_one_winner_of_two_each_round(const Ask& ask) {
    std::array<std::array<bool, 2>, kRounds> granted{};
    std::atomic<int> arrived = 0;
    on_threads(2, [&](int thread) {
      for (int round = 0; round < kRounds; ++round) {
        ++arrived;
        while (arrived < 2 * (round + 1)) std::this_thread::yield();
        const Outcome outcome = answer(ask(thread, round));
        granted.at(static_cast<std::size_t>(round)).at(static_cast<std::size_t>(thread)) =
            outcome.code == CROLANG_GRANTED;
      }
    });
    for (const auto& [first, second] : granted) EXPECT_NE(first, second);
  }

 private:
  std::unique_ptr<Instance> make_instance() {
    return std::make_unique<Instance>("broker-" + std::to_string(random_token()), GetParam().make(),
                                      questions_);
  }

  const std::string run_ = std::to_string(random_token());
  Questions questions_;
  std::unique_ptr<Instance> here_;
  std::unique_ptr<Instance> there_;
};

// A program that does not instantiate it may include this header.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RegistryContract);

}  // namespace crolang::plugin::testing
