// Each webhook with each failure of a server: what becomes of the question, what the log
// says, and that the next question is answered as if nothing had been.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <tuple>
#include <vector>

#include "contract/webhooks/hooks.hpp"
#include "contract/webhooks/server.hpp"

namespace crolang::webhooks {
namespace {

namespace pt = plugin::testing;

struct TemporaryFailure {
  std::string name;
  std::string words;  // in the log and in the answer's error
  Behaviour behaviour;
  enum class Concerns { all, who_reads } concerns = Concerns::all;
  crolang_status status = CROLANG_INVALID;
  std::uint32_t timeout_ms = 30'000;
};

void PrintTo(const TemporaryFailure& failure, std::ostream* out) {
  *out << failure.name;
}

const char* const kOk = "HTTP/1.1 200 OK\r\n";

TemporaryFailure status(const std::string& line, crolang_status status) {
  std::string name = line;
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return {.name = "Answers" + name,
          .words = "answered " + line.substr(0, 3),
          .behaviour = answer("{}", line, "Location: /elsewhere\r\n"),
          .status = status};
}

TemporaryFailure late(std::string name, Behaviour behaviour) {
  return {.name = std::move(name),
          .words = "no answer within ",
          .behaviour = std::move(behaviour),
          .status = CROLANG_TIMEOUT,
          .timeout_ms = 300};
}

std::vector<TemporaryFailure> troubles() {
  const std::string gzip("\x1f\x8b\x08\x00not gzip", 12);
  return {
      late("IsSilent", stay_silent),
      late("DripsItsHeader",
           [](Peer& peer, const Request&) {
             peer.drip("HTTP/1.1 200 OK\r\nX-Long: " + std::string(10'000, 'x'));
             return After::close;
           }),
      late("DripsItsBody",
           [](Peer& peer, const Request&) {
             peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n");
             peer.drip(std::string(10'000, ' '));
             return After::close;
           }),
      late("DripsInterimAnswers",
           [](Peer& peer, const Request&) {
             peer.drip("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n");
             peer.wait_until_gone();
             return After::close;
           }),
      status("301 Moved Permanently", CROLANG_INVALID),
      status("307 Temporary Redirect", CROLANG_INVALID),
      status("404 Not Found", CROLANG_INVALID),
      status("400 Bad Request", CROLANG_INVALID),
      status("402 Payment Required", CROLANG_INVALID),
      status("407 Proxy Authentication Required", CROLANG_INVALID),
      status("500 Internal Server Error", CROLANG_UNAVAILABLE),
      status("503 Service Unavailable", CROLANG_UNAVAILABLE),
      {.name = "SwitchesProtocols",
       .words = "answered 101",
       .behaviour = write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                          "Connection: Upgrade\r\n\r\n",
                          After::keep)},
      {.name = "AnswersNothing",
       .words = "the answer",
       .behaviour = answer(""),
       .concerns = TemporaryFailure::Concerns::who_reads},
      {.name = "Answers204",
       .words = "the answer",
       .behaviour = write("HTTP/1.1 204 No Content\r\n\r\n", After::keep),
       .concerns = TemporaryFailure::Concerns::who_reads},
      {.name = "AnswersHtml",
       .words = "the answer",
       .behaviour = answer("<html>It works!</html>"),
       .concerns = TemporaryFailure::Concerns::who_reads},
      {.name = "AnswersHalfAnObject",
       .words = "the answer",
       .behaviour = answer(R"({"authenticated":true,"authorized":true,"invalidNodesIds":[])"),
       .concerns = TemporaryFailure::Concerns::who_reads},
      {.name = "AnswersTextThatIsNotUtf8",
       .words = "the answer",
       .behaviour = answer("{\"authenticated\":true,\"authorized\":true,\"x\":\"\xff\xfe\"}"),
       .concerns = TemporaryFailure::Concerns::who_reads},
      {.name = "AnswersBrokenGzip",
       .words = "the answer",
       .behaviour = answer(gzip, "200 OK", "Content-Encoding: gzip\r\n"),
       .concerns = TemporaryFailure::Concerns::who_reads},
      {.name = "AnswersDeepNesting",
       .words = "the answer",
       .behaviour = answer(std::string(500'000, '[')),
       .concerns = TemporaryFailure::Concerns::who_reads},
      {.name = "AnswersTenMegabytes",
       .words = "the answer is longer than WEBHOOK_MAX_REPLY_BYTES",
       .behaviour = answer(std::string(10'000'000, ' '))},
      {.name = "AnswersTenMegabytesInChunks",
       .words = "the answer is longer than WEBHOOK_MAX_REPLY_BYTES",
       .behaviour =
           [](Peer& peer, const Request&) {
             peer.write(std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\n");
             const std::string chunk = "10000\r\n" + std::string(0x10000, ' ') + "\r\n";
             for (int i = 0; i < 160 && peer.write(chunk); ++i) {
             }
             return After::close;
           }},
      {.name = "AnswersTenMegabytesUntilItsEnd",
       .words = "the answer is longer than WEBHOOK_MAX_REPLY_BYTES",
       .behaviour = write(std::string(kOk) + "\r\n" + std::string(10'000'000, ' '), After::close)},
      {.name = "ClosesWithoutAnAnswer",
       .words = "the server closed the connection without an answer",
       .behaviour = [](Peer&, const Request&) { return After::close; },
       .status = CROLANG_UNAVAILABLE},
      {.name = "ResetsTheConnection",
       .words = "reset",
       .behaviour =
           [](Peer& peer, const Request&) {
             peer.reset_on_close();
             return After::close;
           },
       .status = CROLANG_UNAVAILABLE},
      {.name = "DiesInItsStatusLine",
       .words = "in the middle of its answer",
       .behaviour = write("HTTP/1.1 2", After::close)},
      {.name = "DiesInItsHeader",
       .words = "in the middle of its answer",
       .behaviour = write("HTTP/1.1 200 OK\r\nContent-Le", After::close)},
      {.name = "DiesInItsBody",
       .words = "in the middle of its answer",
       .behaviour =
           write(std::string(kOk) + "Content-Length: 100\r\n\r\n{\"authenti", After::close)},
      {.name = "DiesInAChunk",
       .words = "in the middle of its answer",
       .behaviour = write(std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\n10\r\n{\"auth",
                          After::close)},
      {.name = "HasALongStatusLine",
       .words = "the answer's header is too long",
       .behaviour =
           write("HTTP/1.1 200 " + std::string(1'000'000, 'x') + "\r\n\r\n", After::close)},
      {.name = "HasALongHeader",
       .words = "the answer's header is too long",
       .behaviour = write(std::string(kOk) + "X: " + std::string(1'000'000, 'x') + "\r\n\r\n",
                          After::close)},
      {.name = "HasAMillionHeaders",
       .words = "the answer's header is too long",
       .behaviour =
           [](Peer& peer, const Request&) {
             peer.write(kOk);
             std::string lines;
             for (int i = 0; i < 10'000; ++i) lines += "X: y\r\n";
             for (int i = 0; i < 100 && peer.write(lines); ++i) {
             }
             return After::close;
           }},
      {.name = "NeverComesToItsAnswer",
       .words = "too many interim answers (1xx)",
       .behaviour =
           [](Peer& peer, const Request&) {
             while (peer.write("HTTP/1.1 103 Early Hints\r\n\r\n")) {
             }
             return After::close;
           }},
      {.name = "HasALongChunkHeader",
       .words = "the answer",
       .behaviour = write(std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\n1;" +
                              std::string(1'000'000, 'x') + "\r\n{\r\n0\r\n\r\n",
                          After::close)},
      {.name = "HasAnAbsurdLength",
       .words = "the answer",
       .behaviour = write(std::string(kOk) + "Content-Length: 99999999999999999999\r\n\r\n{}",
                          After::close)},
      {.name = "HasANegativeLength",
       .words = "the answer is not HTTP/1.1",
       .behaviour = write(std::string(kOk) + "Content-Length: -1\r\n\r\n{}", After::close)},
      {.name = "SpeaksAnotherProtocol",
       .words = "the answer is not HTTP/1.1",
       .behaviour = write("SSH-2.0-OpenSSH_9.2p1\r\n", After::close)},
      {.name = "SpeaksHttp2",
       .words = "the answer is not HTTP/1.1",
       .behaviour = write(std::string("\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4", 17), After::close)},
  };
}

class ServerFailures : public ::testing::TestWithParam<std::tuple<Hook, TemporaryFailure>> {
 protected:
  const Hook& hook() const { return std::get<Hook>(GetParam()); }
  const TemporaryFailure& failure() const { return std::get<TemporaryFailure>(GetParam()); }
  bool concerned() const {
    const bool reads =
        hook().answers == Hook::Answers::waited_for && hook().body_of_answer == Hook::Body::judged;
    return reads || failure().concerns == TemporaryFailure::Concerns::all;
  }
};

TEST_P(ServerFailures, FailsTheQuestionAndSaysWhyAndAnswersTheNext) {
  if (!concerned()) GTEST_SKIP() << "what the answer says is not looked at";
  Server server(failure().behaviour);
  const bool has_deadline = hook().answers == Hook::Answers::waited_for;
  const std::uint32_t timeout_ms = has_deadline ? 60'000 : failure().timeout_ms;
  Asked asked(hook(), url_of(server), {{"WEBHOOK_TIMEOUT_MS", std::to_string(timeout_ms)}});
  const auto outcome = asked.answer(failure().timeout_ms);
  if (hook().answers == Hook::Answers::waited_for) {
    EXPECT_EQ(outcome.status, failure().status) << outcome.error;
    EXPECT_TRUE(outcome.error.starts_with(hook().variable + ": ")) << outcome.error;
    EXPECT_NE(outcome.error.find(failure().words), std::string::npos) << outcome.error;
  }
  asked.expect_fault(failure().words);

  server.behave(answer(hook().good_answer));
  const std::size_t before = server.requests().size();
  hook().expect_good(asked.answer());
  EXPECT_EQ(server.request(before).body, hook().body);
}

std::string name_of_failure(
    const ::testing::TestParamInfo<std::tuple<Hook, TemporaryFailure>>& info) {
  return std::get<Hook>(info.param).name + std::get<TemporaryFailure>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Webhooks, ServerFailures,
                         ::testing::Combine(::testing::ValuesIn(hooks()),
                                            ::testing::ValuesIn(troubles())),
                         name_of_failure);

// ---- What is not a failure
// ------------------------------------------------------------------------

class Webhooks : public ::testing::TestWithParam<Hook> {
 protected:
  const Hook& hook() const { return GetParam(); }
  /// Of every line.
  std::string head(const Server& server) const {
    return hook().variable + ": 127.0.0.1:" + std::to_string(server.port()) + ": ";
  }
};

TEST_P(Webhooks, PostsTheBodyOfTheContractAsJson) {
  Server server(answer(hook().good_answer));
  Asked asked(hook(), url_of(server, "/a/b?c=d&e=%20"));
  hook().expect_good(asked.answer());
  const Request request = server.request(0);
  EXPECT_EQ(request.line, "POST /a/b?c=d&e=%20 HTTP/1.1");
  EXPECT_EQ(request.body, hook().body);
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_EQ(request.headers.at("host"), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_FALSE(request.headers.contains("accept-encoding"));
  EXPECT_FALSE(request.headers.contains("authorization"));
  EXPECT_FALSE(request.headers.contains("webhook-signature"));
  EXPECT_TRUE(asked.warnings().empty());
}

// As nginx' auth_request and Envoy's ext_authz take them. To a webhook that is not asked for leave
// they say that something is wrong with the broker.
TEST_P(Webhooks, TakeTheStatuses401And403ForANoIfTheyAskForPermission) {
  const std::vector<Behaviour> refusals{
      answer("", "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n"),
      answer("", "403 Forbidden"),
      answer("<html>Forbidden</html>", "403 Forbidden"),
      answer(hook().good_answer, "401 Unauthorized"),
      answer(hook().good_answer, "403 Forbidden", "Connection: close\r\n"),
      write("HTTP/1.1 403 \r\n\r\n", After::close)};
  Server server(refusals.front());
  Asked asked(hook(), url_of(server));
  for (const Behaviour& refusal : refusals) {
    server.behave(refusal);
    const auto outcome = asked.answer();
    if (hook().forbidden == Hook::Forbidden::is_a_no) {
      EXPECT_EQ(outcome.status, CROLANG_OK) << outcome.error;
      EXPECT_FALSE(outcome.yes);
    } else if (hook().answers == Hook::Answers::waited_for) {
      EXPECT_EQ(outcome.status, CROLANG_INVALID);
      EXPECT_NE(outcome.error.find(": answered 40"), std::string::npos) << outcome.error;
    }
  }
  if (hook().forbidden == Hook::Forbidden::is_a_no) {
    EXPECT_TRUE(asked.warnings().empty());
    EXPECT_EQ(asked.lines(CROLANG_LOG_INFO),
              std::vector<std::string>{head(server) + "answered 401, taken as a refusal"});
  } else {
    asked.expect_fault("answered 40");
  }
  server.behave(answer(hook().good_answer));
  hook().expect_good(asked.answer());
}

TEST_P(Webhooks, FailForAServerThatRefusesConnections) {
  auto server = std::make_unique<Server>(answer(hook().good_answer));
  Asked asked(hook(), url_of(*server));
  const std::string beginning = head(*server);
  const std::string address = "127.0.0.1:" + std::to_string(server->port());
  server.reset();
  const auto outcome = asked.answer();
  if (hook().answers == Hook::Answers::waited_for) {
    EXPECT_EQ(outcome.status, CROLANG_UNAVAILABLE);
    EXPECT_EQ(outcome.error, beginning + "cannot connect to " + address + ": Connection refused");
  }
  asked.expect_fault("Connection refused");
}

TEST_P(Webhooks, FailForAnUnknownHost) {
  Asked asked(hook(), "http://no-such-host.invalid/hook");
  const auto outcome = asked.answer();
  if (hook().answers == Hook::Answers::waited_for) {
    EXPECT_NE(outcome.status, CROLANG_OK);
    EXPECT_TRUE(outcome.error.starts_with(hook().variable + ": ")) << outcome.error;
  }
  asked.expect_fault("no-such-host.invalid: cannot resolve the host name: ");
}

TEST_P(Webhooks, GiveUpAfterTheirOwnTime) {
  Server server(stay_silent);
  Asked asked(hook(), url_of(server), {{"WEBHOOK_TIMEOUT_MS", "200"}});
  if (hook().answers == Hook::Answers::waited_for) {
    EXPECT_EQ(asked.answer().status, CROLANG_TIMEOUT);
  } else {
    asked.ask();
  }
  asked.expect_fault(head(server) + "no answer within 200 ms");
}

TEST_P(Webhooks, FailOnceTheBrokersOwnDeadlineIsOver) {
  if (hook().answers == Hook::Answers::ignored) GTEST_SKIP() << "has no deadline";
  Server server(stay_silent);
  Asked asked(hook(), url_of(server));
  const auto start = std::chrono::steady_clock::now();
  const auto outcome = asked.answer(/*timeout_ms=*/200);
  EXPECT_EQ(outcome.status, CROLANG_TIMEOUT);
  // A little earlier, so that the broker hears why.
  EXPECT_EQ(outcome.error,
            head(server) + "no answer within 190 ms (PLUGIN_TIMEOUT_MS allows no more)");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST_P(Webhooks, DoNotTakeTheWrongTypeForAnAnswer) {
  if (hook().senseless.empty()) GTEST_SKIP() << "what the answer says is not looked at";
  Server server(answer(""));
  Asked asked(hook(), url_of(server));
  for (const std::string& body : hook().senseless) {
    server.behave(answer(body));
    const auto outcome = asked.answer();
    EXPECT_EQ(outcome.status, CROLANG_INVALID) << body;
    EXPECT_TRUE(outcome.error.starts_with(head(server) + "the answer ")) << outcome.error;
  }
  asked.expect_fault("the answer ");
  server.behave(answer(hook().good_answer));
  hook().expect_good(asked.answer());
}

TEST_P(Webhooks, UnderstandAnAnswerHoweverItIsWritten) {
  const std::string& good = hook().good_answer;
  const std::string length = "Content-Length: " + std::to_string(good.size()) + "\r\n";
  std::string in_chunks = std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\n";
  for (const char& byte : good) in_chunks.append("1;x=y\r\n").append(1, byte).append("\r\n");
  in_chunks += "0\r\nX-Trailer: z\r\n\r\n";
  const std::vector<Behaviour> behaviours{
      write(in_chunks, After::keep),
      write(std::string(kOk) + "\r\n" + good, After::close),
      write("HTTP/1.0 200 OK\r\n" + length + "\r\n" + good, After::close),
      write("HTTP/1.1 200 OK\r\ncontent-length:" + std::to_string(good.size()) + "\r\n\r\n" + good,
            After::keep),
      write("HTTP/1.1 201 \r\n" + length + "\r\n" + good, After::keep),
      write("HTTP/1.1 201\r\n" + length + "\r\n" + good, After::keep),
      write("HTTP/1.0 200\r\n" + length + "\r\n" + good, After::close),
      write("HTTP/1.1 200  OK  \r\n" + length + "\r\n" + good, After::keep),
      write("HTTP/1.1 200\r\n" + length + "\r\n" + good + "HTTP/1.1 200\r\n", After::keep),
      [&](Peer& peer, const Request&) {
        peer.drip("HTTP/1.1 102\r\n\r\nHTTP/1.1 200\r\n" + length + "\r\n" + good);
        return After::keep;
      },
      write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
                std::string(kOk) + length + "\r\n" + good,
            After::keep),
      [&](Peer& peer, const Request&) {
        peer.drip(std::string(kOk) + length + "\r\n" + good);
        return After::keep;
      },
      write(std::string(kOk) + length + "Connection: close\r\n\r\n" + good, After::keep),
      write(std::string(kOk) + length + "\r\n" + good + "more than was announced", After::keep),
      answer(good)};
  Server server(answer(good));
  Asked asked(hook(), url_of(server));
  for (std::size_t i = 0; i < behaviours.size(); ++i) {
    SCOPED_TRACE(i);
    server.behave(behaviours[i]);
    hook().expect_good(asked.answer());
    EXPECT_EQ(server.request(i).body, hook().body);
  }
  EXPECT_TRUE(asked.warnings().empty()) << ::testing::PrintToString(asked.warnings());
}

TEST_P(Webhooks, TakeAServerThatClosesAfterEachAnswer) {
  // Without announcing it, so that a connection may look fit to be used once more.
  const std::string head = kOk + ("Content-Length: " + std::to_string(hook().good_answer.size()));
  Server server(write(head + "\r\n\r\n" + hook().good_answer, After::close));
  Asked asked(hook(), url_of(server));
  for (std::size_t i = 0; i < 200; ++i) hook().expect_good(asked.answer());
  server.request(199);
  EXPECT_TRUE(asked.warnings().empty()) << ::testing::PrintToString(asked.warnings());
}

TEST_P(Webhooks, KeepOneConnectionForOneQuestionAfterTheOther) {
  Server server(answer(hook().good_answer));
  Asked asked(hook(), url_of(server));
  for (std::size_t i = 0; i < 20; ++i) {
    hook().expect_good(asked.answer());
    server.request(i);
  }
  EXPECT_LE(server.connections(), hook().answers == Hook::Answers::ignored ? 20u : 1u);
}

TEST_P(Webhooks, SendUserAndPasswordOfTheUrl) {
  Server server(answer(hook().good_answer));
  Asked asked(hook(), "http://us%65r:p%40ss:word@127.0.0.1:" + std::to_string(server.port()));
  hook().expect_good(asked.answer());
  EXPECT_EQ(server.request(0).line, "POST / HTTP/1.1");
  EXPECT_EQ(server.request(0).headers.at("authorization"), "Basic dXNlcjpwQHNzOndvcmQ=");
}

TEST_P(Webhooks, AskAnIpv6Address) {
  std::unique_ptr<Server> server;
  try {
    server = std::make_unique<Server>(answer(hook().good_answer), nullptr, Server::Family::ipv6);
  } catch (const std::runtime_error&) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  const std::string authority = "[::1]:" + std::to_string(server->port());
  Asked asked(hook(), "http://" + authority + "/");
  hook().expect_good(asked.answer());
  EXPECT_EQ(server->request(0).headers.at("host"), authority);
}

TEST_P(Webhooks, AskAHostByName) {
  Server server(answer(hook().good_answer));
  Asked asked(hook(), "http://LocalHost:" + std::to_string(server.port()) + "/");
  hook().expect_good(asked.answer());
  server.request(0);
}

TEST_P(Webhooks, RefuseToStartWithAVariableThatCannotBe) {
  const std::string url = "http://user:secret@127.0.0.1:1/hook?token=secret";
  const auto refusal = [&](const std::string& with_url, const pt::Env& env) -> std::string {
    try {
      Asked asked(hook(), with_url, env);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "started";
  };
  EXPECT_EQ(refusal("ftp://127.0.0.1/", {}),
            hook().variable + ": the scheme 'ftp' is not supported; use http or https");
  EXPECT_EQ(refusal(url, {{"WEBHOOK_TIMEOUT_MS", "9"}}),
            "WEBHOOK_TIMEOUT_MS=9: must be a whole number from 10 to 3600000");
  EXPECT_EQ(refusal(url, {{"WEBHOOK_MAX_CONCURRENCY", "257"}}),
            "WEBHOOK_MAX_CONCURRENCY=257: must be a whole number from 1 to 256");
  EXPECT_EQ(refusal(url, {{"WEBHOOK_MAX_REPLY_BYTES", "0"}}),
            "WEBHOOK_MAX_REPLY_BYTES=0: must be a whole number from 1 to 1073741824");
  EXPECT_EQ(refusal(url, {{"WEBHOOK_CA_FILE", "/no/such.pem"}}),
            "WEBHOOK_CA_FILE=/no/such.pem: cannot be read: No such file or directory");
  EXPECT_EQ(refusal(url, {{"WEBHOOK_SIGNING_SECRET", "whsec_secret!"}}),
            "WEBHOOK_SIGNING_SECRET: a secret must be whsec_ and Base64: whsec_$(openssl rand "
            "-base64 32) is one");
}

TEST_P(Webhooks, ShowNothingOfTheUrlInTheLog) {
  Server server(answer("", "500 Oh"));
  Asked asked(hook(), "http://user:hush@127.0.0.1:" + std::to_string(server.port()) +
                          "/hook?token=hush#hush");
  EXPECT_EQ(asked.answer().error.find("hush"), std::string::npos);
  asked.expect_fault(head(server) + "answered 500");
  for (const std::string& line : asked.warnings()) {
    EXPECT_EQ(line.find("hush"), std::string::npos) << line;
  }
}

TEST_P(Webhooks, LogOneLineForManyFaultsAtOnceUnlessTheBrokerDoes) {
  Server server(answer("", "500 Oh"));
  Asked asked(hook(), url_of(server));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) asked.answer();
  server.request(199);
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start)
          .count();
  EXPECT_LE(asked.warnings().size(), static_cast<std::size_t>(seconds) + 2);
  if (hook().answers == Hook::Answers::waited_for) {
    EXPECT_TRUE(asked.warnings().empty()) << ::testing::PrintToString(asked.warnings());
  } else {
    // What was left out is made up for, without another fault.
    asked.expect_fault("more before)");
  }
}

TEST_P(Webhooks, StopAtOnceWhileAServerHangs) {
  Server server(stay_silent);
  Asked asked(hook(), url_of(server));
  pt::Question& question = asked.ask();
  server.request(0);
  const auto start = std::chrono::steady_clock::now();
  asked.running().stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  if (hook().answers == Hook::Answers::waited_for) {
    const auto outcome = question.wait(std::chrono::milliseconds(0));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->status, CROLANG_CANCELLED);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Webhooks, ::testing::ValuesIn(hooks()), name_of_case);

}  // namespace
}  // namespace crolang::webhooks
