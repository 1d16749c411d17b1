// How questions are asked: exact bodies, one request for many, many at once, a bounded number of
// them, and answers that are used again.
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "contract/webhooks/hooks.hpp"
#include "contract/webhooks/server.hpp"

namespace crolang::webhooks {
namespace {

namespace pt = plugin::testing;

/// Waits for the gate, then says the same to everybody.
Behaviour at_gate(Server*& server, std::string body) {
  return [&server, then = answer(std::move(body))](Peer& peer, const Request& request) {
    server->wait_at_gate();
    return then(peer, request);
  };
}

/// A server whose answers wait at its gate.
struct Gated {
  explicit Gated(const std::string& body) : server(at_gate(self, body)) {}
  Server* self = &server;
  Server server;
};

void authorize(Asked& asked, pt::Question& question, std::string_view from, std::string_view to,
               std::uint32_t timeout_ms = 60'000) {
  asked.running()
      .table<crolang_authorization>(CROLANG_AUTHORIZATION)
      ->authorize(asked.running().self(), pt::Lent(from), pt::Lent(to), timeout_ms,
                  &pt::Question::yes_no, &question);
}

// ---- Bodies -------------------------------------------------------------------------------------

/// What is sent for a node with these data.
std::string auth_body(std::string_view node, std::optional<std::string> data,
                      const std::string& how) {
  Server server(answer(R"({"authenticated":false})"));
  const Hook& auth = hook("auth");
  Asked asked(auth, url_of(server), {{"NODES_AUTHENTICATION_WEBHOOK_DATA", how}});
  pt::Question question;
  asked.running()
      .table<crolang_authentication>(CROLANG_AUTHENTICATION)
      ->authenticate(asked.running().self(), pt::LentNode(node, std::move(data)), 10'000,
                     &pt::Question::authenticated, &question);
  const auto outcome = question.wait();
  EXPECT_TRUE(outcome && outcome->status == CROLANG_OK && !outcome->yes);
  return server.request(0).body;
}

TEST(AuthenticationData, AreSentAsJsonIfTheyAreAnObjectOrAnArray) {
  const auto sent = [](std::string_view data) {
    const std::string body = auth_body("a", std::string(data), "json");
    const std::string start = R"({"nodeId":"a","id":"a","data":)";
    EXPECT_TRUE(body.starts_with(start)) << body;
    return body.substr(start.size(), body.size() - start.size() - 1);
  };
  EXPECT_EQ(sent(R"({"token":"x y","n":[1, 2.50, 1e40]})"), R"({"token":"x y","n":[1,2.50,1e40]})");
  EXPECT_EQ(sent(" [ 1 , {\t} ]\n"), "[1,{}]");
  EXPECT_EQ(sent(R"({"a":1,"a":"\u00e9 \" é"})"), R"({"a":1,"a":"\u00e9 \" é"})");
  EXPECT_EQ(sent("\"x\""), R"("\"x\"")");
  EXPECT_EQ(sent("17"), R"("17")");
  EXPECT_EQ(sent("true"), R"("true")");
  EXPECT_EQ(sent("null"), R"("null")");
  EXPECT_EQ(sent("{\"a\":1"), R"("{\"a\":1")");
  EXPECT_EQ(sent("{} {}"), R"("{} {}")");
  EXPECT_EQ(sent("to\nken"), R"("to\nken")");
  EXPECT_EQ(sent(""), R"("")");
  EXPECT_EQ(sent("\xff"), "\"\xef\xbf\xbd\"");
}

TEST(AuthenticationData, AreAlwaysAStringWhenTheyAreSentRaw) {
  EXPECT_EQ(auth_body("a", R"({"token": 1})", "raw"),
            R"({"nodeId":"a","id":"a","data":"{\"token\": 1}"})");
}

TEST(AuthenticationData, AreLeftOutWhenTheNodeGaveNone) {
  EXPECT_EQ(auth_body("a", std::nullopt, "json"), R"({"nodeId":"a","id":"a"})");
}

TEST(AuthenticationData, KeepTheBrokerFromStartingWhenTheirVariableIsNeither) {
  try {
    Asked(hook("auth"), "http://127.0.0.1:1/", {{"NODES_AUTHENTICATION_WEBHOOK_DATA", "text"}});
    FAIL() << "started";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "NODES_AUTHENTICATION_WEBHOOK_DATA=text: must be json or raw");
  }
}

// ---- For how long -------------------------------------------------------------------------------

TEST(AuthenticationExpiry, IsWhatTheAnswerSays) {
  const auto valid_for_ms = [](const std::string& text) {
    Server server(answer(text));
    const pt::Outcome outcome = Asked(hook("auth"), url_of(server)).answer();
    EXPECT_EQ(outcome.status, CROLANG_OK) << outcome.error;
    EXPECT_TRUE(outcome.yes);
    return outcome.valid_for_ms;
  };
  EXPECT_EQ(valid_for_ms(R"({"authenticated":true})"), 0u) << "for ever";
  EXPECT_EQ(valid_for_ms(R"({"authenticated":true,"expiresInSeconds":3600})"), 3'600'000u);
  EXPECT_EQ(valid_for_ms(R"({"expiresInSeconds":1.5,"authenticated":true})"), 1500u);
  EXPECT_EQ(valid_for_ms(R"({"authenticated":true,"expiresInSeconds":0.0001})"), 1u);
  EXPECT_EQ(valid_for_ms(R"({"authenticated":true,"expiresInSeconds":315360000})"),
            315'360'000'000u);
}

TEST(AuthenticationExpiry, ThatIsInvalidIsNotAYes) {
  const auto expect_fault = [](const std::string& value, const std::string& why) {
    Server server(answer(R"({"authenticated":true,"expiresInSeconds":)" + value + "}"));
    const pt::Outcome outcome = Asked(hook("auth"), url_of(server)).answer();
    EXPECT_EQ(outcome.status, CROLANG_INVALID) << value;
    EXPECT_TRUE(
        outcome.error.ends_with("the answer's \"expiresInSeconds\" is not a number above 0 "
                                "and at most 315360000, ten years: " +
                                why))
        << outcome.error;
  };
  for (const char* number : {"0", "-1", "-0.5", "315360001", "1e300"}) {
    expect_fault(number, "it is out of range");
  }
  expect_fault("\"3600\"", "it is a string");
  expect_fault("null", "it is null");
  expect_fault("true", "it is true or false");
  expect_fault("[\"3600\"]", "it is a list");
}

TEST(AuthenticationExpiry, IsIgnoredInANo) {
  Server server(answer(R"({"authenticated":false,"expiresInSeconds":"x"})"));
  const pt::Outcome outcome = Asked(hook("auth"), url_of(server)).answer();
  EXPECT_EQ(outcome.status, CROLANG_OK);
  EXPECT_FALSE(outcome.yes);
}

TEST(Bodies, WriteIdsAsJsonStringifyDoes) {
  EXPECT_EQ(auth_body("a\"b\\c/d\xc3\xa9\xf0\x9f\x98\x80\x7f\t\x01", std::nullopt, "json"),
            "{\"nodeId\":\"a\\\"b\\\\c/d\xc3\xa9\xf0\x9f\x98\x80\x7f\\t\\u0001\","
            "\"id\":\"a\\\"b\\\\c/d\xc3\xa9\xf0\x9f\x98\x80\x7f\\t\\u0001\"}");
}

TEST(Bodies, TellTheObserverOfAReceiverThatIsAbsent) {
  Server server(answer(""));
  Asked asked(hook("message"), url_of(server));
  asked.running()
      .table<crolang_observer>(CROLANG_OBSERVER)
      ->on_message(asked.running().self(), pt::Lent("a"), pt::Lent("b"), false);
  EXPECT_EQ(server.request(0).body,
            R"({"senderId":"a","receiverId":"b","isReceiverConnected":false})");
}

TEST(Bodies, AskForAsManyNodesAsAreConnected) {
  std::vector<std::string> ids;
  std::string body = "{\"connectedNodesIds\":[";
  std::vector<bool> valid;
  for (int i = 0; i < 100'000; ++i) {
    ids.push_back("node-" + std::to_string(i));
    body += (i == 0 ? "\"" : ",\"") + ids.back() + "\"";
    valid.push_back(i != 99'999);
  }
  body += "]}";
  Server server(answer(R"({"invalidNodesIds":["node-99999","node-100000"]})"));
  Asked asked(hook("validity"), url_of(server));
  pt::Question question;
  const pt::LentList lent(ids);
  asked.running()
      .table<crolang_validity>(CROLANG_VALIDITY)
      ->check(asked.running().self(), lent.data(), lent.size(), 60'000, &pt::Question::flags,
              &question);
  const auto outcome = question.wait();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, CROLANG_OK) << outcome->error;
  EXPECT_EQ(outcome->flags, valid);
  EXPECT_TRUE(server.request(0).body == body);
}

// The broker judges it, as it does what any plugin answers.
TEST(Bodies, PassTheRtcConfigurationOnAsItCame) {
  for (const std::string text :
       {" { \"rtcConfiguration\" : {\"iceServers\" : [ {\"urls\":\"stun:x\"} ] , \"n\" : 1.0 } }\n",
        "{}", "<html>It works!</html>"}) {
    Server server(answer(text));
    EXPECT_EQ(Asked(hook("rtc"), url_of(server)).answer().text, text);
  }
}

// ---- One request for many -----------------------------------------------------------------------

class Sharing : public ::testing::TestWithParam<const char*> {};

TEST_P(Sharing, AsksOnceForQuestionsThatAreOpenAtTheSameTime) {
  const Hook& shared = hook(GetParam());
  Gated gated(shared.good_answer);
  Asked asked(shared, url_of(gated.server));
  std::vector<pt::Question*> questions{&asked.ask()};
  gated.server.request(0);
  for (int i = 0; i < 50; ++i) questions.push_back(&asked.ask());
  gated.server.open_gate();
  for (const pt::Question* question : questions) {
    const auto outcome = question->wait();
    ASSERT_TRUE(outcome);
    shared.expect_good(*outcome);
  }
  // A question that comes after the answer is asked anew. It is the second request, so that the
  // fifty before it made none.
  shared.expect_good(asked.answer());
  EXPECT_EQ(gated.server.requests().size(), 2u);
}

TEST_P(Sharing, RefusesAllOfThemTogether) {
  const Hook& shared = hook(GetParam());
  if (shared.forbidden == Hook::Forbidden::is_a_fault) GTEST_SKIP() << "is not asked for leave";
  const Behaviour no = answer("", "401 Unauthorized");
  Server server(no);
  server.behave([&](Peer& peer, const Request& request) {
    server.wait_at_gate();
    return no(peer, request);
  });
  Asked asked(shared, url_of(server));
  std::vector<pt::Question*> questions{&asked.ask()};
  server.request(0);
  for (int i = 0; i < 5; ++i) questions.push_back(&asked.ask());
  server.open_gate();
  for (const pt::Question* question : questions) {
    const auto outcome = question->wait();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->status, CROLANG_OK) << outcome->error;
    EXPECT_FALSE(outcome->yes);
  }
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_P(Sharing, FailsAllOfThemTogether) {
  const Hook& shared = hook(GetParam());
  Gated gated("[]");
  Asked asked(shared, url_of(gated.server), {{"WEBHOOK_MAX_REPLY_BYTES", "1"}});
  std::vector<pt::Question*> questions{&asked.ask()};
  gated.server.request(0);
  for (int i = 0; i < 5; ++i) questions.push_back(&asked.ask());
  gated.server.open_gate();
  for (const pt::Question* question : questions) {
    const auto outcome = question->wait();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->status, CROLANG_INVALID);
  }
}

constexpr auto kParameter = [](const auto& info) { return std::string(info.param); };
INSTANTIATE_TEST_SUITE_P(Webhooks, Sharing, ::testing::Values("auth", "rtc", "authorize"),
                         kParameter);

TEST(Messages, AreToldOneByOneAlsoWhenTheyAreTheSame) {
  Gated gated("");
  Asked asked(hook("message"), url_of(gated.server));
  for (int i = 0; i < 5; ++i) asked.ask();
  gated.server.request(4);
  gated.server.open_gate();
}

TEST(Questions, AreNotTakenBeyondABoundOfBytes) {
  Server server(stay_silent);
  std::deque<pt::Question> questions;
  Asked asked(hook("auth"), url_of(server), {{"WEBHOOK_TIMEOUT_MS", "60000"}});
  const std::string data(16'000, 'x');
  for (int i = 0; i < 2200; ++i) {
    pt::Question& question = questions.emplace_back();
    asked.running()
        .table<crolang_authentication>(CROLANG_AUTHENTICATION)
        ->authenticate(asked.running().self(), pt::LentNode(std::to_string(i), data), 60'000,
                       &pt::Question::authenticated, &question);
  }
  EXPECT_EQ(questions.front().answers(), 0);
  const auto refused = questions.back().wait();
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->error.find(" requests are pending, the queue is full"), std::string::npos);
}

TEST(Messages, AreDroppedAndCountedWhenTheirServerHangs) {
  Server server(stay_silent);
  Asked asked(hook("message"), url_of(server), {{"WEBHOOK_TIMEOUT_MS", "60000"}});
  for (int i = 0; i < 10'010; ++i) asked.ask();
  asked.expect_fault("10000 requests are pending, the queue is full");
  asked.running().stop();
  // The line that makes up for the other nine comes at the end at the latest.
  asked.expect_fault("(and 8 more before)");
}

// ---- Many at once -------------------------------------------------------------------------------

TEST(Concurrency, IsBoundedByItsVariable) {
  Gated gated(R"({"authorized":true})");
  Asked asked(hook("authorize"), url_of(gated.server), {{"WEBHOOK_MAX_CONCURRENCY", "3"}});
  std::deque<pt::Question> questions(10);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    authorize(asked, questions[i], "alice", std::to_string(i));
  }
  gated.server.request(2);
  gated.server.open_gate();
  for (const pt::Question& question : questions) {
    const auto outcome = question.wait();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->status, CROLANG_OK) << outcome->error;
  }
  EXPECT_EQ(gated.server.most_at_once(), 3u);
  EXPECT_LE(gated.server.connections(), 3u);
}

TEST(Concurrency, LetsAQuestionPassOneThatIsSlow) {
  const Behaviour yes = answer(R"({"authorized":true})");
  Server server([&](Peer& peer, const Request& request) {
    return request.body.find("slow") == std::string::npos ? yes(peer, request)
                                                          : stay_silent(peer, request);
  });
  Asked asked(hook("authorize"), url_of(server));
  pt::Question slow;
  authorize(asked, slow, "alice", "slow");
  server.request(0);
  pt::Question quick;
  authorize(asked, quick, "alice", "quick");
  const auto outcome = quick.wait();
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->yes);
  EXPECT_EQ(slow.answers(), 0);
  asked.running().stop();
}

TEST(Concurrency, DoesNotSendWhatHasWaitedPastItsDeadline) {
  Server server(stay_silent);
  Asked asked(hook("authorize"), url_of(server),
              {{"WEBHOOK_MAX_CONCURRENCY", "1"}, {"WEBHOOK_TIMEOUT_MS", "60000"}});
  pt::Question first;
  authorize(asked, first, "alice", "bob");
  server.request(0);
  pt::Question second;
  authorize(asked, second, "alice", "carol", /*timeout_ms=*/100);
  const auto outcome = second.wait();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, CROLANG_TIMEOUT);
  EXPECT_EQ(outcome->error, "AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: 127.0.0.1:" +
                                std::to_string(server.port()) +
                                ": not sent within 95 ms (PLUGIN_TIMEOUT_MS allows no more): "
                                "WEBHOOK_MAX_CONCURRENCY other requests were in flight");
  asked.running().stop();
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(Concurrency, AnswersQuestionsOfManyThreads) {
  const Behaviour yes = answer(R"({"authorized":true})");
  const Behaviour no = answer(R"({"authorized":false})");
  Server server([&](Peer& peer, const Request& request) {
    return (request.body.find("even") != std::string::npos ? yes : no)(peer, request);
  });
  Asked asked(hook("authorize"), url_of(server));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&asked, t] {
      std::deque<pt::Question> questions(250);
      for (std::size_t i = 0; i < questions.size(); ++i) {
        authorize(asked, questions[i], std::to_string(t),
                  std::to_string(i) + (i % 2 == 0 ? "even" : "odd"));
      }
      for (std::size_t i = 0; i < questions.size(); ++i) {
        const auto outcome = questions[i].wait();
        ASSERT_TRUE(outcome);
        EXPECT_EQ(outcome->status, CROLANG_OK) << outcome->error;
        EXPECT_EQ(outcome->yes, i % 2 == 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// ---- Connections that end -----------------------------------------------------------------------

TEST(KeptConnections, AreReplacedOnceWhenTheyTurnOutToBeDead) {
  const Behaviour yes = answer(R"({"authorized":true})");
  Server server([&](Peer& peer, const Request& request) {
    return peer.requests() > 1 ? After::close : yes(peer, request);
  });
  Asked asked(hook("authorize"), url_of(server));
  hook("authorize").expect_good(asked.answer());
  hook("authorize").expect_good(asked.answer());
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_TRUE(asked.warnings().empty());
}

TEST(KeptConnections, AreNotReplacedTwice) {
  Server server(answer(R"({"authorized":true})"));
  Asked asked(hook("authorize"), url_of(server));
  hook("authorize").expect_good(asked.answer());
  server.behave([](Peer&, const Request&) { return After::close; });
  EXPECT_EQ(asked.answer().status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(KeptConnections, AreNotReplacedWhenAnAnswerHasBegun) {
  Server server(answer(R"({"authorized":true})"));
  Asked asked(hook("authorize"), url_of(server));
  hook("authorize").expect_good(asked.answer());
  server.behave(write("HTTP/1.1 2", After::close));
  EXPECT_EQ(asked.answer().status, CROLANG_INVALID);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST(KeptConnections, AreLeftWhenTheirServerSaysMoreThanItWasAsked) {
  const std::string good = R"({"authorized":true})";
  Server server(answer(good));
  Asked asked(hook("authorize"), url_of(server));
  server.behave(write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(good.size()) +
                          "\r\n\r\n" + good + "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" +
                          R"({"authorized":false})",
                      After::keep));
  for (int i = 0; i < 10; ++i) hook("authorize").expect_good(asked.answer());
}

// ---- Answers that are used again ----------------------------------------------------------------

class Cache : public ::testing::Test {
 protected:
  static constexpr const char* kTtl = "AUTHORIZE_NODES_COMMUNICATION_CACHE_TTL_MS";

  std::optional<bool> answer_at_once(std::string_view from, std::string_view to) {
    pt::Question& question = questions_.emplace_back();
    authorize(asked_, question, from, to);
    const auto outcome = question.wait(std::chrono::milliseconds(0));
    if (!outcome || outcome->status != CROLANG_OK) return std::nullopt;
    return outcome->yes;
  }

  pt::Outcome answer_of(std::string_view from, std::string_view to) {
    pt::Question& question = questions_.emplace_back();
    authorize(asked_, question, from, to);
    return question.wait().value_or(pt::Outcome{});
  }

  Server server_{answer(R"({"authorized":true})")};
  std::deque<pt::Question> questions_;
  Asked asked_{hook("authorize"), url_of(server_), {{kTtl, "3600000"}}};
};

TEST_F(Cache, AnswersAtOnceWhatIsKnown) {
  EXPECT_TRUE(answer_of("alice", "bob").yes);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(answer_at_once("alice", "bob"), true);
  EXPECT_EQ(server_.requests().size(), 1u);
}

TEST_F(Cache, RemembersNoAsWellAsYes) {
  server_.behave(answer(R"({"authorized":false})"));
  EXPECT_FALSE(answer_of("alice", "bob").yes);
  server_.behave(answer(R"({"authorized":true})"));
  EXPECT_EQ(answer_at_once("alice", "bob"), false);
}

TEST_F(Cache, RemembersANoThatWasSaidByTheStatus) {
  server_.behave(answer("", "403 Forbidden"));
  EXPECT_FALSE(answer_of("alice", "bob").yes);
  server_.behave(answer(R"({"authorized":true})"));
  EXPECT_EQ(answer_at_once("alice", "bob"), false);
}

TEST_F(Cache, KeepsPairsApart) {
  EXPECT_TRUE(answer_of("alice", "bob").yes);
  server_.behave(answer(R"({"authorized":false})"));
  EXPECT_FALSE(answer_of("bob", "alice").yes);
  EXPECT_FALSE(answer_of("alic", "ebob").yes);
  EXPECT_FALSE(answer_of("aliceb", "ob").yes);
  EXPECT_EQ(answer_at_once("alice", "bob"), true);
}

TEST_F(Cache, DoesNotCacheFailures) {
  server_.behave(answer("", "500 Oh"));
  EXPECT_EQ(answer_of("alice", "bob").status, CROLANG_UNAVAILABLE);
  server_.behave(answer("{}"));
  EXPECT_EQ(answer_of("alice", "bob").status, CROLANG_INVALID);
  server_.behave(answer(R"({"authorized":true})"));
  EXPECT_TRUE(answer_of("alice", "bob").yes);
  EXPECT_EQ(server_.requests().size(), 3u);
}

TEST_F(Cache, IsOffUnlessItsVariableSaysOtherwise) {
  Asked asked(hook("authorize"), url_of(server_));
  for (int i = 0; i < 3; ++i) hook("authorize").expect_good(asked.answer());
  EXPECT_EQ(server_.requests().size(), 3u);
}

TEST_F(Cache, AsksAgainOnceAnAnswerIsOld) {
  Asked asked(hook("authorize"), url_of(server_), {{kTtl, "50"}});
  EXPECT_TRUE(eventually([&] {
    hook("authorize").expect_good(asked.answer());
    return server_.requests().size() > 1;
  }));
}

TEST_F(Cache, KeepsTheBrokerFromStartingWithATimeToLiveThatIsTooLong) {
  try {
    Asked(hook("authorize"), url_of(server_), {{kTtl, "86400001"}});
    FAIL() << "started";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(),
                 "AUTHORIZE_NODES_COMMUNICATION_CACHE_TTL_MS=86400001: must be a whole number "
                 "from 0 to 86400000");
  }
}

}  // namespace
}  // namespace crolang::webhooks
