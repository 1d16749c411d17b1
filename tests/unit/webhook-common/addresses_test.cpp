#include "webhook-common/addresses.hpp"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "support/faults.hpp"

namespace crolang::webhook_common {
namespace {

namespace asio = boost::asio;

class AddressesOf : public ::testing::Test {
 protected:
  Addresses make(const std::string& host) {
    return {context_, host, 81, [this](const std::string& error) { error_ = error; }};
  }
  /// Runs the loop until the lookup has ended; with which error.
  std::string look_up(Addresses& addresses) {
    error_.reset();
    addresses.look_up();
    const auto work = asio::make_work_guard(*context_);
    context_->restart();
    while (!error_ && context_->run_one_for(std::chrono::seconds(30)) > 0) {
    }
    return error_.value_or("never ended");
  }

  std::shared_ptr<asio::io_context> context_ = std::make_shared<asio::io_context>();
  std::optional<std::string> error_;
};

TEST_F(AddressesOf, AnAddressAreItselfAndNeverLookedUp) {
  for (const char* text : {"127.0.0.1", "::1"}) {
    auto addresses = make(text);
    const auto order = addresses.pool().order({});
    ASSERT_EQ(order.size(), 1u);
    EXPECT_EQ(order[0]->endpoint(), AddressPool::Endpoint(asio::ip::make_address(text), 81));
    addresses.pool().need_look_up();
    EXPECT_EQ(addresses.due(), AddressPool::TimePoint::max());
    addresses.look_up();
    EXPECT_EQ(addresses.number(), 0u);
  }
}

TEST_F(AddressesOf, ANameAreLookedUp) {
  auto addresses = make("localhost");
  EXPECT_TRUE(addresses.pool().empty());
  EXPECT_EQ(look_up(addresses), "");
  ASSERT_FALSE(addresses.pool().empty());
  for (const auto& each : addresses.pool().order({})) {
    EXPECT_TRUE(each->endpoint().address().is_loopback());
    EXPECT_EQ(each->endpoint().port(), 81);
  }
  EXPECT_FALSE(addresses.pool().looking_up());
  EXPECT_NE(addresses.due(), AddressPool::TimePoint::max());
}

TEST_F(AddressesOf, AnUnknownNameAreNoneForTheSystemsReason) {
  auto addresses = make("no-such-host.invalid");
  EXPECT_NE(look_up(addresses), "");
  EXPECT_TRUE(addresses.pool().empty());
}

TEST_F(AddressesOf, ANameHaveOneLookUpAtATime) {
  auto addresses = make("localhost");
  addresses.look_up();
  addresses.look_up();
  EXPECT_EQ(addresses.number(), 1u);
  EXPECT_TRUE(addresses.pool().looking_up());
  EXPECT_EQ(look_up(addresses), "");
  EXPECT_EQ(look_up(addresses), "");
  EXPECT_EQ(addresses.number(), 2u);
}

TEST_F(AddressesOf, ANameAreLookedUpLaterIfThereIsNoThread) {
  auto addresses = make("localhost");
  EXPECT_EQ(look_up(addresses), "");
  addresses.pool().need_look_up();
  const auto before = std::chrono::steady_clock::now();
  {
    const faults::Victim victim;
    faults::fail_thread_starts(1);
    EXPECT_THROW(addresses.look_up(), std::system_error);
    faults::heal();
  }
  EXPECT_FALSE(addresses.pool().looking_up());
  EXPECT_GE(addresses.due(), before + AddressPool::kUrgentRefresh);
  EXPECT_LT(addresses.due(), AddressPool::TimePoint::max());
  EXPECT_EQ(look_up(addresses), "");
}

TEST_F(AddressesOf, ANameMayBeGivenUpWhileTheyAreLookedUp) {
  bool called = false;
  {
    Addresses addresses(context_, "localhost", 80, [&](const std::string&) { called = true; });
    addresses.look_up();
  }
  // What the lookup posts finds nobody any more.
  auto other = make("localhost");
  EXPECT_EQ(look_up(other), "");
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace crolang::webhook_common
