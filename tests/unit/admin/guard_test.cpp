#include "admin/guard.hpp"

#include <gtest/gtest.h>

namespace crolang::admin {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kToken = "a-token-of-some-length";
const Guard::TimePoint kNow{48h};
const client_address::Address kPeer = client_address::ipv4_address({192, 0, 2, 7});

unsigned status_of(const std::variant<Admitted, Denial>& result) {
  const auto* denial = std::get_if<Denial>(&result);
  return denial == nullptr ? 200 : denial->status;
}

unsigned by_header(Guard& guard, std::string_view header, Guard::TimePoint now = kNow) {
  return status_of(guard.admit({kPeer, header, {}}, now));
}

unsigned by_cookie(Guard& guard, std::string_view id, Guard::TimePoint now = kNow) {
  return status_of(guard.admit({kPeer, std::nullopt, id}, now));
}

std::string bearer(std::string_view token) {
  return "Bearer " + std::string(token);
}

TEST(Guard, AdmitsWhoHasTheToken) {
  telemetry::SharedCounters counters;
  Guard guard(kToken, counters);
  EXPECT_EQ(by_header(guard, bearer(kToken)), 200u);
  EXPECT_EQ(by_header(guard, "bearer  a-token-of-some-length "), 200u);
  EXPECT_EQ(status_of(guard.admit({kPeer, std::nullopt, {}}, kNow)), 401u);
  EXPECT_EQ(by_header(guard, "Basic YTpi"), 401u);
  EXPECT_EQ(by_header(guard, bearer("a-token-of-some-lengtH")), 401u);
  EXPECT_EQ(by_header(guard, bearer("")), 401u);
}

TEST(Guard, AnEmptyTokenAdmitsNobody) {
  telemetry::SharedCounters counters;
  Guard guard(kToken, counters);
  const std::string session = std::get<std::string>(guard.log_in(kToken, kPeer, kNow));
  guard.set_token("");
  EXPECT_EQ(by_cookie(guard, session), 401u);
  EXPECT_EQ(by_header(guard, bearer("")), 401u);
  EXPECT_EQ(by_header(guard, bearer(kToken)), 401u);
  EXPECT_EQ(std::get<Denial>(guard.log_in("", kPeer, kNow)).status, 401u);
  guard.set_token(kToken);
  EXPECT_EQ(by_header(guard, bearer(kToken)), 200u);
  Guard never("", counters);
  EXPECT_EQ(by_header(never, bearer("")), 401u);
}

TEST(Guard, AfterFiveWrongTokensEvenTheRightOneHasToWait) {
  telemetry::SharedCounters counters;
  Guard guard(kToken, counters);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(by_header(guard, bearer("wrong")), 401u);
  EXPECT_EQ(by_header(guard, bearer("wrong")), 429u);
  EXPECT_EQ(counters.value(telemetry::Counter::admin_wrong_tokens), 5u);
  const auto result = guard.admit({kPeer, bearer(kToken), {}}, kNow + 20s);
  ASSERT_EQ(status_of(result), 429u);
  EXPECT_EQ(std::get<Denial>(result).retry_after, 40s);
  EXPECT_EQ(std::get<Denial>(guard.log_in(kToken, kPeer, kNow)).status, 429u);
  const auto other = client_address::ipv4_address({192, 0, 2, 8});
  EXPECT_EQ(status_of(guard.admit({other, bearer(kToken), {}}, kNow)), 200u);
  EXPECT_EQ(by_header(guard, bearer(kToken), kNow + 60s), 200u);
}

TEST(Guard, ASessionOutlivesTheLimitAndAnOldCookieIsNoAttempt) {
  telemetry::SharedCounters counters;
  Guard guard(kToken, counters);
  const std::string id = std::get<std::string>(guard.log_in(kToken, kPeer, kNow));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(by_cookie(guard, "stale"), 401u);
  for (int i = 0; i < 6; ++i) by_header(guard, bearer("wrong"));
  EXPECT_EQ(by_cookie(guard, id), 200u);
}

TEST(Guard, TheSessionIsNotTheToken) {
  telemetry::SharedCounters counters;
  Guard guard(kToken, counters);
  const std::string id = std::get<std::string>(guard.log_in(kToken, kPeer, kNow));
  EXPECT_NE(id, kToken);
  EXPECT_EQ(by_cookie(guard, kToken), 401u);
  EXPECT_EQ(by_header(guard, bearer(id)), 401u);
  guard.log_out(id, kNow);
  EXPECT_EQ(by_cookie(guard, id), 401u);
}

TEST(Guard, AnotherTokenCountsAtOnceAndEndsSessions) {
  telemetry::SharedCounters counters;
  Guard guard(kToken, counters);
  const std::string id = std::get<std::string>(guard.log_in(kToken, kPeer, kNow));
  const auto by_session = guard.admit({kPeer, std::nullopt, id}, kNow);
  const auto by_token = guard.admit({kPeer, bearer(kToken), {}}, kNow);
  guard.set_token(kToken);
  EXPECT_TRUE(guard.is_current(std::get<Admitted>(by_session), kNow));
  EXPECT_TRUE(guard.is_current(std::get<Admitted>(by_token), kNow));
  guard.set_token("another-token-of-some-length");
  EXPECT_FALSE(guard.is_current(std::get<Admitted>(by_session), kNow));
  EXPECT_FALSE(guard.is_current(std::get<Admitted>(by_token), kNow));
  EXPECT_EQ(by_cookie(guard, id), 401u);
  EXPECT_EQ(by_header(guard, bearer(kToken)), 401u);
  EXPECT_EQ(by_header(guard, "Bearer another-token-of-some-length"), 200u);
}

TEST(Guard, WhatWasAdmittedEndsWithItsSession) {
  telemetry::SharedCounters counters;
  Guard guard(kToken, counters);
  const std::string id = std::get<std::string>(guard.log_in(kToken, kPeer, kNow));
  const Admitted admitted = std::get<Admitted>(guard.admit({kPeer, std::nullopt, id}, kNow));
  EXPECT_TRUE(guard.is_current(admitted, kNow));
  guard.log_out(id, kNow);
  EXPECT_FALSE(guard.is_current(admitted, kNow));
}

TEST(Guard, ReadsOneCookieAmongOthers) {
  EXPECT_EQ(cookie("a=1; crolang_admin_9=xyz; b=2", "crolang_admin_9"), "xyz");
  EXPECT_EQ(cookie("crolang_admin_90=abc;crolang_admin_9=xyz", "crolang_admin_9"), "xyz");
  EXPECT_EQ(cookie("", "a"), "");
  EXPECT_EQ(cookie("a", "a"), "");
  EXPECT_EQ(cookie(";;=;a=", "a"), "");
}

}  // namespace
}  // namespace crolang::admin
