#include "engineio/packet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace crolang::engineio {
namespace {

TEST(EngineioPacket, HandsAMessageToTheLayerAbove) {
  const auto packet = parse(R"(42["x"])");
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, PacketType::message);
  EXPECT_EQ(packet->data, R"(2["x"])");
}

TEST(EngineioPacket, HandsOnAMessageWithNothingInIt) {
  const auto packet = parse("4");
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, PacketType::message);
  EXPECT_TRUE(packet->data.empty());
}

TEST(EngineioPacket, TakesAPong) {
  EXPECT_EQ(parse("3")->type, PacketType::pong);
  EXPECT_EQ(parse("3probe")->type, PacketType::pong);
}

TEST(EngineioPacket, IgnoresWhatHasNoMeaningFromAClient) {
  for (const char* text : {"0", R"(0{"sid":"x"})", "1", "5", "6", "6x"}) {
    ASSERT_TRUE(parse(text)) << text;
    EXPECT_EQ(parse(text)->type, PacketType::ignored) << text;
  }
}

TEST(EngineioPacket, RefusesAPingSinceOnlyServersSendThem) {
  EXPECT_FALSE(parse("2"));
  EXPECT_FALSE(parse("2probe"));
}

TEST(EngineioPacket, RefusesAnEmptyMessage) {
  EXPECT_FALSE(parse(""));
}

TEST(EngineioPacket, RefusesEveryOtherType) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    EXPECT_EQ(parse(text).has_value(),
              std::string_view("013456b").find(text.front()) != std::string_view::npos)
        << byte;
  }
}

TEST(EngineioPacket, TakesBinaryInTextForm) {
  const auto packet = parse("bAAAA");
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, PacketType::binary);
  EXPECT_EQ(packet->data, "AAAA");
}

TEST(EngineioPacket, KnowsTheSizeOfBinaryInTextForm) {
  EXPECT_EQ(decoded_size(""), 0U);
  EXPECT_EQ(decoded_size("AAAA"), 3U);
  EXPECT_EQ(decoded_size("AAAAAAA="), 5U);
  EXPECT_EQ(decoded_size("AAAAAA=="), 4U);
  EXPECT_EQ(decoded_size("AAAAAA"), 4U);
  EXPECT_EQ(decoded_size("A"), 0U);
  EXPECT_EQ(decoded_size("=="), 0U);
}

}  // namespace
}  // namespace crolang::engineio
