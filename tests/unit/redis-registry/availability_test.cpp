#include "redis-registry/availability.hpp"

#include <gmock/gmock.h>

#include <crolang/testing/fake_host.hpp>
#include <string>
#include <vector>

namespace crolang::redis_registry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AvailabilityTest : public testing::Test {
 protected:
  AvailabilityTest() {
    table_.size = sizeof table_;
    table_.ctx = this;
    table_.on_unavailable = [](void* ctx, crolang_str reason) {
      static_cast<AvailabilityTest*>(ctx)->said_.emplace_back(reason.data, reason.size);
    };
    table_.on_available = [](void* ctx) {
      static_cast<AvailabilityTest*>(ctx)->said_.emplace_back("available");
    };
  }

  crolang_registry_events table_{};
  std::vector<std::string> said_;
  std::vector<std::string> warnings_;
  const plugin::testing::FakeHost host_{crolang_plugin{}};
  const plugin::RegistryEvents events_{plugin::Host(host_.table()), &table_};
  Availability all_{events_, [this](std::string_view reason) { warnings_.emplace_back(reason); }};
  int one_ = 0;
  int other_ = 0;
};

TEST_F(AvailabilityTest, IsSaidOnceOfSeveralParts) {
  all_.on_unavailable(&one_, "one is away");
  all_.on_unavailable(&other_, "another one, too");
  EXPECT_THAT(said_, ElementsAre("one is away"));
  EXPECT_THAT(warnings_, ElementsAre("another one, too"));
}

TEST_F(AvailabilityTest, ReturnsWithTheLastPart) {
  all_.on_unavailable(&one_, "one is away");
  all_.on_unavailable(&other_, "another one, too");
  said_.clear();
  all_.on_available(&one_);
  EXPECT_THAT(said_, IsEmpty());
  all_.on_available(&other_);
  EXPECT_THAT(said_, ElementsAre("available"));
}

TEST_F(AvailabilityTest, ReturnsWhenThePartThatWasAwayIsNoMore) {
  all_.forget(&one_);
  EXPECT_THAT(said_, IsEmpty()) << "it always was";
  all_.on_unavailable(&one_, "one is away");
  all_.forget(&one_);
  EXPECT_THAT(said_, ElementsAre("one is away", "available"));
}

TEST_F(AvailabilityTest, SaysNothingOnceItHasEnded) {
  all_.on_unavailable(&one_, "one is away");
  all_.end();
  all_.forget(&one_);
  all_.on_unavailable(&other_, "another one, too");
  EXPECT_THAT(said_, ElementsAre("one is away"));
  EXPECT_THAT(warnings_, IsEmpty());
}

}  // namespace
}  // namespace crolang::redis_registry
