#include "contract/webhooks/hooks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

#include "support/faults.hpp"

namespace crolang::webhooks {
namespace {

namespace pt = plugin::testing;
using faults::Sparing;

std::function<void(const pt::Outcome&)> expect_yes() {
  return [](const pt::Outcome& outcome) {
    EXPECT_EQ(outcome.status, CROLANG_OK) << outcome.error;
    EXPECT_TRUE(outcome.yes);
  };
}

std::vector<Hook> make_hooks() {
  return {
      {.name = "auth",
       .file = PLUGINS_DIR "/webhook-auth.so",
       .kind = CROLANG_AUTHENTICATION,
       .variable = "NODES_AUTHENTICATION_WEBHOOK_URL",
       .body = R"({"nodeId":"alice","id":"alice","data":{"token":"x"}})",
       .good_answer = R"({"authenticated":true})",
       .senseless = {R"({"authenticated":"false"})", R"({"authenticated":1})",
                     R"({"authenticated":null})", R"({"Authenticated":true})",
                     R"([{"authenticated":true}])", R"({"a":{"authenticated":true}})", "{}", "true",
                     "null", "[]"},
       .ask =
           [](const pt::Running& running, pt::Question& question, std::uint32_t timeout_ms) {
             running.table<crolang_authentication>(CROLANG_AUTHENTICATION)
                 ->authenticate(running.self(), pt::LentNode("alice", "{ \"token\" : \"x\" }"),
                                timeout_ms, &Sparing<&pt::Question::authenticated>::call,
                                &question);
           },
       .expect_good = expect_yes(),
       .forbidden = Hook::Forbidden::is_a_no},
      {.name = "rtc",
       .file = PLUGINS_DIR "/webhook-rtc.so",
       .kind = CROLANG_RTC_CONFIG,
       .variable = "RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL",
       .body = R"({"nodeId":"alice"})",
       .good_answer = R"({"iceServers":[{"urls":"stun:stun.example.org"}]})",
       .senseless = {},
       .ask =
           [](const pt::Running& running, pt::Question& question, std::uint32_t timeout_ms) {
             running.table<crolang_rtc_config>(CROLANG_RTC_CONFIG)
                 ->resolve(running.self(), pt::Lent("alice"), timeout_ms,
                           &Sparing<&pt::Question::text>::call, &question);
           },
       .expect_good =
           [](const pt::Outcome& outcome) {
             EXPECT_EQ(outcome.status, CROLANG_OK) << outcome.error;
             EXPECT_EQ(outcome.text, R"({"iceServers":[{"urls":"stun:stun.example.org"}]})");
           },
       .body_of_answer = Hook::Body::passed_on},
      {.name = "authorize",
       .file = PLUGINS_DIR "/webhook-authorize.so",
       .kind = CROLANG_AUTHORIZATION,
       .variable = "AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL",
       .body = R"({"from":"alice","to":"bob"})",
       .good_answer = R"({"authorized":true})",
       .senseless = {R"({"authorized":"no"})", R"({"authorized":1})", R"({"authorized":[true]})",
                     R"({"allowed":true})", "{}", "true", "null", "[]"},
       .ask =
           [](const pt::Running& running, pt::Question& question, std::uint32_t timeout_ms) {
             running.table<crolang_authorization>(CROLANG_AUTHORIZATION)
                 ->authorize(running.self(), pt::Lent("alice"), pt::Lent("bob"), timeout_ms,
                             &Sparing<&pt::Question::yes_no>::call, &question);
           },
       .expect_good = expect_yes(),
       .forbidden = Hook::Forbidden::is_a_no},
      {.name = "validity",
       .file = PLUGINS_DIR "/webhook-validity.so",
       .kind = CROLANG_VALIDITY,
       .variable = "NODES_VALIDITY_CHECK_WEBHOOK_URL",
       .body = R"({"connectedNodesIds":["alice","bob"]})",
       .good_answer = R"({"invalidNodesIds":["nobody","bob"]})",
       .senseless = {R"({"invalidNodesIds":"bob"})", R"({"invalidNodesIds":{"bob":true}})",
                     R"({"invalidNodesIds":["bob",1]})", R"({"invalidNodesIds":["bob",["alice"]]})",
                     R"({"invalidNodesIds":null})", R"(["bob"])", "{}", "true", "null"},
       .ask =
           [](const pt::Running& running, pt::Question& question, std::uint32_t timeout_ms) {
             const pt::LentList ids({"alice", "bob"});
             running.table<crolang_validity>(CROLANG_VALIDITY)
                 ->check(running.self(), ids.data(), ids.size(), timeout_ms,
                         &Sparing<&pt::Question::flags>::call, &question);
           },
       .expect_good =
           [](const pt::Outcome& outcome) {
             EXPECT_EQ(outcome.status, CROLANG_OK) << outcome.error;
             EXPECT_EQ(outcome.flags, (std::vector<bool>{true, false}));
           }},
      {.name = "message",
       .file = PLUGINS_DIR "/webhook-message.so",
       .kind = CROLANG_OBSERVER,
       .variable = "ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL",
       .body = R"({"senderId":"alice","receiverId":"bob","isReceiverConnected":true})",
       .good_answer = "",
       .senseless = {},
       .ask =
           [](const pt::Running& running, pt::Question& question, std::uint32_t) {
             running.table<crolang_observer>(CROLANG_OBSERVER)
                 ->on_message(running.self(), pt::Lent("alice"), pt::Lent("bob"), true);
             Sparing<&pt::Question::done>::call(&question, CROLANG_OK, {});
           },
       .expect_good = [](const pt::Outcome& outcome) { EXPECT_EQ(outcome.status, CROLANG_OK); },
       .answers = Hook::Answers::ignored},
  };
}

}  // namespace

const std::vector<Hook>& hooks() {
  static const std::vector<Hook> all = make_hooks();
  return all;
}

const Hook& hook(const std::string& name) {
  for (const Hook& each : hooks()) {
    if (each.name == name) return each;
  }
  throw std::out_of_range(name);
}

Asked::Asked(const Hook& hook, const std::string& url, pt::Env env) : hook_(hook) {
  env[hook.variable] = url;
  running_ = std::make_unique<pt::Running>(pt::open_file(hook.file), env);
}

pt::Question& Asked::ask(std::uint32_t timeout_ms) {
  questions_.push_back(std::make_unique<pt::Question>());
  hook_.ask(*running_, *questions_.back(), timeout_ms);
  return *questions_.back();
}

pt::Outcome Asked::answer(std::uint32_t timeout_ms) {
  const auto outcome = ask(timeout_ms).wait();
  if (!outcome) throw std::runtime_error("no answer");
  return *outcome;
}

void Asked::expect_fault(const std::string& words) {
  const bool told = hook_.answers == Hook::Answers::waited_for;
  const auto faults = [&] { return told ? errors() : warnings(); };
  EXPECT_TRUE(eventually([&] {
    const auto lines = faults();
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.starts_with(hook_.variable + ": ") && line.find(words) != std::string::npos;
    });
  })) << "no line says: "
      << words << ::testing::PrintToString(faults());
  EXPECT_TRUE(!told || warnings().empty()) << ::testing::PrintToString(warnings());
}

std::vector<std::string> Asked::errors() const {
  std::vector<std::string> errors;
  for (const auto& question : questions_) {
    const auto outcome = question->wait(std::chrono::milliseconds(0));
    if (outcome && outcome->status != CROLANG_OK) errors.push_back(outcome->error);
  }
  return errors;
}

std::vector<std::string> Asked::warnings() {
  std::vector<std::string> lines;
  for (const auto& line : running_->host().log()) {
    if (line.level >= CROLANG_LOG_WARN) lines.push_back(line.text);
  }
  return lines;
}

std::vector<std::string> Asked::lines(std::int32_t level) {
  std::vector<std::string> lines;
  for (const auto& line : running_->host().log()) {
    if (line.level == level) lines.push_back(line.text);
  }
  return lines;
}

std::string url_of(const Server& server, const std::string& path) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + path;
}

bool eventually(const std::function<bool()>& holds) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace crolang::webhooks
