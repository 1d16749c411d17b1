#include "websocket/frame_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "unit/websocket/allocations.hpp"
#include "unit/websocket/client_frames.hpp"

namespace crolang::websocket::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

static_assert(sizeof(FrameParser) == sizeof(void*), "an idle node should cost next to nothing");

/// The events of `bytes`, which have to be the same however the bytes arrive.
std::vector<std::string> events_of(std::string_view bytes, std::size_t limit = kLimit) {
  const auto events = events_of_pieces(bytes, bytes.size(), limit);
  const bool is_small = bytes.size() <= 600;
  for (const std::size_t piece :
       {is_small ? std::size_t{1} : std::size_t{997}, std::size_t{4096}}) {
    EXPECT_EQ(events_of_pieces(bytes, piece, limit), events) << "in pieces of " << piece;
  }
  for (std::size_t split = 1; split < bytes.size(); ++split) {
    // Within a large payload every place is alike.
    if (!is_small && split == 40) split = bytes.size() - 40;
    Feed feed(limit);
    feed.push(bytes.substr(0, split));
    feed.push(bytes.substr(split));
    EXPECT_EQ(feed.events, events) << "split at " << split;
  }
  return events;
}

constexpr auto kProtocolError = "violation:1002";
constexpr auto kInvalidPayload = "violation:1007";
constexpr auto kTooBig = "violation:1009";

constexpr std::uint8_t first_byte(Opcode opcode) {
  return static_cast<std::uint8_t>(kFinal | static_cast<std::uint8_t>(opcode));
}

// Framing, RFC 6455 5.2 and 5.6.

TEST(FrameParser, ReadsTheMaskedHelloOfTheRfc) {
  EXPECT_THAT(events_of("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), ElementsAre("text:Hello"));
}

TEST(FrameParser, ReadsTextOfEveryLengthForm) {
  for (const std::size_t size : {0, 1, 125, 126, 127, 128, 65535, 65536, 65537}) {
    const std::string payload(size, 'x');
    EXPECT_THAT(events_of(text(payload)), ElementsAre("text:" + payload)) << size;
  }
}

TEST(FrameParser, ReadsBinaryOfEveryLengthForm) {
  for (const std::size_t size : {0, 1, 125, 126, 127, 128, 65535, 65536, 65537}) {
    const std::string payload(size, '\xfe');
    EXPECT_THAT(events_of(last(Opcode::binary, payload)), ElementsAre("binary:" + payload)) << size;
  }
}

TEST(FrameParser, DoesNotAskBinaryToBeUtf8) {
  EXPECT_THAT(events_of(last(Opcode::binary, "\xff\xfe")), ElementsAre("binary:\xff\xfe"));
}

TEST(FrameParser, KeepsZeroBytesOfAPayload) {
  const std::string payload("a\0b", 3);
  EXPECT_THAT(events_of(text(payload)), ElementsAre("text:" + payload));
}

TEST(FrameParser, AcceptsLengthsThatAreNotInTheShortestForm) {
  const auto first = first_byte(Opcode::text);
  EXPECT_THAT(
      events_of(frame(first, "ab", Length::in_16_bits) + frame(first, "", Length::in_64_bits) +
                frame(first, "cd", Length::in_64_bits)),
      ElementsAre("text:ab", "text:", "text:cd"));
}

TEST(FrameParser, ReadsManyFramesOutOfOneInput) {
  std::string bytes;
  std::vector<std::string> expected;
  for (int i = 0; i < 30; ++i) {
    bytes += text("message " + std::to_string(i));
    expected.push_back("text:message " + std::to_string(i));
  }
  EXPECT_EQ(events_of(bytes), expected);
}

TEST(FrameParser, AppliesTheKeyOfEachFrame) {
  std::string other = text("second");
  for (std::size_t i = 2; i < other.size(); ++i) other[i] = static_cast<char>(other[i] ^ 0x55);
  // Key and payload changed alike, so the frame still says the same.
  EXPECT_THAT(events_of(text("first") + other), ElementsAre("text:first", "text:second"));
}

TEST(FrameParser, GivesAPayloadWithinTheInput) {
  std::string input = text("Hello");
  FrameParser parser;
  const Event event = parser.next(input, kLimit);
  EXPECT_EQ(event.payload.data(), input.data() + 6);
  EXPECT_EQ(event.consumed, input.size());
}

TEST(FrameParser, SaysHowManyBytesItNeeds) {
  FrameParser parser;
  std::string input = text(std::string(300, 'x'));
  const auto needed = [&](std::size_t size) {
    return parser.next(std::span(input).first(size), kLimit).needed;
  };
  EXPECT_EQ(needed(0), 2U);
  EXPECT_EQ(needed(1), 2U);
  EXPECT_EQ(needed(2), 4U);
  EXPECT_EQ(needed(4), input.size());
  EXPECT_EQ(needed(input.size() - 1), input.size());
}

TEST(FrameParser, TakesNothingFromTheHeapForAnUnfragmentedMessage) {
  std::string input = text(std::string(2000, 'x') + "é") + ping("p") + close(1000, "bye");
  FrameParser parser;
  const std::size_t made = allocations.made;
  std::span<char> rest = input;
  while (!rest.empty()) rest = rest.subspan(parser.next(rest, kLimit).consumed);
  EXPECT_EQ(allocations.made, made);
}

// Masking, RFC 6455 5.1.

TEST(FrameParser, ClosesWith1002WhenAFrameIsUnmasked) {
  EXPECT_THAT(events_of("\x81\x05Hello"), ElementsAre(kProtocolError));
}

TEST(FrameParser, ClosesWith1002WhenAControlFrameIsUnmasked) {
  EXPECT_THAT(events_of(std::string("\x89\x00", 2)), ElementsAre(kProtocolError));
  EXPECT_THAT(events_of(std::string("\x88\x00", 2)), ElementsAre(kProtocolError));
}

TEST(FrameParser, ClosesWith1002WhenAMaskedFrameIsFollowedByAnUnmaskedOne) {
  EXPECT_THAT(events_of(text("a") + "\x81\x05Hello"), ElementsAre("text:a", kProtocolError));
}

// Reserved bits, RFC 6455 5.2.

TEST(FrameParser, ClosesWith1002WhenAReservedBitIsSet) {
  for (unsigned bits = 1; bits <= 7; ++bits) {
    for (const Opcode opcode :
         {Opcode::text, Opcode::binary, Opcode::ping, Opcode::pong, Opcode::close}) {
      const auto first = static_cast<std::uint8_t>(first_byte(opcode) | bits << 4);
      EXPECT_THAT(events_of(text("before") + frame(first, "")),
                  ElementsAre("text:before", kProtocolError))
          << "bits " << bits << ", first byte " << unsigned{first};
    }
  }
}

TEST(FrameParser, ClosesWith1002WhenAContinuationHasAReservedBit) {
  for (unsigned bits = 1; bits <= 7; ++bits) {
    const auto first = static_cast<std::uint8_t>(kFinal | bits << 4);
    EXPECT_THAT(events_of(more(Opcode::text, "a") + frame(first, "b")),
                ElementsAre("fragment", kProtocolError));
  }
}

// Opcodes, RFC 6455 5.2.

TEST(FrameParser, ClosesWith1002WhenTheOpcodeIsReserved) {
  for (const unsigned opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    for (const unsigned final_bit : {0x00U, 0x80U}) {
      for (const std::string payload : {"", "payload"}) {
        const auto first = static_cast<std::uint8_t>(final_bit | opcode);
        EXPECT_THAT(events_of(text("before") + frame(first, payload)),
                    ElementsAre("text:before", kProtocolError))
            << "opcode " << opcode;
      }
    }
  }
}

TEST(FrameParser, ClosesWith1002WhenAReservedOpcodeComesWithinAMessage) {
  EXPECT_THAT(events_of(more(Opcode::text, "a") + frame(0x83, "")),
              ElementsAre("fragment", kProtocolError));
}

TEST(FrameParser, ChecksAFrameByItsFirstTwoBytes) {
  EXPECT_THAT(events_of("\x83\x85"), ElementsAre(kProtocolError));
}

// Ping and pong, RFC 6455 5.5.2 and 5.5.3.

TEST(FrameParser, GivesThePayloadOfAPing) {
  for (const std::size_t size : {0, 1, 124, 125}) {
    const std::string payload(size, '\xfe');
    EXPECT_THAT(events_of(ping(payload)), ElementsAre("ping:" + payload)) << size;
  }
}

TEST(FrameParser, ReadsAPongThatNobodyAskedFor) {
  EXPECT_THAT(events_of(last(Opcode::pong, "x") + ping("y")), ElementsAre("pong:x", "ping:y"));
}

TEST(FrameParser, ReadsManyPingsInARow) {
  std::string bytes;
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    bytes += ping(std::to_string(i));
    expected.push_back("ping:" + std::to_string(i));
  }
  EXPECT_EQ(events_of(bytes), expected);
}

TEST(FrameParser, ClosesWith1002WhenAControlFrameHasMoreThan125Bytes) {
  for (const Opcode opcode : {Opcode::ping, Opcode::pong, Opcode::close}) {
    EXPECT_THAT(events_of(last(opcode, std::string(126, 'x'))), ElementsAre(kProtocolError));
    EXPECT_THAT(events_of(last(opcode, std::string(65536, 'x'))), ElementsAre(kProtocolError));
  }
}

TEST(FrameParser, ClosesWith1002WhenAControlFrameIsFragmented) {
  for (const Opcode opcode : {Opcode::ping, Opcode::pong, Opcode::close}) {
    EXPECT_THAT(events_of(more(opcode, "") + last(Opcode::continuation, "")),
                ElementsAre(kProtocolError));
    EXPECT_THAT(events_of(more(Opcode::text, "a") + more(opcode, "")),
                ElementsAre("fragment", kProtocolError));
  }
}

TEST(FrameParser, LetsControlFramesPassWhenTheMessageLimitIsSmaller) {
  EXPECT_THAT(events_of(ping("four") + text("three"), 3), ElementsAre("ping:four", kTooBig));
}

// Fragmentation, RFC 6455 5.4.

TEST(FrameParser, ReassemblesAFragmentedText) {
  EXPECT_THAT(events_of(more(Opcode::text, "Hel") + more(Opcode::continuation, "lo ") +
                        last(Opcode::continuation, "you")),
              ElementsAre("fragment", "fragment", "text:Hello you"));
}

TEST(FrameParser, ReassemblesAFragmentedBinary) {
  EXPECT_THAT(events_of(more(Opcode::binary, "\xff") + last(Opcode::continuation, "\xfe")),
              ElementsAre("fragment", "binary:\xff\xfe"));
}

TEST(FrameParser, ReassemblesEmptyFragments) {
  EXPECT_THAT(events_of(more(Opcode::text, "") + more(Opcode::continuation, "") +
                        last(Opcode::continuation, "")),
              ElementsAre("fragment", "fragment", "text:"));
}

TEST(FrameParser, ReassemblesAMessageWhoseMiddleFragmentIsEmpty) {
  EXPECT_THAT(events_of(more(Opcode::text, "a") + more(Opcode::continuation, "") +
                        last(Opcode::continuation, "b")),
              ElementsAre("fragment", "fragment", "text:ab"));
}

TEST(FrameParser, LetsControlFramesPassBetweenFragments) {
  EXPECT_THAT(events_of(more(Opcode::text, "a") + ping("1") + more(Opcode::continuation, "b") +
                        last(Opcode::pong, "2") + ping("3") + last(Opcode::continuation, "c")),
              ElementsAre("fragment", "ping:1", "fragment", "pong:2", "ping:3", "text:abc"));
}

TEST(FrameParser, ReadsACloseBetweenFragments) {
  EXPECT_THAT(events_of(more(Opcode::text, "a") + close(1001)),
              ElementsAre("fragment", "close:1001:" + close_payload(1001)));
}

TEST(FrameParser, ReadsFurtherMessagesAfterAFragmentedOne) {
  const std::string fragmented = more(Opcode::text, "a") + last(Opcode::continuation, "b");
  EXPECT_THAT(events_of(fragmented + text("c") + fragmented),
              ElementsAre("fragment", "text:ab", "text:c", "fragment", "text:ab"));
}

TEST(FrameParser, ClosesWith1002WhenAContinuationContinuesNothing) {
  EXPECT_THAT(events_of(last(Opcode::continuation, "a")), ElementsAre(kProtocolError));
  EXPECT_THAT(events_of(more(Opcode::continuation, "a")), ElementsAre(kProtocolError));
}

TEST(FrameParser, ClosesWith1002WhenAContinuationFollowsAWholeMessage) {
  EXPECT_THAT(events_of(text("a") + last(Opcode::continuation, "b")),
              ElementsAre("text:a", kProtocolError));
}

TEST(FrameParser, ClosesWith1002WhenAContinuationFollowsAReassembledMessage) {
  EXPECT_THAT(events_of(more(Opcode::text, "a") + last(Opcode::continuation, "b") +
                        last(Opcode::continuation, "c")),
              ElementsAre("fragment", "text:ab", kProtocolError));
}

TEST(FrameParser, ClosesWith1002WhenAMessageStartsWithinAnother) {
  for (const Opcode opcode : {Opcode::text, Opcode::binary}) {
    EXPECT_THAT(events_of(more(Opcode::text, "a") + last(opcode, "b")),
                ElementsAre("fragment", kProtocolError));
    EXPECT_THAT(events_of(more(Opcode::text, "a") + more(opcode, "b")),
                ElementsAre("fragment", kProtocolError));
  }
}

TEST(FrameParser, KeepsAReassembledMessageUntilTheNextCall) {
  std::string input = more(Opcode::text, std::string(300, 'a')) + last(Opcode::continuation, "b");
  FrameParser parser;
  const std::size_t first = parser.next(input, kLimit).consumed;
  const Event event = parser.next(std::span(input).subspan(first), kLimit);
  EXPECT_EQ(std::string(event.payload.begin(), event.payload.end()), std::string(300, 'a') + "b");
}

TEST(FrameParser, FreesAReassembledMessageWithTheNextCall) {
  std::string input = more(Opcode::text, std::string(300, 'a')) + last(Opcode::continuation, "b");
  FrameParser parser;
  const std::size_t live = allocations.live;
  std::span<char> rest = input;
  while (!rest.empty()) rest = rest.subspan(parser.next(rest, kLimit).consumed);
  EXPECT_GT(allocations.live, live);
  EXPECT_EQ(parser.next(rest, kLimit).kind, Event::Kind::incomplete);
  EXPECT_EQ(allocations.live, live);
}

TEST(FrameParser, ReservesNothingForBytesThatAreOnlyAnnounced) {
  std::string input = header(first_byte(Opcode::text), kLimit) + "x";
  std::string fragment = header(static_cast<std::uint8_t>(Opcode::text), kLimit) + "x";
  FrameParser parser;
  const std::size_t made = allocations.made;
  EXPECT_EQ(parser.next(input, kLimit).kind, Event::Kind::incomplete);
  EXPECT_EQ(parser.next(fragment, kLimit).kind, Event::Kind::incomplete);
  EXPECT_EQ(allocations.made, made);
}

TEST(FrameParser, CarriesAnUnfinishedMessageAlongWhenMoved) {
  std::string start = more(Opcode::text, "a");
  std::string end = last(Opcode::continuation, "b");
  FrameParser parser;
  parser.next(start, kLimit);
  FrameParser moved = std::move(parser);
  const Event event = moved.next(end, kLimit);
  EXPECT_EQ(std::string(event.payload.begin(), event.payload.end()), "ab");
}

// UTF-8, RFC 6455 8.1.

TEST(FrameParser, ReadsTextThatIsNotAscii) {
  EXPECT_THAT(events_of(text("Hello-µ@ßöäüàá-\U0001F600")),
              ElementsAre("text:Hello-µ@ßöäüàá-\U0001F600"));
}

TEST(FrameParser, ClosesWith1007WhenTextIsNotUtf8) {
  for (const std::string payload : {
           "\xff\xfe",                  // bytes that never occur
           "a\x80z",                    // a continuation byte alone
           "\xc0\xaf",                  // overlong
           "\xe0\x80\xaf",              // overlong
           "\xf0\x80\x80\xaf",          // overlong
           "\xed\xa0\x80",              // a surrogate
           "\xed\xa0\xbd\xed\xb8\x80",  // a pair of surrogates
           "\xf4\x90\x80\x80",          // beyond U+10FFFF
           "caf\xc3",                   // cut off
           "\xe2\x82",                  // cut off
           "\xf0\x9f\x98",              // cut off
       }) {
    EXPECT_THAT(events_of(text(payload)), ElementsAre(kInvalidPayload));
    EXPECT_THAT(events_of(text(std::string(100, 'x') + payload)), ElementsAre(kInvalidPayload));
  }
}

TEST(FrameParser, AcceptsACharacterSplitBetweenFragments) {
  const std::string emoji = "\xf0\x9f\x98\x80";
  for (std::size_t split = 1; split < emoji.size(); ++split) {
    EXPECT_THAT(events_of(more(Opcode::text, "a" + emoji.substr(0, split)) + ping("") +
                          last(Opcode::continuation, emoji.substr(split) + "z")),
                ElementsAre("fragment", "ping:", "text:a" + emoji + "z"));
  }
}

TEST(FrameParser, AcceptsACharacterInFragmentsOfOneByte) {
  EXPECT_THAT(events_of(more(Opcode::text, "\xe2") + more(Opcode::continuation, "\x82") +
                        last(Opcode::continuation, "\xac")),
              ElementsAre("fragment", "fragment", "text:€"));
}

TEST(FrameParser, ClosesWith1007AtTheFragmentThatBreaksTheText) {
  EXPECT_THAT(events_of(more(Opcode::text, "\xce\xba\xe1\xbd\xb9") +
                        more(Opcode::continuation, "\xf4\x90") + last(Opcode::continuation, "z")),
              ElementsAre("fragment", kInvalidPayload));
}

TEST(FrameParser, ClosesWith1007WhenAsciiContinuesAnUnfinishedCharacter) {
  EXPECT_THAT(events_of(more(Opcode::text, "\xe2\x82") + last(Opcode::continuation, "abc")),
              ElementsAre("fragment", kInvalidPayload));
}

TEST(FrameParser, ClosesWith1007WhenAFragmentedTextEndsWithinACharacter) {
  EXPECT_THAT(events_of(more(Opcode::text, "a") + last(Opcode::continuation, "\xe2\x82")),
              ElementsAre("fragment", kInvalidPayload));
}

TEST(FrameParser, ClosesWith1007WhenAnEmptyFragmentEndsTheTextWithinACharacter) {
  EXPECT_THAT(events_of(more(Opcode::text, "\xe2\x82") + last(Opcode::continuation, "")),
              ElementsAre("fragment", kInvalidPayload));
}

TEST(FrameParser, DoesNotAskAFragmentedBinaryToBeUtf8) {
  EXPECT_THAT(events_of(more(Opcode::binary, "\xe2\x82") + last(Opcode::continuation, "\xff")),
              ElementsAre("fragment", "binary:\xe2\x82\xff"));
}

// Closing, RFC 6455 5.5.1 and 7.4.

TEST(FrameParser, ReportsNoStatusForACloseWithoutPayload) {
  EXPECT_THAT(events_of(last(Opcode::close, "")), ElementsAre("close:1005:"));
}

TEST(FrameParser, GivesTheWholePayloadOfAClose) {
  EXPECT_THAT(events_of(close(1001, "leaving")),
              ElementsAre("close:1001:" + close_payload(1001, "leaving")));
}

TEST(FrameParser, AcceptsTheLongestReasonOfAClose) {
  const std::string reason(123, 'r');
  EXPECT_THAT(events_of(close(1000, reason)),
              ElementsAre("close:1000:" + close_payload(1000, reason)));
}

TEST(FrameParser, ClosesWith1002WhenACloseHasOneByte) {
  EXPECT_THAT(events_of(last(Opcode::close, "a")), ElementsAre(kProtocolError));
}

TEST(FrameParser, AcceptsEveryCloseCodeThatMayBeSent) {
  for (const unsigned code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                              1014, 3000, 3999, 4000, 4999}) {
    EXPECT_THAT(events_of(close(code)),
                ElementsAre("close:" + std::to_string(code) + ":" + close_payload(code)));
  }
}

TEST(FrameParser, ClosesWith1002WhenACloseCodeMayNotBeSent) {
  for (const unsigned code :
       {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    EXPECT_THAT(events_of(close(code)), ElementsAre(kProtocolError)) << code;
    EXPECT_THAT(events_of(close(code, "reason")), ElementsAre(kProtocolError)) << code;
  }
}

TEST(FrameParser, ClosesWith1007WhenTheReasonOfACloseIsNotUtf8) {
  EXPECT_THAT(events_of(close(1000, "\xff")), ElementsAre(kInvalidPayload));
  EXPECT_THAT(events_of(close(1000, "caf\xc3")), ElementsAre(kInvalidPayload));
}

TEST(FrameParser, LeavesWhatFollowsACloseToTheCaller) {
  std::string input = close(1000) + text("late");
  FrameParser parser;
  const Event event = parser.next(input, kLimit);
  EXPECT_EQ(event.kind, Event::Kind::close);
  EXPECT_EQ(event.consumed, close(1000).size());
}

// Limits, CONTRACT part 1 §2 and §8 (RFC 6455 10.4).

TEST(FrameParser, AcceptsAMessageOfExactlyTheLimit) {
  const std::string payload(kLimit, 'x');
  EXPECT_THAT(events_of_pieces(text(payload), 65536, kLimit), ElementsAre("text:" + payload));
}

TEST(FrameParser, ClosesWith1009WhenAHeaderAnnouncesMoreThanTheLimit) {
  for (const Opcode opcode : {Opcode::text, Opcode::binary}) {
    EXPECT_THAT(events_of(header(first_byte(opcode), kLimit + 1)), ElementsAre(kTooBig));
  }
}

TEST(FrameParser, ClosesWith1009BeforeTheMaskingKeyArrived) {
  EXPECT_THAT(events_of(header(first_byte(Opcode::text), kLimit + 1).substr(0, 10)),
              ElementsAre(kTooBig));
}

TEST(FrameParser, ClosesWith1009WhenALengthHasItsTopBitSet) {
  const std::uint64_t top = std::uint64_t{1} << 63;
  for (const std::uint64_t length : {top, top + 5, ~std::uint64_t{0}}) {
    EXPECT_THAT(events_of(header(first_byte(Opcode::text), length)), ElementsAre(kTooBig));
    EXPECT_THAT(events_of(header(first_byte(Opcode::text), length), ~std::size_t{0}),
                ElementsAre(kTooBig));
  }
}

TEST(FrameParser, AcceptsFragmentsOfExactlyTheLimit) {
  EXPECT_THAT(events_of(more(Opcode::text, "1234") + more(Opcode::continuation, "5678") +
                            last(Opcode::continuation, "90"),
                        10),
              ElementsAre("fragment", "fragment", "text:1234567890"));
}

TEST(FrameParser, ClosesWith1009WhenAFragmentAnnouncesMoreThanTheLimitLeaves) {
  EXPECT_THAT(
      events_of(more(Opcode::text, "1234") + more(Opcode::continuation, "5678") + header(kFinal, 3),
                10),
      ElementsAre("fragment", "fragment", kTooBig));
}

TEST(FrameParser, ClosesWith1009WhenTheLimitShrankBelowWhatIsKept) {
  std::string start = more(Opcode::text, "1234");
  std::string end = last(Opcode::continuation, "5");
  FrameParser parser;
  parser.next(start, 10);
  EXPECT_EQ(parser.next(end, 3).code, CloseCode::too_big);
}

TEST(FrameParser, CountsOnlyTheFragmentsOfOneMessage) {
  const std::string message = more(Opcode::text, "1234") + last(Opcode::continuation, "56789");
  EXPECT_THAT(events_of(message + message, 10),
              ElementsAre("fragment", "text:123456789", "fragment", "text:123456789"));
}

TEST(FrameParser, ReassemblesThousandsOfSmallFragments) {
  std::string bytes = more(Opcode::text, "");
  for (int i = 0; i < 2000; ++i) bytes += more(Opcode::continuation, "ab");
  const auto events = events_of_pieces(bytes + last(Opcode::continuation, "c"), 100, kLimit);
  std::string expected = "text:";
  for (int i = 0; i < 2000; ++i) expected += "ab";
  EXPECT_EQ(events.size(), 2002U);
  EXPECT_EQ(events.back(), expected + "c");
}

TEST(FrameParser, WaitsQuietlyWhenThereIsNoInput) {
  EXPECT_THAT(events_of(""), IsEmpty());
}

TEST(FrameParser, SaysWhatIsWrong) {
  using namespace std::string_literals;
  const std::pair<std::string, Fault> cases[] = {
      {"\xc1\x80"s, Fault::reserved_bit},
      {"\x81\x00"s, Fault::unmasked},
      {"\x83\x80"s, Fault::unknown_opcode},
      {"\x80\x80"s, Fault::nothing_to_continue},
      {"\x09\x80"s, Fault::bad_control_frame},
      {"\x89\xfe"s, Fault::bad_control_frame},
      {close(1005), Fault::bad_close_frame},
      {last(Opcode::close, "x"), Fault::bad_close_frame},
      {last(Opcode::text, "\xff"), Fault::not_utf8},
      {last(Opcode::text, "1234"), Fault::too_large},
  };
  for (const auto& [bytes, fault] : cases) {
    FrameParser parser;
    std::string input = bytes;
    const Event event = parser.next(input, 3);
    EXPECT_EQ(event.kind, Event::Kind::violation) << describe(fault);
    EXPECT_EQ(event.fault, fault);
    EXPECT_NE(describe(fault), "");
    EXPECT_EQ(event.needed, fault == Fault::too_large ? 4U : 0U);
  }
}

TEST(FrameParser, SaysThatAMessageBeganWithinAnother) {
  FrameParser parser;
  std::string fragment = frame(0x01, "a");
  EXPECT_EQ(parser.next(fragment, kLimit).kind, Event::Kind::fragment);
  std::string other = last(Opcode::text, "b");
  EXPECT_EQ(parser.next(other, kLimit).fault, Fault::message_in_message);
}

TEST(FrameParser, SaysHowLargeAFragmentedMessageIs) {
  FrameParser parser;
  std::string fragment = frame(0x01, "ab");
  EXPECT_EQ(parser.next(fragment, 3).kind, Event::Kind::fragment);
  std::string rest = frame(0x80, "cd");
  EXPECT_EQ(parser.next(rest, 3).needed, 4U);
  FrameParser endless;
  std::string all_ones = "\x82\xff" + std::string(8, '\xff');
  EXPECT_EQ(endless.next(all_ones, 3).needed, ~std::size_t{0});
}

}  // namespace
}  // namespace crolang::websocket::testing
