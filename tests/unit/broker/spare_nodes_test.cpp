#include "broker/spare_nodes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::broker {
namespace {

using Texts = SpareNodes<std::string>;

TEST(SpareNodes, GivesANewOneIfThereIsNone) {
  Texts spare;
  const Texts::List one = spare.take();

  EXPECT_EQ(one, Texts::List{""});
}

TEST(SpareNodes, GivesOneAgainWithTheMemoryOfItsValue) {
  Texts spare;
  Texts::List list = spare.take();
  list.front() = std::string(100, 'x');
  const std::string* const value = &list.front();
  const char* const memory = list.front().data();
  spare.give_back(list, list.begin());
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(spare.size(), 1u);

  const Texts::List again = spare.take();

  EXPECT_EQ(&again.front(), value);
  EXPECT_EQ(again.front().data(), memory);
  EXPECT_EQ(spare.size(), 0u);
}

TEST(SpareNodes, KeepsABoundedNumber) {
  Texts spare;
  Texts::List list(Texts::kMost + 10);
  while (!list.empty()) spare.give_back(list, list.begin());

  EXPECT_EQ(spare.size(), Texts::kMost);
}

}  // namespace
}  // namespace crolang::broker
