#include "session/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace crolang::session {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

/// For a connection whose node has joined.
std::uint32_t open(Outbox& outbox, const Outbox::Wire& wire) {
  const std::uint32_t generation = outbox.open(wire);
  outbox.join(generation);
  return generation;
}

Pushed push(Outbox& outbox, std::uint32_t generation, std::string_view text, DirtyList& dirty,
            std::size_t limit = kNoLimit) {
  return outbox.push(generation, text.size(), limit, dirty,
                     [&](char* out) { std::memcpy(out, text.data(), text.size()); });
}

std::string content(Outbox& outbox) {
  return outbox.with_wire([](const Outbox::Wire&, const ByteQueue& queue) {
    const auto pending = queue.pending();
    return std::string(pending.begin(), pending.end());
  });
}

/// Plays the socket: takes everything.
std::string flush(Outbox& outbox) {
  return outbox.flush_with([](Outbox::Wire& wire, ByteQueue& queue) {
    const auto pending = queue.pending();
    std::string bytes(pending.begin(), pending.end());
    queue.clear();
    wire.bytes_sent += bytes.size();
    return bytes;
  });
}

class OutboxTest : public testing::Test {
 protected:
  void set_blocked(bool blocked) {
    outbox_.with_wire([=](Outbox::Wire& wire, ByteQueue&) { wire.blocked = blocked; });
  }
  void close() {
    outbox_.close([](Outbox::Wire&) {});
  }

  Outbox outbox_;
  std::uint32_t generation_ = open(outbox_, Outbox::Wire{.max_backlog = 10});
  DirtyList dirty_;
};

// ---- Taken, full, gone

TEST_F(OutboxTest, CountsWhatGoesThroughIt) {
  EXPECT_EQ(push(outbox_, generation_, "abc", dirty_), Pushed::taken);
  EXPECT_EQ(push(outbox_, generation_, "de", dirty_), Pushed::taken);
  EXPECT_EQ(push(outbox_, generation_, "too long", dirty_, 2), Pushed::full);
  outbox_.push_own(generation_, 1, dirty_, [](char* out) { *out = 'x'; });
  Outbox::Totals totals = outbox_.totals();
  EXPECT_EQ(totals.messages, 2U);
  EXPECT_EQ(totals.waiting, 6U);
  EXPECT_EQ(totals.bytes_sent, 0U);
  flush(outbox_);
  totals = outbox_.totals();
  EXPECT_EQ(totals.waiting, 0U);
  EXPECT_EQ(totals.bytes_sent, 6U);
  // For the next connection it starts again.
  close();
  open(outbox_, Outbox::Wire{});
  totals = outbox_.totals();
  EXPECT_EQ(totals.messages, 0U);
  EXPECT_EQ(totals.bytes_sent, 0U);
}

TEST_F(OutboxTest, TakesBytesInOrder) {
  EXPECT_EQ(push(outbox_, generation_, "one ", dirty_), Pushed::taken);
  EXPECT_EQ(push(outbox_, generation_, "two", dirty_), Pushed::taken);
  EXPECT_EQ(content(outbox_), "one two");
  EXPECT_EQ(outbox_.waiting(), 7U);
}

TEST_F(OutboxTest, TakesUpToItsLimit) {
  EXPECT_EQ(push(outbox_, generation_, "12345678", dirty_, 10), Pushed::taken);
  EXPECT_EQ(push(outbox_, generation_, "90", dirty_, 10), Pushed::taken);
  EXPECT_EQ(push(outbox_, generation_, "1", dirty_, 10), Pushed::full);
  EXPECT_EQ(content(outbox_), "1234567890");
}

TEST_F(OutboxTest, WritesNothingOfWhatDoesNotFit) {
  push(outbox_, generation_, "12345678", dirty_, 10);
  bool filled = false;
  EXPECT_EQ(outbox_.push(generation_, 3, 10, dirty_, [&](char*) { filled = true; }), Pushed::full);
  EXPECT_FALSE(filled);
  EXPECT_EQ(content(outbox_), "12345678");
}

TEST_F(OutboxTest, IsFullForWhatIsLargerThanTheLimit) {
  EXPECT_EQ(push(outbox_, generation_, "12345678901", dirty_, 10), Pushed::full);
  EXPECT_THAT(dirty_.outboxes, IsEmpty());
  EXPECT_EQ(dirty_.bytes, 0U);
}

TEST_F(OutboxTest, IsFullWhenItAlreadyHoldsMoreThanTheLimit) {
  push(outbox_, generation_, "12345678", dirty_);
  EXPECT_EQ(push(outbox_, generation_, "9", dirty_, 5), Pushed::full);
}

TEST_F(OutboxTest, HasRoomAgainOnceBytesHaveGoneOut) {
  push(outbox_, generation_, "1234567890", dirty_, 10);
  EXPECT_EQ(push(outbox_, generation_, "x", dirty_, 10), Pushed::full);
  flush(outbox_);
  EXPECT_EQ(push(outbox_, generation_, "x", dirty_, 10), Pushed::taken);
}

TEST_F(OutboxTest, TakesTheSessionsOwnFramesBeyondEveryLimit) {
  push(outbox_, generation_, "1234567890", dirty_, 10);
  outbox_.push_own(generation_, 3, dirty_, [](char* out) { std::memcpy(out, "abc", 3); });
  EXPECT_EQ(content(outbox_), "1234567890abc");
}

TEST_F(OutboxTest, IsGoneOnceItWasShutButStillSendsWhatItHas) {
  push(outbox_, generation_, "last words", dirty_);
  outbox_.shut(generation_);
  EXPECT_EQ(push(outbox_, generation_, "x", dirty_), Pushed::gone);
  EXPECT_EQ(flush(outbox_), "last words");
}

TEST_F(OutboxTest, IsGoneWhenItsSocketIsDead) {
  outbox_.with_wire([](Outbox::Wire& wire, ByteQueue&) { wire.broken = true; });
  EXPECT_EQ(push(outbox_, generation_, "x", dirty_), Pushed::gone);
}

TEST_F(OutboxTest, IsGoneOnceItWasClosed) {
  push(outbox_, generation_, "never sent", dirty_);
  close();
  EXPECT_EQ(push(outbox_, generation_, "x", dirty_), Pushed::gone);
  EXPECT_EQ(outbox_.waiting(), 0U);
}

// ---- Generations

TEST_F(OutboxTest, GivesEachConnectionAnotherGeneration) {
  close();
  const std::uint32_t next = open(outbox_, Outbox::Wire{});
  EXPECT_NE(next, generation_);
  EXPECT_NE(next, 0U);
}

TEST_F(OutboxTest, TakesNothingForAnEarlierConnection) {
  close();
  const std::uint32_t next = open(outbox_, Outbox::Wire{});
  EXPECT_EQ(push(outbox_, generation_, "stale", dirty_), Pushed::gone);
  EXPECT_EQ(push(outbox_, next, "fresh", dirty_), Pushed::taken);
  EXPECT_EQ(content(outbox_), "fresh");
}

TEST_F(OutboxTest, IsNotShutByAnEarlierConnection) {
  close();
  const std::uint32_t next = open(outbox_, Outbox::Wire{});
  outbox_.shut(generation_);
  EXPECT_EQ(push(outbox_, next, "x", dirty_), Pushed::taken);
}

TEST_F(OutboxTest, OpensWithoutAnythingOfTheEarlierConnection) {
  push(outbox_, generation_, "old", dirty_);
  outbox_.shut(generation_);
  outbox_.with_wire([](Outbox::Wire& wire, ByteQueue&) {
    wire.broken = wire.blocked = wire.over_high_watermark = true;
    wire.bytes_sent = 7;
  });
  close();
  Outbox::Wire wire;
  wire.fd = 5;
  const std::uint32_t next = open(outbox_, wire);
  EXPECT_EQ(push(outbox_, next, "new", dirty_), Pushed::taken);
  outbox_.with_wire([](const Outbox::Wire& now, const ByteQueue&) {
    EXPECT_EQ(now.fd, 5);
    EXPECT_FALSE(now.broken || now.blocked || now.over_high_watermark);
    EXPECT_EQ(now.bytes_sent, 0U);
  });
  EXPECT_EQ(content(outbox_), "new");
}

TEST_F(OutboxTest, ShowsTheWireToWhoeverClosesIt) {
  outbox_.with_wire([](Outbox::Wire& wire, ByteQueue&) { wire.fd = 5; });
  int seen = -1;
  outbox_.close([&](const Outbox::Wire& wire) { seen = wire.fd; });
  EXPECT_EQ(seen, 5);
  outbox_.with_wire([](const Outbox::Wire& wire, const ByteQueue&) { EXPECT_EQ(wire.fd, -1); });
}

TEST(OutboxBeforeItIsOpened, TakesNothingForNobody) {
  // What a handle of generation 0 leads to.
  Outbox outbox;
  DirtyList dirty;
  EXPECT_EQ(push(outbox, 0, "x", dirty), Pushed::gone);
  const std::uint32_t generation = open(outbox, Outbox::Wire{});
  EXPECT_EQ(push(outbox, 0, "x", dirty), Pushed::gone);
  EXPECT_EQ(push(outbox, generation, "y", dirty), Pushed::taken);
  outbox.close([](Outbox::Wire&) {});
  EXPECT_EQ(push(outbox, 0, "x", dirty), Pushed::gone);
  EXPECT_EQ(outbox.waiting(), 0U);
}

// ---- Dirty lists

TEST_F(OutboxTest, StandsInADirtyListOnce) {
  push(outbox_, generation_, "one", dirty_);
  push(outbox_, generation_, "two!", dirty_);
  EXPECT_THAT(dirty_.outboxes, ElementsAre(&outbox_));
  EXPECT_EQ(dirty_.bytes, 7U);
}

TEST_F(OutboxTest, StandsInTheListOfWhoeverWroteFirst) {
  DirtyList other;
  push(outbox_, generation_, "one", dirty_);
  push(outbox_, generation_, "two", other);
  EXPECT_THAT(dirty_.outboxes, ElementsAre(&outbox_));
  EXPECT_THAT(other.outboxes, IsEmpty());
  EXPECT_EQ(other.bytes, 3U);
}

TEST_F(OutboxTest, IsListedAgainAfterItWasFlushed) {
  push(outbox_, generation_, "one", dirty_);
  flush(outbox_);
  DirtyList next;
  push(outbox_, generation_, "two", next);
  EXPECT_THAT(next.outboxes, ElementsAre(&outbox_));
}

TEST_F(OutboxTest, IsNotListedWhileItsSocketTakesNoMore) {
  // The owner hears from the socket when there is something to flush.
  set_blocked(true);
  EXPECT_EQ(push(outbox_, generation_, "one", dirty_), Pushed::taken);
  EXPECT_THAT(dirty_.outboxes, IsEmpty());
  set_blocked(false);
  push(outbox_, generation_, "two", dirty_);
  EXPECT_THAT(dirty_.outboxes, ElementsAre(&outbox_));
}

TEST_F(OutboxTest, IsListedOnceItIsTooFarBehindToBeReadFrom) {
  set_blocked(true);
  push(outbox_, generation_, "1234567890", dirty_);
  EXPECT_THAT(dirty_.outboxes, IsEmpty());
  push(outbox_, generation_, "x", dirty_);
  EXPECT_THAT(dirty_.outboxes, ElementsAre(&outbox_));
}

TEST_F(OutboxTest, IsNotListedAgainWhileItIsNotReadFrom) {
  outbox_.with_wire(
      [](Outbox::Wire& wire, ByteQueue&) { wire.blocked = wire.over_high_watermark = true; });
  push(outbox_, generation_, "12345678901", dirty_);
  EXPECT_THAT(dirty_.outboxes, IsEmpty());
}

TEST_F(OutboxTest, IsNotListedForWhatItDidNotTake) {
  outbox_.shut(generation_);
  push(outbox_, generation_, "x", dirty_);
  EXPECT_THAT(dirty_.outboxes, IsEmpty());
  EXPECT_EQ(dirty_.bytes, 0U);
}

TEST_F(OutboxTest, StaysListedOverAChangeOfConnections) {
  // It stands in a list that only another thread may touch; that thread flushes whoever lives here.
  push(outbox_, generation_, "old", dirty_);
  close();
  const std::uint32_t next = open(outbox_, Outbox::Wire{});
  DirtyList other;
  push(outbox_, next, "new", other);
  EXPECT_THAT(other.outboxes, IsEmpty());
  EXPECT_EQ(flush(*dirty_.outboxes.front()), "new");
}

// ---- Several threads

TEST_F(OutboxTest, LeavesNoByteOfTwoThreadsBehindAndKeepsTheOrderOfEach) {
  constexpr std::uint32_t kMessages = 20'000;
  std::mutex socket_mutex;  // guards socket
  std::string socket;
  // Flushes as the workers do: its own list, at the end of a burst.
  const auto send = [&](char sender) {
    DirtyList dirty;
    for (std::uint32_t i = 0; i < kMessages; ++i) {
      char message[1 + sizeof i];
      message[0] = sender;
      std::memcpy(message + 1, &i, sizeof i);
      EXPECT_EQ(push(outbox_, generation_, {message, sizeof message}, dirty), Pushed::taken);
      if (i % 7 != 6 && i + 1 != kMessages) continue;
      for (Outbox* outbox : dirty.outboxes) {
        outbox->flush_with([&](Outbox::Wire&, ByteQueue& queue) {
          const std::lock_guard lock(socket_mutex);
          socket.append(queue.pending().data(), queue.size());
          queue.clear();
        });
      }
      dirty.outboxes.clear();
    }
  };
  std::thread other(send, 1);
  send(0);
  other.join();

  EXPECT_EQ(outbox_.waiting(), 0U);
  ASSERT_EQ(socket.size(), std::size_t{2} * kMessages * 5);
  std::uint32_t next[2] = {0, 0};
  for (std::size_t at = 0; at < socket.size(); at += 5) {
    std::uint32_t number = 0;
    std::memcpy(&number, socket.data() + at + 1, sizeof number);
    ASSERT_EQ(number, next[static_cast<std::size_t>(socket[at])]++);
  }
}

TEST_F(OutboxTest, TakesNothingOfOthersBeforeItsNodeJoinsAndAfterItHasLeft) {
  close();
  const std::uint32_t next = outbox_.open(Outbox::Wire{});
  EXPECT_EQ(push(outbox_, next, "early", dirty_), Pushed::gone);
  outbox_.join(generation_);
  EXPECT_EQ(push(outbox_, next, "of another connection", dirty_), Pushed::gone);
  outbox_.join(next);
  EXPECT_EQ(push(outbox_, next, "in time", dirty_), Pushed::taken);
  outbox_.leave();
  EXPECT_EQ(push(outbox_, next, "late", dirty_), Pushed::gone);
  outbox_.push_own(next, 4, dirty_, [](char* out) { std::memcpy(out, "pong", 4); });
  EXPECT_EQ(flush(outbox_), "in timepong");
}

TEST_F(OutboxTest, NeverHandsAByteToASuccessor) {
  std::atomic<std::uint32_t> current{generation_};
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> taken{0};
  const auto send = [&] {
    DirtyList dirty;
    while (!over) {
      const std::uint32_t generation = current;
      const Pushed pushed =
          outbox_.push(generation, sizeof generation, 4096, dirty,
                       [&](char* out) { std::memcpy(out, &generation, sizeof generation); });
      if (pushed == Pushed::taken) ++taken;
      if (pushed == Pushed::full) flush(outbox_);
      dirty.outboxes.clear();
    }
  };
  std::thread one(send);
  std::thread two(send);
  // Enough changes, and at least some bytes between them.
  for (std::uint32_t change = 0; change < 2000 || taken < 2000; ++change) {
    const std::uint32_t generation = current;
    outbox_.with_wire([&](const Outbox::Wire&, const ByteQueue& queue) {
      const auto pending = queue.pending();
      for (std::size_t at = 0; at < pending.size(); at += sizeof generation) {
        std::uint32_t found = 0;
        std::memcpy(&found, pending.data() + at, sizeof found);
        ASSERT_EQ(found, generation);
      }
    });
    close();
    current = open(outbox_, Outbox::Wire{});
  }
  over = true;
  one.join();
  two.join();
}

// ---- Tables

TEST(OutboxTable, KnowsNoSlotThatWasNeverUsed) {
  const OutboxTable table;
  EXPECT_EQ(table.at(0), nullptr);
  EXPECT_EQ(table.at(OutboxTable::kMaxSlots - 1), nullptr);
  EXPECT_EQ(table.at(OutboxTable::kMaxSlots), nullptr);
  EXPECT_EQ(table.at(std::numeric_limits<std::uint32_t>::max()), nullptr);
}

TEST(OutboxTable, NeverMovesAnOutbox) {
  OutboxTable table;
  Outbox* const first = &table.ensure(0);
  Outbox* const last = &table.ensure(OutboxTable::kMaxSlots - 1);
  for (std::uint32_t slot = 0; slot < 3 * OutboxTable::kChunk; ++slot) table.ensure(slot);
  EXPECT_EQ(table.at(0), first);
  EXPECT_EQ(&table.ensure(0), first);
  EXPECT_EQ(table.at(OutboxTable::kMaxSlots - 1), last);
  EXPECT_NE(table.at(1), first);
}

TEST(OutboxTable, IsReadWhileItGrows) {
  OutboxTable table;
  constexpr std::uint32_t kSlots = 20 * OutboxTable::kChunk;
  std::thread reader([&] {
    DirtyList dirty;
    while (table.at(kSlots - 1) == nullptr) {
      for (std::uint32_t slot = 0; slot < kSlots; slot += 100) {
        Outbox* const outbox = table.at(slot);
        if (outbox == nullptr) continue;
        EXPECT_EQ(push(*outbox, 77, "x", dirty), Pushed::gone);
      }
    }
  });
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) table.ensure(slot);
  reader.join();
}

TEST(OutboxTables, FindsAnOutboxByItsHandle) {
  OutboxTables shared(2);
  Outbox& outbox = shared.table(1).ensure(3);
  EXPECT_EQ(shared.find({3, 1, 1}), &outbox);
  EXPECT_EQ(shared.find({3, 1, 0}), nullptr);
  EXPECT_EQ(shared.find({3, 1, 2}), nullptr);
  EXPECT_EQ(shared.find({OutboxTable::kMaxSlots, 1, 1}), nullptr);
}

// ---- Receipts

TEST_F(OutboxTest, RedeemsAReceiptOnce) {
  const std::uint32_t receipt = outbox_.issue_receipt();
  EXPECT_TRUE(outbox_.redeem(generation_, receipt, "ack", dirty_));
  EXPECT_EQ(content(outbox_), "ack");
  EXPECT_THAT(dirty_.outboxes, ElementsAre(&outbox_));
  EXPECT_FALSE(outbox_.redeem(generation_, receipt, "ack", dirty_));
  EXPECT_EQ(content(outbox_), "ack");
}

TEST_F(OutboxTest, RedeemsAReceiptOfNoBytes) {
  const std::uint32_t receipt = outbox_.issue_receipt();
  EXPECT_TRUE(outbox_.redeem(generation_, receipt, {}, dirty_));
  EXPECT_FALSE(outbox_.redeem(generation_, receipt, {}, dirty_));
  EXPECT_THAT(dirty_.outboxes, IsEmpty());
}

TEST_F(OutboxTest, RedeemsNoReceiptThatWasRevokedOrFollowedByAnother) {
  const std::uint32_t revoked = outbox_.issue_receipt();
  outbox_.revoke_receipt();
  EXPECT_FALSE(outbox_.redeem(generation_, revoked, "ack", dirty_));
  const std::uint32_t followed = outbox_.issue_receipt();
  const std::uint32_t last = outbox_.issue_receipt();
  EXPECT_FALSE(outbox_.redeem(generation_, followed, "ack", dirty_));
  EXPECT_TRUE(outbox_.redeem(generation_, last, "ack", dirty_));
}

TEST_F(OutboxTest, RedeemsNoReceiptOfAConnectionThatHasEnded) {
  const std::uint32_t receipt = outbox_.issue_receipt();
  outbox_.shut(generation_);
  EXPECT_FALSE(outbox_.redeem(generation_, receipt, "ack", dirty_));
  close();
  EXPECT_FALSE(outbox_.redeem(generation_, receipt, "ack", dirty_));
  const std::uint32_t next = open(outbox_, {});
  EXPECT_FALSE(outbox_.redeem(generation_, receipt, "ack", dirty_));
  EXPECT_FALSE(outbox_.redeem(next, receipt, "ack", dirty_));
}

}  // namespace
}  // namespace crolang::session
