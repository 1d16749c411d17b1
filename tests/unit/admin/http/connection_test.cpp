#include "admin/http/connection.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

namespace crolang::admin::http {
namespace {

using namespace std::chrono_literals;
using State = HttpConnection::State;
using Next = HttpConnection::Next;

const HttpConnection::TimePoint kAccepted{1h};
const std::string kGet = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A connection whose other end is the test.
class HttpConnectionTest : public ::testing::Test {
 protected:
  HttpConnectionTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    client_ = net::Descriptor(ends[0]);
    connection_.emplace(net::Descriptor(ends[1]), client_address::Address{}, times_, kAccepted);
  }

  void send(std::string_view bytes) {
    EXPECT_EQ(::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  std::string received() {
    std::string all;
    std::array<char, 65536> bytes;
    for (;;) {
      const ssize_t count = ::recv(client_.get(), bytes.data(), bytes.size(), 0);
      if (count <= 0) return all;
      all.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }
  /// Sends the bytes, and expects that they are a request.
  void expect_request(std::string_view bytes, HttpConnection::TimePoint now = kAccepted) {
    send(bytes);
    EXPECT_TRUE(std::holds_alternative<Request>(connection_->on_readable(now)));
    EXPECT_EQ(connection_->state(), State::handling);
  }

  const ConnectionTimes times_{};
  net::Descriptor client_;
  std::optional<HttpConnection> connection_;
};

TEST_F(HttpConnectionTest, AnswersAndWaitsForTheNextRequest) {
  expect_request(kGet);
  EXPECT_FALSE(connection_->wants_to_read());
  connection_->respond({200, "text/plain", "hello", {}}, Next::as_requested, kAccepted);
  const std::string response = received();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << response;
  EXPECT_TRUE(response.ends_with(
      "Content-Type: text/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"))
      << response;
  EXPECT_EQ(connection_->state(), State::reading);
  expect_request(kGet, kAccepted + 10s);
}

TEST_F(HttpConnectionTest, EveryRequestHasItsTime) {
  // Answered in the same turn of the loop in which the connection was accepted.
  expect_request(kGet);
  connection_->respond({204, {}, {}, {}}, Next::as_requested, kAccepted);
  EXPECT_EQ(connection_->deadline(), kAccepted + times_.idle);
  send("GET ");
  EXPECT_TRUE(std::holds_alternative<Incomplete>(connection_->on_readable(kAccepted + 25s)));
  EXPECT_EQ(connection_->deadline(), kAccepted + 25s + times_.request);
}

TEST_F(HttpConnectionTest, HeadGetsTheHeaderOnly) {
  expect_request("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  connection_->respond({200, "text/plain", "hello", {}}, Next::as_requested, kAccepted);
  EXPECT_TRUE(received().ends_with("Content-Length: 5\r\nConnection: keep-alive\r\n\r\n"));
}

TEST_F(HttpConnectionTest, KeepsPipelinedRequestsForLater) {
  expect_request(kGet + kGet);
  connection_->respond({204, {}, {}, {}}, Next::as_requested, kAccepted);
  EXPECT_TRUE(std::holds_alternative<Request>(connection_->next_request(kAccepted)));
  connection_->respond({204, {}, {}, {}}, Next::as_requested, kAccepted);
  EXPECT_TRUE(std::holds_alternative<Incomplete>(connection_->next_request(kAccepted)));
}

TEST_F(HttpConnectionTest, ATrickleOfBytesDoesNotExtendTheTime) {
  auto now = kAccepted;
  for (int i = 0; i < 9; ++i) {
    now += 1s;
    send("G");
    connection_->on_readable(now);
    connection_->check_time(now);
    ASSERT_EQ(connection_->state(), State::reading);
  }
  connection_->check_time(kAccepted + times_.request);
  EXPECT_EQ(connection_->state(), State::closed);
}

TEST_F(HttpConnectionTest, ASecondRequestHasItsTimeFromItsFirstByte) {
  expect_request(kGet);
  connection_->respond({204, {}, {}, {}}, Next::as_requested, kAccepted);
  EXPECT_EQ(connection_->deadline(), kAccepted + times_.idle);
  send("G");
  connection_->on_readable(kAccepted + 20s);
  EXPECT_EQ(connection_->deadline(), kAccepted + 20s + times_.request);
}

TEST_F(HttpConnectionTest, IsNotKeptForEver) {
  expect_request(kGet, kAccepted + times_.whole);
  connection_->respond({204, {}, {}, {}}, Next::as_requested, kAccepted + times_.whole);
  EXPECT_NE(received().find("Connection: close"), std::string::npos);
  EXPECT_EQ(connection_->state(), State::lingering);
  connection_->check_time(kAccepted + times_.whole + times_.linger);
  EXPECT_EQ(connection_->state(), State::closed);
}

TEST_F(HttpConnectionTest, WhoTakesTheResponseTooSlowlyIsClosed) {
  expect_request(kGet);
  const std::string large(8 * 1024 * 1024, 'x');
  connection_->respond({200, "text/plain", large, {}}, Next::as_requested, kAccepted);
  ASSERT_EQ(connection_->state(), State::writing);
  EXPECT_TRUE(connection_->wants_to_write());
  received();
  connection_->on_writable(kAccepted + 20s);
  ASSERT_EQ(connection_->state(), State::writing);
  connection_->check_time(kAccepted + times_.response);
  EXPECT_EQ(connection_->state(), State::closed);
}

TEST_F(HttpConnectionTest, AFaultIsAnsweredAndWhatStillComesIsThrownAway) {
  send("nonsense\r\n\r\n");
  EXPECT_TRUE(std::holds_alternative<RequestFault>(connection_->on_readable(kAccepted)));
  connection_->respond({400, "text/plain", "no", {}}, Next::close, kAccepted);
  EXPECT_EQ(connection_->state(), State::lingering);
  send("more");
  EXPECT_TRUE(std::holds_alternative<Incomplete>(connection_->on_readable(kAccepted)));
  EXPECT_NE(received().find("400 Bad Request"), std::string::npos);
  client_.reset();
  connection_->on_readable(kAccepted);
  EXPECT_EQ(connection_->state(), State::closed);
}

TEST_F(HttpConnectionTest, AStreamSendsEventsAndSignsOfLife) {
  expect_request(kGet);
  connection_->begin_stream({200, "text/event-stream", {}, {}}, {}, kAccepted);
  EXPECT_EQ(connection_->state(), State::streaming);
  EXPECT_TRUE(received().ends_with("Connection: close\r\n\r\n:\n\n"));
  connection_->events().push(std::make_shared<const std::string>("event: a\n\n"));
  connection_->send_events(kAccepted);
  EXPECT_EQ(received(), "event: a\n\n");
  connection_->check_time(kAccepted + times_.comment - 1ms);
  EXPECT_EQ(received(), "");
  connection_->check_time(kAccepted + times_.comment);
  EXPECT_EQ(received(), ":\n\n");
}

TEST_F(HttpConnectionTest, AStreamThatTakesNothingIsClosedInTheEnd) {
  expect_request(kGet);
  connection_->begin_stream({200, "text/event-stream", {}, {}}, {}, kAccepted);
  const auto large = std::make_shared<const std::string>(200'000, 'x');
  for (int i = 0; i < 20; ++i) {
    connection_->events().push(large);
    connection_->send_events(kAccepted);
  }
  ASSERT_TRUE(connection_->wants_to_write());
  EXPECT_GT(connection_->events().lost(), 0u);
  connection_->check_time(kAccepted + times_.comment);
  ASSERT_EQ(connection_->state(), State::streaming);
  connection_->check_time(kAccepted + times_.stalled_stream);
  EXPECT_EQ(connection_->state(), State::closed);
}

TEST_F(HttpConnectionTest, NoticesThatTheReaderOfAStreamHasGone) {
  expect_request(kGet);
  connection_->begin_stream({200, "text/event-stream", {}, {}}, {}, kAccepted);
  client_.reset();
  connection_->on_readable(kAccepted);
  EXPECT_EQ(connection_->state(), State::closed);
  EXPECT_TRUE(connection_->is_stream());
}

}  // namespace
}  // namespace crolang::admin::http
