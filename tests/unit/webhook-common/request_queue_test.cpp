#include "webhook-common/request_queue.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "support/faults.hpp"

namespace crolang::webhook_common {
namespace {

using Admitted = RequestQueue::Admitted;
using TimePoint = RequestQueue::TimePoint;
using std::chrono::milliseconds;

struct NobodyAsks final : ReplyHandler {
  void operator()(const Reply&) override {}
};

TimePoint at(int ms) {
  return TimePoint(milliseconds(ms));
}

Question question(std::string body, int deadline) {
  return {std::move(body), milliseconds(7), at(deadline), std::make_unique<NobodyAsks>()};
}

Admitted admit(RequestQueue& queue, std::string body, int deadline) {
  Question asked = question(std::move(body), deadline);
  return queue.admit(asked);
}

TEST(ARequestQueue, StartsTheRequestWhoseDeadlineComesFirst) {
  RequestQueue queue(Sharing::one_request_each);
  EXPECT_FALSE(queue.has_waiting());
  EXPECT_EQ(queue.next_deadline(), TimePoint::max());
  admit(queue, "late", 20);
  admit(queue, "early", 10);
  EXPECT_EQ(queue.next_deadline(), at(10));
  const auto first = queue.start_next();
  EXPECT_EQ(first->second.content.body(), "early");
  EXPECT_EQ(first->second.limit, milliseconds(7));
  EXPECT_EQ(first->first, at(10));
  EXPECT_EQ(queue.in_flight(), 1u);
  EXPECT_EQ(queue.next_deadline(), at(10));
  EXPECT_EQ(queue.start_next()->second.content.body(), "late");
  EXPECT_FALSE(queue.has_waiting());
}

TEST(ARequestQueue, AnswersQuestionsWithTheSameContentByOneRequest) {
  RequestQueue queue(Sharing::one_request_for_all);
  EXPECT_EQ(admit(queue, "same", 10), Admitted::as_request);
  EXPECT_EQ(admit(queue, "same", 20), Admitted::into_request);
  EXPECT_EQ(admit(queue, "other", 30), Admitted::as_request);
  const auto request = queue.start_next();
  EXPECT_EQ(request->second.handlers.size(), 2u);
  EXPECT_EQ(admit(queue, "same", 40), Admitted::into_request);
  EXPECT_EQ(request->second.handlers.size(), 3u);
  const auto taken = queue.take(request);
  EXPECT_EQ(taken.mapped().handlers.size(), 3u);
  EXPECT_EQ(admit(queue, "same", 50), Admitted::as_request);
}

TEST(ARequestQueue, AsksForEachWhoseHeadersDiffer) {
  RequestQueue queue(Sharing::one_request_for_all);
  const auto admit_with = [&](std::string lines) {
    Question asked = question("{}", 10);
    asked.content = {std::move(lines), "{}"};
    return queue.admit(asked);
  };
  EXPECT_EQ(admit_with("A: 1\r\n"), Admitted::as_request);
  EXPECT_EQ(admit_with("A: 2\r\n"), Admitted::as_request);
  EXPECT_EQ(admit_with(""), Admitted::as_request);
  EXPECT_EQ(admit_with("A: 1\r\n"), Admitted::into_request);
}

TEST(ARequestQueue, AsksForEachWhereTheyDoNotShare) {
  RequestQueue queue(Sharing::one_request_each);
  EXPECT_EQ(admit(queue, "same", 10), Admitted::as_request);
  EXPECT_EQ(admit(queue, "same", 10), Admitted::as_request);
}

TEST(ARequestQueue, SaysWhichRequestIsLate) {
  RequestQueue queue(Sharing::one_request_for_all);
  admit(queue, "a", 10);
  admit(queue, "b", 20);
  const auto in_flight = queue.start_next();
  EXPECT_TRUE(queue.is_none(queue.late(at(9))));
  EXPECT_EQ(queue.late(at(10)), in_flight);
  EXPECT_TRUE(queue.take_late_waiting(at(19)).empty());
  const auto late = queue.take_late_waiting(at(20));
  ASSERT_FALSE(late.empty());
  EXPECT_EQ(late.mapped().content.body(), "b");
  EXPECT_EQ(admit(queue, "b", 30), Admitted::as_request);
  queue.take(in_flight);
  EXPECT_TRUE(queue.is_none(queue.late(at(10))));
}

TEST(ARequestQueue, ReleasesTheShareOfAnAddressWithTheRequest) {
  AddressPool pool;
  pool.replace({{boost::asio::ip::make_address("192.0.2.1"), 80},
                {boost::asio::ip::make_address("192.0.2.2"), 80}});
  RequestQueue queue(Sharing::one_request_each);
  admit(queue, "a", 10);
  const auto request = queue.start_next();
  const auto address = pool.order({}).front();
  request->second.share = pool.ask(address, {});
  EXPECT_NE(pool.best({}), address.get());
  const auto taken = queue.take(request);
  EXPECT_EQ(taken.mapped().share.address(), nullptr);
}

TEST(ARequestQueue, IsEmptyOnceAllWereTaken) {
  RequestQueue queue(Sharing::one_request_for_all);
  admit(queue, "in flight", 10);
  admit(queue, "waiting", 20);
  queue.start_next();
  const auto [in_flight, waiting] = queue.take_all();
  ASSERT_EQ(in_flight.size(), 1u);
  EXPECT_EQ(in_flight.begin()->second.content.body(), "in flight");
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting.begin()->second.content.body(), "waiting");
  EXPECT_EQ(queue.in_flight(), 0u);
  EXPECT_FALSE(queue.has_waiting());
  EXPECT_EQ(admit(queue, "waiting", 30), Admitted::as_request);
}

TEST(ARequestQueue, ChangesNothingWhereThereIsNoMemory) {
  const std::string body(100, 'b');
  for (std::uint64_t failing = 1;; ++failing) {
    RequestQueue queue(Sharing::one_request_for_all);
    Question asked = question(body, 10);
    bool thrown = false;
    {
      const faults::Victim victim;
      faults::fail_allocations(failing, failing + 1);
      try {
        queue.admit(asked);
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      faults::heal();
    }
    if (!thrown) {
      EXPECT_GT(failing, 2u);
      break;
    }
    EXPECT_EQ(asked.content.body(), body);
    ASSERT_NE(asked.handler, nullptr);
    EXPECT_FALSE(queue.has_waiting());
    EXPECT_EQ(queue.admit(asked), Admitted::as_request);
    EXPECT_EQ(queue.start_next()->second.content.body(), body);
  }
}

}  // namespace
}  // namespace crolang::webhook_common
