#include "session/handle.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "session/outbox.hpp"

namespace crolang::session {
namespace {

TEST(SessionHandle, ComesBackFromItsNumber) {
  for (const SessionHandle handle :
       {SessionHandle{}, SessionHandle{7, 1, 0}, SessionHandle{0, 1, 1},
        SessionHandle{OutboxTable::kMaxSlots - 1, UINT32_MAX,
                      (1u << SessionHandle::kWorkerBits) - 1}}) {
    EXPECT_EQ(SessionHandle::unpacked(handle.packed()), handle);
  }
}

TEST(SessionHandle, IsZeroIfItNamesNobody) {
  EXPECT_EQ(SessionHandle{}.packed(), 0u);
}

TEST(SessionHandle, HasANumberOfItsOwn) {
  EXPECT_NE((SessionHandle{1, 1, 0}.packed()), (SessionHandle{0, 1, 1}.packed()));
  EXPECT_NE((SessionHandle{1, 1, 0}.packed()), (SessionHandle{1, 2, 0}.packed()));
}

}  // namespace
}  // namespace crolang::session
