#include "webhook-common/connection_pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace crolang::webhook_common {
namespace {

using TimePoint = AddressPool::TimePoint;
using std::chrono::seconds;

class FakeConnection {
 public:
  explicit FakeConnection(AddressPool::Ref address) : address_(std::move(address)) {}
  const AddressPool::Ref& address() const noexcept { return address_; }
  bool has_unasked_input() const noexcept { return spoken; }
  void close() noexcept { closed = true; }

  bool spoken = false;
  bool closed = false;

 private:
  AddressPool::Ref address_;
};

TimePoint at(int s) {
  return TimePoint(seconds(s));
}

class AConnectionPool : public ::testing::Test {
 protected:
  static AddressPool::Ref address(const std::string& digits) {
    return std::make_shared<AddressPool::Address>(
        AddressPool::Endpoint(boost::asio::ip::make_address(digits), 80));
  }
  std::shared_ptr<FakeConnection> keep(const AddressPool::Ref& to, int s) {
    auto connection = std::make_shared<FakeConnection>(to);
    pool_.keep(connection, at(s));
    return connection;
  }

  const AddressPool::Ref one_ = address("192.0.2.1");
  const AddressPool::Ref two_ = address("192.0.2.2");
  ConnectionPool<FakeConnection> pool_{3};
};

TEST_F(AConnectionPool, GivesTheConnectionUsedLast) {
  const auto old = keep(one_, 1);
  const auto fresh = keep(one_, 2);
  keep(two_, 3);
  EXPECT_EQ(pool_.take(one_.get()), fresh);
  EXPECT_EQ(pool_.take(one_.get()), old);
  EXPECT_EQ(pool_.take(one_.get()), nullptr);
  EXPECT_EQ(pool_.take(nullptr), nullptr);
  EXPECT_EQ(pool_.size(), 1u);
}

TEST_F(AConnectionPool, ClosesConnectionsWithUnsolicitedData) {
  const auto good = keep(one_, 1);
  const auto odd = keep(one_, 2);
  odd->spoken = true;
  EXPECT_EQ(pool_.take(one_.get()), good);
  EXPECT_TRUE(odd->closed);
  EXPECT_FALSE(good->closed);
}

TEST_F(AConnectionPool, MakesRoomByClosingWhatIsIdleForLongest) {
  const auto old = keep(one_, 1);
  const auto fresh = keep(two_, 2);
  pool_.make_room(0);
  EXPECT_FALSE(old->closed);
  pool_.make_room(1);
  EXPECT_TRUE(old->closed);
  EXPECT_FALSE(fresh->closed);
  EXPECT_EQ(pool_.size(), 1u);
}

TEST_F(AConnectionPool, ClosesWhatIsIdleForTooLong) {
  EXPECT_EQ(pool_.expiry(), TimePoint::max());
  const auto old = keep(one_, 1);
  const auto fresh = keep(one_, 2);
  EXPECT_EQ(pool_.expiry(), at(31));
  pool_.close_expired(at(30));
  EXPECT_FALSE(old->closed);
  pool_.close_expired(at(31));
  EXPECT_TRUE(old->closed);
  EXPECT_FALSE(fresh->closed);
  EXPECT_EQ(pool_.expiry(), at(32));
}

TEST_F(AConnectionPool, ClosesWhatLeadsToAnAddressThatIsNoLongerListed) {
  AddressPool addresses;
  const auto endpoint = [](const char* digits) {
    return AddressPool::Endpoint(boost::asio::ip::make_address(digits), 80);
  };
  addresses.replace({endpoint("192.0.2.1"), endpoint("192.0.2.2")});
  const auto order = addresses.order({});
  const auto first = keep(order[0], 1);
  const auto second = keep(order[1], 1);
  addresses.replace({order[1]->endpoint()});
  pool_.close_unlisted();
  EXPECT_TRUE(first->closed);
  EXPECT_FALSE(second->closed);
  EXPECT_EQ(pool_.size(), 1u);
}

TEST_F(AConnectionPool, ClosesConnectionsWithoutDataSinceThenToTheSameAddress) {
  const auto silent = keep(one_, 1);
  const auto elsewhere = keep(two_, 1);
  const auto heard = keep(one_, 5);
  pool_.close_silent(one_, at(5));
  EXPECT_TRUE(silent->closed);
  EXPECT_FALSE(elsewhere->closed);
  EXPECT_FALSE(heard->closed);
  EXPECT_EQ(pool_.size(), 2u);
}

TEST_F(AConnectionPool, RemovesWhatHasClosedByItself) {
  const auto gone = keep(one_, 1);
  const auto other = keep(one_, 1);
  pool_.forget(gone.get());
  EXPECT_EQ(pool_.take(one_.get()), other);
  EXPECT_EQ(pool_.take(one_.get()), nullptr);
}

TEST_F(AConnectionPool, ClosesAll) {
  const auto first = keep(one_, 1);
  const auto second = keep(two_, 2);
  pool_.close_all();
  EXPECT_TRUE(first->closed);
  EXPECT_TRUE(second->closed);
  EXPECT_EQ(pool_.size(), 0u);
}

}  // namespace
}  // namespace crolang::webhook_common
