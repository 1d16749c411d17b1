/// Beast's WebSocket client and this layer talk to each other, in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "unit/websocket/client_frames.hpp"
#include "websocket/frame_parser.hpp"
#include "websocket/frame_writer.hpp"
#include "websocket/handshake.hpp"

namespace crolang::websocket::testing {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using ::testing::ElementsAre;

class BeastClient : public ::testing::Test {
 protected:
  using Client = beast::websocket::stream<beast::test::stream>;

  void SetUp() override {
    client_.next_layer().connect(wire_);
    beast::error_code error = asio::error::would_block;
    client_.async_handshake("localhost", "/socket.io/", [&](beast::error_code e) { error = e; });
    io_.poll();
    const std::string request = sent();
    const std::string_view name = "Sec-WebSocket-Key: ";
    const std::string key = request.substr(request.find(name) + name.size(), 24);
    ASSERT_TRUE(is_valid_key(key)) << request;
    const auto accept = accept_key(key);
    receive(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        std::string(accept.begin(), accept.end()) + "\r\n\r\n");
    ASSERT_FALSE(error) << error.message();
  }

  /// What the client wrote since the last call.
  std::string sent() {
    std::string bytes(wire_.str());
    wire_.clear();
    return bytes;
  }

  void receive(std::string_view bytes) {
    asio::write(wire_, asio::buffer(bytes));
    io_.restart();
    io_.poll();
  }

  std::vector<std::string> events() {
    const std::string bytes = sent();
    const auto events = events_of_pieces(bytes, bytes.size(), kLimit);
    EXPECT_EQ(events_of_pieces(bytes, 1, kLimit), events);
    return events;
  }

  asio::io_context io_;
  beast::test::stream wire_{io_};
  Client client_{io_};
};

std::string with_header(Opcode opcode, std::string_view payload) {
  std::string frame(kMaxHeaderBytes, '\0');
  frame.resize(write_header(frame.data(), opcode, payload.size()));
  return frame.append(payload);
}

TEST_F(BeastClient, IsUnderstoodWhenItSendsText) {
  for (const std::size_t size : {0, 1, 125, 126, 2000}) {
    const std::string payload(size, 'x');
    client_.text(true);
    client_.write(asio::buffer(payload));
    EXPECT_THAT(events(), ElementsAre("text:" + payload));
  }
}

TEST_F(BeastClient, IsUnderstoodWhenItSendsTextThatIsNotAscii) {
  client_.write(asio::buffer(std::string_view("жук \U0001F600")));
  EXPECT_THAT(events(), ElementsAre("text:жук \U0001F600"));
}

TEST_F(BeastClient, IsUnderstoodWhenItSendsBinary) {
  client_.binary(true);
  client_.write(asio::buffer(std::string_view("\xff\x00\xfe", 3)));
  EXPECT_THAT(events(), ElementsAre(std::string("binary:\xff\x00\xfe", 10)));
}

TEST_F(BeastClient, IsUnderstoodWhenItSplitsAMessage) {
  client_.write_some(false, asio::buffer(std::string_view("\xd0\xb6\xd1")));
  client_.ping("between");
  client_.write_some(false, asio::buffer(std::string_view("\x83")));
  client_.write_some(true, asio::buffer(std::string_view("\xd0\xba")));
  EXPECT_THAT(events(), ElementsAre("fragment", "ping:between", "fragment", "text:жук"));
}

TEST_F(BeastClient, IsUnderstoodWhenItFragmentsByItself) {
  client_.auto_fragment(true);
  client_.write_buffer_bytes(16);
  const std::string payload(100, 'x');
  client_.write(asio::buffer(payload));
  const auto seen = events();
  EXPECT_GT(seen.size(), 2U);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), "fragment"),
            static_cast<std::ptrdiff_t>(seen.size()) - 1);
  EXPECT_EQ(seen.back(), "text:" + payload);
}

TEST_F(BeastClient, IsUnderstoodWhenItPingsAndPongs) {
  client_.ping("a");
  client_.pong("b");
  EXPECT_THAT(events(), ElementsAre("ping:a", "pong:b"));
}

TEST_F(BeastClient, IsUnderstoodWhenItCloses) {
  client_.async_close({beast::websocket::close_code::going_away, "bye"}, [](beast::error_code) {});
  io_.restart();
  io_.poll();
  EXPECT_THAT(events(), ElementsAre("close:1001:" + close_payload(1001, "bye")));
}

TEST_F(BeastClient, ReadsWhatIsWrittenForIt) {
  for (const std::size_t size : {0, 125, 126, 65535, 65536}) {
    const std::string payload(size, 'y');
    receive(with_header(Opcode::text, payload));
    beast::flat_buffer buffer;
    client_.read(buffer);
    EXPECT_TRUE(client_.got_text());
    EXPECT_EQ(beast::buffers_to_string(buffer.data()), payload);
  }
}

TEST_F(BeastClient, AnswersAPingThatIsWrittenForIt) {
  receive(with_header(Opcode::ping, "are you there") + with_header(Opcode::binary, "\xff"));
  beast::flat_buffer buffer;
  client_.read(buffer);
  EXPECT_TRUE(client_.got_binary());
  EXPECT_THAT(events(), ElementsAre("pong:are you there"));
}

TEST_F(BeastClient, SeesTheCodeOfACloseThatIsWrittenForIt) {
  receive(CloseFrame(CloseCode::too_big).bytes());
  beast::flat_buffer buffer;
  beast::error_code error;
  client_.read(buffer, error);
  EXPECT_EQ(error, beast::websocket::error::closed);
  EXPECT_EQ(client_.reason().code, 1009);
}

TEST_F(BeastClient, SeesNoCodeInACloseWithoutPayload) {
  receive(CloseFrame(CloseCode::no_status).bytes());
  beast::flat_buffer buffer;
  beast::error_code error;
  client_.read(buffer, error);
  EXPECT_EQ(error, beast::websocket::error::closed);
  EXPECT_EQ(client_.reason().code, beast::websocket::close_code::none);
}

}  // namespace
}  // namespace crolang::websocket::testing
