#include "tls/ticket_keys.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "unit/tls/handshake_ends.hpp"

namespace crolang::tls {
namespace {

using testing::Client;
using testing::connect;
using testing::Issued;
using testing::make_server;
using testing::self_signed;
using testing::Server;

class TicketKeysTest : public ::testing::Test {
 protected:
  testing::Session ticket(SSL_SESSION* resumed = nullptr) {
    Server server(context_);
    Client client({.session = resumed});
    connect(client, server);
    resumption_ = server.facts.resumption;
    return client.ticket();
  }

  bool resumes(const testing::Session& session) {
    ticket(session.get());
    return resumption_ == HandshakeFacts::Resumption::resumed;
  }

  const std::shared_ptr<TicketKeys> keys_ = std::make_shared<TicketKeys>(TicketKeys::TimePoint());
  const Issued issued_ = self_signed({});
  const std::shared_ptr<const ServerContext> context_ =
      make_server({.certificates = {&issued_}, .tickets = keys_});
  HandshakeFacts::Resumption resumption_{};
};

TEST_F(TicketKeysTest, AKeyIsAcceptedForOneMorePeriod) {
  const auto session = ticket();
  keys_->rotate(TicketKeys::TimePoint(TicketKeys::kPeriod));
  EXPECT_TRUE(resumes(session));
  keys_->rotate(TicketKeys::TimePoint(2 * TicketKeys::kPeriod - std::chrono::seconds(1)));
  EXPECT_TRUE(resumes(session));
  keys_->rotate(TicketKeys::TimePoint(2 * TicketKeys::kPeriod));
  EXPECT_FALSE(resumes(session));
}

TEST_F(TicketKeysTest, AKeyThatNobodyHasRotatedInTimeIsDropped) {
  const auto session = ticket();
  keys_->rotate(TicketKeys::TimePoint(2 * TicketKeys::kPeriod));
  EXPECT_FALSE(resumes(session));
}

TEST_F(TicketKeysTest, ARenewedTicketIsOfTheNewKey) {
  const auto session = ticket();
  keys_->rotate(TicketKeys::TimePoint(TicketKeys::kPeriod));
  const auto renewed = ticket(session.get());
  keys_->rotate(TicketKeys::TimePoint(2 * TicketKeys::kPeriod));
  EXPECT_TRUE(resumes(renewed));
}

TEST_F(TicketKeysTest, HandshakesGoOnWhileKeysRotate) {
  std::atomic<int> done = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      testing::Session session;
      for (int k = 0; k < 8; ++k) {
        Server server(context_);
        Client client({.session = session.get()});
        connect(client, server);
        if (server.state != Handshake::State::done) ++failed;
        session = client.ticket();
      }
      ++done;
    });
  }
  for (TicketKeys::TimePoint now; done < 3; now += TicketKeys::kPeriod) {
    keys_->rotate(now);
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
}

}  // namespace
}  // namespace crolang::tls
