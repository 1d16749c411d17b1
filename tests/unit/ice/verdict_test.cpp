#include "ice/verdict.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace crolang::ice {
namespace {

using State = Outcome::State;

Result result(Service service, std::string url, State state) {
  Result result;
  result.target.service = service;
  result.target.url = std::move(url);
  result.outcome.state = state;
  return result;
}

Result stun_url(std::string url, State state) {
  return result(Service::stun, std::move(url), state);
}

Result turn_url(std::string url, State state) {
  return result(Service::turn, std::move(url), state);
}

bool is_good(const std::vector<Result>& results) {
  return judge(results).is_good();
}

TEST(IceVerdict, IsGoodIfOneStunServerAndEveryTurnServerWorks) {
  EXPECT_TRUE(is_good(
      {stun_url("a", State::failed), stun_url("b", State::works), turn_url("c", State::works)}));
  EXPECT_FALSE(is_good({stun_url("a", State::failed), turn_url("c", State::works)}));
  EXPECT_FALSE(is_good(
      {stun_url("a", State::works), turn_url("c", State::works), turn_url("d", State::failed)}));
}

TEST(IceVerdict, IsGoodWithoutTurnServers) {
  EXPECT_TRUE(is_good({stun_url("a", State::works)}));
}

TEST(IceVerdict, IsGoodWithoutStunServersIfATurnServerWorks) {
  EXPECT_TRUE(is_good({turn_url("a", State::works)}));
}

TEST(IceVerdict, IsBadIfThereIsNothing) {
  EXPECT_FALSE(is_good({}));
}

TEST(IceVerdict, CountsAUrlOfSeveralWaysAndAddressesOnce) {
  const std::vector<Result> results{stun_url("a", State::works), stun_url("a", State::failed),
                                    turn_url("b", State::works), turn_url("b", State::failed)};
  const Verdict verdict = judge(results);
  EXPECT_EQ(verdict.stun_urls, 1U);
  EXPECT_EQ(verdict.stun_works, 1U);
  EXPECT_EQ(verdict.stun_works_partly, 1U);
  EXPECT_EQ(verdict.turn_urls, 1U);
  EXPECT_EQ(verdict.turn_works, 0U) << "a node may take the address that fails";
}

TEST(IceVerdict, IsBadIfStunServersAnswerByTcpOnly) {
  Result by_tcp = stun_url("a", State::works);
  by_tcp.target.way = Way::tcp;
  const std::vector<Result> results{stun_url("a", State::failed), by_tcp,
                                    turn_url("b", State::works)};
  const Verdict verdict = judge(results);
  EXPECT_FALSE(verdict.is_good()) << "nodes ask stun: servers by UDP";
  EXPECT_EQ(verdict.stun_works, 0U);
  EXPECT_EQ(verdict.stun_only_by_tcp, 1U);
}

TEST(IceVerdict, IsGoodIfAStunServerAnswersByTls) {
  Result by_tls = stun_url("a", State::works);
  by_tls.target.way = Way::tls;
  EXPECT_TRUE(is_good({by_tls}));
}

TEST(IceVerdict, IsBadIfATurnUrlWasLeftOut) {
  const std::vector<Result> results{stun_url("a", State::works), turn_url("b", State::works)};
  const Verdict verdict = judge(results, 1);
  EXPECT_FALSE(verdict.is_good());
  EXPECT_EQ(verdict.turn_urls, 2U);
  EXPECT_EQ(verdict.turn_works, 1U);
}

TEST(IceVerdict, DoesNotCountWhatWasSkipped) {
  EXPECT_TRUE(is_good({turn_url("b", State::works), turn_url("b", State::skipped)}));
  EXPECT_FALSE(is_good({turn_url("b", State::skipped)}));
}

}  // namespace
}  // namespace crolang::ice
