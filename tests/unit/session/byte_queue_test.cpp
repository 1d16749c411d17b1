#include "session/byte_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <thread>

namespace crolang::session {
namespace {

void append(ByteQueue& queue, std::string_view text) {
  std::copy(text.begin(), text.end(), queue.extend(text.size()));
}

std::string content(const ByteQueue& queue) {
  const auto pending = queue.pending();
  return {pending.begin(), pending.end()};
}

TEST(ByteQueue, IsEmptyAndHoldsNoMemoryAtFirst) {
  const ByteQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_EQ(queue.pending().data(), nullptr);
}

TEST(ByteQueue, KeepsWhatIsAddedInOrder) {
  ByteQueue queue;
  append(queue, "one ");
  append(queue, "two ");
  append(queue, "three");
  EXPECT_EQ(content(queue), "one two three");
  EXPECT_EQ(queue.size(), 13U);
  EXPECT_FALSE(queue.empty());
}

TEST(ByteQueue, ForgetsFromTheFront) {
  ByteQueue queue;
  append(queue, "one two");
  queue.pop(4);
  EXPECT_EQ(content(queue), "two");
  append(queue, " three");
  EXPECT_EQ(content(queue), "two three");
}

TEST(ByteQueue, FreesItsMemoryWithTheLastByte) {
  ByteQueue queue;
  append(queue, "one two");
  queue.pop(4);
  EXPECT_NE(queue.pending().data(), nullptr);
  queue.pop(3);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pending().data(), nullptr);
}

TEST(ByteQueue, IsOfUseAgainAfterItWasCleared) {
  ByteQueue queue;
  append(queue, "one");
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pending().data(), nullptr);
  append(queue, "two");
  EXPECT_EQ(content(queue), "two");
}

TEST(ByteQueue, KeepsItsBytesWhenItGrowsBeyondItsBlocks) {
  ByteQueue queue;
  std::string expected;
  // Across the small block, the large one and what is larger than any.
  for (const std::size_t size : {1000U, 4000U, 70'000U, 1'000'000U}) {
    const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
    append(queue, piece);
    expected += piece;
    EXPECT_EQ(content(queue), expected);
  }
}

TEST(ByteQueue, ReusesTheRoomAtItsFront) {
  ByteQueue queue;
  append(queue, std::string(4000, 'a'));
  const char* const block = queue.pending().data();
  queue.pop(3990);
  append(queue, std::string(3000, 'b'));
  EXPECT_EQ(queue.pending().data(), block);
  EXPECT_EQ(content(queue), std::string(10, 'a') + std::string(3000, 'b'));
}

TEST(ByteQueue, PassesItsBlockOnToTheNextOfItsThread) {
  for (const std::size_t size : {10U, 60'000U}) {
    ByteQueue first;
    const char* const block = first.extend(size);
    first.clear();
    ByteQueue second;
    EXPECT_EQ(second.extend(size), block) << size;
  }
}

TEST(ByteQueue, MayBeFilledOnOneThreadAndEmptiedOnAnother) {
  // Sanitizers see a block that is lost or freed twice.
  for (const std::size_t size : {10U, 60'000U, 200'000U}) {
    ByteQueue queue;
    std::thread([&] { append(queue, std::string(size, 'x')); }).join();
    EXPECT_EQ(content(queue), std::string(size, 'x'));
    std::thread([&] { queue.clear(); }).join();
    EXPECT_TRUE(queue.empty());
  }
}

TEST(ByteQueue, BehavesLikeAStringOverManySteps) {
  std::mt19937 random(1);  // the same steps in every run
  const auto up_to = [&](std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(0, most)(random);
  };
  ByteQueue queue;
  std::string expected;
  for (int step = 0; step < 3000; ++step) {
    if (up_to(2) != 0) {
      std::string piece(up_to(step % 50 == 0 ? 100'000 : 900), '\0');
      for (char& byte : piece) byte = static_cast<char>(random());
      append(queue, piece);
      expected += piece;
    } else {
      const std::size_t gone = up_to(expected.size());
      queue.pop(gone);
      expected.erase(0, gone);
    }
    ASSERT_EQ(queue.size(), expected.size());
    ASSERT_TRUE(content(queue) == expected) << "step " << step;
  }
}

}  // namespace
}  // namespace crolang::session
