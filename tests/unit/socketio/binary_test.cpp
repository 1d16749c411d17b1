#include "socketio/binary.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace crolang::socketio {
namespace {

using Outcome = BinaryAssembly::Outcome;

std::unique_ptr<BinaryAssembly> begin_assembly(std::string_view text,
                                               std::size_t max_bytes = 1'000'000) {
  PacketParser parser;
  const auto packet = parser.parse(text);
  if (!packet) {
    ADD_FAILURE() << text;
    return nullptr;
  }
  return BinaryAssembly::begin(text, *packet, max_bytes);
}

TEST(BinaryAssembly, IsCompleteWithItsLastAttachment) {
  const auto assembly = begin_assembly(R"(53-7["x",{"_placeholder":true,"num":2}])");
  ASSERT_TRUE(assembly);
  EXPECT_EQ(assembly->take(1), Outcome::more_due);
  EXPECT_EQ(assembly->take(0), Outcome::more_due);
  EXPECT_EQ(assembly->take(5), Outcome::complete);
}

TEST(BinaryAssembly, KeepsThePacketUntilThen) {
  std::string text = R"(51-7["x"])";
  const auto assembly = begin_assembly(text);
  text.assign(text.size(), '?');
  ASSERT_TRUE(assembly);
  EXPECT_EQ(assembly->text(), R"(51-7["x"])");
}

TEST(BinaryAssembly, FaultsWhenTheAttachmentsAreTooLargeTogether) {
  const auto assembly = begin_assembly(R"(53-["x"])", 10);
  ASSERT_TRUE(assembly);
  EXPECT_EQ(assembly->take(6), Outcome::more_due);
  EXPECT_EQ(assembly->take(4), Outcome::more_due);
  EXPECT_EQ(assembly->take(1), Outcome::fault);
}

TEST(BinaryAssembly, DoesNotBeginWithAPlaceholderOutOfRange) {
  EXPECT_FALSE(begin_assembly(R"(51-["x",{"_placeholder":true,"num":1}])"));
  EXPECT_FALSE(begin_assembly(R"(61-1[{"_placeholder":true,"num":1}])"));
}

TEST(Placeholders, AreValidFromZeroToBelowTheNumberOfAttachments) {
  EXPECT_TRUE(placeholders_are_valid(R"([{"_placeholder":true,"num":0}])", 1));
  EXPECT_TRUE(placeholders_are_valid(R"([{"num":9,"_placeholder":true}])", 10));
  EXPECT_TRUE(placeholders_are_valid(R"([{"_placeholder":true,"num":1e0}])", 2));
  EXPECT_FALSE(placeholders_are_valid(R"([{"_placeholder":true,"num":1}])", 1));
  EXPECT_FALSE(placeholders_are_valid(R"([{"_placeholder":true,"num":-1}])", 1));
  EXPECT_FALSE(placeholders_are_valid(R"([{"_placeholder":true,"num":1e999}])", 1));
}

TEST(Placeholders, NeedANumber) {
  for (const std::string_view value :
       {R"([{"_placeholder":true}])", R"([{"_placeholder":true,"num":"0"}])",
        R"([{"_placeholder":true,"num":null}])", R"([{"_placeholder":true,"num":[0]}])",
        R"([{"_placeholder":true,"num":{"num":0}}])"}) {
    EXPECT_FALSE(placeholders_are_valid(value, 1)) << value;
  }
}

TEST(Placeholders, AreMarkedByTrueAlone) {
  for (const std::string_view value :
       {R"([{"_placeholder":false,"num":5}])", R"([{"_placeholder":1,"num":5}])",
        R"([{"_placeholder":"true","num":5}])", R"([{"_placeholder":null}])",
        R"(["_placeholder",true,"num",5])", R"([{"placeholder":true,"num":5}])", "[]",
        "[ 1, true ]"}) {
    EXPECT_TRUE(placeholders_are_valid(value, 1)) << value;
  }
}

TEST(Placeholders, AreFoundAnywhere) {
  EXPECT_FALSE(placeholders_are_valid(
      R"([1,{"a":"]}","b":[[],{"c" : { "num" : 5 , "_placeholder" : true }}]},2])", 1));
  EXPECT_FALSE(placeholders_are_valid(R"([{"_placeholder":false,"x":{"_placeholder":true}}])", 1));
}

TEST(Placeholders, CountWithTheLastOfRepeatedMembers) {
  EXPECT_TRUE(placeholders_are_valid(R"([{"_placeholder":true,"num":5,"num":0}])", 1));
  EXPECT_FALSE(placeholders_are_valid(R"([{"_placeholder":true,"num":0,"num":5}])", 1));
  EXPECT_TRUE(placeholders_are_valid(R"([{"_placeholder":true,"_placeholder":false}])", 1));
}

TEST(Placeholders, AreKnownByEscapedKeys) {
  EXPECT_FALSE(placeholders_are_valid(R"([{"_place\u0068older":true,"n\u0075m":5}])", 1));
  EXPECT_TRUE(placeholders_are_valid(R"([{"_placeholder":true,"n\u0075m":0}])", 1));
}

TEST(Placeholders, HideWhatIsInsideThem) {
  EXPECT_TRUE(placeholders_are_valid(
      R"([{"x":{"_placeholder":true,"num":5},"_placeholder":true,"num":0}])", 1));
}

TEST(Placeholders, AreFoundAHundredThousandLevelsDeep) {
  const std::string open(100'000, '[');
  const std::string close(100'000, ']');
  EXPECT_TRUE(placeholders_are_valid(open + R"({"_placeholder":true,"num":0})" + close, 1));
  EXPECT_FALSE(placeholders_are_valid(open + R"({"_placeholder":true,"num":1})" + close, 1));
}

}  // namespace
}  // namespace crolang::socketio
