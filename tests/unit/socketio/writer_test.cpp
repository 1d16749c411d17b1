#include "socketio/writer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace crolang::socketio {
namespace {

AckId ack_id(std::string_view run) {
  return scan_ack_id(run, 0).id;
}

/// Also checks that the size was told right in advance.
std::string ack(std::string_view run, std::string_view arguments = R"(["OK"])") {
  std::string out(ack_size(ack_id(run), arguments), '?');
  EXPECT_EQ(write_ack(out.data(), ack_id(run), arguments), out.data() + out.size());
  return out;
}

std::string event(std::string_view name, std::string_view argument) {
  std::string out(event_size(name, argument), '?');
  EXPECT_EQ(write_event(out.data(), name, argument), out.data() + out.size());
  return out;
}

std::string connect_error(std::string_view message, std::string_view name_space = kMainNamespace) {
  std::string out;
  append_connect_error(out, message, name_space);
  return out;
}

TEST(Writer, AcksWithArgumentsAsTheyAre) {
  EXPECT_EQ(ack("7", R"(["OK"])"), R"(437["OK"])");
  EXPECT_EQ(ack("123456789", R"(["NOT_CONNECTED"])"), R"(43123456789["NOT_CONNECTED"])");
  EXPECT_EQ(ack("0", "[]"), "430[]");
}

TEST(Writer, EchoesTheAckIdAsJavaScriptPrintsIt) {
  EXPECT_EQ(ack("007"), R"(437["OK"])");
  EXPECT_EQ(ack("9007199254740993"), R"(439007199254740992["OK"])");
}

TEST(Writer, KnowsTheLongestAck) {
  // The longest that JavaScript prints of a number: 17 digits, a point and an exponent of three.
  const std::string longest = "17976931348623157" + std::string(292, '0');
  EXPECT_EQ(ack(longest), R"(431.7976931348623157e+308["OK"])");
  EXPECT_LE(ack(longest).size(), longest_ack_size(6));
  EXPECT_EQ(longest_ack_size(6), 2 + AckId::kMaxSize + 6);
}

TEST(Writer, AcksWithAString) {
  std::string out;
  append_text_ack(out, ack_id("3"), R"({"results":[{"id":"a","connected":true}]})");
  EXPECT_EQ(out, R"(433["{\"results\":[{\"id\":\"a\",\"connected\":true}]}"])");
}

TEST(Writer, ForwardsAnArgumentAsItIs) {
  EXPECT_EQ(event("SOCKET_MSG_EXCHANGE", R"("{\"to\":\"\u0062\/\ud800\"}")"),
            R"(42["SOCKET_MSG_EXCHANGE","{\"to\":\"\u0062\/\ud800\"}"])");
}

TEST(Writer, AnswersAConnect) {
  std::string out;
  append_connect(out, "AbCdEfGhIjKlMnOpQr-_");
  EXPECT_EQ(out, R"(40{"sid":"AbCdEfGhIjKlMnOpQr-_"})");
}

TEST(Writer, RefusesAConnect) {
  EXPECT_EQ(connect_error("client already connected"),
            R"(44{"message":"client already connected"})");
  EXPECT_EQ(connect_error(R"(a "quoted" one)"), R"(44{"message":"a \"quoted\" one"})");
}

TEST(Writer, NamesTheNamespaceOfARefusalOutsideTheMainOne) {
  EXPECT_EQ(connect_error("Invalid namespace", "/foo"),
            R"(44/foo,{"message":"Invalid namespace"})");
  EXPECT_EQ(connect_error("Invalid namespace", "/foo?x=1"),
            R"(44/foo?x=1,{"message":"Invalid namespace"})");
}

TEST(Writer, AppendsToWhatIsThere) {
  std::string out = "a";
  append_connect(out, "s");
  append_connect_error(out, "m");
  append_text_ack(out, ack_id("1"), "t");
  EXPECT_EQ(out, R"(a40{"sid":"s"}44{"message":"m"}431["t"])");
}

TEST(Writer, DisconnectsFromTheMainNamespace) {
  EXPECT_EQ(kDisconnect, "41");
}

}  // namespace
}  // namespace crolang::socketio
