#include <gtest/gtest.h>

#include <crolang/until_memory.hpp>
#include <new>
#include <stdexcept>

namespace crolang {
namespace {

TEST(UntilThereIsMemory, TriesAgainUntilThereIsSome) {
  int tries = 0;
  until_there_is_memory([&] {
    if (++tries < 3) throw std::bad_alloc();
  });
  EXPECT_EQ(tries, 3);
}

TEST(UntilThereIsMemory, LetsOtherErrorsThrough) {
  int tries = 0;
  const auto fails = [&] {
    ++tries;
    throw std::runtime_error("no memory has to do with it");
  };
  EXPECT_THROW(until_there_is_memory(fails), std::runtime_error);
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace crolang
