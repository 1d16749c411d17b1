#include "common/resolver.hpp"

#include <gmock/gmock.h>

#include <future>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "support/faults.hpp"
#include "support/names.hpp"

namespace crolang::common {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class ResolverOf : public ::testing::Test {
 protected:
  ~ResolverOf() override { names::forget_all(); }

  static Resolver::Answer look_up(Resolver& resolver, const std::string& host) {
    const auto told = std::make_shared<std::promise<void>>();
    resolver.ask(host, [told] { told->set_value(); });
    told->get_future().wait();
    EXPECT_TRUE(resolver.has_answer());
    return resolver.take_answer();
  }

  Resolver resolver_;
};

TEST_F(ResolverOf, AnAddressAnswersAtOnce) {
  for (const char* host : {"127.0.0.1", "::1", "2001:db8::1"}) {
    bool told = false;
    resolver_.ask(host, [&] { told = true; });
    EXPECT_TRUE(told);
    ASSERT_TRUE(resolver_.has_answer());
    const auto answer = resolver_.take_answer();
    EXPECT_THAT(answer.addresses, ElementsAre(host));
    EXPECT_EQ(answer.fault, "");
    EXPECT_FALSE(resolver_.is_asking());
  }
}

TEST_F(ResolverOf, ANameAnswersWithItsAddressesInTheirOrder) {
  names::set("store.test", {"192.0.2.2", "192.0.2.1", "2001:db8::1"});
  const auto answer = look_up(resolver_, "store.test");
  EXPECT_THAT(answer.addresses, ElementsAre("192.0.2.2", "192.0.2.1", "2001:db8::1"));
  EXPECT_EQ(answer.fault, "");
}

TEST_F(ResolverOf, ANameIsLookedUpAsTheSystemDoes) {
  const auto answer = look_up(resolver_, "localhost");
  EXPECT_THAT(answer.addresses, Not(IsEmpty()));
  for (const auto& each : answer.addresses) {
    EXPECT_TRUE(each == "::1" || each.starts_with("127.")) << each;
  }
}

TEST_F(ResolverOf, AnUnknownNameAnswersWithTheSystemsWords) {
  names::set("gone.test", {});
  const auto answer = look_up(resolver_, "gone.test");
  EXPECT_THAT(answer.addresses, IsEmpty());
  EXPECT_EQ(answer.fault, "Temporary failure in name resolution");
}

TEST_F(ResolverOf, AHangingNameServerBlocksNobody) {
  names::hang("slow.test");
  const auto told = std::make_shared<std::promise<void>>();
  resolver_.ask("slow.test", [told] { told->set_value(); });
  EXPECT_TRUE(resolver_.is_asking());
  EXPECT_FALSE(resolver_.has_answer());
  names::set("slow.test", {"192.0.2.1"});
  told->get_future().wait();
  EXPECT_THAT(resolver_.take_answer().addresses, ElementsAre("192.0.2.1"));
}

TEST_F(ResolverOf, ALookUpMayOutliveWhoAsked) {
  names::hang("slow.test");
  const auto told = std::make_shared<std::promise<void>>();
  {
    Resolver gone;
    gone.ask("slow.test", [told] { told->set_value(); });
  }
  names::set("slow.test", {"192.0.2.1"});
  told->get_future().wait();
}

TEST_F(ResolverOf, NothingIsAskedWithoutAThread) {
  names::set("store.test", {"192.0.2.1"});
  {
    const faults::Victim victim;
    faults::fail_thread_starts(1);
    EXPECT_THROW(resolver_.ask("store.test"), std::system_error);
    faults::heal();
  }
  EXPECT_FALSE(resolver_.is_asking());
  EXPECT_THAT(look_up(resolver_, "store.test").addresses, ElementsAre("192.0.2.1"));
}

}  // namespace
}  // namespace crolang::common
