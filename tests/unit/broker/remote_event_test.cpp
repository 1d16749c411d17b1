#include "broker/remote_event.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::broker {
namespace {

constexpr std::string_view kEvent = R"(42["CONNECTION_ATTEMPT","{}"])";

std::string written(const NegotiationNames& names) {
  std::string body(names_size(names), '?');
  EXPECT_EQ(write_names(body.data(), names), body.data() + body.size());
  return body.append(kEvent);
}

TEST(RemoteEvent, HasTheNamesBeforeIt) {
  EXPECT_EQ(written({"alice", "3d0c"}), "N00050004alice3d0c" + std::string(kEvent));
}

TEST(RemoteEvent, IsSplit) {
  const std::string longest(1024, 'x');
  for (const NegotiationNames& names :
       {NegotiationNames{"alice", "3d0c"}, {"alice", ""}, {longest, longest}, {"42[", "N0000"}}) {
    const std::string body = written(names);
    const RemoteEvent split = split_remote_event(body);
    EXPECT_EQ(split.names, names);
    EXPECT_EQ(split.event, kEvent);
  }
}

TEST(RemoteEvent, IsMarkedIfItIsToBeNotedWhole) {
  const std::string body = kWholeMark + std::string(kEvent);
  const RemoteEvent split = split_remote_event(body);
  EXPECT_TRUE(split.is_whole);
  EXPECT_FALSE(split.names);
  EXPECT_EQ(split.event, kEvent);
  EXPECT_FALSE(split_remote_event(kEvent).is_whole);
}

TEST(RemoteEvent, HasNoNamesThatAreLong) {
  const std::string longer(1025, 'x');
  EXPECT_EQ(names_size({longer, "s"}), 0u);
  EXPECT_EQ(names_size({"alice", longer}), 0u);
}

TEST(RemoteEvent, IsAllThatIsGivenIfItsNamesAreMalformed) {
  for (const std::string_view body : {"", "N", "N0001000", "N00010001a", "N0001000xab",
                                      "N-0010001ab", "n00010001ab", "42[\"x\"]"}) {
    const RemoteEvent split = split_remote_event(body);
    EXPECT_FALSE(split.names) << body;
    EXPECT_EQ(split.event, body);
  }
}

}  // namespace
}  // namespace crolang::broker
