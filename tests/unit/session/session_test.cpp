#include "session/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "unit/websocket/client_frames.hpp"

namespace crolang::session {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;
using telemetry::Counter;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::MatchesRegex;
using websocket::CloseCode;
using websocket::Opcode;
namespace client = websocket::testing;

constexpr std::size_t kMaxPayload = 1'000'000;
constexpr auto kSid = 20U;
constexpr std::string_view kFirstEvent = "WELCOME";

const std::string kEmptyClose = "\x88\0"s;

/// A server's frame, spelled out: final, unmasked.
std::string frame(std::uint8_t first, std::string_view payload) {
  std::string bytes = {static_cast<char>(first)};
  if (payload.size() <= 125) {
    bytes += static_cast<char>(payload.size());
  } else {
    bytes += '\x7e';
    bytes += static_cast<char>(payload.size() >> 8);
    bytes += static_cast<char>(payload.size() & 0xFF);
  }
  return bytes.append(payload);
}

std::string text_frame(std::string_view payload) {
  return frame(0x81, payload);
}

class RecordedEvents final : public SessionEvents {
 public:
  void on_connect(Session& session) override { record("connect", session, connect); }
  void on_foreign_namespace(Session&, std::string_view name_space) override {
    foreign = name_space;
  }
  void on_disconnect(Session& session) override { record("disconnect", session, disconnect); }
  void on_event(Session& session, const socketio::Packet& packet) override {
    last_ack = packet.ack;
    record(
        "event " + std::string(packet.event.name) + " " + std::string(packet.event.first_argument),
        session, event);
  }
  void on_activity(Session&) override { seen.push_back("activity"); }
  void on_end(Session& session, const End& why) override {
    seen.push_back("end");
    left = session.state();
    ended = describe(why);
  }

  std::vector<std::string> take() { return std::exchange(seen, {}); }

  std::vector<std::string> seen;
  socketio::AckId last_ack;
  std::optional<State> left;  // which state on_end saw
  std::string foreign;        // the last namespace that there is not
  std::string ended;          // why, as the log says it
  std::function<void(Session&)> connect;
  std::function<void(Session&)> disconnect;
  std::function<void(Session&)> event;

 private:
  void record(std::string what, Session& session, const std::function<void(Session&)>& then) {
    seen.push_back(std::move(what));
    if (then) then(session);
  }
};

class SessionTest : public testing::Test {
 protected:
  // ---- The way in

  /// Bytes of the client, with what was left of the earlier ones in front, as net/ keeps them.
  Session::ReceiveResult feed(std::string_view bytes) {
    session_.on_received(context_, bytes.size());
    kept_.append(bytes);
    // A copy of just these bytes, so that a sanitizer sees a step over their end.
    std::vector<char> input(kept_.begin(), kept_.end());
    const Session::ReceiveResult result = session_.receive(context_, input, now_);
    kept_.erase(0, result.consumed);
    return result;
  }
  void feed_text(std::string_view text) { feed(client::text(text)); }

  void pass(std::chrono::milliseconds time) {
    now_ += time;
    session_.tick(context_, now_);
  }

  // ---- The way out

  /// All bytes since the last call. The socket takes them.
  std::string sent() {
    context_.dirty.outboxes.clear();
    return outbox_.flush_with([](Outbox::Wire& wire, ByteQueue& queue) {
      const auto pending = queue.pending();
      std::string bytes(pending.begin(), pending.end());
      queue.clear();
      wire.bytes_sent += bytes.size();
      return bytes;
    });
  }

  /// The socket takes only this many of the bytes.
  void move(std::size_t bytes) {
    outbox_.flush_with([=](Outbox::Wire& wire, ByteQueue& queue) {
      ASSERT_LT(bytes, queue.size());
      queue.pop(bytes);
      wire.bytes_sent += bytes;
      wire.blocked = true;
    });
  }

  /// What another node's message does.
  Pushed push(std::string_view bytes) {
    return outbox_.push(session_.handle().generation, bytes.size(), limits_.max_outbox_bytes,
                        context_.dirty,
                        [&](char* out) { std::memcpy(out, bytes.data(), bytes.size()); });
  }

  // ---- States

  void open() {
    session_.open(context_, now_);
    sent();
  }
  void join() {
    open();
    feed_text("40");
    session_.join(context_, kFirstEvent, R"("{}")");
    sent();
    events_.take();
  }

  // ---- Ends

  /// The transport was closed by `bytes`, once, and nothing else was said.
  void expect_closing(std::string_view bytes, Ending ending) {
    EXPECT_EQ(sent(), bytes);
    EXPECT_EQ(session_.state(), State::closing);
    EXPECT_EQ(session_.ending(), ending);
    EXPECT_THAT(events_.take(), ElementsAre("end"));
  }
  void expect_open_and_silent(State state) {
    EXPECT_EQ(sent(), "");
    EXPECT_EQ(session_.state(), state);
    EXPECT_EQ(session_.ending(), Ending::none);
  }
  std::uint64_t count(Counter counter) const { return counters_.value(counter); }

  Limits limits_{{25s, 20s}, kMaxPayload, 4 * kMaxPayload, 10s};
  RecordedEvents events_;
  telemetry::WorkerCounters counters_;
  SessionContext context_{limits_, events_, counters_, {}, {}, {}, {}};
  Outbox outbox_;
  TimePoint now_{1000s};
  Session session_{SessionHandle{7, outbox_.open(Outbox::Wire{}), 1}, outbox_};

 private:
  std::string kept_;
};

// ---- The open packet (Engine.IO)

TEST_F(SessionTest, IsAdmittedFirstAndSendsNothing) {
  EXPECT_EQ(session_.state(), State::admitting);
  EXPECT_EQ(session_.handle().slot, 7U);
  EXPECT_EQ(&session_.outbox(), &outbox_);
  pass(1h);
  EXPECT_EQ(session_.deadline(), TimePoint::max());
  expect_open_and_silent(State::admitting);
}

TEST_F(SessionTest, OpensWithTheOpenPacket) {
  session_.open(context_, now_);
  EXPECT_EQ(session_.state(), State::waiting);
  // One final, unmasked text frame.
  const std::string bytes = sent();
  const std::string before = R"(0{"sid":")";
  const std::string after =
      R"(","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})";
  ASSERT_EQ(bytes.size(), 2 + before.size() + kSid + after.size());
  EXPECT_EQ(bytes, text_frame(before + bytes.substr(2 + before.size(), kSid) + after));
  EXPECT_THAT(bytes.substr(2 + before.size(), kSid), MatchesRegex("[A-Za-z0-9_-]+"));
}

TEST_F(SessionTest, AnnouncesTheLimitsThatItKeeps) {
  limits_.timing = {300ms, 200ms};
  limits_.max_payload_bytes = 1234;
  session_.open(context_, now_);
  EXPECT_THAT(sent(),
              testing::EndsWith(R"(,"pingInterval":300,"pingTimeout":200,"maxPayload":1234})"));
}

// ---- CONNECT (Socket.IO)

TEST_F(SessionTest, ReportsAConnectInEachOfItsForms) {
  for (const auto text : {"40", "40{}", R"(40{"token":"x"})", "40/", "40/,", "40/,{}"}) {
    open();
    feed_text(text);
    EXPECT_THAT(events_.take(), ElementsAre("connect")) << text;
    expect_open_and_silent(State::waiting);
  }
}

TEST_F(SessionTest, JoinsWithItsSidAndTheRtcConfiguration) {
  open();
  session_.join(context_, kFirstEvent, R"("{\"iceServers\":[]}")");
  EXPECT_EQ(session_.state(), State::joined);
  const std::string bytes = sent();
  const std::string before = R"(40{"sid":")";
  const std::string sid = bytes.substr(2 + before.size(), kSid);
  EXPECT_EQ(bytes, text_frame(before + sid + R"("})") +
                       text_frame(R"(42["WELCOME","{\"iceServers\":[]}"])"));
  EXPECT_THAT(sid, MatchesRegex("[A-Za-z0-9_-]+"));
}

TEST_F(SessionTest, JoinsUnderAnotherSidThanItsTransports) {
  session_.open(context_, now_);
  const std::string transport = sent().substr(11, kSid);
  session_.join(context_, kFirstEvent, R"("")");
  EXPECT_NE(sent().substr(12, kSid), transport);
}

TEST_F(SessionTest, FramesALongRtcConfiguration) {
  open();
  const std::string literal = "\"" + std::string(60'000, 'x') + "\"";
  session_.join(context_, kFirstEvent, literal);
  EXPECT_THAT(sent(), testing::EndsWith(text_frame("42[\"WELCOME\"," + literal + "]")));
}

TEST_F(SessionTest, HandlesWhatFollowsTheConnectInTheSameSegment) {
  open();
  events_.connect = [this](Session& session) { session.join(context_, kFirstEvent, R"("")"); };
  feed(client::text("40") + client::text(R"(421["A","x"])") + client::text(R"(422["B","y"])"));
  EXPECT_THAT(events_.take(), ElementsAre("connect", R"(event A "x")", R"(event B "y")"));
}

TEST_F(SessionTest, RefusesWithAConnectError) {
  open();
  feed_text("40");
  session_.refuse(context_, "client already connected", now_);
  EXPECT_EQ(sent(), text_frame(R"(44{"message":"client already connected"})"));
  EXPECT_EQ(session_.state(), State::waiting);
}

TEST_F(SessionTest, MayConnectAgainAfterAConnectError) {
  open();
  feed_text("40");
  session_.refuse(context_, "authentication failed", now_);
  sent();
  feed_text("40");
  EXPECT_THAT(events_.take(), ElementsAre("connect", "connect"));
  expect_open_and_silent(State::waiting);
}

TEST_F(SessionTest, RefusesOtherNamespacesByTheNameAsSent) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"40/foo,", "/foo"},
      {"40/foo", "/foo"},
      {"40/foo?x=1,", "/foo?x=1"},
      {R"(40/foo,{"a":1})", "/foo"},
  };
  for (const bool joined : {false, true}) {
    joined ? join() : open();
    for (const auto& [text, name] : cases) {
      feed_text(text);
      EXPECT_EQ(sent(),
                text_frame("44" + std::string(name) + R"(,{"message":"Invalid namespace"})"));
      EXPECT_EQ(events_.foreign, name);
      expect_open_and_silent(joined ? State::joined : State::waiting);
    }
    EXPECT_THAT(events_.take(), IsEmpty());
  }
}

class SessionClosesBeforeConnect : public SessionTest,
                                   public testing::WithParamInterface<std::string_view> {};

TEST_P(SessionClosesBeforeConnect, WithAnEmptyCloseFrame) {
  open();
  feed_text(GetParam());
  expect_closing(kEmptyClose, Ending::await_close);
}

INSTANTIATE_TEST_SUITE_P(ConnectsThatAreNone, SessionClosesBeforeConnect,
                         testing::Values("40[]", "40\"x\"", "40null", "40{", "40{}x", "40true"));
INSTANTIATE_TEST_SUITE_P(PacketsThatComeTooEarly, SessionClosesBeforeConnect,
                         testing::Values(R"(42["x"])", R"(420["SOCKET_MSG_EXCHANGE","{}"])", "41",
                                         "431[]", "42", R"(44{"message":"x"})",
                                         R"(4599999999-["x"])", R"(451-["x"])"));
INSTANTIATE_TEST_SUITE_P(EngineIo, SessionClosesBeforeConnect,
                         testing::Values("", "2", "2probe", "7", "8", "x", "a", " ", "bAAAA", "b"));

TEST_F(SessionTest, ClosesOnASecondConnect) {
  join();
  feed_text("40");
  expect_closing(kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, ClosesOnAConnectWhileItIsBeingAdmittedAgain) {
  open();
  feed_text("40");
  session_.begin_readmission();
  events_.take();
  feed_text("40");
  expect_closing(kEmptyClose, Ending::await_close);
  EXPECT_EQ(events_.left, State::readmitting);
}

TEST_F(SessionTest, ClosesOnAnEventWhileItIsBeingAdmittedAgain) {
  open();
  session_.begin_readmission();
  feed_text(R"(42["x"])");
  expect_closing(kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, JoinsAfterItWasAdmittedAgain) {
  open();
  session_.begin_readmission();
  session_.join(context_, kFirstEvent, R"("{}")");
  EXPECT_THAT(sent(), testing::EndsWith(text_frame(R"(42["WELCOME","{}"])")));
  EXPECT_EQ(session_.state(), State::joined);
}

// ---- Engine.IO packets of a joined node

TEST_F(SessionTest, IgnoresPacketsThatChangeNothing) {
  join();
  for (const auto text : {"0", "0{}", "1", "5", "6", "6x", "3", "3probe"}) {
    feed_text(text);
    expect_open_and_silent(State::joined);
  }
  EXPECT_THAT(events_.take(), IsEmpty());
}

// ---- Socket.IO packets of a joined node

TEST_F(SessionTest, PassesEventsOnInOrder) {
  join();
  feed_text(R"(421["SOCKET_MSG_EXCHANGE","{\"to\":\"b\"}"])");
  EXPECT_EQ(events_.last_ack.text(), "1");
  feed_text(R"(42["x"])");
  EXPECT_FALSE(events_.last_ack.present());
  EXPECT_THAT(events_.take(),
              ElementsAre(R"(event SOCKET_MSG_EXCHANGE "{\"to\":\"b\"}")", "event x "));
  expect_open_and_silent(State::joined);
}

TEST_F(SessionTest, PassesOnEventsThatTheBrokerIgnores) {
  join();
  for (const auto text : {"42", "421", "42[1]"}) {
    feed_text(text);
    expect_open_and_silent(State::joined);
  }
  EXPECT_THAT(events_.take(), ElementsAre("event  ", "event  ", "event 1 "));
}

TEST_F(SessionTest, IgnoresAcksThatNobodyAskedFor) {
  join();
  for (const auto text : {"431[]", R"(430["OK"])", "43", R"(460-1["OK"])"}) {
    feed_text(text);
    expect_open_and_silent(State::joined);
  }
  EXPECT_THAT(events_.take(), IsEmpty());
}

TEST_F(SessionTest, TakesNestingOfAnyDepth) {
  join();
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  feed_text("42[\"x\"," + deep + "]");
  EXPECT_THAT(events_.take(), ElementsAre("event x " + deep));
}

class SessionClosesAJoinedNode : public SessionTest,
                                 public testing::WithParamInterface<std::string_view> {};

TEST_P(SessionClosesAJoinedNode, WithAnEmptyCloseFrame) {
  join();
  feed_text(GetParam());
  expect_closing(kEmptyClose, Ending::await_close);
  EXPECT_EQ(events_.left, State::joined);
}

INSTANTIATE_TEST_SUITE_P(MalformedPackets, SessionClosesAJoinedNode,
                         testing::Values("4", "47", R"(49["x"])", R"(4x["x"])", R"(42[")", "42{}",
                                         "42[]", "42[null]", R"(42["x"]y)", R"(44{"message":"x"})",
                                         R"(41"x")", R"(42/foo,["x"])", "41/foo,", "431{}", "bAAAA",
                                         R"(45x-[{"_placeholder":true,"num":0}])", R"(45["FOO"])"));
INSTANTIATE_TEST_SUITE_P(ReservedNames, SessionClosesAJoinedNode,
                         testing::Values(R"(42["connect"])", R"(42["connect_error"])",
                                         R"(42["disconnect"])", R"(42["disconnecting"])",
                                         R"(42["newListener"])", R"(42["removeListener"])",
                                         R"(42["\u0063onnect"])"));
INSTANTIATE_TEST_SUITE_P(Attachments, SessionClosesAJoinedNode,
                         testing::Values(R"(451-["FOO",{"_placeholder":true,"num":1}])",
                                         R"(451-["FOO",{"_placeholder":true,"num":-1}])",
                                         R"(451-["FOO",{"_placeholder":true,"num":"0"}])",
                                         R"(4511-["FOO"])", R"(4599999999-["x"])", R"(45-1-["x"])",
                                         R"(451-/foo,["x"])"));
INSTANTIATE_TEST_SUITE_P(EngineIo, SessionClosesAJoinedNode,
                         testing::Values("", "2", "2probe", "7", "x"));

// Another worker may have found it in the directory just before it left.
TEST_F(SessionTest, IsGoneForOthersOnceItsNodeHasLeftUntilItJoinsAgain) {
  events_.disconnect = [this](Session& session) { session.leave(context_, now_); };
  join();
  EXPECT_EQ(push("before"), Pushed::taken);
  feed_text("41");
  EXPECT_EQ(push("behind"), Pushed::gone);
  EXPECT_EQ(sent(), "before");
  feed_text("40");
  session_.join(context_, kFirstEvent, R"("{}")");
  EXPECT_EQ(push("again"), Pushed::taken);
}

TEST_F(SessionTest, ReportsADisconnectAndStaysOpen) {
  join();
  events_.disconnect = [this](Session& session) { session.leave(context_, now_); };
  feed_text("41");
  EXPECT_THAT(events_.take(), ElementsAre("disconnect"));
  expect_open_and_silent(State::waiting);
}

TEST_F(SessionTest, MayConnectAgainAfterADisconnect) {
  join();
  session_.leave(context_, now_);
  feed_text("40");
  EXPECT_THAT(events_.take(), ElementsAre("connect"));
  expect_open_and_silent(State::waiting);
}

TEST_F(SessionTest, ClosesOnAnyOtherPacketAfterADisconnect) {
  join();
  session_.leave(context_, now_);
  feed_text(R"(42["x"])");
  expect_closing(kEmptyClose, Ending::await_close);
}

// ---- Answers

TEST_F(SessionTest, AcknowledgesWithTheseArguments) {
  join();
  feed_text(R"(42007["x"])");
  session_.ack(context_, events_.last_ack, R"(["OK"])");
  EXPECT_EQ(sent(), text_frame(R"(437["OK"])"));
  session_.ack(context_, events_.last_ack, R"([1,"two"])");
  EXPECT_EQ(sent(), text_frame(R"(437[1,"two"])"));
}

TEST_F(SessionTest, SendsNoAckThatNobodyWants) {
  join();
  session_.ack(context_, {}, R"(["OK"])");
  session_.ack_text(context_, {}, "x");
  EXPECT_EQ(sent(), "");
}

TEST_F(SessionTest, AcknowledgesWithOneStringArgument) {
  join();
  feed_text(R"(420["x"])");
  session_.ack_text(context_, events_.last_ack, R"({"results":[{"id":"a","connected":true}]})");
  EXPECT_EQ(sent(), text_frame(R"(430["{\"results\":[{\"id\":\"a\",\"connected\":true}]}"])"));
}

TEST_F(SessionTest, PingsWhenItIsTold) {
  join();
  session_.ping(context_);
  EXPECT_EQ(sent(), text_frame("2"));
}

TEST_F(SessionTest, IsInTheDirtyListForWhatItHasToSend) {
  open();
  EXPECT_THAT(context_.dirty.outboxes, IsEmpty());
  session_.ping(context_);
  EXPECT_THAT(context_.dirty.outboxes, ElementsAre(&outbox_));
}

// ---- Binary events

constexpr auto kAnnounced = R"(451-1["FOO",{"_placeholder":true,"num":0}])"sv;

TEST_F(SessionTest, HoldsABinaryEventUntilItsAttachmentIsThere) {
  join();
  feed_text(kAnnounced);
  EXPECT_THAT(events_.take(), IsEmpty());
  feed(client::last(Opcode::binary, "\x01\x02\x03"));
  EXPECT_THAT(events_.take(), ElementsAre(R"(event FOO {"_placeholder":true,"num":0})"));
  EXPECT_EQ(events_.last_ack.text(), "1");
  expect_open_and_silent(State::joined);
}

TEST_F(SessionTest, TakesAnAttachmentInTextForm) {
  join();
  feed_text(kAnnounced);
  feed_text("bAAAA");
  EXPECT_THAT(events_.take(), testing::SizeIs(1));
  expect_open_and_silent(State::joined);
}

TEST_F(SessionTest, WaitsForAsManyAttachmentsAsAnnounced) {
  join();
  feed_text(R"(453-["FOO"])");
  for (int i = 0; i < 2; ++i) {
    feed(client::last(Opcode::binary, ""));
    EXPECT_THAT(events_.take(), IsEmpty());
  }
  feed(client::last(Opcode::binary, ""));
  EXPECT_THAT(events_.take(), ElementsAre("event FOO "));
}

TEST_F(SessionTest, WaitsForNoAttachmentWhereNoneIsAnnounced) {
  join();
  feed_text(R"(450-["FOO","x"])");
  EXPECT_THAT(events_.take(), ElementsAre(R"(event FOO "x")"));
}

TEST_F(SessionTest, HandlesTextAgainAfterABinaryEvent) {
  join();
  feed_text(kAnnounced);
  feed(client::last(Opcode::binary, "x"));
  feed_text(R"(42["x"])");
  EXPECT_THAT(events_.take(), testing::SizeIs(2));
  expect_open_and_silent(State::joined);
}

TEST_F(SessionTest, IgnoresABinaryAck) {
  join();
  feed_text(R"(461-1[{"_placeholder":true,"num":0}])");
  feed(client::last(Opcode::binary, "x"));
  EXPECT_THAT(events_.take(), IsEmpty());
  expect_open_and_silent(State::joined);
}

TEST_F(SessionTest, TakesPongsAndControlFramesBetweenAttachments) {
  join();
  feed_text(kAnnounced);
  feed_text("3");
  feed(client::ping("p"));
  EXPECT_EQ(sent(), frame(0x8A, "p"));
  feed(client::last(Opcode::binary, "x"));
  EXPECT_THAT(events_.take(), testing::SizeIs(1));
}

TEST_F(SessionTest, ClosesOnTextWhileAttachmentsAreDue) {
  join();
  feed_text(kAnnounced);
  feed_text(R"(42["x"])");
  expect_closing(kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, ClosesOnABinaryMessageThatWasNotAnnounced) {
  join();
  feed(client::last(Opcode::binary, "x"));
  expect_closing(kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, ClosesOnABinaryMessageBeforeConnect) {
  open();
  feed(client::last(Opcode::binary, "x"));
  expect_closing(kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, ClosesOnOneAttachmentTooMany) {
  join();
  feed_text(kAnnounced);
  feed(client::last(Opcode::binary, "x"));
  events_.take();
  feed(client::last(Opcode::binary, "x"));
  expect_closing(kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, BoundsItsAttachmentsTogether) {
  join();
  const std::string half = client::last(Opcode::binary, std::string(kMaxPayload / 2, 'x'));
  feed_text(R"(452-["FOO"])");
  feed(half);
  feed(half);
  EXPECT_THAT(events_.take(), ElementsAre("event FOO "));
  feed_text(R"(453-["FOO"])");
  feed(half);
  feed(half);
  expect_open_and_silent(State::joined);
  feed(client::last(Opcode::binary, "x"));
  expect_closing(kEmptyClose, Ending::await_close);
}

// ---- WebSocket: what is fine

TEST_F(SessionTest, AnswersAPingWithItsBytes) {
  open();
  for (const std::string& payload : {""s, "x"s, "\0\xFF"s, std::string(125, 'p')}) {
    feed(client::ping(payload));
    EXPECT_EQ(sent(), frame(0x8A, payload));
  }
  EXPECT_THAT(events_.take(), IsEmpty());
}

TEST_F(SessionTest, IgnoresPongsOfTheWebSocket) {
  open();
  feed(client::last(Opcode::pong, "x"));
  expect_open_and_silent(State::waiting);
}

TEST_F(SessionTest, ReassemblesFragmentsAroundAPing) {
  join();
  feed(client::more(Opcode::text, "42[\"x\",\"\xC3"));
  feed(client::ping("p"));
  EXPECT_EQ(sent(), frame(0x8A, "p"));
  feed(client::more(Opcode::continuation, ""));
  feed(client::last(Opcode::continuation, "\xA4\"]"));
  EXPECT_THAT(events_.take(), ElementsAre("event x \"\xC3\xA4\""));
}

TEST_F(SessionTest, TakesManyFramesInOneSegment) {
  join();
  std::string segment;
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    segment += client::text("42[\"x\"," + std::to_string(i) + "]");
    expected.push_back("event x " + std::to_string(i));
  }
  const Session::ReceiveResult result = feed(segment);
  EXPECT_EQ(result.consumed, segment.size());
  EXPECT_EQ(events_.take(), expected);
}

TEST_F(SessionTest, TakesAFrameByteByByte) {
  join();
  for (const char byte : client::text(R"(42["x"])")) feed({&byte, 1});
  EXPECT_THAT(events_.take(), ElementsAre("event x "));
}

TEST_F(SessionTest, SaysHowManyBytesItWaitsFor) {
  join();
  const std::string whole = client::text(R"(42["x"])");
  const Session::ReceiveResult result = feed(whole + whole.substr(0, 7));
  EXPECT_EQ(result.consumed, whole.size());
  EXPECT_EQ(result.needed, whole.size());
  EXPECT_THAT(events_.take(), testing::SizeIs(1));
  feed(whole.substr(7));
  EXPECT_THAT(events_.take(), testing::SizeIs(1));
}

TEST_F(SessionTest, TakesAMessageOfTheLargestSize) {
  join();
  const std::string before = R"(42["x",")";
  const std::string text = before + std::string(kMaxPayload - before.size() - 2, 'a') + "\"]";
  ASSERT_EQ(text.size(), kMaxPayload);
  feed_text(text);
  EXPECT_THAT(events_.take(), testing::SizeIs(1));
  expect_open_and_silent(State::joined);
}

// ---- WebSocket: what ends it

struct Breach {
  const char* name;
  std::string bytes;
};

void PrintTo(const Breach& breach, std::ostream* out) {
  *out << breach.name;
}

std::vector<Breach> breaches_of_protocol() {
  const std::uint8_t text = 0x81;
  return {
      {"Unmasked", "\x81\x02"s + "40"},
      {"Rsv1", client::frame(text | 0x40, "40")},
      {"Rsv2", client::frame(text | 0x20, "40")},
      {"Rsv3", client::frame(text | 0x10, "40")},
      {"Opcode3", client::frame(0x83, "")},
      {"Opcode11", client::frame(0x8B, "")},
      {"ContinuationOfNothing", client::last(Opcode::continuation, "x")},
      {"TextInsideAMessage", client::more(Opcode::text, "4") + client::text("40")},
      {"LongPing", client::ping(std::string(126, 'x'))},
      {"FragmentedPing", client::more(Opcode::ping, "x")},
      {"CloseOfOneByte", client::last(Opcode::close, "x")},
      {"CloseCode999", client::close(999)},
      {"CloseCode1005", client::close(1005)},
  };
}

std::vector<Breach> breaches_of_utf8() {
  return {
      {"NoUtf8", client::text("42[\"\xFF\xFE\"]")},
      {"Overlong", client::text("42[\"\xC0\xAF\"]")},
      {"Surrogate", client::text("42[\"\xED\xA0\x80\"]")},
      {"CutOff", client::text("42[\"x\"]\xC3")},
      {"CutOffInFragments",
       client::more(Opcode::text, "42[\"") + client::last(Opcode::continuation, "\xC3")},
      {"CloseReason", client::close(1000, "\xFF")},
  };
}

std::vector<Breach> breaches_of_size() {
  const std::string half(kMaxPayload / 2, 'x');
  return {
      {"HeaderOfText", client::header(0x81, kMaxPayload + 1)},
      {"HeaderOfBinary", client::header(0x82, kMaxPayload + 1)},
      {"HeaderOfSixtyThreeBits", client::header(0x81, ~std::uint64_t{0} >> 1)},
      {"FragmentsTogether", client::more(Opcode::text, half) +
                                client::more(Opcode::continuation, half) + client::header(0x80, 1)},
  };
}

constexpr auto breach_name = [](const auto& info) { return info.param.name; };

class SessionBreach : public SessionTest, public testing::WithParamInterface<Breach> {
 protected:
  /// `code`: the payload of the close frame.
  void expect_closed_with(std::string_view code) {
    join();
    // What stands behind it in the segment is swallowed.
    const std::string segment = GetParam().bytes + client::ping("x") + client::text(R"(42["x"])");
    const Session::ReceiveResult result = feed(segment);
    EXPECT_EQ(result.consumed, segment.size());
    EXPECT_EQ(result.needed, 0U);
    expect_closing(frame(0x88, code), Ending::finish);
    EXPECT_EQ(events_.left, State::joined);
    EXPECT_EQ(count(Counter::violation_websocket), 1U);
  }
};

using SessionBreachOfProtocol = SessionBreach;
TEST_P(SessionBreachOfProtocol, ClosesWith1002) {
  expect_closed_with("\x03\xEA");
}
INSTANTIATE_TEST_SUITE_P(Frames, SessionBreachOfProtocol, testing::ValuesIn(breaches_of_protocol()),
                         breach_name);

using SessionBreachOfUtf8 = SessionBreach;
TEST_P(SessionBreachOfUtf8, ClosesWith1007) {
  expect_closed_with("\x03\xEF");
}
INSTANTIATE_TEST_SUITE_P(Frames, SessionBreachOfUtf8, testing::ValuesIn(breaches_of_utf8()),
                         breach_name);

using SessionBreachOfSize = SessionBreach;
TEST_P(SessionBreachOfSize, ClosesWith1009) {
  expect_closed_with("\x03\xF1");
}
INSTANTIATE_TEST_SUITE_P(Frames, SessionBreachOfSize, testing::ValuesIn(breaches_of_size()),
                         breach_name);

TEST_F(SessionTest, BoundsItsMessagesBeforeConnectToo) {
  open();
  feed(client::header(0x81, kMaxPayload + 1));
  expect_closing(frame(0x88, "\x03\xF1"), Ending::finish);
}

TEST_F(SessionTest, EchoesTheClientsCloseAndEnds) {
  join();
  feed(client::close(4000, "bye"));
  expect_closing(frame(0x88, "\x0F\xA0"s + "bye"), Ending::finish);
}

TEST_F(SessionTest, EchoesEveryCloseAsItCame) {
  for (const std::string& payload :
       {""s, client::close_payload(1000), client::close_payload(1001, "going"),
        client::close_payload(1000, std::string(123, 'x'))}) {
    Outbox outbox;
    Session session(SessionHandle{0, outbox.open(Outbox::Wire{}), 0}, outbox);
    session.open(context_, now_);
    outbox.with_wire([](Outbox::Wire&, ByteQueue& queue) { queue.clear(); });
    std::string bytes = client::last(Opcode::close, payload);
    session.receive(context_, bytes, now_);
    outbox.with_wire([&](Outbox::Wire&, ByteQueue& queue) {
      const auto pending = queue.pending();
      EXPECT_EQ(std::string(pending.begin(), pending.end()), frame(0x88, payload));
    });
    EXPECT_EQ(session.ending(), Ending::finish);
    EXPECT_THAT(events_.take(), ElementsAre("end"));
  }
}

TEST_F(SessionTest, HandlesNothingBehindTheClientsClose) {
  join();
  const std::string segment =
      client::close(1000) + client::text(R"(42["x"])") + client::ping("x") + "garbage";
  const Session::ReceiveResult result = feed(segment);
  EXPECT_EQ(result.consumed, segment.size());
  expect_closing(frame(0x88, "\x03\xE8"), Ending::finish);
  feed(client::text("40"));
  EXPECT_EQ(sent(), "");
  EXPECT_THAT(events_.take(), IsEmpty());
}

// ---- Closing

TEST_F(SessionTest, ClosesWithTheCodeThatItIsGiven) {
  join();
  session_.close(context_, CloseCode::too_big, EndReason::shutdown);
  expect_closing(frame(0x88, "\x03\xF1"), Ending::await_close);
  EXPECT_EQ(count(Counter::closed_shutdown), 1U);
}

TEST_F(SessionTest, SendsDisconnectFirstToANodeThatShouldNotReconnect) {
  join();
  session_.disconnect_permanently(context_, EndReason::invalid_node);
  expect_closing(text_frame("41") + kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, SendsNoDisconnectToANodeThatHasNotJoined) {
  open();
  session_.disconnect_permanently(context_, EndReason::lost_id);
  expect_closing(kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, DisconnectsANodeForReconnectWithoutACloseFrame) {
  join();
  session_.disconnect_for_reconnect(context_, EndReason::shutdown);
  expect_closing("", Ending::finish);
  EXPECT_EQ(count(Counter::closed_shutdown), 1U);
}

TEST_F(SessionTest, DisconnectsANodeForReconnectAfterItsQueuedBytes) {
  join();
  EXPECT_EQ(push("x"), Pushed::taken);
  session_.disconnect_for_reconnect(context_, EndReason::shutdown);
  expect_closing("x", Ending::finish);
}

TEST_F(SessionTest, DoesNotDisconnectASessionThatIsClosing) {
  join();
  feed_text("7");
  expect_closing(kEmptyClose, Ending::await_close);
  session_.disconnect_for_reconnect(context_, EndReason::shutdown);
  EXPECT_EQ(session_.ending(), Ending::await_close);
  EXPECT_EQ(count(Counter::closed_shutdown), 0U);
}

TEST_F(SessionTest, ClosesOnce) {
  join();
  session_.close(context_, CloseCode::no_status, EndReason::yielded);
  expect_closing(kEmptyClose, Ending::await_close);
  session_.disconnect_permanently(context_, EndReason::shutdown);
  EXPECT_EQ(sent(), "");
  EXPECT_THAT(events_.take(), IsEmpty());
  EXPECT_EQ(count(Counter::closed_shutdown), 0U);
}

TEST_F(SessionTest, SendsWhatWaitedBeforeItsClose) {
  join();
  feed_text(R"(421["x"])");
  session_.ack(context_, events_.last_ack, R"(["OK"])");
  feed_text("7");
  EXPECT_EQ(sent(), text_frame(R"(431["OK"])") + kEmptyClose);
}

TEST_F(SessionTest, HandlesNothingWhileItWaitsForTheClientsClose) {
  join();
  feed_text("7");
  expect_closing(kEmptyClose, Ending::await_close);
  feed(client::text(R"(421["x"])") + client::text("40") + client::text("41") + client::text("2") +
       client::last(Opcode::binary, "x") + client::ping("x"));
  EXPECT_EQ(sent(), "");
  EXPECT_THAT(events_.take(), IsEmpty());
  EXPECT_EQ(session_.ending(), Ending::await_close);
}

TEST_F(SessionTest, HandlesNothingBehindWhatClosedIt) {
  join();
  feed(client::text("7") + client::text(R"(421["x"])"));
  expect_closing(kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, HandlesNothingBehindAnEventThatTheBrokerClosedItFor) {
  join();
  events_.event = [this](Session& session) {
    session.close(context_, CloseCode::no_status, EndReason::lost_id);
  };
  feed(client::text(R"(42["x"])") + client::text(R"(42["y"])"));
  EXPECT_THAT(events_.take(), ElementsAre("event x ", "end"));
}

TEST_F(SessionTest, EndsWithTheCloseThatAnswersItsOwn) {
  join();
  feed_text("7");
  expect_closing(kEmptyClose, Ending::await_close);
  feed(client::close(1000));
  EXPECT_EQ(sent(), "");
  EXPECT_EQ(session_.ending(), Ending::finish);
  EXPECT_THAT(events_.take(), IsEmpty());
}

TEST_F(SessionTest, EndsWithAViolationWhileItWaitsForTheClientsClose) {
  join();
  feed_text("7");
  expect_closing(kEmptyClose, Ending::await_close);
  feed("\x81\x00"s);
  EXPECT_EQ(sent(), "");
  EXPECT_EQ(session_.ending(), Ending::finish);
  EXPECT_THAT(events_.take(), IsEmpty());
}

TEST_F(SessionTest, EndsWithItsConnection) {
  join();
  session_.drop(context_, EndReason::tcp_end);
  expect_closing("", Ending::finish);
  EXPECT_EQ(events_.left, State::joined);
}

TEST_F(SessionTest, EndsWithItsConnectionBeforeItIsOpen) {
  session_.drop(context_, EndReason::tcp_end);
  expect_closing("", Ending::finish);
  EXPECT_EQ(events_.left, State::admitting);
}

TEST_F(SessionTest, EndsOnceHoweverManyReasonsThereAre) {
  join();
  feed_text("7");
  feed(client::close(1000));
  session_.drop(context_, EndReason::tcp_end);
  session_.drop(context_, EndReason::tcp_end);
  session_.close(context_, CloseCode::no_status, EndReason::lost_id);
  pass(1h);
  EXPECT_THAT(events_.take(), ElementsAre("end"));
  EXPECT_EQ(sent(), kEmptyClose);
}

TEST_F(SessionTest, TakesNoMessageOnceItIsClosing) {
  join();
  EXPECT_EQ(push("x"), Pushed::taken);
  feed_text("7");
  sent();
  EXPECT_EQ(push("x"), Pushed::gone);
  session_.ack(context_, events_.last_ack, R"(["OK"])");
  session_.ping(context_);
  EXPECT_EQ(sent(), "");
}

TEST_F(SessionTest, HasNoDeadlineOnceItIsClosing) {
  join();
  session_.drop(context_, EndReason::tcp_end);
  EXPECT_EQ(session_.deadline(), TimePoint::max());
}

TEST_F(SessionTest, CountsAViolationByItsLayer) {
  const std::tuple<std::string, Counter> cases[] = {
      {"\x81\x00"s, Counter::violation_websocket},
      {client::text("7"), Counter::violation_engineio},
      {client::text("49"), Counter::violation_socketio},
  };
  for (const auto& [bytes, counter] : cases) {
    Outbox outbox;
    Session session(SessionHandle{0, outbox.open(Outbox::Wire{}), 0}, outbox);
    session.open(context_, now_);
    std::string input = bytes;
    session.receive(context_, input, now_);
    EXPECT_EQ(count(counter), 1U);
  }
}

TEST_F(SessionTest, SaysWhyItEnds) {
  const std::string large(kMaxPayload + 1, 'x');
  const std::tuple<std::string, std::string> cases[] = {
      {"\x81\x00"s, "WebSocket: unmasked frame"},
      {client::text("\xff"), "WebSocket: text that is not UTF-8"},
      {client::text(large), "a message of " + std::to_string(large.size()) +
                                " bytes, MAX_PAYLOAD_BYTES is " + std::to_string(large.size() - 1)},
      {client::text("7"), "Engine.IO: unknown packet: is it a client of Socket.IO?"},
      {client::text("2"), "Engine.IO: ping"},
      {client::text("49"), "Socket.IO: unknown packet type"},
      {client::text("42{"), "Socket.IO: invalid payload"},
      {client::text("40"), "Socket.IO: second CONNECT"},
      {client::text("42/chat,[\"x\"]"), "Socket.IO: packet for a namespace that it is not in"},
      {client::last(Opcode::binary, "x"), "Socket.IO: binary message that was not announced"},
      {client::close(1001), "closed by the node with code 1001"},
      {client::last(Opcode::close, ""), "closed by the node"},
  };
  for (const auto& [bytes, why] : cases) {
    Outbox outbox;
    Session session(SessionHandle{0, outbox.open(Outbox::Wire{}), 0}, outbox);
    session.open(context_, now_);
    session.join(context_, kFirstEvent, "\"{}\"");
    std::string input = bytes;
    session.receive(context_, input, now_);
    EXPECT_EQ(session.state(), State::closing) << why;
    EXPECT_EQ(events_.ended, why);
  }
}

TEST_F(SessionTest, SaysWhyItEndsBeforeItHasJoined) {
  open();
  feed(client::text(std::string(kMaxEarlyBytes + 1, 'x')));
  EXPECT_EQ(events_.ended, "more than 4096 bytes before it joined");
}

// ---- The handshake time-out

TEST_F(SessionTest, ClosesATransportThatDoesNotConnectInTime) {
  open();
  EXPECT_EQ(session_.deadline(), now_ + 10s);
  pass(9999ms);
  expect_open_and_silent(State::waiting);
  pass(1ms);
  expect_closing(kEmptyClose, Ending::await_close);
  EXPECT_EQ(count(Counter::closed_handshake_timeout), 1U);
}

TEST_F(SessionTest, DoesNotTakeOtherTrafficForAConnect) {
  open();
  pass(9s);
  feed_text("3");
  feed(client::ping("x"));
  sent();
  pass(1s);
  expect_closing(kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, GivesTheHandshakeTimeAnewAfterAConnectError) {
  open();
  pass(9s);
  feed_text("40");
  events_.take();
  session_.refuse(context_, "authentication failed", now_);
  sent();
  EXPECT_EQ(session_.deadline(), now_ + 10s);
  pass(9s);
  expect_open_and_silent(State::waiting);
  pass(1s);
  expect_closing(kEmptyClose, Ending::await_close);
}

TEST_F(SessionTest, ClosesATransportLeftIdleAfterADisconnect) {
  join();
  pass(20s);
  session_.leave(context_, now_);
  EXPECT_EQ(session_.deadline(), std::min(now_ + 10s, TimePoint{1025s}));
  pass(5s);
  EXPECT_EQ(sent(), text_frame("2"));
  pass(5s);
  expect_closing(kEmptyClose, Ending::await_close);
  EXPECT_EQ(count(Counter::closed_handshake_timeout), 1U);
}

TEST_F(SessionTest, HasNoHandshakeTimeOutWhileItIsBeingAdmittedAgain) {
  open();
  session_.begin_readmission();
  EXPECT_EQ(session_.deadline(), now_ + 25s);
  pass(24s);
  expect_open_and_silent(State::readmitting);
}

TEST_F(SessionTest, HasNoHandshakeTimeOutWhileItIsJoining) {
  open();
  session_.begin_joining();
  EXPECT_EQ(session_.deadline(), now_ + 25s);
  pass(24s);
  expect_open_and_silent(State::joining);
}

TEST_F(SessionTest, HasNoHandshakeTimeOutOnceItHasJoined) {
  join();
  pass(24s);
  expect_open_and_silent(State::joined);
}

// ---- Heartbeat

TEST_F(SessionTest, PingsAfterTheInterval) {
  join();
  EXPECT_EQ(session_.deadline(), now_ + 25s);
  pass(24'999ms);
  EXPECT_EQ(sent(), "");
  pass(1ms);
  EXPECT_EQ(sent(), text_frame("2"));
  EXPECT_EQ(session_.deadline(), now_ + 20s);
}

TEST_F(SessionTest, PingsAgainAnIntervalAfterThePong) {
  join();
  pass(25s);
  pass(3s);
  EXPECT_EQ(sent(), text_frame("2"));
  feed_text("3");
  EXPECT_EQ(session_.deadline(), now_ + 25s);
  pass(25s);
  EXPECT_EQ(sent(), text_frame("2"));
}

TEST_F(SessionTest, MeasuresTheRoundTripOfAHeartbeat) {
  join();
  pass(25s);
  pass(3s);
  feed_text("3");
  feed_text("3");
  const auto counts = counters_.histogram(telemetry::Latency::heartbeat_round_trip).counts();
  EXPECT_EQ(counts.count(), 1u);
  EXPECT_EQ(counts.sum, 3s);
  EXPECT_EQ(session_.last_round_trip(), 3s);
}

TEST_F(SessionTest, StartsTheIntervalAnewWithAPongThatNobodyAskedFor) {
  join();
  pass(20s);
  feed_text("3");
  pass(24s);
  EXPECT_EQ(sent(), "");
  pass(1s);
  EXPECT_EQ(sent(), text_frame("2"));
}

TEST_F(SessionTest, DisconnectsANodeThatDoesNotAnswerAPing) {
  join();
  pass(25s);
  EXPECT_EQ(sent(), text_frame("2"));
  pass(19'999ms);
  expect_open_and_silent(State::joined);
  pass(1ms);
  expect_closing("", Ending::finish);
  EXPECT_EQ(count(Counter::closed_ping_timeout), 1U);
}

TEST_F(SessionTest, TakesNothingButAPongForAnAnswer) {
  join();
  pass(25s);
  sent();
  pass(10s);
  feed_text(R"(42["x"])");
  feed(client::last(Opcode::pong, ""));
  events_.take();
  pass(10s);
  expect_closing("", Ending::finish);
}

TEST_F(SessionTest, AnswersPingsWhileItIsBeingAdmittedAgain) {
  open();
  session_.begin_readmission();
  pass(25s);
  EXPECT_EQ(sent(), text_frame("2"));
  pass(20s);
  expect_closing("", Ending::finish);
}

TEST_F(SessionTest, WaitsLongerForASlowReaderThatMakesProgress) {
  join();
  push(std::string(1000, 'x'));
  pass(25s);
  for (int i = 0; i < 3; ++i) {
    move(10);
    pass(20s);
    EXPECT_EQ(session_.state(), State::joined);
    EXPECT_EQ(session_.deadline(), now_ + 20s);
  }
  sent();
  feed_text("3");
  EXPECT_EQ(session_.deadline(), now_ + 25s);
}

TEST_F(SessionTest, DisconnectsASlowReaderThatMakesNoProgress) {
  join();
  push(std::string(1000, 'x'));
  pass(25s);
  move(10);
  pass(20s);
  EXPECT_EQ(session_.state(), State::joined);
  pass(20s);
  // What it did not take is forgotten: nothing stands between it and the end.
  expect_closing("", Ending::finish);
  EXPECT_EQ(count(Counter::closed_outbox_stalled), 1U);
  EXPECT_EQ(count(Counter::closed_ping_timeout), 0U);
}

TEST_F(SessionTest, DoesNotWaitLongerForAReaderThatIsNotBehind) {
  // It has taken the ping, so it owes the pong.
  join();
  push(std::string(1000, 'x'));
  pass(25s);
  sent();
  pass(20s);
  expect_closing("", Ending::finish);
  EXPECT_EQ(count(Counter::closed_ping_timeout), 1U);
}

TEST_F(SessionTest, DoesNotCountWhatWasTakenBeforeThePing) {
  join();
  push(std::string(1000, 'x'));
  move(10);
  pass(25s);
  pass(20s);
  EXPECT_EQ(session_.state(), State::closing);
  EXPECT_EQ(count(Counter::closed_outbox_stalled), 1U);
}

// ---- What is kept for whom

TEST_F(SessionTest, LetsAConnectionSendFourKibibytesBeforeItJoins) {
  open();
  std::size_t sent_bytes = 0;
  const std::string ping = client::ping(std::string(100, 'x'));
  while (sent_bytes + ping.size() <= kMaxEarlyBytes) {
    feed(ping);
    sent_bytes += ping.size();
  }
  EXPECT_EQ(session_.state(), State::waiting);
  sent();
  feed(ping);
  expect_closing(frame(0x88, "\x03\xF1"), Ending::finish);
}

TEST_F(SessionTest, RefusesALargeEarlyMessageAsSoonAsItIsAnnounced) {
  open();
  feed(client::header(0x81, kMaxEarlyBytes + 1));
  expect_closing(frame(0x88, "\x03\xF1"), Ending::finish);
}

TEST_F(SessionTest, CountsEarlyBytesAcrossRefusals) {
  open();
  const std::string most(kMaxEarlyBytes / 2, 'x');
  feed(client::last(Opcode::pong, "") + client::text("5" + most));
  feed_text("40");
  session_.refuse(context_, "no", now_);
  sent();
  events_.take();
  feed(client::text("5" + most));
  expect_closing(frame(0x88, "\x03\xF1"), Ending::finish);
}

TEST_F(SessionTest, LetsANodeSendAsMuchAsTheLimitSays) {
  join();
  feed(client::text("5" + std::string(100'000, 'x')));
  EXPECT_EQ(session_.state(), State::joined);
}

TEST_F(SessionTest, LimitsEarlyBytesOfANodeThatLeft) {
  join();
  feed(client::text("5" + std::string(100'000, 'x')));
  session_.leave(context_, now_);
  feed_text("5");
  EXPECT_EQ(session_.state(), State::waiting);
  feed(client::header(0x81, kMaxEarlyBytes + 1));
  expect_closing(frame(0x88, "\x03\xF1"), Ending::finish);
}

TEST_F(SessionTest, KeepsNothingOfAMessageWhileItIsClosing) {
  join();
  const std::string message = client::text(std::string(100'000, 'x'));
  const Session::ReceiveResult result = feed(client::text("7") + message.substr(0, 5000));
  expect_closing(kEmptyClose, Ending::await_close);
  EXPECT_EQ(result.skip, message.size() - 5000);
  EXPECT_EQ(result.consumed, client::text("7").size() + 5000);
  // What is skipped is not passed on; then comes the answer to the close frame.
  feed(client::close(1000));
  EXPECT_EQ(session_.ending(), Ending::finish);
}

TEST_F(SessionTest, StillWaitsForTheRestOfACloseFrameWhileItIsClosing) {
  join();
  feed_text("7");
  expect_closing(kEmptyClose, Ending::await_close);
  const std::string close = client::close(1000, std::string(120, 'x'));
  for (const char byte : close) {
    EXPECT_EQ(session_.ending(), Ending::await_close);
    EXPECT_EQ(feed(std::string(1, byte)).skip, 0U);
  }
  EXPECT_EQ(session_.ending(), Ending::finish);
}

TEST_F(SessionTest, ForgetsTheFragmentsOfAMessageWhenItCloses) {
  join();
  feed(client::more(Opcode::text, std::string(100'000, 'x')));
  EXPECT_GE(session_.held_bytes(), 100'000U);
  session_.disconnect_permanently(context_, EndReason::invalid_node);
  EXPECT_EQ(session_.held_bytes(), 0U);
}

TEST_F(SessionTest, ForgetsTheFragmentsOfAMessageThatClosesIt) {
  join();
  feed(client::more(Opcode::text, "7" + std::string(100'000, 'x')) +
       client::last(Opcode::continuation, "x"));
  EXPECT_EQ(session_.state(), State::closing);
  EXPECT_EQ(session_.held_bytes(), 0U);
}

// ---- Signs of life

TEST_F(SessionTest, ReportsActivityOnlyWhileRequested) {
  join();
  session_.on_received(context_, 1);
  EXPECT_THAT(events_.take(), IsEmpty());
  session_.start_activity_reports();
  session_.on_received(context_, 1);
  session_.on_received(context_, 1);
  EXPECT_THAT(events_.take(), ElementsAre("activity", "activity"));
  session_.stop_activity_reports();
  session_.on_received(context_, 1);
  EXPECT_THAT(events_.take(), IsEmpty());
}

}  // namespace
}  // namespace crolang::session
