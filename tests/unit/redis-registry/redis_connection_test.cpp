#include "redis-registry/redis_connection.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loopback_listener.hpp"
#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {
namespace {

using Outcome = LoginChange::Outcome;

/// A master of a cluster on a port of its own, which answers what a connection begins with.
class Master {
 public:
  Master() = default;
  Master(const Master&) = delete;
  Master& operator=(const Master&) = delete;
  ~Master() { hang_up(); }

  HostPort place() const { return listener_.place(); }
  void answer_auth(std::string reply) { auth_ = std::move(reply); }
  /// From the next AUTH on nothing is answered.
  void hang_upon_auth() { hangs_upon_auth_ = true; }
  std::size_t logins() const { return logins_; }
  void hang_up() {
    for (const auto& [end, reader] : clients_) ::close(end);
    clients_.clear();
  }
  void serve() {
    const int next = listener_.accept();
    if (next >= 0) clients_.emplace(next, std::make_unique<ReplyReader>(1 << 20));
    for (const auto& [end, reader] : clients_) {
      std::array<char, 20'000> bytes{};
      const ssize_t size = ::recv(end, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (size > 0) reader->feed({bytes.data(), static_cast<std::size_t>(size)});
      for (Reply command = reader->next(); command; command = reader->next()) {
        const std::string answer = answer_to(text_of(*command->element[0]));
        ASSERT_EQ(::send(end, answer.data(), answer.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(answer.size()));
      }
    }
  }

 private:
  std::string answer_to(std::string_view command) {
    if (command == "AUTH") {
      ++logins_;
      is_hung_ = hangs_upon_auth_;
    }
    if (is_hung_) return {};
    if (command == "AUTH") return auth_;
    if (command == "HELLO") {
      return "*4\r\n$4\r\nmode\r\n$7\r\ncluster\r\n$4\r\nrole\r\n$6\r\nmaster\r\n";
    }
    if (command == "SCRIPT") return "$4\r\nhash\r\n";
    return "$-1\r\n";
  }

  const LoopbackListener listener_{SOCK_NONBLOCK};
  std::string auth_ = "+OK\r\n";
  std::size_t logins_ = 0;
  bool hangs_upon_auth_ = false;
  bool is_hung_ = false;
  std::map<int, std::unique_ptr<ReplyReader>> clients_;
};

class RedisConnectionTest : public testing::Test, RedisConnection::Owner {
 protected:
  RedisConnectionTest() : connection_(endpoint(), {}, nullptr, {}, *this, {}) {
    connection_.lead_to(master_.place(), now_);
    run_until([&] { return connection_.is_up(); });
  }

  static Endpoint endpoint() {
    Endpoint endpoint;
    endpoint.hosts.push_back({"127.0.0.1", 1});
    endpoint.login = kBefore;
    return endpoint;
  }
  template <class Done>
  void run_until(Done done) {
    for (int i = 0; i < 500 && !done(); ++i) {
      master_.serve();
      connection_.tick(now_);
      connection_.flush();
      auto entries = connection_.poll_entries(now_);
      ::poll(entries.data(), entries.size(), 1);
      connection_.on_poll(entries, now_);
    }
    ASSERT_TRUE(done());
  }
  bool change(const Login& login) {
    return connection_.change_login(login, now_, [this](Outcome outcome, std::string_view why) {
      outcomes_.push_back(outcome);
      refusal_ = why;
    });
  }
  Login used() const { return connection_.target().login; }

  inline static const Login kBefore{"broker", "before"};
  inline static const Login kAfter{"broker", "after"};
  TimePoint now_{std::chrono::hours(1)};
  Master master_;
  RedisConnection connection_;
  std::vector<Outcome> outcomes_;
  std::string refusal_;

 private:
  void on_up() override {}
  void on_down(std::string_view) override {}
  void on_batch(std::string_view) override {}
  void on_cluster(const HostPort&) override {}
};

TEST_F(RedisConnectionTest, UsesALoginThatIsAccepted) {
  EXPECT_FALSE(change(kBefore)) << "it is the same";
  ASSERT_TRUE(change(kAfter));
  EXPECT_EQ(used(), kBefore);
  run_until([&] { return !outcomes_.empty(); });
  EXPECT_EQ(outcomes_, std::vector{Outcome::accepted});
  EXPECT_EQ(used(), kAfter);
}

TEST_F(RedisConnectionTest, DoesNotUseALoginThatIsRefused) {
  master_.answer_auth("-WRONGPASS invalid\r\n");
  ASSERT_TRUE(change(kAfter));
  run_until([&] { return !outcomes_.empty(); });
  EXPECT_EQ(outcomes_, std::vector{Outcome::refused});
  EXPECT_NE(refusal_.find("WRONGPASS"), std::string::npos);
  EXPECT_EQ(used(), kBefore);
}

TEST_F(RedisConnectionTest, SaysThatTheOutcomeOfALoginWillNotBeKnown) {
  master_.hang_upon_auth();
  const std::size_t before = master_.logins();
  ASSERT_TRUE(change(kAfter));
  run_until([&] { return master_.logins() > before + 1; });
  master_.hang_up();
  run_until([&] { return !outcomes_.empty(); });
  EXPECT_EQ(outcomes_, std::vector{Outcome::unknown});
  EXPECT_EQ(used(), kAfter);
}

TEST_F(RedisConnectionTest, SaysSoAlsoWhenItIsClosed) {
  ASSERT_TRUE(change(kAfter));
  connection_.close();
  EXPECT_EQ(outcomes_, std::vector{Outcome::unknown});
}

TEST_F(RedisConnectionTest, TakesALoginUncheckedWhileItIsDown) {
  connection_.drop("for a test", now_);
  EXPECT_FALSE(change(kAfter));
  EXPECT_EQ(used(), kAfter);
  EXPECT_TRUE(outcomes_.empty());
}

TEST_F(RedisConnectionTest, GoesBackToTheLoginBeforeOneThatIsNotAnsweredYet) {
  ASSERT_TRUE(change(kAfter));
  ASSERT_TRUE(change(kBefore)) << "the first one may be accepted";
  run_until([&] { return outcomes_.size() == 2; });
  EXPECT_EQ(used(), kBefore);
}

}  // namespace
}  // namespace crolang::redis_registry
