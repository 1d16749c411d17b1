#include "program/rtc_question.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <crolang/plugin.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

namespace crolang::program {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::string_view kServers = R"({"iceServers":[{"urls":"stun:h"}]})";

/// What it does depends on the node.
class FakeRtc final : public plugin::RtcConfig {
 public:
  explicit FakeRtc(const plugin::Host& host) : host_(host) {}

  void resolve(std::string_view node, plugin::Text answer) override {
    if (node == "at-once") return answer.text(kServers);
    if (node == "partly") {
      return answer.text(R"({"iceServers":[{"urls":["stun:h","http://h"]}]})");
    }
    if (node == "unknown") return answer.fail(plugin::Status::unavailable, "no such node");
    if (node == "nonsense") return answer.text("nonsense");
    kept_ = std::make_unique<plugin::Text>(std::move(answer));
    if (node == "soon") {
      host_.post([this] {
        kept_->text(kServers);
        kept_.reset();
      });
    }
  }

  /// What waits is answered when nobody waits for it any more.
  void stop(plugin::Stopped stopped) override {
    if (kept_) kept_->text(kServers);
    stopped();
  }

 private:
  const plugin::Host host_;
  std::unique_ptr<plugin::Text> kept_;
};

/// Does not start.
class BrokenRtc final : public plugin::RtcConfig {
 public:
  explicit BrokenRtc(const plugin::Host&) { throw std::invalid_argument("no servers"); }
  void resolve(std::string_view, plugin::Text) override {}
};

constexpr crolang_plugin kFake =
    plugin::make_entry<FakeRtc>("test.fake", "1.0.0", "a test", plugin::kNoEnv);
constexpr crolang_plugin kBroken =
    plugin::make_entry<BrokenRtc>("test.broken", "1.0.0", "a test", plugin::kNoEnv);

std::optional<std::string> no_values(std::string_view) {
  return std::nullopt;
}

std::unique_ptr<plugin_host::ModuleSet> load(const crolang_plugin& entry) {
  return std::make_unique<plugin_host::ModuleSet>(
      std::vector<plugin_host::Choice>{{kinds::Kind::rtc_config, "/p/rtc.so", "VARIABLE"}},
      [&entry](const std::filesystem::path& file) -> plugin_host::Opened {
        return plugin_host::Plugin{file, &entry};
      });
}

RtcQuestion::Answer ask(std::string_view node, std::chrono::milliseconds timeout = 10s) {
  const auto plugins = load(kFake);
  RtcQuestion question(*plugins, no_values);
  EXPECT_TRUE(question.refusals().empty());
  return question.ask(node, timeout);
}

TEST(RtcQuestion, GetsAnAnswerAtOnceInTheFormOfNodes) {
  const auto answer = ask("at-once");
  EXPECT_EQ(answer.fault, "");
  EXPECT_EQ(nlohmann::json::parse(answer.configuration),
            nlohmann::json::parse(R"({"iceServers":[{"urls":["stun:h"]}]})"));
}

TEST(RtcQuestion, WaitsForAnAnswer) {
  EXPECT_THAT(ask("soon").configuration, HasSubstr("stun:h"));
}

TEST(RtcQuestion, SaysWhatNodesDoNotGet) {
  const auto answer = ask("partly");
  EXPECT_EQ(answer.fault, "");
  EXPECT_THAT(answer.left_out, HasSubstr("http://h"));
}

TEST(RtcQuestion, SaysWhyThereIsNoAnswer) {
  EXPECT_EQ(ask("unknown").fault, "no such node");
  EXPECT_THAT(ask("nonsense").fault, HasSubstr("is not JSON"));
}

TEST(RtcQuestion, DoesNotWaitForALateAnswer) {
  EXPECT_EQ(ask("never", 10ms).fault, "no answer within PLUGIN_TIMEOUT_MS=10");
}

TEST(RtcQuestion, IsAnsweredByTheBuiltInWithoutAPlugin) {
  plugin_host::ModuleSet none({});
  RtcQuestion question(none, no_values);
  EXPECT_THAT(question.ask("alice", 10s).configuration, HasSubstr("stun.l.google.com"));
}

TEST(RtcQuestion, SaysWhyAPluginDoesNotStart) {
  const auto plugins = load(kBroken);
  const RtcQuestion question(*plugins, no_values);
  ASSERT_EQ(question.refusals().size(), 1U);
  EXPECT_THAT(question.refusals()[0], HasSubstr("no servers"));
}

}  // namespace
}  // namespace crolang::program
