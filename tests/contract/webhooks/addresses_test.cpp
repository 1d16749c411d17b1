// A webhook's host that is a name: several addresses, dead ones, others than before, and a name
// server that is away. The engine is the same for all webhooks, so one of them is asked.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "contract/webhooks/certificates.hpp"
#include "contract/webhooks/hooks.hpp"
#include "contract/webhooks/server.hpp"
#include "support/names.hpp"

namespace crolang::webhooks {
namespace {

namespace pt = plugin::testing;
using Clock = std::chrono::steady_clock;

const char* const kHostName = "hooks.test";
const char* const kFirst = "127.0.0.11";
const char* const kSecond = "127.0.0.12";
const char* const kThird = "127.0.0.13";
const char* const kYes = R"({"authenticated":true})";

/// Listens, but its queue is full: whoever connects waits, as for a machine that is off.
class Hole {
 public:
  Hole(const std::string& address, std::uint16_t port)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &place.sin_addr);
    const auto* const any = reinterpret_cast<const sockaddr*>(&place);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener_, any, sizeof place) != 0 || ::listen(listener_, 0) != 0) {
      throw std::runtime_error("no port");
    }
    for (int& each : queue_) {
      each = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      ::connect(each, any, sizeof place);
    }
  }
  Hole(const Hole&) = delete;
  Hole& operator=(const Hole&) = delete;
  ~Hole() {
    for (const int each : queue_) ::close(each);
    ::close(listener_);
  }

 private:
  int listener_;
  int queue_[4];
};

class AddressesOfAName : public ::testing::Test {
 protected:
  AddressesOfAName() { names::set(kHostName, {kFirst}); }
  ~AddressesOfAName() override { names::forget_all(); }

  /// All are on the port of the first.
  Server& serve(const char* address, Behaviour behaviour = answer(kYes), SSL_CTX* tls = nullptr) {
    servers_.push_back(
        std::make_unique<Server>(std::move(behaviour), tls, Server::Place{address, port_}));
    port_ = servers_.back()->port();
    return *servers_.back();
  }

  Asked& ask_by(pt::Env env = {}, const std::string& scheme = "http") {
    env.try_emplace("WEBHOOK_TIMEOUT_MS", "30000");
    asked_.push_back(std::make_unique<Asked>(
        hook("auth"), scheme + "://" + kHostName + ":" + std::to_string(port_) + "/",
        std::move(env)));
    return *asked_.back();
  }

  /// Until it holds; every answer is a yes.
  static void ask_until(Asked& asked, const std::function<bool()>& holds) {
    EXPECT_TRUE(eventually([&] {
      hook("auth").expect_good(asked.answer());
      return holds();
    }));
  }

  static std::size_t requests(const Server& server) { return server.requests().size(); }

  std::deque<std::unique_ptr<Server>> servers_;
  std::deque<std::unique_ptr<Asked>> asked_;
  std::uint16_t port_ = 0;
};

/// Closes after each answer, so that each question needs an address.
Behaviour once() {
  return answer(kYes, "200 OK", "Connection: close\r\n");
}

TEST_F(AddressesOfAName, StayInUseWhileTheNameServerIsUnavailable) {
  serve(kFirst, once());
  Asked& asked = ask_by();
  hook("auth").expect_good(asked.answer());
  names::set(kHostName, {});
  const std::size_t before = names::lookups(kHostName);
  ask_until(asked, [&] { return names::lookups(kHostName) > before; });
  ask_until(asked, [&] { return !asked.warnings().empty(); });
  EXPECT_EQ(asked.warnings()[0],
            "NODES_AUTHENTICATION_WEBHOOK_URL: hooks.test:" + std::to_string(port_) +
                ": cannot resolve the host name (Temporary failure in name resolution); "
                "the known addresses stay in use");
}

TEST_F(AddressesOfAName, StayInUseWhileTheNameServerHangs) {
  serve(kFirst, once());
  Asked& asked = ask_by();
  hook("auth").expect_good(asked.answer());
  names::hang(kHostName);
  const std::size_t before = names::lookups(kHostName);
  ask_until(asked, [&] { return names::lookups(kHostName) > before; });
  const auto start = Clock::now();
  for (int i = 0; i < 20; ++i) hook("auth").expect_good(asked.answer());
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(names::lookups(kHostName), before + 1) << "one lookup at a time";
}

TEST_F(AddressesOfAName, AreWaitedForUntilTheQuestionsEndIfNoneIsKnown) {
  serve(kFirst);
  names::hang(kHostName);
  Asked& asked = ask_by();
  const auto outcome = asked.answer(/*timeout_ms=*/200);
  EXPECT_EQ(outcome.status, CROLANG_TIMEOUT);
  asked.expect_fault("host name not resolved within 190 ms");
  pt::Question& waiting = asked.ask();
  names::set(kHostName, {kFirst});
  const auto answered = waiting.wait();
  ASSERT_TRUE(answered);
  hook("auth").expect_good(*answered);
}

TEST_F(AddressesOfAName, AreFollowedAlsoWhileAConnectionIsInUse) {
  Server& old = serve(kFirst);
  Server& moved_to = serve(kSecond);
  Asked& asked = ask_by();
  hook("auth").expect_good(asked.answer());
  // One question is open while the name moves, and answered where it was asked.
  old.behave([&](Peer& peer, const Request& request) {
    if (request.body.find("alice") != std::string::npos) old.wait_at_gate();
    return answer(kYes)(peer, request);
  });
  pt::Question& open = asked.ask();
  old.request(1);
  names::set(kHostName, {kSecond});
  // The others are other ones, or they would share its request.
  std::deque<pt::Question> others;
  EXPECT_TRUE(eventually([&] {
    asked.running()
        .table<crolang_authentication>(CROLANG_AUTHENTICATION)
        ->authenticate(asked.running().self(), pt::LentNode("bob" + std::to_string(others.size())),
                       60'000, &pt::Question::authenticated, &others.emplace_back());
    return requests(moved_to) > 0;
  }));
  old.open_gate();
  const auto answered = open.wait();
  ASSERT_TRUE(answered);
  hook("auth").expect_good(*answered);
  for (const pt::Question& each : others) ASSERT_TRUE(each.wait());
  const std::size_t before = requests(old);
  for (int i = 0; i < 20; ++i) hook("auth").expect_good(asked.answer());
  EXPECT_EQ(requests(old), before) << "its connections are not used again";
}

TEST_F(AddressesOfAName, AreLookedUpAgainWhenNoneOfThemWorks) {
  serve(kFirst, once());
  Asked& asked = ask_by();
  hook("auth").expect_good(asked.answer());
  servers_.clear();
  serve(kSecond);
  names::set(kHostName, {kSecond});
  const auto start = Clock::now();
  EXPECT_TRUE(eventually([&] { return asked.answer().status == CROLANG_OK; }));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(4)) << "before it would be anyway";
}

TEST_F(AddressesOfAName, AreFollowedByAQuestionThatIsConnectingToOneThatIsGone) {
  serve(kFirst, once());
  Asked& asked = ask_by();
  hook("auth").expect_good(asked.answer());
  servers_.clear();
  const Hole hole(kFirst, port_);
  serve(kSecond);
  names::set(kHostName, {kSecond});
  hook("auth").expect_good(asked.answer(/*timeout_ms=*/9000));
}

TEST_F(AddressesOfAName, ShareTheQuestions) {
  for (const char* address : {kFirst, kSecond, kThird}) {
    Server& server = serve(address);
    server.behave([&](Peer& peer, const Request& request) {
      server.wait_at_gate();
      return answer(kYes)(peer, request);
    });
  }
  names::set(kHostName, {kFirst, kSecond, kThird});
  Asked& asked = ask_by();
  std::deque<pt::Question> questions(30);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    asked.running()
        .table<crolang_authentication>(CROLANG_AUTHENTICATION)
        ->authenticate(asked.running().self(), pt::LentNode(std::to_string(i)), 60'000,
                       &pt::Question::authenticated, &questions[i]);
  }
  for (const auto& server : servers_) {
    server->request(9);
    server->open_gate();
  }
  for (const pt::Question& question : questions) ASSERT_TRUE(question.wait());
  for (const auto& server : servers_) EXPECT_EQ(requests(*server), 10u);
  // One after the other, on the connections that are there.
  for (int i = 0; i < 30; ++i) hook("auth").expect_good(asked.answer());
  for (const auto& server : servers_) {
    EXPECT_EQ(requests(*server), 20u);
    EXPECT_LE(server->connections(), 10u);
  }
}

TEST_F(AddressesOfAName, MayBeMoreThanConnections) {
  for (const char* address : {kFirst, kSecond, kThird}) serve(address);
  names::set(kHostName, {kFirst, kSecond, kThird});
  Asked& asked = ask_by({{"WEBHOOK_MAX_CONCURRENCY", "2"}});
  for (int i = 0; i < 9; ++i) hook("auth").expect_good(asked.answer());
  for (const auto& server : servers_) EXPECT_EQ(requests(*server), 3u);
}

TEST_F(AddressesOfAName, ThatRefuseConnectionsCostNoQuestion) {
  Server& good = serve(kSecond);
  names::set(kHostName, {kFirst, kSecond, kThird});
  Asked& asked = ask_by();
  for (int i = 0; i < 20; ++i) hook("auth").expect_good(asked.answer());
  EXPECT_EQ(requests(good), 20u);
  const std::string left_out =
      "NODES_AUTHENTICATION_WEBHOOK_URL: hooks.test:" + std::to_string(port_) +
      ": 127.0.0.11:" + std::to_string(port_);
  EXPECT_EQ(asked.warnings(),
            std::vector<std::string>{
                left_out + " failed and is skipped temporarily: cannot connect to 127.0.0.11:" +
                std::to_string(port_) + ": Connection refused"});
}

TEST_F(AddressesOfAName, OfAFamilyThatIsNotReachableCostNoQuestion) {
  serve(kFirst);
  // RFC 6666: a prefix that leads nowhere.
  names::set(kHostName, {"100::1", kFirst});
  Asked& asked = ask_by();
  const auto start = Clock::now();
  for (int i = 0; i < 20; ++i) hook("auth").expect_good(asked.answer());
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
}

TEST_F(AddressesOfAName, ThatDoNotAnswerCostAMomentOnce) {
  serve(kSecond, once());
  const Hole hole(kFirst, port_);
  names::set(kHostName, {kFirst, kSecond});
  Asked& asked = ask_by();
  const auto start = Clock::now();
  for (int i = 0; i < 50; ++i) hook("auth").expect_good(asked.answer());
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5)) << "a sixth of one question's time";
}

TEST_F(AddressesOfAName, LeaveTimeForAnotherWithinAShortLimit) {
  serve(kThird, once());
  const Hole first(kFirst, port_);
  const Hole second(kSecond, port_);
  names::set(kHostName, {kFirst, kSecond, kThird});
  hook("auth").expect_good(ask_by().answer(/*timeout_ms=*/500));
}

std::ptrdiff_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return std::distance(begin(files), end(files));
}

TEST_F(AddressesOfAName, ThatDoNotAnswerTakeAFewSocketsHoweverManyTheyAre) {
  const std::string good = "127.0.0.99";
  serve(good.c_str(), once());
  std::deque<Hole> holes;
  std::vector<std::string> all;
  for (int i = 0; i < 15; ++i) {
    all.push_back("127.0.0." + std::to_string(20 + i));
    holes.emplace_back(all.back(), port_);
  }
  all.push_back(good);
  names::set(kHostName, all);
  Asked& asked = ask_by({{"WEBHOOK_TIMEOUT_MS", "3000"}});
  const auto before = open_files();
  auto most = before;
  pt::Question& question = asked.ask();
  EXPECT_TRUE(eventually([&] {
    most = std::max(most, open_files());
    return question.wait(std::chrono::seconds(0)).has_value();
  }));
  hook("auth").expect_good(*question.wait());
  // Two more are the server's side of the connection, and what counts them.
  EXPECT_LE(most, before + 8 + 3);
}

TEST_F(AddressesOfAName, WhoseServerHangsAreLeftOutAfterTheFirstQuestion) {
  serve(kFirst, stay_silent);
  Server& good = serve(kSecond);
  names::set(kHostName, {kFirst, kSecond});
  Asked& asked = ask_by({{"WEBHOOK_TIMEOUT_MS", "300"}});
  EXPECT_EQ(asked.answer().status, CROLANG_TIMEOUT);
  for (int i = 0; i < 10; ++i) hook("auth").expect_good(asked.answer());
  EXPECT_EQ(requests(good), 10u);
}

TEST_F(AddressesOfAName, WhoseKeptConnectionsAreDeadCostOneQuestion) {
  Server& server = serve(kFirst);
  server.behave([&](Peer& peer, const Request& request) {
    if (peer.requests() > 1) return stay_silent(peer, request);
    server.wait_at_gate();
    return answer(kYes)(peer, request);
  });
  Asked& asked = ask_by({{"WEBHOOK_TIMEOUT_MS", "1000"}});
  std::deque<pt::Question> questions(4);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    asked.running()
        .table<crolang_authentication>(CROLANG_AUTHENTICATION)
        ->authenticate(asked.running().self(), pt::LentNode(std::to_string(i)), 60'000,
                       &pt::Question::authenticated, &questions[i]);
  }
  server.request(3);
  server.open_gate();
  for (const pt::Question& question : questions) ASSERT_TRUE(question.wait());
  EXPECT_EQ(asked.answer().status, CROLANG_TIMEOUT);
  hook("auth").expect_good(asked.answer());
}

TEST_F(AddressesOfAName, WithAWrongCertificateCostNoQuestion) {
  const Authority authority;
  const Authority other;
  const auto bad = other.issue("DNS:hooks.test");
  const auto good = authority.issue("DNS:hooks.test");
  Server& first = serve(kFirst, answer(kYes), bad.get());
  Server& second = serve(kSecond, answer(kYes), good.get());
  names::set(kHostName, {kFirst, kSecond});
  Asked& asked = ask_by({{"WEBHOOK_CA_FILE", authority.file()}}, "https");
  for (int i = 0; i < 10; ++i) hook("auth").expect_good(asked.answer());
  EXPECT_EQ(requests(first), 0u);
  EXPECT_EQ(requests(second), 10u);
  servers_.clear();
}

TEST_F(AddressesOfAName, ThatDoNotShakeHandsCostNoQuestion) {
  const Authority authority;
  const auto good = authority.issue("DNS:hooks.test");
  serve(kFirst, stay_silent);  // in plain HTTP
  serve(kSecond, answer(kYes), good.get());
  names::set(kHostName, {kFirst, kSecond});
  Asked& asked =
      ask_by({{"WEBHOOK_CA_FILE", authority.file()}, {"WEBHOOK_TIMEOUT_MS", "3000"}}, "https");
  hook("auth").expect_good(asked.answer());
  const std::string port = std::to_string(port_);
  EXPECT_EQ(asked.warnings(),
            std::vector<std::string>{
                "NODES_AUTHENTICATION_WEBHOOK_URL: hooks.test:" + port + ": 127.0.0.11:" + port +
                " failed and is skipped temporarily: the TLS handshake timed out"});
  servers_.clear();
}

TEST_F(AddressesOfAName, ThatFailTogetherAreAllNamed) {
  serve(kThird);
  names::set(kHostName, {kFirst, kSecond, kThird});
  Asked& asked = ask_by();
  hook("auth").expect_good(asked.answer());
  const auto left_out = [&](const std::string& address) {
    const std::string place = address + ":" + std::to_string(port_);
    return place + " failed and is skipped temporarily: cannot connect to " + place +
           ": Connection refused";
  };
  EXPECT_EQ(asked.warnings(),
            std::vector<std::string>{
                "NODES_AUTHENTICATION_WEBHOOK_URL: hooks.test:" + std::to_string(port_) + ": " +
                left_out(kFirst) + "; " + left_out(kSecond)});
}

TEST_F(AddressesOfAName, AreTrustedAsAReloadDuringTheLookUpSays) {
  const Authority authority;
  const Authority other;
  const auto good = authority.issue("DNS:hooks.test");
  serve(kFirst, answer(kYes), good.get());
  names::hang(kHostName);
  Asked& asked = ask_by({{"WEBHOOK_CA_FILE", other.file()}}, "https");
  pt::Question& open = asked.ask();
  ASSERT_TRUE(eventually([] { return names::lookups(kHostName) > 0; }));
  asked.running().reload({{"WEBHOOK_CA_FILE", authority.file()}});
  names::set(kHostName, {kFirst});
  const auto answered = open.wait();
  ASSERT_TRUE(answered);
  hook("auth").expect_good(*answered);
  servers_.clear();
}

TEST_F(AddressesOfAName, AreConnectedToAnewAfterAReload) {
  const Authority authority;
  const auto good = authority.issue("DNS:hooks.test");
  Server& server = serve(kFirst, answer(kYes), good.get());
  server.behave([&](Peer& peer, const Request& request) {
    server.wait_at_gate();
    return answer(kYes)(peer, request);
  });
  Asked& asked = ask_by({{"WEBHOOK_CA_FILE", authority.file()}}, "https");
  pt::Question& open = asked.ask();
  server.request(0);
  // Nobody is trusted any more as before: not over the connection that is in use either.
  const Authority other;
  asked.running().reload({{"WEBHOOK_CA_FILE", other.file()}});
  server.open_gate();
  const auto answered = open.wait();
  ASSERT_TRUE(answered);
  hook("auth").expect_good(*answered);
  EXPECT_EQ(asked.answer().status, CROLANG_UNAVAILABLE);
  asked.expect_fault("certificate is not accepted");
  EXPECT_EQ(requests(server), 1u);
  servers_.clear();
}

TEST_F(AddressesOfAName, AreAllTriedIfAllWereDead) {
  serve(kFirst, once());
  names::set(kHostName, {kFirst, kSecond});
  Asked& asked = ask_by();
  const std::uint16_t port = port_;
  servers_.clear();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(asked.answer().status, CROLANG_UNAVAILABLE);
  asked.expect_fault("cannot connect to 127.0.0.1");
  port_ = port;
  serve(kSecond, once());
  hook("auth").expect_good(asked.answer());
}

}  // namespace
}  // namespace crolang::webhooks
