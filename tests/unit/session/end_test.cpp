#include "session/end.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace crolang::session {
namespace {

TEST(End, HasASentenceOfItsOwnForEachReason) {
  std::set<std::string> sentences;
  for (std::size_t i = 0; i < kEndReasons; ++i) {
    sentences.insert(describe(static_cast<EndReason>(i)));
  }
  EXPECT_EQ(sentences.size(), kEndReasons);
  EXPECT_FALSE(sentences.contains(""));
}

TEST(End, IsCountedWhereOthersDoNotCountIt) {
  const std::set<EndReason> elsewhere = {EndReason::room, EndReason::memory,
                                         EndReason::out_of_memory, EndReason::asked_to_retry,
                                         EndReason::already_reported};
  for (std::size_t i = 0; i < kEndReasons; ++i) {
    const auto reason = static_cast<EndReason>(i);
    EXPECT_EQ(counter_of(reason).has_value(), !elsewhere.contains(reason)) << describe(reason);
  }
}

TEST(End, OfTcpIsToldByItsError) {
  EXPECT_EQ(end_of_tcp(0).reason, EndReason::tcp_end);
  EXPECT_EQ(end_of_tcp(ECONNRESET).reason, EndReason::tcp_reset);
  EXPECT_EQ(end_of_tcp(EPIPE).reason, EndReason::tcp_reset);
  EXPECT_EQ(end_of_tcp(ETIMEDOUT).reason, EndReason::tcp_timeout);
  EXPECT_EQ(describe(end_of_tcp(EHOSTUNREACH)), "TCP: No route to host");
}

TEST(End, SaysWhichOperatorWantedItAndWhy) {
  EXPECT_EQ(describe({EndReason::operator_disconnect, std::string_view("by admin: spam")}),
            "disconnected by admin: spam");
  EXPECT_EQ(describe({EndReason::operator_reconnect, std::string_view("by admin")}),
            "asked to reconnect by admin");
  EXPECT_EQ(describe({EndReason::id_refused, std::string_view("refused by an operator until X")}),
            "its id is refused by an operator until X");
}

TEST(End, SaysHowMuchAndHowLong) {
  EXPECT_EQ(describe({EndReason::message_too_large, 1'000'001, 1'000'000}),
            "a message of 1000001 bytes, MAX_PAYLOAD_BYTES is 1000000");
  EXPECT_EQ(describe({EndReason::ping_timeout, 20'000}), "no pong within 20000 ms");
  EXPECT_EQ(describe({EndReason::outbox_stalled, 20'000, 4096}),
            "read none of the 4096 bytes queued for it within 20000 ms");
}

}  // namespace
}  // namespace crolang::session
