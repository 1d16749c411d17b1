// Webhooks over https: whom they trust, and that nothing is said to anybody else.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "contract/webhooks/certificates.hpp"
#include "contract/webhooks/hooks.hpp"
#include "contract/webhooks/server.hpp"

namespace crolang::webhooks {
namespace {

namespace pt = plugin::testing;

class Https : public ::testing::TestWithParam<Hook> {
 protected:
  const Hook& hook() const { return GetParam(); }

  std::unique_ptr<Server> serve(const std::string& names,
                                Authority::Validity validity = Authority::Validity::now) {
    context_ = authority_.issue(names, validity);
    return std::make_unique<Server>(answer(hook().good_answer), context_.get());
  }

  pt::Env trusting(const Authority& authority) const {
    return {{"WEBHOOK_CA_FILE", authority.file()}};
  }

  /// Nobody is asked, and the log says why.
  void expect_distrust(const Server& server, const std::string& host, const pt::Env& env,
                       const std::string& words) {
    Asked asked(hook(), "https://" + host + ":" + std::to_string(server.port()) + "/", env);
    const auto outcome = asked.answer();
    if (hook().answers == Hook::Answers::waited_for) {
      EXPECT_EQ(outcome.status, CROLANG_UNAVAILABLE);
      EXPECT_NE(outcome.error.find(words), std::string::npos) << outcome.error;
    }
    asked.expect_warning(words);
    EXPECT_TRUE(server.requests().empty());
  }

  Authority authority_;
  ServerContext context_;
};

TEST_P(Https, AsksAServerWhoseCertificateIsForItsName) {
  const auto server = serve("DNS:localhost");
  Asked asked(hook(), "https://localhost:" + std::to_string(server->port()) + "/hook",
              trusting(authority_));
  for (std::size_t i = 0; i < 3; ++i) {
    hook().expect_good(asked.answer());
    EXPECT_EQ(server->request(i).body, hook().body);
  }
  EXPECT_TRUE(asked.warnings().empty()) << ::testing::PrintToString(asked.warnings());
}

TEST_P(Https, AsksAServerWhoseCertificateIsForItsAddress) {
  const auto server = serve("IP:127.0.0.1");
  Asked asked(hook(), "https://127.0.0.1:" + std::to_string(server->port()) + "/hook",
              trusting(authority_));
  hook().expect_good(asked.answer());
  EXPECT_EQ(server->request(0).body, hook().body);
}

TEST_P(Https, TakesAServerThatClosesAfterEachAnswer) {
  const auto server = serve("DNS:localhost");
  const std::string& good = hook().good_answer;
  server->behave(
      write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(good.size()) + "\r\n\r\n" + good,
            After::close));
  Asked asked(hook(), "https://localhost:" + std::to_string(server->port()) + "/hook",
              trusting(authority_));
  for (int i = 0; i < 20; ++i) hook().expect_good(asked.answer());
  server->request(19);
  EXPECT_TRUE(asked.warnings().empty()) << ::testing::PrintToString(asked.warnings());
}

TEST_P(Https, AsksNobodyWhoseCertificateIsForAnotherName) {
  const auto server = serve("DNS:localhost.example.org,IP:127.0.0.2");
  expect_distrust(*server, "localhost", trusting(authority_), "certificate is not accepted");
  expect_distrust(*server, "127.0.0.1", trusting(authority_), "certificate is not accepted");
}

TEST_P(Https, AsksNobodyWhoseCertificateIsOfAnotherAuthority) {
  const auto server = serve("DNS:localhost");
  const Authority other;
  expect_distrust(*server, "localhost", trusting(other), "certificate is not accepted");
  // Nor is it one of the system's.
  expect_distrust(*server, "localhost", {}, "certificate is not accepted");
}

TEST_P(Https, AsksNobodyWhoseCertificateHasExpired) {
  const auto server = serve("DNS:localhost", Authority::Validity::long_ago);
  expect_distrust(*server, "localhost", trusting(authority_), "certificate has expired");
}

TEST_P(Https, AsksNobodyWhoDoesNotSpeakTls) {
  Server plain(answer(hook().good_answer));
  Asked asked(hook(), "https://localhost:" + std::to_string(plain.port()) + "/",
              {{"WEBHOOK_TIMEOUT_MS", "300"}});
  const auto outcome = asked.answer();
  if (hook().answers == Hook::Answers::waited_for) {
    EXPECT_EQ(outcome.status, CROLANG_TIMEOUT);
    EXPECT_EQ(outcome.error, hook().variable + ": no connection within 300 ms");
  }
  asked.expect_warning("no connection within 300 ms");
}

TEST_P(Https, TakesNoAnswerThatWasCutOff) {
  const auto server = serve("DNS:localhost");
  // Without a length, and without TLS's goodbye, nobody knows whether this was all.
  server->behave(write("HTTP/1.1 200 OK\r\n\r\n" + hook().good_answer, After::close));
  Asked asked(hook(), "https://localhost:" + std::to_string(server->port()) + "/",
              trusting(authority_));
  EXPECT_NO_THROW(asked.answer());
  asked.expect_warning("in the middle of its answer");
}

constexpr auto kName = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(Webhooks, Https, ::testing::ValuesIn(hooks()), kName);

}  // namespace
}  // namespace crolang::webhooks
