#include "net/connection_table.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace crolang::net {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint16_t kWorker = 3;
constexpr TimePoint kDue(1010s);
const PeerAddress kPeer = *client_address::parse_address("192.0.2.7");

class ConnectionTableTest : public ::testing::Test {
 protected:
  static Descriptor socket() { return Descriptor(::socket(AF_INET6, SOCK_STREAM, 0)); }
  DrivenConnection& open() { return *table_.open({socket(), kPeer}, nullptr, kDue); }
  /// As a worker ends one.
  void end(DrivenConnection& driven) {
    close(driven.connection.outbox());
    table_.remove(driven);
  }
  std::vector<std::uint32_t> slots() const {
    std::vector<std::uint32_t> found;
    table_.for_each(
        [&](const DrivenConnection& driven) { found.push_back(driven.connection.handle().slot); });
    return found;
  }

  session::OutboxTable outboxes_;
  ConnectionTable table_{outboxes_, kWorker, -1};
};

TEST_F(ConnectionTableTest, NamesAConnectionByWorkerSlotAndGeneration) {
  const DrivenConnection& driven = open();
  const session::SessionHandle handle = driven.connection.handle();

  EXPECT_EQ(handle.worker, kWorker);
  EXPECT_NE(handle.generation, 0U);
  EXPECT_EQ(table_.find(handle), &driven);
  EXPECT_EQ(table_.find(key_of(handle)), &driven);
  EXPECT_EQ(&table_.at(handle), &driven);
  EXPECT_EQ(&driven.connection.outbox(), outboxes_.at(handle.slot));
  EXPECT_EQ(driven.connection.deadline(), kDue);
  EXPECT_EQ(driven.connection.client(), kPeer);
}

TEST_F(ConnectionTableTest, KnowsNoHandleOfAnotherOrOfNoSlot) {
  const session::SessionHandle handle = open().connection.handle();

  EXPECT_EQ(table_.find({handle.slot, handle.generation + 1, kWorker}), nullptr);
  EXPECT_EQ(table_.find(session::SessionHandle{4711, 1, kWorker}), nullptr);
  EXPECT_EQ(table_.find(key_of({handle.slot, handle.generation + 1, kWorker})), nullptr);
}

TEST_F(ConnectionTableTest, UsesASlotAgainUnderAnotherGeneration) {
  DrivenConnection& first = open();
  const session::SessionHandle before = first.connection.handle();
  end(first);
  EXPECT_EQ(table_.find(before), nullptr);
  EXPECT_EQ(table_.find(key_of(before)), nullptr);

  const session::SessionHandle after = open().connection.handle();
  EXPECT_EQ(after.slot, before.slot);
  EXPECT_NE(after.generation, before.generation);
  EXPECT_EQ(table_.find(before), nullptr);
}

TEST_F(ConnectionTableTest, KeepsWhatWasRemovedUntilItIsReclaimed) {
  DrivenConnection& driven = open();
  end(driven);
  EXPECT_TRUE(driven.removed);
  EXPECT_THAT(slots(), IsEmpty());

  table_.reclaim();
  table_.reclaim();
}

TEST_F(ConnectionTableTest, OwnsTheSocketByItsOutbox) {
  Descriptor owner = socket();
  const int fd = owner.get();
  DrivenConnection& driven = *table_.open({std::move(owner), kPeer}, nullptr, kDue);
  EXPECT_NE(::fcntl(fd, F_GETFD), -1);

  end(driven);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST_F(ConnectionTableTest, VisitsThoseThatAreThere) {
  std::vector<DrivenConnection*> all;
  for (int i = 0; i < 4; ++i) all.push_back(&open());
  end(*all[1]);

  EXPECT_THAT(slots(), ElementsAre(0, 2, 3));
  for (const std::size_t i : {0U, 2U, 3U}) end(*all[i]);
}

}  // namespace
}  // namespace crolang::net
