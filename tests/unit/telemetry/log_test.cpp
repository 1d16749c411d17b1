#include "telemetry/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "support/faults.hpp"

namespace crolang::telemetry::log {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe(ends_), 0); }
  ~Pipe() {
    close_reader();
    ::close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int writer() const { return ends_[1]; }

  void close_reader() {
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = -1;
  }

  std::string read_until(std::string_view text) const {
    std::string all;
    char bytes[4096];
    while (all.find(text) == std::string::npos || all.back() != '\n') {
      const ssize_t n = ::read(ends_[0], bytes, sizeof bytes);
      if (n <= 0) break;
      all.append(bytes, static_cast<std::size_t>(n));
    }
    return all;
  }

  // What is in the pipe now; the log must have been stopped.
  std::vector<std::string> lines() const {
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    std::string all;
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(ends_[0], bytes, sizeof bytes)) > 0;)
      all.append(bytes, static_cast<std::size_t>(n));
    std::istringstream in(all);
    std::vector<std::string> result;
    for (std::string line; std::getline(in, line);) result.push_back(line);
    return result;
  }

 private:
  int ends_[2]{-1, -1};
};

class Log : public ::testing::Test {
 protected:
  void begin(Level level, Format format = Format::text) {
    start({.level = level, .format = format, .descriptor = pipe_.writer()});
  }
  void TearDown() override { stop(); }

  Pipe pipe_;
};

TEST_F(Log, WritesEachEventAsALine) {
  begin(Level::essentials);
  info("listening", {{"port", 8080}});
  error("broken");
  warning("odd");
  stop();
  EXPECT_THAT(pipe_.lines(), ElementsAre(HasSubstr(" info listening port=8080"),
                                         HasSubstr(" error broken"), HasSubstr(" warning odd")));
}

TEST_F(Log, LevelSaysWhichEventsAreWritten) {
  for (const int level : {0, 1, 2, 3}) {
    begin(static_cast<Level>(level));
    info("x");
    connection("x");
    relay("x");
    debug("x");
    stop();
    EXPECT_THAT(pipe_.lines(), SizeIs(static_cast<std::size_t>(level) + 1));
  }
}

TEST_F(Log, EnabledFollowsTheLevel) {
  begin(Level::connections);
  EXPECT_TRUE(enabled(Level::essentials));
  EXPECT_TRUE(enabled(Level::connections));
  EXPECT_FALSE(enabled(Level::relays));
  EXPECT_FALSE(enabled(Level::everything));
}

TEST_F(Log, JsonIsOneObjectPerLine) {
  begin(Level::essentials, Format::json);
  info("one", {{"id", "a\nb"}});
  stop();
  const auto lines = pipe_.lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(nlohmann::json::parse(lines[0]).at("id"), "a\nb");
}

TEST_F(Log, KeepsLinesOfManyThreadsWhole) {
  begin(Level::essentials);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int n = 0; n < 100; ++n) info("event", {{"thread", "abc"}, {"done", true}});
    });
  for (auto& thread : threads) thread.join();
  stop();
  const auto lines = pipe_.lines();
  EXPECT_THAT(lines, SizeIs(400));
  EXPECT_THAT(lines, ::testing::Each(::testing::EndsWith(" info event thread=abc done=true")));
}

// A pipe takes 64 KiB; everything beyond waits, and in the end the oldest lines go.
TEST_F(Log, NeverBlocksTheCallerWhenNobodyReads) {
  begin(Level::essentials);
  for (int i = 0; i < 20'000; ++i) info("nobody reads this line, which is not short at all");
  EXPECT_GT(dropped(), 0u);
  stop(10ms);
  EXPECT_FALSE(pipe_.lines().empty());
}

TEST_F(Log, SaysHowManyLinesWereDropped) {
  begin(Level::essentials);
  for (int i = 0; i < 20'000; ++i) info("nobody reads this line, which is not short at all");
  EXPECT_THAT(pipe_.read_until("log lines dropped"),
              HasSubstr(" warning log lines dropped count="));
}

TEST_F(Log, SurvivesAReaderThatHasClosed) {
  begin(Level::essentials);
  pipe_.close_reader();
  info("to nobody");
  stop();
  EXPECT_EQ(dropped(), 0u);  // nothing runs any more
}

TEST_F(Log, StartAgainTakesTheNewOptions) {
  begin(Level::everything);
  begin(Level::essentials, Format::json);
  debug("no");
  info("yes");
  stop();
  EXPECT_THAT(pipe_.lines(), ElementsAre(HasSubstr(R"("msg":"yes")")));
}

TEST_F(Log, DropsAndCountsALineForWhichThereIsNoMemory) {
  begin(Level::essentials);
  {
    const faults::Victim victim;
    faults::fail_allocations(1, 1000);
    info("a line that is long enough to need some memory of its own", {{"count", 1}});
  }
  EXPECT_GT(faults::heal(), 0u);
  info("the next one");
  EXPECT_EQ(dropped(), 1u);
  stop();
  EXPECT_THAT(pipe_.lines(), ElementsAre(HasSubstr("the next one")));
}

TEST_F(Log, DropsAndCountsALineThatItsOwnThreadHasNoMemoryFor) {
  {
    const faults::Victim victim;  // the log's thread is started here
    begin(Level::essentials);
  }
  faults::fail_allocations(1, 1'000'000);
  info("a line");
  // What comes behind it is written once there is memory, so the first one has been seen to.
  while (dropped() == 0) std::this_thread::yield();
  faults::heal();
  info("the next one");
  stop();
  EXPECT_THAT(pipe_.lines(), ElementsAre(HasSubstr("the next one")));
}

TEST_F(Log, ThrowsAtTheStartIfThereIsNoThread) {
  const faults::Victim victim;
  faults::fail_thread_starts(1);
  EXPECT_THROW(begin(Level::essentials), std::exception);
  EXPECT_EQ(faults::heal(), 1u);
  begin(Level::essentials);
  stop();
}

}  // namespace
}  // namespace crolang::telemetry::log
