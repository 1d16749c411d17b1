#include "redis-registry/mailbox.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scripted_server.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kSubscribed = "*3\r\n$10\r\nssubscribe\r\n$1\r\nc\r\n:1\r\n";
constexpr std::string_view kMoved = "*3\r\n$12\r\nsunsubscribe\r\n$1\r\nc\r\n:0\r\n";

class MailboxTest : public testing::Test, Mailbox::Owner {
 protected:
  void on_mail(std::string_view batch) override { said_.emplace_back(batch); }
  void on_mailbox_lost(std::string_view why) override {
    said_.push_back("lost: " + std::string(why));
  }
  void send_heartbeat(std::uint64_t generation) override {
    ++heartbeats_;
    generation_ = generation;
  }
  void on_mailbox_refused(std::string_view why) override {
    said_.push_back("refused: " + std::string(why));
  }
  void on_outdated() override { ++outdated_; }

  static RedisTarget at(const ScriptedServer& server) {
    RedisTarget target;
    target.tcp = {server.place(), server.place().host};
    return target;
  }
  void set_master(const ScriptedServer& server) {
    const RedisTarget target = at(server);
    mailbox_.set_master(&target, now_);
  }
  template <class Done>
  void run_until(Done done) {
    for (int i = 0; i < 200; ++i) {
      mailbox_.tick(now_);
      mailbox_.flush();
      if (done()) return;
      pollfd entry = mailbox_.poll_entry(now_);
      ::poll(&entry, 1, 50);
      mailbox_.on_poll(entry.revents, now_);
    }
    FAIL() << "it does not come to that";
  }
  void say(ScriptedServer& server, std::string_view bytes) {
    run_until([&] { return server.is_called(); });
    run_until([&] { return mailbox_.poll_entry(now_).events == POLLIN; });
    EXPECT_THAT(server.received(), HasSubstr("SSUBSCRIBE\r\n$1\r\nc\r\n"));
    server.say(bytes);
  }
  static std::string mail(const std::string& text) {
    return "*3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$" + std::to_string(text.size()) + "\r\n" + text +
           "\r\n";
  }
  void come_up(ScriptedServer& server) {
    const int before = heartbeats_;
    say(server, kSubscribed);
    run_until([&] { return heartbeats_ > before; });
    EXPECT_FALSE(mailbox_.is_up()) << "nothing has arrived yet";
    server.say(mail("beat"));
    run_until([&] { return mailbox_.is_up(); });
    said_.clear();
  }

  TimePoint now_{std::chrono::hours(1)};
  ScriptedServer first_;
  ScriptedServer second_;
  std::vector<std::string> said_;
  int heartbeats_ = 0;
  std::uint64_t generation_ = 0;  // of the last one
  int outdated_ = 0;
  Mailbox mailbox_{"c", *this, {}};
};

TEST_F(MailboxTest, WaitsUntilItsHomeIsKnown) {
  mailbox_.tick(now_);
  EXPECT_EQ(mailbox_.poll_entry(now_).fd, -1);
  set_master(first_);
  come_up(first_);
  first_.say(mail("hello"));
  run_until([&] { return !said_.empty(); });
  EXPECT_THAT(said_, ElementsAre("hello"));
}

TEST_F(MailboxTest, HearsOfItselfOnceASecond) {
  set_master(first_);
  come_up(first_);
  const int before = heartbeats_;
  now_ += milliseconds(1000);
  mailbox_.tick(now_);
  EXPECT_EQ(heartbeats_, before);
  now_ += milliseconds(1);
  mailbox_.tick(now_);
  EXPECT_EQ(heartbeats_, before + 1);
  now_ += milliseconds(3000);
  mailbox_.tick(now_);
  EXPECT_TRUE(mailbox_.is_up());
  now_ += milliseconds(1);
  mailbox_.tick(now_);
  EXPECT_FALSE(mailbox_.is_up());
  EXPECT_THAT(said_, ElementsAre("lost: no answer for 3000 ms"));
}

TEST_F(MailboxTest, KeepsWhatIsOpenWhenItsSlotMoves) {
  set_master(first_);
  come_up(first_);
  first_.say(kMoved);
  run_until([&] { return !mailbox_.is_up(); });
  EXPECT_THAT(said_, IsEmpty());
  EXPECT_GT(outdated_, 0);
  set_master(second_);
  now_ += milliseconds(250);
  come_up(second_);
}

TEST_F(MailboxTest, MovesWhenItIsTold) {
  set_master(first_);
  come_up(first_);
  set_master(second_);
  EXPECT_FALSE(mailbox_.is_up());
  come_up(second_);
  set_master(second_);
  EXPECT_TRUE(mailbox_.is_up()) << "it is there already";
  mailbox_.set_master(nullptr, now_);
  EXPECT_FALSE(mailbox_.is_up());
  EXPECT_THAT(said_, ElementsAre("lost: the master of its slot is away"));
}

TEST_F(MailboxTest, IsNotUpWhereNobodyHears) {
  set_master(first_);
  come_up(first_);
  mailbox_.on_heartbeat(generation_, 1, now_);
  EXPECT_TRUE(mailbox_.is_up());
  mailbox_.on_heartbeat(generation_, 0, now_);
  EXPECT_FALSE(mailbox_.is_up());
  EXPECT_EQ(outdated_, 1);
}

TEST_F(MailboxTest, StaysUpWhateverTheFormerServerAnswersLater) {
  set_master(first_);
  come_up(first_);
  const std::uint64_t former = generation_;
  set_master(second_);
  mailbox_.on_heartbeat(former, 0, now_);
  come_up(second_);
  mailbox_.on_heartbeat(former, 0, now_);
  EXPECT_TRUE(mailbox_.is_up());
  mailbox_.on_heartbeat(former, std::nullopt, now_);
  EXPECT_EQ(outdated_, 0);
  mailbox_.on_heartbeat(generation_, 0, now_);
  EXPECT_FALSE(mailbox_.is_up());
}

TEST_F(MailboxTest, SaysThatItLacksARight) {
  set_master(first_);
  say(first_, "-NOPERM No permissions to access a channel\r\n");
  run_until([&] { return !said_.empty(); });
  EXPECT_THAT(said_, ElementsAre(HasSubstr("refused: NOPERM")));
}

}  // namespace
}  // namespace crolang::redis_registry
