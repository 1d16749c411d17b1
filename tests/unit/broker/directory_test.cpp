#include "broker/directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace crolang::broker {
namespace {

SessionHandle handle(std::uint32_t slot) {
  return {slot, 1, 0};
}

TEST(Directory, FindsAnInsertedNode) {
  Directory directory;
  directory.insert("bob", {handle(3), 77});

  const auto found = directory.find("bob");

  ASSERT_TRUE(found);
  EXPECT_EQ(found->session, handle(3));
  EXPECT_EQ(found->token, 77u);
}

TEST(Directory, FindsNothingUnderAnotherId) {
  Directory directory;
  directory.insert("bob", {handle(3), 77});

  EXPECT_FALSE(directory.find("Bob"));
  EXPECT_FALSE(directory.find("bo"));
  EXPECT_FALSE(directory.find(""));
}

TEST(Directory, KeepsTheLaterOfTwoSessions) {
  Directory directory;
  directory.insert("bob", {handle(3), 77});
  directory.insert("bob", {handle(4), 78});

  EXPECT_EQ(directory.find("bob")->session, handle(4));
  EXPECT_EQ(directory.size(), 1u);
}

TEST(Directory, ErasesTheIdOfTheToken) {
  Directory directory;
  directory.insert("bob", {handle(3), 77});

  directory.erase("bob", 77);

  EXPECT_FALSE(directory.find("bob"));
  EXPECT_EQ(directory.size(), 0u);
}

TEST(Directory, NeverErasesASuccessor) {
  Directory directory;
  directory.insert("bob", {handle(4), 78});

  directory.erase("bob", 77);

  EXPECT_TRUE(directory.find("bob"));
}

TEST(Directory, ErasingAnAbsentNodeDoesNothing) {
  Directory directory;

  directory.erase("bob", 77);

  EXPECT_EQ(directory.size(), 0u);
}

TEST(Directory, ListsTheNodesOfEveryShard) {
  Directory directory;
  std::vector<std::string> ids;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    ids.push_back("node-" + std::to_string(i));
    directory.insert(ids.back(), {handle(i), i + 1});
  }

  std::vector<std::string> listed;
  for (const Directory::Entry& entry : directory.all()) {
    listed.push_back(entry.id);
    EXPECT_EQ(entry.session, directory.find(entry.id)->session);
  }

  EXPECT_EQ(directory.size(), ids.size());
  EXPECT_THAT(listed, ::testing::UnorderedElementsAreArray(ids));
}

TEST(Directory, ServesSeveralThreadsAtOnce) {
  Directory directory;
  constexpr std::uint32_t kNodes = 500;
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&directory, t] {
      for (std::uint32_t i = 0; i < kNodes; ++i) {
        const std::string id = std::to_string(t) + '-' + std::to_string(i);
        directory.insert(id, {handle(i), i + 1});
        directory.find(std::to_string((t + 1) % 4) + '-' + std::to_string(i));
        if (i % 2 == 0) directory.erase(id, i + 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(directory.size(), 4 * kNodes / 2);
}

TEST(Claims, FindsWhatItWasGiven) {
  Claims claims;
  claims.insert(77, {handle(3), Claims::Stage::claiming});

  const auto found = claims.find(77);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->session, handle(3));
  EXPECT_EQ(found->stage, Claims::Stage::claiming);
}

TEST(Claims, FindsNothingUnderAnotherTokenOfTheSameShard) {
  Claims claims;
  claims.insert(77, {handle(3), Claims::Stage::claiming});

  EXPECT_FALSE(claims.find(77 + 64));
}

TEST(Claims, MovesAClaimToItsNextStage) {
  Claims claims;
  claims.insert(77, {handle(3), Claims::Stage::claiming});

  claims.set_stage(77, Claims::Stage::open);

  EXPECT_EQ(claims.find(77)->stage, Claims::Stage::open);
}

TEST(Claims, IgnoresAStageOfAnUnknownToken) {
  Claims claims;

  claims.set_stage(77, Claims::Stage::open);

  EXPECT_FALSE(claims.find(77));
}

TEST(Claims, ForgetsWhatIsErased) {
  Claims claims;
  claims.insert(77, {handle(3), Claims::Stage::open});
  claims.insert(78, {handle(4), Claims::Stage::open});

  claims.erase(77);

  EXPECT_FALSE(claims.find(77));
  EXPECT_TRUE(claims.find(78));
}

}  // namespace
}  // namespace crolang::broker
