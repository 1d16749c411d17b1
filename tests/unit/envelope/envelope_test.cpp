#include "envelope/envelope.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/scanner.hpp"

namespace crolang::envelope {
namespace {

using namespace std::string_view_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kMaxIds = 1000;

std::string literal_of(std::string_view payload) {
  std::string literal;
  json::append_quoted(literal, payload);
  return literal;
}

/// Every byte of the payload as a \u escape: what the reader makes of it may not differ.
std::string hex_literal_of(std::string_view ascii_payload) {
  static constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::string literal = "\"";
  for (const char byte : ascii_payload) {
    literal += "\\u00";
    literal += kHexDigits[static_cast<unsigned char>(byte) >> 4U];
    literal += kHexDigits[static_cast<unsigned char>(byte) & 0xFU];
  }
  return literal + "\"";
}

/// The receiver; nothing on a fault. Owned, unlike the reader's views.
std::optional<std::string> receiver_of(std::string_view payload) {
  EnvelopeReader reader;
  const auto envelope = reader.read(literal_of(payload));
  if (!envelope) return std::nullopt;
  return std::string(envelope->to);
}

std::optional<std::vector<std::string>> ids_of(std::string_view payload,
                                               std::size_t max = kMaxIds) {
  EnvelopeReader reader;
  const auto ids = reader.read_ids(literal_of(payload), max);
  if (!ids) return std::nullopt;
  return std::vector<std::string>(ids->begin(), ids->end());
}

/// The same, and what else the messages of a negotiation have, each in brackets.
std::string negotiation_of(std::string_view payload) {
  EnvelopeReader reader;
  NegotiationMembers members;
  if (!reader.read(literal_of(payload), members)) return "fault";
  std::string found;
  for (const std::string_view each : {members.session_id, members.candidate, members.description}) {
    found.append("[").append(each).append("]");
  }
  return found;
}

constexpr std::string_view kSpaces[] = {
    "\x09"sv,         "\x0A"sv,         "\x0B"sv,         "\x0C"sv,         "\x0D"sv,
    "\x20"sv,         "\xC2\xA0"sv,     "\xE1\x9A\x80"sv, "\xE2\x80\x80"sv, "\xE2\x80\x81"sv,
    "\xE2\x80\x82"sv, "\xE2\x80\x83"sv, "\xE2\x80\x84"sv, "\xE2\x80\x85"sv, "\xE2\x80\x86"sv,
    "\xE2\x80\x87"sv, "\xE2\x80\x88"sv, "\xE2\x80\x89"sv, "\xE2\x80\x8A"sv, "\xE2\x80\xA8"sv,
    "\xE2\x80\xA9"sv, "\xE2\x80\xAF"sv, "\xE2\x81\x9F"sv, "\xE3\x80\x80"sv, "\xEF\xBB\xBF"sv};

constexpr std::string_view kNoSpaces[] = {
    // U+0085, U+200B, U+200C, U+180E, U+2060, U+00AD, U+2800, U+001C, U+0000, U+2027, U+202A,
    // U+00A1
    "\xC2\x85"sv,     "\xE2\x80\x8B"sv, "\xE2\x80\x8C"sv, "\xE1\xA0\x8E"sv,
    "\xE2\x81\xA0"sv, "\xC2\xAD"sv,     "\xE2\xA0\x80"sv, "\x1C"sv,
    "\0"sv,           "\xE2\x80\xA7"sv, "\xE2\x80\xAA"sv, "\xC2\xA1"sv};

TEST(Trim, RemovesEverySpaceThatJavaScriptRemoves) {
  for (const auto space : kSpaces) {
    const std::string text = std::string(space) + std::string(space) + "a" + std::string(space) +
                             "b" + std::string(space) + " " + std::string(space);
    EXPECT_EQ(trim(text), "a" + std::string(space) + "b") << testing::PrintToString(space);
    EXPECT_EQ(trim(space), "");
  }
}

TEST(Trim, KeepsWhatJavaScriptKeeps) {
  for (const auto text : kNoSpaces) EXPECT_EQ(trim(text), text) << testing::PrintToString(text);
}

TEST(Trim, DoesNotTakeTheEndOfACharacterForASpace) {
  // U+00E0, U+3041, U+10020 and U+4000 end in bytes that also end a space.
  for (const auto text : {"\xC3\xA0"sv, "\xE3\x81\x81"sv, "\xF0\x90\x80\xA0"sv, "\xE4\x80\x80"sv}) {
    EXPECT_EQ(trim(text), text) << testing::PrintToString(text);
  }
}

TEST(EnvelopeReader, FindsSenderAndReceiver) {
  EnvelopeReader reader;
  const std::string literal = literal_of(R"({"from":"alice","to":"bob","content":"hi"})");
  const auto envelope = reader.read(literal);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->from_kind, Envelope::From::named);
  EXPECT_EQ(envelope->from, "alice");
  EXPECT_EQ(envelope->to, "bob");
}

// Contract, part 1, 7.1: every row but those of payloads that are no string.
TEST(EnvelopeReader, FaultsOnEveryUnusablePayload) {
  for (const auto payload : {"not JSON"sv,
                             ""sv,
                             " "sv,
                             R"({"to":"b")"sv,
                             R"({"to":"b)"sv,
                             R"({"to":"b"} x)"sv,
                             R"({"to":"b"}})"sv,
                             R"({"to":"b"}{"to":"b"})"sv,
                             "null"sv,
                             "1"sv,
                             R"("to")"sv,
                             R"(["to","b"])"sv,
                             R"([{"to":"b"}])"sv,
                             "true"sv,
                             "false"sv,
                             "{}"sv,
                             R"({"from":"a"})"sv,
                             R"({"to":""})"sv,
                             R"({"to":" \t\u00a0\ufeff"})"sv,
                             R"({"to":1})"sv,
                             R"({"to":null})"sv,
                             R"({"to":["b"]})"sv,
                             R"({"to":{"to":"b"}})"sv,
                             R"({"to":true})"sv,
                             R"({"TO":"b"})"sv,
                             R"({"To":"b"})"sv,
                             R"({"tO":"b"})"sv}) {
    EXPECT_EQ(receiver_of(payload), std::nullopt) << payload;
  }
}

TEST(EnvelopeReader, FaultsOnMalformedJsonAnywhereInThePayload) {
  for (const auto payload :
       {R"({"to":"b","x":})"sv, R"({"to":"b","x":01})"sv, R"({"to":"b","x":[1,]})"sv,
        R"({"to":"b",})"sv, R"({"to":"b" "x":1})"sv, R"({"x":nul,"to":"b"})"sv, R"({,"to":"b"})"sv,
        R"({"to":"b","x":"\x"})"sv, "{\"to\":\"b\",\"x\":\"\n\"}"sv,
        R"({"to":"b","x":{"y":{]}}})"sv, R"({'to':"b"})"sv, R"({to:"b"})"sv, R"({"to":"b"]")"sv,
        R"({"to":"b","x"})"sv, "\xEF\xBB\xBF{\"to\":\"b\"}"sv, "{\"to\":\"b\"}\xC2\xA0"sv,
        "{\"to\":\"b\"}\0"sv, R"({"to":"b"/**/})"sv}) {
    EXPECT_EQ(receiver_of(payload), std::nullopt) << payload;
  }
}

TEST(EnvelopeReader, TakesWhiteSpaceAroundEveryToken) {
  EXPECT_EQ(receiver_of(" \r\n\t{ \"x\" : [ 1 , { } ] , \"to\" \n: \t\"b\" } \r\n"), "b");
}

TEST(EnvelopeReader, TrimsTheReceiverOnly) {
  EnvelopeReader reader;
  const std::string literal =
      literal_of("{\"from\":\" a \",\"to\":\"\xC2\xA0 b c\\t\xE3\x80\x80\"}");
  const auto envelope = reader.read(literal);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->from, " a ");
  EXPECT_EQ(envelope->to, "b c");
}

TEST(EnvelopeReader, TrimsEverySpaceRawAndEscaped) {
  for (const auto space : kSpaces) {
    std::string escaped;
    json::append_quoted(escaped, space);
    const std::string inner = escaped.substr(1, escaped.size() - 2);
    EXPECT_EQ(receiver_of("{\"to\":\"" + inner + "b" + inner + "\"}"), "b") << inner;
    EXPECT_EQ(receiver_of("{\"to\":\"" + inner + "\"}"), std::nullopt) << inner;
  }
  for (const auto space : {R"(\u00a0)"sv, R"(\u1680)"sv, R"(\u2003)"sv, R"(\u2028)"sv,
                           R"(\u3000)"sv, R"(\uFEFF)"sv, R"(\u0020)"sv, R"(\u000b)"sv}) {
    EXPECT_EQ(receiver_of("{\"to\":\"" + std::string(space) + "b\"}"), "b") << space;
    EXPECT_EQ(receiver_of("{\"to\":\"" + std::string(space) + "\"}"), std::nullopt) << space;
  }
}

TEST(EnvelopeReader, LetsTheLastOfSeveralReceiversCount) {
  EXPECT_EQ(receiver_of(R"({"to":"a","to":"b"})"), "b");
  EXPECT_EQ(receiver_of(R"({"to":1,"x":0,"to":"b"})"), "b");
  EXPECT_EQ(receiver_of(R"({"to":"a","t\u006f":"b"})"), "b");
  for (const auto payload :
       {R"({"to":"a","to":1})"sv, R"({"to":"a","to":null})"sv, R"({"to":"a","to":{}})"sv,
        R"({"to":"a","to":" "})"sv, R"({"to":"a","\u0074o":[]})"sv}) {
    EXPECT_EQ(receiver_of(payload), std::nullopt) << payload;
  }
}

TEST(EnvelopeReader, LetsTheLastOfSeveralSendersCount) {
  EnvelopeReader reader;
  const auto last_string = reader.read(literal_of(R"({"from":1,"to":"b","from":"a"})"));
  ASSERT_TRUE(last_string);
  EXPECT_EQ(last_string->from_kind, Envelope::From::named);
  EXPECT_EQ(last_string->from, "a");
  const auto last_number = reader.read(literal_of(R"({"from":"a","to":"b","fr\u006Fm":1})"));
  ASSERT_TRUE(last_number);
  EXPECT_EQ(last_number->from_kind, Envelope::From::unusable);
  EXPECT_EQ(last_number->from, "");
}

TEST(EnvelopeReader, TellsAnAbsentSenderFromAnUnusableOne) {
  EnvelopeReader reader;
  const auto absent = reader.read(literal_of(R"({"to":"b","FROM":"a"})"));
  ASSERT_TRUE(absent);
  EXPECT_EQ(absent->from_kind, Envelope::From::absent);
  for (const auto from : {"null"sv, "0"sv, "false"sv, "{}"sv, "[]"sv, "[\"a\"]"sv}) {
    const auto envelope =
        reader.read(literal_of("{\"to\":\"b\",\"from\":" + std::string(from) + "}"));
    ASSERT_TRUE(envelope) << from;
    EXPECT_EQ(envelope->from_kind, Envelope::From::unusable) << from;
  }
  const auto empty = reader.read(literal_of(R"({"to":"b","from":""})"));
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->from_kind, Envelope::From::named);
  EXPECT_EQ(empty->from, "");
}

TEST(EnvelopeReader, LooksAtNoNestedMember) {
  EXPECT_EQ(receiver_of(R"({"to":"b","x":{"to":"c"},"y":[{"to":1}]})"), "b");
  EXPECT_EQ(receiver_of(R"({"x":{"to":"c"}})"), std::nullopt);
  EXPECT_EQ(receiver_of(R"({"__proto__":{"to":"c"}})"), std::nullopt);
  EXPECT_EQ(receiver_of(R"({"__proto__":null,"to":"b","constructor":1})"), "b");
}

TEST(EnvelopeReader, TakesNoPartOfAnotherNameForItsOwn) {
  for (const auto name : {"t"sv, "too"sv, "to "sv, " to"sv, "to\\u0000"sv, "\\\"to"sv, ""sv}) {
    EXPECT_EQ(receiver_of("{\"" + std::string(name) + "\":\"b\"}"), std::nullopt) << name;
  }
}

TEST(EnvelopeReader, ReadsNamesWhateverTheirEscapes) {
  for (const auto name :
       {R"(t\u006f)"sv, R"(\u0074\u006f)"sv, R"(\u0074\u006F)"sv, R"(\u0074o)"sv}) {
    EXPECT_EQ(receiver_of("{\"" + std::string(name) + "\":\"b\"}"), "b") << name;
  }
}

TEST(EnvelopeReader, ReadsValuesWhateverTheirEscapes) {
  EXPECT_EQ(receiver_of(R"({"to":"\u0062\/\"\\\n."})"), "b/\"\\\n.");
  EXPECT_EQ(receiver_of(R"({"to":"\ud83d\ude00"})"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(receiver_of("{\"to\":\"\xF0\x9F\x98\x80\"}"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(receiver_of(R"({"to":"a\u0000b"})"), "a\0b"sv);
}

TEST(EnvelopeReader, ReadsLiteralsWhateverTheirEscapes) {
  EnvelopeReader reader;
  const std::string literal = hex_literal_of(R"({"fr\u006fm":"a","to":" b\n"})");
  const auto envelope = reader.read(literal);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->from, "a");
  EXPECT_EQ(envelope->to, "b");
}

TEST(EnvelopeReader, LetsNoEscapeOfTheLiteralPassForOneOfThePayload) {
  EnvelopeReader reader;
  // JSON.parse meets a line feed inside the payload's string, which it refuses.
  EXPECT_FALSE(reader.read(R"("{\"to\":\"b\n\"}")"));
  EXPECT_TRUE(reader.read(R"("{\"to\":\"b\\n\"}")"));
}

TEST(EnvelopeReader, KeepsLoneSurrogatesApartFromEveryValidId) {
  EXPECT_EQ(receiver_of(R"({"to":"\ud800"})"), "\xED\xA0\x80");
  EnvelopeReader reader;
  const auto raw = reader.read(R"("{\"to\":\"\ud800\"}")");
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->to, "\xED\xA0\x80");
}

TEST(EnvelopeReader, JoinsSurrogatesAcrossBothLayersOfEscapes) {
  EnvelopeReader reader;
  for (const auto literal :
       {R"("{\"to\":\"\ud83d\\ude00\"}")"sv, R"("{\"to\":\"\\ud83d\ude00\"}")"sv,
        R"("{\"to\":\"\\ud83d\\ude00\"}")"sv, R"("{\"to\":\"\ud83d\ude00\"}")"sv}) {
    const auto envelope = reader.read(literal);
    ASSERT_TRUE(envelope) << literal;
    EXPECT_EQ(envelope->to, "\xF0\x9F\x98\x80") << literal;
  }
}

TEST(EnvelopeReader, FollowsAHundredThousandLevels) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(receiver_of(R"({"to":"b","x":)" + deep + "}"), "b");
  EXPECT_EQ(receiver_of(R"({"to":"b","x":[)" + deep + "}"), std::nullopt);
}

TEST(EnvelopeReader, KeepsItsMemoryFromOneMessageToTheNext) {
  EnvelopeReader reader;
  const std::string literal = literal_of(R"({"from":"\u0061","to":" b\t","x":[[1]]})");
  const auto first = reader.read(literal);
  ASSERT_TRUE(first);
  const void* const sender = first->from.data();
  const void* const receiver = first->to.data();
  for (int i = 0; i < 3; ++i) {
    const auto next = reader.read(literal);
    ASSERT_TRUE(next);
    EXPECT_EQ(next->from.data(), sender);
    EXPECT_EQ(next->to.data(), receiver);
  }
}

TEST(EnvelopeReader, IsNotMisledByTheMessageBefore) {
  EnvelopeReader reader;
  ASSERT_TRUE(
      reader.read(literal_of(R"({"to":"somebody","content":")" + std::string(500, '}') + "\"}")));
  EXPECT_FALSE(reader.read(literal_of(R"({"to":"b")")));
  EXPECT_FALSE(reader.read(R"("")"));
  const auto envelope = reader.read(literal_of(R"({"to":"b"})"));
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->to, "b");
  EXPECT_EQ(envelope->from_kind, Envelope::From::absent);
}

TEST(EnvelopeReader, GivesIdsTrimmedInTheOrderAskedWithRepetitions) {
  EXPECT_THAT(*ids_of(R"({"ids":["b"," a\t","b","\u00a0c d\ufeff","\u0065"]})"),
              ElementsAre("b", "a", "b", "c d", "e"));
  EXPECT_THAT(*ids_of(R"( { "x" : 1 , "ids" : [ "a" , "b" ] } )"), ElementsAre("a", "b"));
}

TEST(EnvelopeReader, GivesNoIdsForAnEmptyList) {
  EXPECT_THAT(*ids_of(R"({"ids":[]})"), IsEmpty());
  EXPECT_THAT(*ids_of(R"({"ids":[ ]})", 0), IsEmpty());
}

TEST(EnvelopeReader, FaultsOnEveryUnusableListOfIds) {
  for (const auto payload : {"not JSON"sv,
                             ""sv,
                             "null"sv,
                             "[]"sv,
                             R"(["a"])"sv,
                             "1"sv,
                             "true"sv,
                             R"("ids")"sv,
                             "{}"sv,
                             R"({"IDS":["a"]})"sv,
                             R"({"ids":null})"sv,
                             R"({"ids":"a"})"sv,
                             R"({"ids":1})"sv,
                             R"({"ids":{}})"sv,
                             R"({"ids":{"0":"a","length":1}})"sv,
                             R"({"ids":[1]})"sv,
                             R"({"ids":["a",null]})"sv,
                             R"({"ids":[["a"]]})"sv,
                             R"({"ids":["a",{}]})"sv,
                             R"({"ids":[true,"a"]})"sv,
                             R"({"ids":[""]})"sv,
                             R"({"ids":["a"," \u3000"]})"sv,
                             R"({"ids":["a"]} x)"sv,
                             R"({"ids":["a",]})"sv,
                             R"({"ids":["a"],"x":})"sv,
                             R"({"ids":["a"})"sv,
                             R"({"x":{"ids":["a"]}})"sv}) {
    EXPECT_EQ(ids_of(payload), std::nullopt) << payload;
  }
}

TEST(EnvelopeReader, LetsTheLastOfSeveralListsOfIdsCount) {
  EXPECT_THAT(*ids_of(R"({"ids":[1],"i\u0064s":["b"]})"), ElementsAre("b"));
  EXPECT_EQ(ids_of(R"({"ids":["a"],"ids":0})"), std::nullopt);
}

TEST(EnvelopeReader, TakesAsManyIdsAsAllowedAndNoMore) {
  EXPECT_THAT(*ids_of(R"({"ids":["a","b"]})", 2), ElementsAre("a", "b"));
  EXPECT_EQ(ids_of(R"({"ids":["a","b","c"]})", 2), std::nullopt);
}

TEST(EnvelopeReader, KeepsAllIdsValidHoweverManyHadEscapes) {
  std::string payload = R"({"ids":[)";
  for (std::size_t i = 0; i < kMaxIds; ++i) {
    payload += (i == 0 ? "\"\\u0061" : ",\"\\u0061") + std::to_string(i) + "\"";
  }
  payload += "]}";
  const auto ids = ids_of(payload);
  ASSERT_TRUE(ids);
  ASSERT_EQ(ids->size(), kMaxIds);
  for (std::size_t i = 0; i < kMaxIds; ++i) EXPECT_EQ((*ids)[i], "a" + std::to_string(i));
}

TEST(EnvelopeReader, JoinsSurrogatesInIds) {
  EXPECT_THAT(*ids_of(R"({"ids":["\ud83d\ude00","\ud800"]})"),
              ElementsAre("\xF0\x9F\x98\x80", "\xED\xA0\x80"));
}

TEST(EnvelopeReader, SaysWhatIsWrong) {
  EnvelopeReader reader;
  const auto fault_of = [&](std::string_view payload) {
    return reader.read(literal_of(payload)).error();
  };
  EXPECT_EQ(fault_of(""), Fault::not_json);
  EXPECT_EQ(fault_of("hello"), Fault::not_json);
  EXPECT_EQ(fault_of(R"({"to":"b")"), Fault::not_json);
  EXPECT_EQ(fault_of(R"([1] 2)"), Fault::not_json);
  EXPECT_EQ(fault_of(R"( ["to"] )"), Fault::no_object);
  EXPECT_EQ(fault_of("17"), Fault::no_object);
  EXPECT_EQ(fault_of("{}"), Fault::no_receiver);
  EXPECT_EQ(fault_of(R"({"to":7})"), Fault::no_receiver);
  EXPECT_EQ(fault_of(R"({"to":" "})"), Fault::no_receiver);
  const auto fault_of_ids = [&](std::string_view payload) {
    return reader.read_ids(literal_of(payload), 2).error();
  };
  EXPECT_EQ(fault_of_ids("x"), Fault::not_json);
  EXPECT_EQ(fault_of_ids("[]"), Fault::no_object);
  EXPECT_EQ(fault_of_ids(R"({"ids":"a"})"), Fault::no_ids);
  EXPECT_EQ(fault_of_ids(R"({"ids":["a",1]})"), Fault::unusable_id);
  EXPECT_EQ(fault_of_ids(R"({"ids":["a","b","c"]})"), Fault::too_many_ids);
}

TEST(NegotiationMembers, AreFoundInTheSamePass) {
  EXPECT_EQ(negotiation_of(R"({"to":"bob","sessionId":"s-1"})"), "[s-1][][]");
  EXPECT_EQ(negotiation_of(R"({"sessionId":"a\u0062","candidate":{"sdp":"a\/b"},"to":"bob"})"),
            R"([ab][{"sdp":"a\/b"}][])");
  EXPECT_EQ(negotiation_of(R"({"to":"bob","sessionDescription":{"sdp":"v=0\r\n"}})"),
            R"([][][{"sdp":"v=0\r\n"}])");
}

TEST(NegotiationMembers, MayBeOfAnyType) {
  EXPECT_EQ(negotiation_of(R"({"to":"bob","sessionId":17,"candidate":null})"), "[17][null][]");
  EXPECT_EQ(negotiation_of(R"({"to":"bob"})"), "[][][]");
}

TEST(NegotiationMembers, CountOnceTheLastTime) {
  EXPECT_EQ(negotiation_of(R"({"to":"bob","sessionId":"a","sessionId":"b"})"), "[b][][]");
}

TEST(NegotiationMembers, DoNotChangeWhatIsAFault) {
  for (const std::string_view payload :
       {R"({"sessionId":"s"})", R"({"to":"bob","sessionId":"s"} x)", R"({"to":"bob","sessionId":})",
        "[]", ""})
    EXPECT_EQ(negotiation_of(payload), "fault") << payload;
  NegotiationMembers members;
  EnvelopeReader reader;
  const auto envelope =
      reader.read(literal_of(R"({"from":"ann","to":" bob ","sessionId":"s"})"), members);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->from, "ann");
  EXPECT_EQ(envelope->to, "bob");
}

}  // namespace
}  // namespace crolang::envelope
