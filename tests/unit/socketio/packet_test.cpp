#include "socketio/packet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace crolang::socketio {
namespace {

using namespace std::string_literals;

class PacketParserTest : public testing::Test {
 protected:
  /// The text must outlive the packet.
  Packet accepted(std::string_view text) {
    const auto packet = parser_.parse(text);
    if (!packet) {
      ADD_FAILURE() << text << ": " << describe(packet.error());
      return {};
    }
    return *packet;
  }

  void expect_fault(std::string_view text, Fault fault) {
    const auto packet = parser_.parse(text);
    ASSERT_FALSE(packet) << text;
    EXPECT_EQ(packet.error(), fault) << text;
  }

  PacketParser parser_;
};

TEST_F(PacketParserTest, ReadsAnEventOfANode) {
  const Packet packet = accepted(R"(217["SOCKET_MSG_EXCHANGE","{\"to\":\"b\"}"])");
  EXPECT_EQ(packet.type, PacketType::event);
  EXPECT_EQ(packet.attachments, 0U);
  EXPECT_EQ(packet.name_space, kMainNamespace);
  EXPECT_EQ(packet.ack.text(), "17");
  EXPECT_EQ(packet.data, R"(["SOCKET_MSG_EXCHANGE","{\"to\":\"b\"}"])");
  EXPECT_EQ(packet.event.name, "SOCKET_MSG_EXCHANGE");
  EXPECT_EQ(packet.event.argument_count, 1U);
  EXPECT_EQ(packet.event.first_argument, R"("{\"to\":\"b\"}")");
  EXPECT_EQ(packet.event.first_kind, json::Kind::string);
}

// Types

TEST_F(PacketParserTest, RefusesAMessageWithNothingInIt) {
  expect_fault("", Fault::unknown_type);
}

TEST_F(PacketParserTest, RefusesUnknownTypes) {
  for (const std::string_view text : {"7", R"(9["x"])", R"(x["x"])", "/", ":", " ", "-0"}) {
    expect_fault(text, Fault::unknown_type);
  }
}

TEST_F(PacketParserTest, KnowsEveryTypeByItsDigit) {
  EXPECT_EQ(accepted("0").type, PacketType::connect);
  EXPECT_EQ(accepted("1").type, PacketType::disconnect);
  EXPECT_EQ(accepted(R"(2["x"])").type, PacketType::event);
  EXPECT_EQ(accepted("3[]").type, PacketType::ack);
  EXPECT_EQ(accepted(R"(4{"message":"x"})").type, PacketType::connect_error);
  EXPECT_EQ(accepted(R"(51-["x"])").type, PacketType::binary_event);
  EXPECT_EQ(accepted("61-[]").type, PacketType::binary_ack);
}

// Namespaces

TEST_F(PacketParserTest, TakesASlashForTheMainNamespace) {
  EXPECT_EQ(accepted("0/").name_space, kMainNamespace);
  EXPECT_EQ(accepted("0/,").name_space, kMainNamespace);
  EXPECT_EQ(accepted("0/,{}").data, "{}");
}

TEST_F(PacketParserTest, KeepsAnotherNamespaceAsSent) {
  EXPECT_EQ(accepted("0/foo,").name_space, "/foo");
  EXPECT_EQ(accepted("0/foo").name_space, "/foo");
  EXPECT_EQ(accepted("0/foo?x=1,").name_space, "/foo?x=1");
  EXPECT_EQ(accepted("1/foo,").name_space, "/foo");
}

TEST_F(PacketParserTest, ReadsIdAndPayloadAfterANamespace) {
  const Packet packet = accepted(R"(2/foo,12["x"])");
  EXPECT_EQ(packet.name_space, "/foo");
  EXPECT_EQ(packet.ack.text(), "12");
  EXPECT_EQ(packet.event.name, "x");
}

TEST_F(PacketParserTest, ReadsAnythingUpToTheCommaAsNamespace) {
  const Packet packet = accepted(R"(2/["x"])");
  EXPECT_EQ(packet.name_space, R"(/["x"])");
  EXPECT_TRUE(packet.data.empty());
}

// CONNECT

TEST_F(PacketParserTest, TakesAConnectWithAndWithoutAnObject) {
  EXPECT_TRUE(accepted("0").data.empty());
  EXPECT_EQ(accepted("0{}").data, "{}");
  EXPECT_EQ(accepted(R"(0{"token":"x"} )").data, R"({"token":"x"} )");
}

TEST_F(PacketParserTest, RefusesAConnectWithAnythingElse) {
  for (const std::string_view text : {"0[]", R"(0"x")", "0null", "0{", "0true", "0{}x", "0{}{}"}) {
    expect_fault(text, Fault::bad_payload);
  }
}

// DISCONNECT

TEST_F(PacketParserTest, RefusesADisconnectWithAPayload) {
  for (const std::string_view text : {R"(1"x")", "1{}", "1null", "1x"}) {
    expect_fault(text, Fault::bad_payload);
  }
}

// CONNECT_ERROR

TEST_F(PacketParserTest, TakesAConnectErrorWithAStringOrAnObject) {
  EXPECT_EQ(accepted(R"(4"x")").data, R"("x")");
  EXPECT_EQ(accepted(R"(4{"message":"x"})").data, R"({"message":"x"})");
  for (const std::string_view text : {"4[]", "4null", "4true", R"(4"x)"}) {
    expect_fault(text, Fault::bad_payload);
  }
}

// ACK

TEST_F(PacketParserTest, TakesAnAckWithAnArrayOrNothing) {
  EXPECT_EQ(accepted(R"(312["OK"])").data, R"(["OK"])");
  EXPECT_EQ(accepted(R"(312["OK"])").ack.text(), "12");
  EXPECT_TRUE(accepted("3").data.empty());
  for (const std::string_view text : {"31{}", R"(3"x")", "3[", "3[]]"}) {
    expect_fault(text, Fault::bad_payload);
  }
}

// EVENT

TEST_F(PacketParserTest, TakesAnEventWithoutData) {
  for (const std::string_view text : {"2", "21"}) {
    const Packet packet = accepted(text);
    EXPECT_TRUE(packet.data.empty());
    EXPECT_TRUE(packet.event.name.empty());
    EXPECT_EQ(packet.event.argument_count, 0U);
  }
}

TEST_F(PacketParserTest, TakesANumberForAName) {
  EXPECT_EQ(accepted("2[1]").event.name, "1");
  EXPECT_EQ(accepted("2[-1e999,2]").event.name, "-1e999");
}

TEST_F(PacketParserTest, RefusesAnEventWhosePayloadIsNoArrayThatStartsWithAName) {
  for (const std::string_view text :
       {"2{}", "2[]", "2[null]", "2[true]", "2[[]]", R"(2[{"a":1}])", R"(2"x")", "2null", "2-1"}) {
    expect_fault(text, Fault::bad_payload);
  }
}

TEST_F(PacketParserTest, RefusesMalformedJson) {
  for (const std::string_view text :
       {R"(2[")", R"(2["x")", R"(2["x"]y)", R"(2["x",])", R"(2[,"x"])", R"(2["x"]])", R"(2["x" 1])",
        R"(2["x",{"a"}])", R"(2["x",01])", R"(2["x",+1])", R"(2["\x"])", "2[\"\n\"]", R"(2['x'])",
        R"(2["x",tru])", R"(2["x",NaN])", "2[", "2]"}) {
    expect_fault(text, Fault::bad_payload);
  }
}

TEST_F(PacketParserTest, RefusesReservedNames) {
  for (const std::string_view name : {"connect", "connect_error", "disconnect", "disconnecting",
                                      "newListener", "removeListener"}) {
    expect_fault("2[\"" + std::string(name) + "\"]", Fault::bad_payload);
    expect_fault("50-[\"" + std::string(name) + "\",1]", Fault::bad_payload);
  }
}

TEST_F(PacketParserTest, RefusesAReservedNameThatIsSpelledWithEscapes) {
  expect_fault(R"(2["co\u006enect"])", Fault::bad_payload);
}

TEST_F(PacketParserTest, TakesNamesThatAreOnlyReservedElsewhere) {
  for (const std::string_view name : {"message", "error", "connection", "AUTHENTICATED",
                                      "__proto__", "Connect", "connects", ""}) {
    const std::string text = "21[\"" + std::string(name) + "\"]";
    EXPECT_EQ(accepted(text).event.name, name);
  }
}

TEST_F(PacketParserTest, DecodesTheEscapesOfAName) {
  EXPECT_EQ(accepted(R"(2["CONNECTION\u005fATTEMPT"])").event.name, "CONNECTION_ATTEMPT");
  EXPECT_EQ(accepted(R"(2["\ud83d\ude00\n"])").event.name, "\U0001F600\n");
}

TEST_F(PacketParserTest, ForgetsTheNameOfThePacketBefore) {
  EXPECT_EQ(accepted(R"(2["\u0041"])").event.name, "A");
  EXPECT_EQ(accepted(R"(2["\u0042"])").event.name, "B");
  EXPECT_EQ(accepted("2").event.name, "");
}

TEST_F(PacketParserTest, CountsArguments) {
  EXPECT_EQ(accepted(R"(2["x"])").event.argument_count, 0U);
  EXPECT_TRUE(accepted(R"(2["x"])").event.first_argument.empty());
  EXPECT_EQ(accepted(R"(2["x",[1,2],{"a":[3,4]},5])").event.argument_count, 3U);
}

TEST_F(PacketParserTest, TellsTheKindOfTheFirstArgument) {
  EXPECT_EQ(accepted(R"(2["x","y"])").event.first_kind, json::Kind::string);
  EXPECT_EQ(accepted(R"(2["x",{}])").event.first_kind, json::Kind::object);
  EXPECT_EQ(accepted(R"(2["x",["y"]])").event.first_kind, json::Kind::array);
  EXPECT_EQ(accepted(R"(2["x",-1])").event.first_kind, json::Kind::number);
  EXPECT_EQ(accepted(R"(2["x",false])").event.first_kind, json::Kind::boolean);
  EXPECT_EQ(accepted(R"(2["x",null])").event.first_kind, json::Kind::null);
}

TEST_F(PacketParserTest, TakesTheFirstArgumentWithoutTheWhiteSpaceAroundIt) {
  const Packet packet = accepted("2[ \"x\"\t,\r\n \"y z\" , 1 ] ");
  EXPECT_EQ(packet.event.name, "x");
  EXPECT_EQ(packet.event.first_argument, R"("y z")");
  EXPECT_EQ(packet.event.argument_count, 2U);
}

TEST_F(PacketParserTest, TakesABlankForAnAckId) {
  EXPECT_EQ(accepted(R"(2 ["x"])").ack.text(), "0");
}

TEST_F(PacketParserTest, RefusesANegativeAckId) {
  expect_fault(R"(2-1["x"])", Fault::bad_payload);
}

TEST_F(PacketParserTest, TakesAHundredThousandLevels) {
  const std::string text =
      R"(21["x",)" + std::string(100'000, '[') + std::string(100'000, ']') + "]";
  EXPECT_EQ(accepted(text).event.first_argument.size(), 200'000U);
  expect_fault(R"(21["x",)" + std::string(100'000, '['), Fault::bad_payload);
}

// BINARY_EVENT and BINARY_ACK

TEST_F(PacketParserTest, ReadsABinaryEvent) {
  const Packet packet = accepted(R"(52-/foo,3["x",{"_placeholder":true,"num":0}])");
  EXPECT_EQ(packet.type, PacketType::binary_event);
  EXPECT_EQ(packet.attachments, 2U);
  EXPECT_EQ(packet.name_space, "/foo");
  EXPECT_EQ(packet.ack.text(), "3");
  EXPECT_EQ(packet.event.name, "x");
  EXPECT_EQ(packet.event.first_kind, json::Kind::object);
}

TEST_F(PacketParserTest, TakesABinaryEventWithoutAttachments) {
  EXPECT_EQ(accepted(R"(50-["FOO"])").attachments, 0U);
  EXPECT_EQ(accepted(R"(5-["FOO"])").attachments, 0U);
}

TEST_F(PacketParserTest, RefusesABinaryPacketWhoseAttachmentsAreNotCounted) {
  for (const std::string_view text :
       {R"(5x-["FOO"])", R"(5["FOO"])", "5", "51", "6[]", R"(5 1-["FOO"])", R"(51.5-["FOO"])",
        R"(5Infinity-["FOO"])", R"(50x1-["FOO"])"}) {
    expect_fault(text, Fault::bad_attachments);
  }
}

TEST_F(PacketParserTest, BoundsTheNumberOfAttachments) {
  EXPECT_EQ(accepted(R"(510-["x"])").attachments, kMaxAttachments);
  expect_fault(R"(511-["x"])", Fault::too_many_attachments);
  expect_fault(R"(599999999-["x"])", Fault::too_many_attachments);
  expect_fault(R"(599999999999999999999-["x"])", Fault::too_many_attachments);
}

}  // namespace
}  // namespace crolang::socketio
