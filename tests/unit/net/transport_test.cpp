#include "net/transport.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "net/listener.hpp"

namespace crolang::net {
namespace {

using session::Outbox;
using session::Pushed;

constexpr std::size_t kUnlimited = std::size_t{1} << 40;
constexpr std::uint64_t kKey = 4711;

/// An outbox whose socket is one end of a loopback connection.
class TransportTest : public ::testing::Test {
 protected:
  TransportTest() {
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

    Outbox::Wire wire;
    wire.fd = ours.get();
    wire.epoll = epoll.get();
    wire.max_backlog = kUnlimited;
    generation = outbox.open(wire);
    outbox.join(generation);
    EXPECT_TRUE(watch(outbox, kKey));
  }
  ~TransportTest() override {
    outbox.close([](const Outbox::Wire&) {});
  }

  void push(std::string_view bytes) {
    EXPECT_EQ(outbox.push(generation, bytes.size(), kUnlimited, dirty,
                          [&](char* out) { std::memcpy(out, bytes.data(), bytes.size()); }),
              Pushed::taken);
  }
  void push(std::size_t bytes) { push(std::string(bytes, 'x')); }
  /// Flushes with this bound from now on.
  void flush_with(std::size_t max_backlog) {
    outbox.with_wire(
        [&](Outbox::Wire& w, const session::ByteQueue&) { w.max_backlog = max_backlog; });
    flush(outbox, epoll.get());
  }
  /// Pushes until the socket takes no more; `behind` bytes stay.
  void block(std::size_t behind = 1) {
    while (!wire().blocked) {
      push(16384);
      flush(outbox, epoll.get());
    }
    if (outbox.waiting() < behind) push(behind - outbox.waiting());
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
  Outbox::Wire wire() {
    return outbox.with_wire([](const Outbox::Wire& w, const session::ByteQueue&) { return w; });
  }
  std::uint32_t interest() { return wire().interest; }
  void let_only_owner_write() {
    outbox.with_wire(
        [](Outbox::Wire& w, const session::ByteQueue&) { w.writer = Outbox::Writer::owner; });
  }
  Transport transport() const { return Transport(ours.get(), Transport::Security::plain); }
  /// Until epoll reports this.
  void wait_for(std::uint32_t what) {
    epoll_event event{};
    do {
      ASSERT_EQ(::epoll_wait(epoll.get(), &event, 1, -1), 1);
    } while ((event.events & what) == 0);
  }
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
  Outbox outbox;
  session::DirtyList dirty;
  std::uint32_t generation = 0;
  std::string taken;
};

TEST_F(TransportTest, ShowsBytesThatStayUntilTheyAreSkipped) {
  ASSERT_EQ(::send(peer.get(), "header,rest", 11, 0), 11);
  std::array<char, 64> bytes{};
  const auto read = [&](ReadResult result) { return std::string(bytes.data(), result.count); };
  EXPECT_EQ(read(transport().peek(bytes)), "header,rest");
  EXPECT_EQ(read(transport().peek(std::span(bytes).first(6))), "header");
  transport().skip(7, bytes);

  EXPECT_EQ(read(transport().read(outbox, bytes)), "rest");
  EXPECT_EQ(transport().peek(bytes).kind, ReadResult::Kind::nothing);
}

TEST_F(TransportTest, SendsWhatIsQueued) {
  push("hello ");
  push("world");

  EXPECT_EQ(flush(outbox, epoll.get()), 11u);

  EXPECT_EQ(read_peer(), "hello world");
  EXPECT_EQ(outbox.waiting(), 0u);
  EXPECT_EQ(wire().bytes_sent, 11u);
}

TEST_F(TransportTest, SendsNothingTwice) {
  push("hello");
  flush(outbox, epoll.get());

  EXPECT_EQ(flush(outbox, epoll.get()), 0u);
  EXPECT_EQ(read_peer(), "hello");
}

TEST_F(TransportTest, IsNotDrainedBeforeItIsFlushed) {
  push("hello");
  EXPECT_FALSE(flushed_or_notify(outbox));

  flush(outbox, epoll.get());

  EXPECT_TRUE(flushed_or_notify(outbox));
}

TEST_F(TransportTest, NotifiesTheOwnerThatAwaitsItsEndThoughAnotherThreadIsToFlush) {
  push("hello");
  ASSERT_FALSE(wire().blocked);

  EXPECT_FALSE(flushed_or_notify(outbox));

  EXPECT_NE(events() & EPOLLOUT, 0u);
}

TEST_F(TransportTest, NotifiesTheOwnerThatAwaitsItsEndThoughAnotherThreadHasFlushed) {
  block();
  EXPECT_FALSE(flushed_or_notify(outbox));
  while (outbox.waiting() != 0) {
    let_peer_read();
    flush(outbox, epoll.get());
  }
  let_peer_read();

  EXPECT_NE(events() & EPOLLOUT, 0u);
}

TEST_F(TransportTest, WaitsForTheSocketNoLongerThanItsEndIsAwaited) {
  push("hello");
  flushed_or_notify(outbox);
  flush(outbox, epoll.get());

  EXPECT_TRUE(flushed_or_notify(outbox));

  EXPECT_EQ(interest() & EPOLLOUT, 0u);
}

TEST_F(TransportTest, KeepsWhatTheSocketDoesNotTake) {
  block();

  EXPECT_TRUE(wire().blocked);
  EXPECT_GT(outbox.waiting(), 0u);
}

TEST_F(TransportTest, WaitsForTheSocketOnlyWhileItIsBlocked) {
  push("hello");
  flush(outbox, epoll.get());
  EXPECT_EQ(interest() & EPOLLOUT, 0u);

  block();
  EXPECT_NE(interest() & EPOLLOUT, 0u);
  let_peer_read();
  EXPECT_NE(events() & EPOLLOUT, 0u);
  while (outbox.waiting() != 0) {
    let_peer_read();
    flush(outbox, epoll.get());
  }

  EXPECT_FALSE(wire().blocked);
  EXPECT_EQ(interest() & EPOLLOUT, 0u);
}

TEST_F(TransportTest, LosesAndReordersNothingOfABacklog) {
  std::string sent;
  for (int i = 0; i < 20'000; ++i) {
    const std::string number = std::to_string(i) + ' ';
    push(number);
    sent += number;
  }
  while (outbox.waiting() != 0) {
    flush(outbox, epoll.get());
    taken += read_peer();
  }
  while (taken.size() < sent.size()) taken += read_peer();

  EXPECT_EQ(taken, sent);
  EXPECT_EQ(wire().bytes_sent, sent.size());
}

TEST_F(TransportTest, IsNotMadeDirtyWhileBlockedSinceEpollWillReport) {
  block();
  dirty.outboxes.clear();

  push("more");

  EXPECT_TRUE(dirty.outboxes.empty());
}

TEST_F(TransportTest, IsMadeDirtyWhileBlockedWhenItIsTimeToStopReading) {
  block();
  flush_with(outbox.waiting());
  dirty.outboxes.clear();

  push("more");
  EXPECT_EQ(dirty.outboxes.size(), 1u);
  flush(outbox, epoll.get());
  EXPECT_EQ(interest() & EPOLLIN, 0u);
  dirty.outboxes.clear();
  push("still more");

  EXPECT_TRUE(dirty.outboxes.empty()) << "that is done";
}

TEST_F(TransportTest, StopsReadingFromWhoIsTooFarBehind) {
  block(10'001);
  flush_with(10'000);

  EXPECT_EQ(interest() & EPOLLIN, 0u);
  ::send(peer.get(), "x", 1, 0);
  EXPECT_EQ(events() & EPOLLIN, 0u);
}

TEST_F(TransportTest, GoesOnReadingFromWhoIsNotTooFarBehind) {
  block();
  flush_with(outbox.waiting() + 1);

  EXPECT_NE(interest() & EPOLLIN, 0u);
}

TEST_F(TransportTest, ReadsAgainOnlyWhenHalfHasBeenCaughtUp) {
  block(100'000);
  const std::size_t backlog = outbox.waiting();
  flush_with(backlog - 1);
  EXPECT_EQ(interest() & EPOLLIN, 0u);

  flush_with(backlog);
  EXPECT_EQ(interest() & EPOLLIN, 0u) << "below the limit, but not by half";
  flush_with(backlog * 2 - 2);
  EXPECT_EQ(interest() & EPOLLIN, 0u) << "still one byte short";
  flush_with(backlog * 2);

  EXPECT_NE(interest() & EPOLLIN, 0u);
}

TEST_F(TransportTest, ReadsAgainAsTheReaderCatchesUp) {
  block(100'000);
  const std::size_t limit = outbox.waiting() - 1;
  flush_with(limit);
  ASSERT_EQ(interest() & EPOLLIN, 0u);

  while (outbox.waiting() > limit / 2) {
    EXPECT_EQ(interest() & EPOLLIN, 0u) << outbox.waiting();
    let_peer_read();
    flush_with(limit);
  }

  EXPECT_NE(interest() & EPOLLIN, 0u);
}

TEST_F(TransportTest, TurnsReadingOffAndOn) {
  set_reading(outbox, Reading::off);
  ::send(peer.get(), "x", 1, 0);
  EXPECT_EQ(events(), 0u);

  set_reading(outbox, Reading::on);

  EXPECT_NE(events() & EPOLLIN, 0u);
}

TEST_F(TransportTest, DoesNotReadFromWhoIsTooFarBehindWhenReadingIsTurnedOn) {
  block(10'001);
  flush_with(10'000);

  set_reading(outbox, Reading::off);
  set_reading(outbox, Reading::on);

  EXPECT_EQ(interest() & EPOLLIN, 0u);
}

TEST_F(TransportTest, SeesTheOtherSideLeaveWhileItDoesNotRead) {
  set_reading(outbox, Reading::off);

  ::shutdown(peer.get(), SHUT_WR);

  epoll_event event{};
  ASSERT_EQ(::epoll_wait(epoll.get(), &event, 1, -1), 1);
  EXPECT_NE(event.events & EPOLLRDHUP, 0u);
}

TEST_F(TransportTest, DropsTheQueueOfADeadSocket) {
  block();
  const linger hard{1, 0};
  ::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  peer.reset();
  pollfd broken{ours.get(), 0, 0};
  while (::poll(&broken, 1, -1) != 1) {
  }

  flush(outbox, epoll.get());

  EXPECT_TRUE(wire().broken);
  EXPECT_TRUE(flushed_or_notify(outbox));
  EXPECT_EQ(outbox.waiting(), 0u);
  EXPECT_EQ(outbox.push(generation, 1, kUnlimited, dirty, [](char* out) { *out = 'x'; }),
            Pushed::gone);
  EXPECT_EQ(flush(outbox, epoll.get()), 0u);
}

TEST_F(TransportTest, DropsTheQueueOfAClosedConnection) {
  push("hello");
  outbox.close([](const Outbox::Wire&) {});

  EXPECT_EQ(flush(outbox, epoll.get()), 0u);
  EXPECT_TRUE(flushed_or_notify(outbox));
  EXPECT_EQ(read_peer(), "");
}

TEST_F(TransportTest, KnowsNoProgressOfWhoIsNotBehind) {
  push("hello");
  flush(outbox, epoll.get());

  EXPECT_EQ(bytes_acked_while_queued(outbox), std::nullopt);
}

TEST_F(TransportTest, SeesProgressOfABacklogThatTheKernelHolds) {
  const int large = 1 << 20;
  ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
  push(200'000);
  flush(outbox, epoll.get());
  ASSERT_EQ(outbox.waiting(), 0u);
  const auto before = bytes_acked_while_queued(outbox);
  ASSERT_TRUE(before);

  while (bytes_acked_while_queued(outbox) == before) taken += read_peer();
}

TEST_F(TransportTest, SeesNoProgressOfWhoDoesNotRead) {
  block();
  const auto before = bytes_acked_while_queued(outbox);

  push(100'000);
  flush(outbox, epoll.get());

  EXPECT_EQ(bytes_acked_while_queued(outbox), before);
}

TEST_F(TransportTest, SeesProgressAsSoonAsTheOtherSideReads) {
  block(1'000'000);
  const auto before = bytes_acked_while_queued(outbox);
  ASSERT_TRUE(before);

  let_peer_read();
  flush(outbox, epoll.get());

  ASSERT_TRUE(wire().blocked);
  EXPECT_GT(bytes_acked_while_queued(outbox), before);
}

// ---- who may write

TEST_F(TransportTest, IsFlushedByAnyThread) {
  push("hello");

  EXPECT_EQ(flush(outbox, kNoEpoll), 5u);
  EXPECT_EQ(read_peer(), "hello");
  EXPECT_EQ(interest() & EPOLLOUT, 0u);
}

TEST_F(TransportTest, LeavesTheFlushToItsOwnerWhereOnlyThatMayWrite) {
  let_only_owner_write();
  push("hello");

  EXPECT_EQ(flush(outbox, kNoEpoll), 0u);
  EXPECT_EQ(read_peer(), "");
  EXPECT_EQ(outbox.waiting(), 5u);
  EXPECT_NE(events() & EPOLLOUT, 0u) << "the owner wakes up";

  EXPECT_EQ(flush(outbox, epoll.get()), 5u);
  EXPECT_EQ(read_peer(), "hello");
  EXPECT_EQ(interest() & EPOLLOUT, 0u);
}

TEST_F(TransportTest, IsDirtyAgainAfterItsFlushWasLeftToItsOwner) {
  let_only_owner_write();
  push("hello");
  flush_all(dirty, kNoEpoll);
  ASSERT_TRUE(dirty.outboxes.empty());

  push(" world");
  EXPECT_EQ(dirty.outboxes.size(), 1u);
  EXPECT_EQ(flush_all(dirty, epoll.get()), 11u);
  EXPECT_EQ(read_peer(), "hello world");
}

TEST_F(TransportTest, FlushesAllOfAListAndEmptiesIt) {
  push("hello");

  EXPECT_EQ(flush_all(dirty, epoll.get()), 5u);

  EXPECT_TRUE(dirty.outboxes.empty());
  EXPECT_EQ(dirty.bytes, 0u);
  EXPECT_EQ(read_peer(), "hello");
}

// ---- reading and ending

TEST_F(TransportTest, ReadsWhatHasArrived) {
  std::string room(16, '.');
  EXPECT_EQ(transport().read(outbox, room).kind, ReadResult::Kind::nothing);

  ::send(peer.get(), "hello", 5, 0);
  wait_for(EPOLLIN);
  const ReadResult result = transport().read(outbox, room);

  EXPECT_EQ(result.kind, ReadResult::Kind::bytes);
  EXPECT_EQ(room.substr(0, result.count), "hello");
  EXPECT_FALSE(transport().has_pending(outbox));
}

TEST_F(TransportTest, SeesTheOtherSideEndTcp) {
  ::shutdown(peer.get(), SHUT_WR);
  wait_for(EPOLLRDHUP);
  std::string room(16, '.');
  const ReadResult result = transport().read(outbox, room);

  EXPECT_EQ(result.kind, ReadResult::Kind::ended);
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(transport().error(), 0);
}

TEST_F(TransportTest, SeesTheOtherSideResetTcp) {
  const linger hard{1, 0};
  ::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  peer.reset();
  wait_for(EPOLLHUP);
  std::string room(16, '.');
  const ReadResult result = transport().read(outbox, room);

  EXPECT_EQ(result.kind, ReadResult::Kind::ended);
  EXPECT_EQ(result.error, ECONNRESET);
}

TEST_F(TransportTest, EndsItsSideBehindTheLastByte) {
  push("bye");
  flush(outbox, epoll.get());
  shut_down(outbox);

  pollfd readable{peer.get(), POLLRDHUP, 0};
  ASSERT_EQ(::poll(&readable, 1, -1), 1);
  EXPECT_EQ(read_peer(), "bye");
  ::send(peer.get(), "x", 1, 0);
  wait_for(EPOLLIN);
}

TEST_F(TransportTest, ClosesItsSocketAndTakesNothingMore) {
  const int fd = ours.release();
  push("hello");
  close(outbox);

  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
  EXPECT_EQ(outbox.push(generation, 1, kUnlimited, dirty, [](char* out) { *out = 'x'; }),
            Pushed::gone);
}

}  // namespace
}  // namespace crolang::net
