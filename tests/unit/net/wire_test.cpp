#include "net/wire.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "net/listener.hpp"

namespace crolang::net {
namespace {

using session::Outlet;
using session::Pushed;

constexpr std::size_t kUnlimited = std::size_t{1} << 40;
constexpr std::uint64_t kKey = 4711;

/// An outlet whose socket is one end of a loopback connection.
class WireTest : public ::testing::Test {
 protected:
  WireTest() {
    const auto listener = std::get<Descriptor>(listen_on("127.0.0.1", 0));
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    peer = Descriptor(::socket(AF_INET, SOCK_STREAM, 0));
    // Small buffers on both sides, so that little is needed to block.
    const int small = 4096;
    ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    EXPECT_EQ(::connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    pollfd ready{listener.get(), POLLIN, 0};
    ::poll(&ready, 1, -1);
    ours = Descriptor(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
    ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);

    Outlet::Wire wire;
    wire.fd = ours.get();
    wire.epoll = epoll.get();
    wire.key = kKey;
    wire.interest = EPOLLIN | EPOLLRDHUP;
    wire.max_backlog = kUnlimited;
    generation = outlet.open(wire);
    epoll_event event{};
    event.events = wire.interest;
    event.data.u64 = kKey;
    EXPECT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, ours.get(), &event), 0);
  }
  ~WireTest() override {
    outlet.close([](const Outlet::Wire&) {});
  }

  void push(std::string_view bytes) {
    EXPECT_EQ(outlet.push(generation, bytes.size(), kUnlimited, dirty,
                          [&](char* out) { std::memcpy(out, bytes.data(), bytes.size()); }),
              Pushed::taken);
  }
  void push(std::size_t bytes) { push(std::string(bytes, 'x')); }
  /// Flushes with this bound from now on.
  void flush_with(std::size_t max_backlog) {
    outlet.with_wire(
        [&](Outlet::Wire& w, const session::ByteQueue&) { w.max_backlog = max_backlog; });
    flush(outlet);
  }
  /// Pushes until the socket takes no more; `behind` bytes stay.
  void block(std::size_t behind = 1) {
    while (!wire().blocked) {
      push(16384);
      flush(outlet);
    }
    if (outlet.waiting() < behind) push(behind - outlet.waiting());
  }
  /// What the other side reads before it would have to wait.
  std::string read_peer() {
    std::string all;
    char buffer[65536];
    for (;;) {
      const ssize_t n = ::recv(peer.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n <= 0) return all;
      all.append(buffer, static_cast<std::size_t>(n));
    }
  }
  /// The other side reads until our socket takes more.
  void let_peer_read() {
    pollfd writable{ours.get(), POLLOUT, 0};
    while (::poll(&writable, 1, 1) == 0) taken += read_peer();
  }
  Outlet::Wire wire() {
    return outlet.with_wire([](const Outlet::Wire& w, const session::ByteQueue&) { return w; });
  }
  std::uint32_t interest() { return wire().interest; }
  /// What epoll says, without waiting.
  std::uint32_t events() {
    epoll_event event{};
    if (::epoll_wait(epoll.get(), &event, 1, 0) != 1) return 0;
    EXPECT_EQ(event.data.u64, kKey);
    return event.events;
  }

  Descriptor peer;
  Descriptor ours;
  Descriptor epoll{::epoll_create1(0)};
  Outlet outlet;
  session::DirtyList dirty;
  std::uint32_t generation = 0;
  std::string taken;
};

TEST_F(WireTest, SendsWhatIsQueued) {
  push("hello ");
  push("world");

  EXPECT_EQ(flush(outlet), 11u);

  EXPECT_EQ(read_peer(), "hello world");
  EXPECT_EQ(outlet.waiting(), 0u);
  EXPECT_EQ(wire().moved, 11u);
}

TEST_F(WireTest, SendsNothingTwice) {
  push("hello");
  flush(outlet);

  EXPECT_EQ(flush(outlet), 0u);
  EXPECT_EQ(read_peer(), "hello");
}

TEST_F(WireTest, IsNotDrainedBeforeItIsFlushed) {
  push("hello");
  EXPECT_FALSE(drained_or_await(outlet));

  flush(outlet);

  EXPECT_TRUE(drained_or_await(outlet));
}

TEST_F(WireTest, TellsWhoAwaitsItsEndThoughAnotherThreadIsToFlush) {
  push("hello");
  ASSERT_FALSE(wire().blocked);

  EXPECT_FALSE(drained_or_await(outlet));

  EXPECT_NE(events() & EPOLLOUT, 0u);
}

TEST_F(WireTest, TellsWhoAwaitsItsEndThoughAnotherThreadHasFlushed) {
  block();
  EXPECT_FALSE(drained_or_await(outlet));
  while (outlet.waiting() != 0) {
    let_peer_read();
    flush(outlet);
  }
  let_peer_read();

  EXPECT_NE(events() & EPOLLOUT, 0u);
}

TEST_F(WireTest, WaitsForTheSocketNoLongerThanItsEndIsAwaited) {
  push("hello");
  drained_or_await(outlet);
  flush(outlet);

  EXPECT_TRUE(drained_or_await(outlet));

  EXPECT_EQ(interest() & EPOLLOUT, 0u);
}

TEST_F(WireTest, KeepsWhatTheSocketDoesNotTake) {
  block();

  EXPECT_TRUE(wire().blocked);
  EXPECT_GT(outlet.waiting(), 0u);
}

TEST_F(WireTest, WaitsForTheSocketOnlyWhileItIsBlocked) {
  push("hello");
  flush(outlet);
  EXPECT_EQ(interest() & EPOLLOUT, 0u);

  block();
  EXPECT_NE(interest() & EPOLLOUT, 0u);
  let_peer_read();
  EXPECT_NE(events() & EPOLLOUT, 0u);
  while (outlet.waiting() != 0) {
    let_peer_read();
    flush(outlet);
  }

  EXPECT_FALSE(wire().blocked);
  EXPECT_EQ(interest() & EPOLLOUT, 0u);
}

TEST_F(WireTest, LosesAndReordersNothingOfABacklog) {
  std::string sent;
  for (int i = 0; i < 20'000; ++i) {
    const std::string number = std::to_string(i) + ' ';
    push(number);
    sent += number;
  }
  while (outlet.waiting() != 0) {
    flush(outlet);
    taken += read_peer();
  }
  while (taken.size() < sent.size()) taken += read_peer();

  EXPECT_EQ(taken, sent);
  EXPECT_EQ(wire().moved, sent.size());
}

TEST_F(WireTest, IsNotMadeDirtyWhileBlockedSinceEpollWillTell) {
  block();
  dirty.outlets.clear();

  push("more");

  EXPECT_TRUE(dirty.outlets.empty());
}

TEST_F(WireTest, IsMadeDirtyWhileBlockedWhenItIsTimeToStopReading) {
  block();
  flush_with(outlet.waiting());
  dirty.outlets.clear();

  push("more");
  EXPECT_EQ(dirty.outlets.size(), 1u);
  flush(outlet);
  EXPECT_EQ(interest() & EPOLLIN, 0u);
  dirty.outlets.clear();
  push("still more");

  EXPECT_TRUE(dirty.outlets.empty()) << "that is done";
}

TEST_F(WireTest, StopsReadingFromWhoIsTooFarBehind) {
  block(10'001);
  flush_with(10'000);

  EXPECT_EQ(interest() & EPOLLIN, 0u);
  ::send(peer.get(), "x", 1, 0);
  EXPECT_EQ(events() & EPOLLIN, 0u);
}

TEST_F(WireTest, GoesOnReadingFromWhoIsNotTooFarBehind) {
  block();
  flush_with(outlet.waiting() + 1);

  EXPECT_NE(interest() & EPOLLIN, 0u);
}

TEST_F(WireTest, ReadsAgainOnlyWhenHalfHasBeenCaughtUp) {
  block(100'000);
  const std::size_t backlog = outlet.waiting();
  flush_with(backlog - 1);
  EXPECT_EQ(interest() & EPOLLIN, 0u);

  flush_with(backlog);
  EXPECT_EQ(interest() & EPOLLIN, 0u) << "below the limit, but not by half";
  flush_with(backlog * 2 - 2);
  EXPECT_EQ(interest() & EPOLLIN, 0u) << "still one byte short";
  flush_with(backlog * 2);

  EXPECT_NE(interest() & EPOLLIN, 0u);
}

TEST_F(WireTest, ReadsAgainAsTheReaderCatchesUp) {
  block(100'000);
  const std::size_t limit = outlet.waiting() - 1;
  flush_with(limit);
  ASSERT_EQ(interest() & EPOLLIN, 0u);

  while (outlet.waiting() > limit / 2) {
    EXPECT_EQ(interest() & EPOLLIN, 0u) << outlet.waiting();
    let_peer_read();
    flush_with(limit);
  }

  EXPECT_NE(interest() & EPOLLIN, 0u);
}

TEST_F(WireTest, TurnsReadingOffAndOn) {
  set_reading(outlet, Reading::off);
  ::send(peer.get(), "x", 1, 0);
  EXPECT_EQ(events(), 0u);

  set_reading(outlet, Reading::on);

  EXPECT_NE(events() & EPOLLIN, 0u);
}

TEST_F(WireTest, DoesNotReadFromWhoIsTooFarBehindWhenReadingIsTurnedOn) {
  block(10'001);
  flush_with(10'000);

  set_reading(outlet, Reading::off);
  set_reading(outlet, Reading::on);

  EXPECT_EQ(interest() & EPOLLIN, 0u);
}

TEST_F(WireTest, SeesTheOtherSideLeaveWhileItDoesNotRead) {
  set_reading(outlet, Reading::off);

  ::shutdown(peer.get(), SHUT_WR);

  epoll_event event{};
  ASSERT_EQ(::epoll_wait(epoll.get(), &event, 1, -1), 1);
  EXPECT_NE(event.events & EPOLLRDHUP, 0u);
}

TEST_F(WireTest, GivesUpWhatADeadSocketWasOwed) {
  block();
  const linger hard{1, 0};
  ::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  peer.reset();
  pollfd broken{ours.get(), 0, 0};
  while (::poll(&broken, 1, -1) != 1) {
  }

  flush(outlet);

  EXPECT_TRUE(wire().broken);
  EXPECT_TRUE(drained_or_await(outlet));
  EXPECT_EQ(outlet.waiting(), 0u);
  EXPECT_EQ(outlet.push(generation, 1, kUnlimited, dirty, [](char* out) { *out = 'x'; }),
            Pushed::gone);
  EXPECT_EQ(flush(outlet), 0u);
}

TEST_F(WireTest, ForgetsWhatAClosedConnectionWasOwed) {
  push("hello");
  outlet.close([](const Outlet::Wire&) {});

  EXPECT_EQ(flush(outlet), 0u);
  EXPECT_TRUE(drained_or_await(outlet));
  EXPECT_EQ(read_peer(), "");
}

TEST_F(WireTest, KnowsNoProgressOfWhoIsNotBehind) {
  push("hello");
  flush(outlet);

  EXPECT_EQ(backlog_progress(outlet), std::nullopt);
}

TEST_F(WireTest, SeesProgressOfABacklogThatTheKernelHolds) {
  const int large = 1 << 20;
  ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
  push(200'000);
  flush(outlet);
  ASSERT_EQ(outlet.waiting(), 0u);
  const auto before = backlog_progress(outlet);
  ASSERT_TRUE(before);

  while (backlog_progress(outlet) == before) taken += read_peer();
}

TEST_F(WireTest, SeesNoProgressOfWhoDoesNotRead) {
  block();
  const auto before = backlog_progress(outlet);

  push(100'000);
  flush(outlet);

  EXPECT_EQ(backlog_progress(outlet), before);
}

TEST_F(WireTest, SeesProgressAsSoonAsTheOtherSideReads) {
  block(1'000'000);
  const auto before = backlog_progress(outlet);
  ASSERT_TRUE(before);

  let_peer_read();
  flush(outlet);

  ASSERT_TRUE(wire().blocked);
  EXPECT_GT(backlog_progress(outlet), before);
}

}  // namespace
}  // namespace crolang::net
