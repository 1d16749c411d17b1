#include "webhook-common/addresses.hpp"

#include <gtest/gtest.h>

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace crolang::webhook_common {
namespace {

namespace asio = boost::asio;

class AddressesOf : public ::testing::Test {
 protected:
  /// Runs the loop until the look-up has ended.
  Addresses::List found(Addresses& addresses) {
    std::optional<Addresses::List> list;
    addresses.find([&](const Addresses::List& given) { list = given; });
    const auto work = asio::make_work_guard(*context_);
    context_->restart();
    while (!list && context_->run_one_for(std::chrono::seconds(30)) > 0) {
    }
    return list.value_or(Addresses::List{});
  }

  std::shared_ptr<asio::io_context> context_ = std::make_shared<asio::io_context>();
};

TEST_F(AddressesOf, AnAddressAreItselfAtOnce) {
  for (const char* text : {"127.0.0.1", "::1"}) {
    Addresses addresses(context_, text, 80);
    addresses.forget();
    Addresses::List list;
    addresses.find([&](const Addresses::List& given) { list = given; });
    EXPECT_EQ(list, (Addresses::List{{asio::ip::make_address(text), 80}}));
  }
}

TEST_F(AddressesOf, ANameAreLookedUp) {
  Addresses addresses(context_, "localhost", 81);
  const auto list = found(addresses);
  ASSERT_FALSE(list.empty());
  for (const auto& endpoint : list) {
    EXPECT_TRUE(endpoint.address().is_loopback());
    EXPECT_EQ(endpoint.port(), 81);
  }
}

TEST_F(AddressesOf, AnUnknownNameAreNone) {
  Addresses addresses(context_, "no-such-host.invalid", 80);
  EXPECT_TRUE(found(addresses).empty());
}

TEST_F(AddressesOf, ANameAreKeptForTheNextQuestion) {
  Addresses addresses(context_, "localhost", 80);
  const auto list = found(addresses);
  std::optional<Addresses::List> at_once;
  addresses.find([&](const Addresses::List& given) { at_once = given; });
  EXPECT_EQ(at_once, list);
}

TEST_F(AddressesOf, ANameAreLookedUpAgainOnceTheyAreForgotten) {
  Addresses addresses(context_, "localhost", 80);
  const auto list = found(addresses);
  addresses.forget();
  std::optional<Addresses::List> at_once;
  addresses.find([&](const Addresses::List& given) { at_once = given; });
  EXPECT_FALSE(at_once);
  EXPECT_EQ(found(addresses), list);
  EXPECT_EQ(at_once, list) << "who waits shares the look-up";
}

TEST_F(AddressesOf, ANameStartWithTheOneThatWorks) {
  Addresses addresses(context_, "localhost", 80);
  const auto list = found(addresses);
  addresses.prefer(list.back());
  EXPECT_EQ(found(addresses).front(), list.back());
  EXPECT_EQ(found(addresses).size(), list.size());
}

TEST_F(AddressesOf, ANameMayBeGivenUpWhileTheyAreLookedUp) {
  bool called = false;
  {
    Addresses addresses(context_, "localhost", 80);
    addresses.find([&](const Addresses::List&) { called = true; });
  }
  // What the look-up posts finds nobody any more.
  Addresses other(context_, "localhost", 80);
  EXPECT_FALSE(found(other).empty());
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace crolang::webhook_common
