// Webhooks over https: whom they trust, and that nothing is said to anybody else.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "contract/webhooks/certificates.hpp"
#include "contract/webhooks/hooks.hpp"
#include "contract/webhooks/server.hpp"
#include "support/names.hpp"

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
    const std::size_t before = server.requests().size();
    Asked asked(hook(), "https://" + host + ":" + std::to_string(server.port()) + "/", env);
    const auto outcome = asked.answer();
    if (hook().answers == Hook::Answers::waited_for) {
      EXPECT_EQ(outcome.status, CROLANG_UNAVAILABLE);
      EXPECT_NE(outcome.error.find(words), std::string::npos) << outcome.error;
    }
    asked.expect_fault(words);
    EXPECT_EQ(server.requests().size(), before);
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

TEST_P(Https, AsksNoServerWhoseCertificateIsForAnotherName) {
  const auto server = serve("DNS:localhost.example.org,IP:127.0.0.2");
  expect_distrust(*server, "localhost", trusting(authority_),
                  "certificate is not accepted: it is not for localhost");
  expect_distrust(*server, "127.0.0.1", trusting(authority_),
                  "certificate is not accepted: it is not for 127.0.0.1");
}

TEST_P(Https, AsksNoServerWhoseCertificateIsOfAnotherAuthority) {
  const auto server = serve("DNS:localhost");
  const Authority other;
  expect_distrust(*server, "localhost", trusting(other), "certificate is not accepted");
  // Nor is it one of the system's.
  expect_distrust(*server, "localhost", {}, "certificate is not accepted");
}

TEST_P(Https, TrustsAnAuthorityThatIsItselfOfAnother) {
  const Authority issuing(authority_, "Issuing authority of a test");
  context_ = issuing.issue("DNS:localhost");
  Server server(answer(hook().good_answer), context_.get());
  Asked asked(hook(), "https://localhost:" + std::to_string(server.port()) + "/",
              trusting(issuing));
  hook().expect_good(asked.answer());
  EXPECT_EQ(server.request(0).body, hook().body);
  // Trust does not go upwards: who issues for whom is not known from the one at the top alone.
  expect_distrust(server, "localhost", trusting(authority_), "certificate is not accepted");
}

TEST_P(Https, AsksAServerByANameWithADotAtItsEnd) {
  names::set("hooks.test.", {"127.0.0.1"});
  const auto server = serve("DNS:hooks.test");
  Asked asked(hook(), "https://hooks.test.:" + std::to_string(server->port()) + "/",
              trusting(authority_));
  hook().expect_good(asked.answer());
  EXPECT_EQ(server->request(0).body, hook().body);
  names::forget_all();
}

TEST_P(Https, AsksNoServerWhoseCertificateNamesItInItsCommonNameOnly) {
  for (const char* host : {"localhost", "127.0.0.1"}) {
    context_ = authority_.issue("", Authority::Validity::now, host);
    const Server server(answer(hook().good_answer), context_.get());
    expect_distrust(server, host, trusting(authority_),
                    "the server's certificate is not accepted: it names no host (no "
                    "subjectAltName; the common name does not count)");
  }
}

TEST_P(Https, AsksNoServerWhoseCertificateHasExpired) {
  const auto server = serve("DNS:localhost", Authority::Validity::long_ago);
  expect_distrust(*server, "localhost", trusting(authority_), "certificate has expired");
}

TEST_P(Https, AsksNoServerWithoutTls) {
  Server plain(answer(hook().good_answer));
  Asked asked(hook(), "https://localhost:" + std::to_string(plain.port()) + "/",
              {{"WEBHOOK_TIMEOUT_MS", "300"}});
  const auto outcome = asked.answer();
  if (hook().answers == Hook::Answers::waited_for) {
    EXPECT_EQ(outcome.status, CROLANG_TIMEOUT);
    EXPECT_EQ(outcome.error, hook().variable + ": localhost:" + std::to_string(plain.port()) +
                                 ": no connection within 300 ms");
  }
  asked.expect_fault("no connection within 300 ms");
}

TEST_P(Https, TakesNoAnswerThatWasCutOff) {
  const auto server = serve("DNS:localhost");
  // Without a length, and without TLS's goodbye, nobody knows whether this was all.
  server->behave(write("HTTP/1.1 200 OK\r\n\r\n" + hook().good_answer, After::close));
  Asked asked(hook(), "https://localhost:" + std::to_string(server->port()) + "/",
              trusting(authority_));
  EXPECT_NO_THROW(asked.answer());
  asked.expect_fault("in the middle of its answer");
}

INSTANTIATE_TEST_SUITE_P(Webhooks, Https, ::testing::ValuesIn(hooks()), name_of_case);

}  // namespace
}  // namespace crolang::webhooks
