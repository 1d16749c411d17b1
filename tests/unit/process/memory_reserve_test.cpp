#include "process/memory_reserve.hpp"

#include <gtest/gtest.h>

#include <new>
#include <thread>

namespace crolang::process {
namespace {

/// As operator new does when it finds no memory.
void run_short() {
  std::get_new_handler()();
}

class MemoryReserveTest : public testing::Test {
 protected:
  MemoryReserveTest() { MemoryReserve::install(); }
  ~MemoryReserveTest() override { std::set_new_handler(nullptr); }
};

TEST_F(MemoryReserveTest, IsGivenUpBeforeTheExceptionIsThrown) {
  MemoryReserve reserve;
  ASSERT_TRUE(reserve.is_there());
  try {
    run_short();
    FAIL() << "nothing was thrown";
  } catch (const std::bad_alloc&) {
    EXPECT_FALSE(reserve.is_there());
  }
}

TEST_F(MemoryReserveTest, IsThereAgainOnceItIsRefilled) {
  MemoryReserve reserve;
  EXPECT_THROW(run_short(), std::bad_alloc);
  EXPECT_THROW(run_short(), std::bad_alloc) << "also without one";
  reserve.refill();
  EXPECT_TRUE(reserve.is_there());
}

TEST_F(MemoryReserveTest, IsNotThatOfAnotherThread) {
  MemoryReserve reserve;
  std::thread([] { EXPECT_THROW(run_short(), std::bad_alloc); }).join();
  EXPECT_TRUE(reserve.is_there());
}

TEST_F(MemoryReserveTest, IsNoLongerGivenUpOnceItHasEnded) {
  { const MemoryReserve reserve; }
  EXPECT_THROW(run_short(), std::bad_alloc);
}

}  // namespace
}  // namespace crolang::process
