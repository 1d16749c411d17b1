#include "session/outlet.hpp"

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

Pushed push(Outlet& outlet, std::uint32_t generation, std::string_view text, DirtyList& dirty,
            std::size_t limit = kNoLimit) {
  return outlet.push(generation, text.size(), limit, dirty,
                     [&](char* out) { std::memcpy(out, text.data(), text.size()); });
}

std::string content(Outlet& outlet) {
  return outlet.with_wire([](const Outlet::Wire&, const ByteQueue& queue) {
    const auto pending = queue.pending();
    return std::string(pending.begin(), pending.end());
  });
}

/// Plays the socket: takes everything.
std::string flush(Outlet& outlet) {
  return outlet.flush_with([](Outlet::Wire& wire, ByteQueue& queue) {
    const auto pending = queue.pending();
    std::string bytes(pending.begin(), pending.end());
    queue.clear();
    wire.moved += bytes.size();
    return bytes;
  });
}

class OutletTest : public testing::Test {
 protected:
  void set_blocked(bool blocked) {
    outlet_.with_wire([=](Outlet::Wire& wire, ByteQueue&) { wire.blocked = blocked; });
  }
  void close() {
    outlet_.close([](Outlet::Wire&) {});
  }

  Outlet outlet_;
  std::uint32_t generation_ = outlet_.open(Outlet::Wire{.max_backlog = 10});
  DirtyList dirty_;
};

// ---- Taken, full, gone

TEST_F(OutletTest, TakesBytesInOrder) {
  EXPECT_EQ(push(outlet_, generation_, "one ", dirty_), Pushed::taken);
  EXPECT_EQ(push(outlet_, generation_, "two", dirty_), Pushed::taken);
  EXPECT_EQ(content(outlet_), "one two");
  EXPECT_EQ(outlet_.waiting(), 7U);
}

TEST_F(OutletTest, TakesUpToItsLimit) {
  EXPECT_EQ(push(outlet_, generation_, "12345678", dirty_, 10), Pushed::taken);
  EXPECT_EQ(push(outlet_, generation_, "90", dirty_, 10), Pushed::taken);
  EXPECT_EQ(push(outlet_, generation_, "1", dirty_, 10), Pushed::full);
  EXPECT_EQ(content(outlet_), "1234567890");
}

TEST_F(OutletTest, WritesNothingOfWhatDoesNotFit) {
  push(outlet_, generation_, "12345678", dirty_, 10);
  bool filled = false;
  EXPECT_EQ(outlet_.push(generation_, 3, 10, dirty_, [&](char*) { filled = true; }), Pushed::full);
  EXPECT_FALSE(filled);
  EXPECT_EQ(content(outlet_), "12345678");
}

TEST_F(OutletTest, IsFullForWhatIsLargerThanTheLimit) {
  EXPECT_EQ(push(outlet_, generation_, "12345678901", dirty_, 10), Pushed::full);
  EXPECT_THAT(dirty_.outlets, IsEmpty());
  EXPECT_EQ(dirty_.bytes, 0U);
}

TEST_F(OutletTest, IsFullWhenItAlreadyHoldsMoreThanTheLimit) {
  push(outlet_, generation_, "12345678", dirty_);
  EXPECT_EQ(push(outlet_, generation_, "9", dirty_, 5), Pushed::full);
}

TEST_F(OutletTest, HasRoomAgainOnceBytesHaveGoneOut) {
  push(outlet_, generation_, "1234567890", dirty_, 10);
  EXPECT_EQ(push(outlet_, generation_, "x", dirty_, 10), Pushed::full);
  flush(outlet_);
  EXPECT_EQ(push(outlet_, generation_, "x", dirty_, 10), Pushed::taken);
}

TEST_F(OutletTest, TakesWhatTheSessionOwesBeyondEveryLimit) {
  push(outlet_, generation_, "1234567890", dirty_, 10);
  outlet_.push_own(generation_, 3, dirty_, [](char* out) { std::memcpy(out, "abc", 3); });
  EXPECT_EQ(content(outlet_), "1234567890abc");
}

TEST_F(OutletTest, IsGoneOnceItWasShutButStillSendsWhatItHas) {
  push(outlet_, generation_, "last words", dirty_);
  outlet_.shut(generation_);
  EXPECT_EQ(push(outlet_, generation_, "x", dirty_), Pushed::gone);
  EXPECT_EQ(flush(outlet_), "last words");
}

TEST_F(OutletTest, IsGoneWhenItsSocketIsDead) {
  outlet_.with_wire([](Outlet::Wire& wire, ByteQueue&) { wire.broken = true; });
  EXPECT_EQ(push(outlet_, generation_, "x", dirty_), Pushed::gone);
}

TEST_F(OutletTest, IsGoneOnceItWasClosed) {
  push(outlet_, generation_, "never sent", dirty_);
  close();
  EXPECT_EQ(push(outlet_, generation_, "x", dirty_), Pushed::gone);
  EXPECT_EQ(outlet_.waiting(), 0U);
}

// ---- Generations

TEST_F(OutletTest, GivesEachConnectionAnotherGeneration) {
  close();
  const std::uint32_t next = outlet_.open(Outlet::Wire{});
  EXPECT_NE(next, generation_);
  EXPECT_NE(next, 0U);
}

TEST_F(OutletTest, TakesNothingForAnEarlierConnection) {
  close();
  const std::uint32_t next = outlet_.open(Outlet::Wire{});
  EXPECT_EQ(push(outlet_, generation_, "stale", dirty_), Pushed::gone);
  EXPECT_EQ(push(outlet_, next, "fresh", dirty_), Pushed::taken);
  EXPECT_EQ(content(outlet_), "fresh");
}

TEST_F(OutletTest, IsNotShutByAnEarlierConnection) {
  close();
  const std::uint32_t next = outlet_.open(Outlet::Wire{});
  outlet_.shut(generation_);
  EXPECT_EQ(push(outlet_, next, "x", dirty_), Pushed::taken);
}

TEST_F(OutletTest, OpensWithoutAnythingOfTheEarlierConnection) {
  push(outlet_, generation_, "old", dirty_);
  outlet_.shut(generation_);
  outlet_.with_wire([](Outlet::Wire& wire, ByteQueue&) {
    wire.broken = wire.blocked = wire.congested = true;
    wire.moved = 7;
  });
  close();
  Outlet::Wire wire;
  wire.fd = 5;
  const std::uint32_t next = outlet_.open(wire);
  EXPECT_EQ(push(outlet_, next, "new", dirty_), Pushed::taken);
  outlet_.with_wire([](const Outlet::Wire& now, const ByteQueue&) {
    EXPECT_EQ(now.fd, 5);
    EXPECT_FALSE(now.broken || now.blocked || now.congested);
    EXPECT_EQ(now.moved, 0U);
  });
  EXPECT_EQ(content(outlet_), "new");
}

TEST_F(OutletTest, ShowsTheWireToWhoeverClosesIt) {
  outlet_.with_wire([](Outlet::Wire& wire, ByteQueue&) { wire.fd = 5; });
  int seen = -1;
  outlet_.close([&](const Outlet::Wire& wire) { seen = wire.fd; });
  EXPECT_EQ(seen, 5);
  outlet_.with_wire([](const Outlet::Wire& wire, const ByteQueue&) { EXPECT_EQ(wire.fd, -1); });
}

TEST(OutletBeforeItIsOpened, TakesNothingForNobody) {
  // What a handle of generation 0 leads to.
  Outlet outlet;
  DirtyList dirty;
  EXPECT_EQ(push(outlet, 0, "x", dirty), Pushed::gone);
  const std::uint32_t generation = outlet.open(Outlet::Wire{});
  EXPECT_EQ(push(outlet, 0, "x", dirty), Pushed::gone);
  EXPECT_EQ(push(outlet, generation, "y", dirty), Pushed::taken);
  outlet.close([](Outlet::Wire&) {});
  EXPECT_EQ(push(outlet, 0, "x", dirty), Pushed::gone);
  EXPECT_EQ(outlet.waiting(), 0U);
}

// ---- Dirty lists

TEST_F(OutletTest, StandsInADirtyListOnce) {
  push(outlet_, generation_, "one", dirty_);
  push(outlet_, generation_, "two!", dirty_);
  EXPECT_THAT(dirty_.outlets, ElementsAre(&outlet_));
  EXPECT_EQ(dirty_.bytes, 7U);
}

TEST_F(OutletTest, StandsInTheListOfWhoeverWroteFirst) {
  DirtyList other;
  push(outlet_, generation_, "one", dirty_);
  push(outlet_, generation_, "two", other);
  EXPECT_THAT(dirty_.outlets, ElementsAre(&outlet_));
  EXPECT_THAT(other.outlets, IsEmpty());
  EXPECT_EQ(other.bytes, 3U);
}

TEST_F(OutletTest, IsListedAgainAfterItWasFlushed) {
  push(outlet_, generation_, "one", dirty_);
  flush(outlet_);
  DirtyList next;
  push(outlet_, generation_, "two", next);
  EXPECT_THAT(next.outlets, ElementsAre(&outlet_));
}

TEST_F(OutletTest, IsNotListedWhileItsSocketTakesNoMore) {
  // The owner hears from the socket when there is something to flush.
  set_blocked(true);
  EXPECT_EQ(push(outlet_, generation_, "one", dirty_), Pushed::taken);
  EXPECT_THAT(dirty_.outlets, IsEmpty());
  set_blocked(false);
  push(outlet_, generation_, "two", dirty_);
  EXPECT_THAT(dirty_.outlets, ElementsAre(&outlet_));
}

TEST_F(OutletTest, IsListedOnceItIsTooFarBehindToBeReadFrom) {
  set_blocked(true);
  push(outlet_, generation_, "1234567890", dirty_);
  EXPECT_THAT(dirty_.outlets, IsEmpty());
  push(outlet_, generation_, "x", dirty_);
  EXPECT_THAT(dirty_.outlets, ElementsAre(&outlet_));
}

TEST_F(OutletTest, IsNotListedAgainWhileItIsNotReadFrom) {
  outlet_.with_wire([](Outlet::Wire& wire, ByteQueue&) { wire.blocked = wire.congested = true; });
  push(outlet_, generation_, "12345678901", dirty_);
  EXPECT_THAT(dirty_.outlets, IsEmpty());
}

TEST_F(OutletTest, IsNotListedForWhatItDidNotTake) {
  outlet_.shut(generation_);
  push(outlet_, generation_, "x", dirty_);
  EXPECT_THAT(dirty_.outlets, IsEmpty());
  EXPECT_EQ(dirty_.bytes, 0U);
}

TEST_F(OutletTest, StaysListedOverAChangeOfConnections) {
  // It stands in a list that only another thread may touch; that thread flushes whoever lives here.
  push(outlet_, generation_, "old", dirty_);
  close();
  const std::uint32_t next = outlet_.open(Outlet::Wire{});
  DirtyList other;
  push(outlet_, next, "new", other);
  EXPECT_THAT(other.outlets, IsEmpty());
  EXPECT_EQ(flush(*dirty_.outlets.front()), "new");
}

// ---- Several threads

TEST_F(OutletTest, LeavesNoByteOfTwoThreadsBehindAndKeepsTheOrderOfEach) {
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
      EXPECT_EQ(push(outlet_, generation_, {message, sizeof message}, dirty), Pushed::taken);
      if (i % 7 != 6 && i + 1 != kMessages) continue;
      for (Outlet* outlet : dirty.outlets) {
        outlet->flush_with([&](Outlet::Wire&, ByteQueue& queue) {
          const std::lock_guard lock(socket_mutex);
          socket.append(queue.pending().data(), queue.size());
          queue.clear();
        });
      }
      dirty.outlets.clear();
    }
  };
  std::thread other(send, 1);
  send(0);
  other.join();

  EXPECT_EQ(outlet_.waiting(), 0U);
  ASSERT_EQ(socket.size(), std::size_t{2} * kMessages * 5);
  std::uint32_t next[2] = {0, 0};
  for (std::size_t at = 0; at < socket.size(); at += 5) {
    std::uint32_t number = 0;
    std::memcpy(&number, socket.data() + at + 1, sizeof number);
    ASSERT_EQ(number, next[static_cast<std::size_t>(socket[at])]++);
  }
}

TEST_F(OutletTest, NeverHandsAByteToASuccessor) {
  std::atomic<std::uint32_t> current{generation_};
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> taken{0};
  const auto send = [&] {
    DirtyList dirty;
    while (!over) {
      const std::uint32_t generation = current;
      const Pushed pushed =
          outlet_.push(generation, sizeof generation, 4096, dirty,
                       [&](char* out) { std::memcpy(out, &generation, sizeof generation); });
      if (pushed == Pushed::taken) ++taken;
      if (pushed == Pushed::full) flush(outlet_);
      dirty.outlets.clear();
    }
  };
  std::thread one(send);
  std::thread two(send);
  // Enough changes, and at least some bytes between them.
  for (std::uint32_t change = 0; change < 2000 || taken < 2000; ++change) {
    const std::uint32_t generation = current;
    outlet_.with_wire([&](const Outlet::Wire&, const ByteQueue& queue) {
      const auto pending = queue.pending();
      for (std::size_t at = 0; at < pending.size(); at += sizeof generation) {
        std::uint32_t found = 0;
        std::memcpy(&found, pending.data() + at, sizeof found);
        ASSERT_EQ(found, generation);
      }
    });
    close();
    current = outlet_.open(Outlet::Wire{});
  }
  over = true;
  one.join();
  two.join();
}

// ---- Tables

TEST(OutletTable, KnowsNoSlotThatWasNeverUsed) {
  const OutletTable table;
  EXPECT_EQ(table.at(0), nullptr);
  EXPECT_EQ(table.at(OutletTable::kMaxSlots - 1), nullptr);
  EXPECT_EQ(table.at(OutletTable::kMaxSlots), nullptr);
  EXPECT_EQ(table.at(std::numeric_limits<std::uint32_t>::max()), nullptr);
}

TEST(OutletTable, NeverMovesAnOutlet) {
  OutletTable table;
  Outlet* const first = &table.ensure(0);
  Outlet* const last = &table.ensure(OutletTable::kMaxSlots - 1);
  for (std::uint32_t slot = 0; slot < 3 * OutletTable::kChunk; ++slot) table.ensure(slot);
  EXPECT_EQ(table.at(0), first);
  EXPECT_EQ(&table.ensure(0), first);
  EXPECT_EQ(table.at(OutletTable::kMaxSlots - 1), last);
  EXPECT_NE(table.at(1), first);
}

TEST(OutletTable, IsReadWhileItGrows) {
  OutletTable table;
  constexpr std::uint32_t kSlots = 20 * OutletTable::kChunk;
  std::thread reader([&] {
    DirtyList dirty;
    while (table.at(kSlots - 1) == nullptr) {
      for (std::uint32_t slot = 0; slot < kSlots; slot += 100) {
        Outlet* const outlet = table.at(slot);
        if (outlet == nullptr) continue;
        EXPECT_EQ(push(*outlet, 77, "x", dirty), Pushed::gone);
      }
    }
  });
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) table.ensure(slot);
  reader.join();
}

TEST(OutletGrid, FindsAnOutletByItsHandle) {
  OutletGrid grid(2);
  Outlet& outlet = grid.table(1).ensure(3);
  EXPECT_EQ(grid.find({3, 1, 1}), &outlet);
  EXPECT_EQ(grid.find({3, 1, 0}), nullptr);
  EXPECT_EQ(grid.find({3, 1, 2}), nullptr);
  EXPECT_EQ(grid.find({OutletTable::kMaxSlots, 1, 1}), nullptr);
}

// ---- Receipts

TEST_F(OutletTest, RedeemsAReceiptOnce) {
  const std::uint32_t receipt = outlet_.issue_receipt();
  EXPECT_TRUE(outlet_.redeem(generation_, receipt, "ack", dirty_));
  EXPECT_EQ(content(outlet_), "ack");
  EXPECT_THAT(dirty_.outlets, ElementsAre(&outlet_));
  EXPECT_FALSE(outlet_.redeem(generation_, receipt, "ack", dirty_));
  EXPECT_EQ(content(outlet_), "ack");
}

TEST_F(OutletTest, RedeemsAReceiptOfNoBytes) {
  const std::uint32_t receipt = outlet_.issue_receipt();
  EXPECT_TRUE(outlet_.redeem(generation_, receipt, {}, dirty_));
  EXPECT_FALSE(outlet_.redeem(generation_, receipt, {}, dirty_));
  EXPECT_THAT(dirty_.outlets, IsEmpty());
}

TEST_F(OutletTest, RedeemsNoReceiptThatWasRevokedOrFollowedByAnother) {
  const std::uint32_t revoked = outlet_.issue_receipt();
  outlet_.revoke_receipt();
  EXPECT_FALSE(outlet_.redeem(generation_, revoked, "ack", dirty_));
  const std::uint32_t followed = outlet_.issue_receipt();
  const std::uint32_t last = outlet_.issue_receipt();
  EXPECT_FALSE(outlet_.redeem(generation_, followed, "ack", dirty_));
  EXPECT_TRUE(outlet_.redeem(generation_, last, "ack", dirty_));
}

TEST_F(OutletTest, RedeemsNoReceiptOfAConnectionThatHasEnded) {
  const std::uint32_t receipt = outlet_.issue_receipt();
  outlet_.shut(generation_);
  EXPECT_FALSE(outlet_.redeem(generation_, receipt, "ack", dirty_));
  close();
  EXPECT_FALSE(outlet_.redeem(generation_, receipt, "ack", dirty_));
  const std::uint32_t next = outlet_.open({});
  EXPECT_FALSE(outlet_.redeem(generation_, receipt, "ack", dirty_));
  EXPECT_FALSE(outlet_.redeem(next, receipt, "ack", dirty_));
}

}  // namespace
}  // namespace crolang::session
