#include "admin/http/connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace crolang::admin::http {
namespace {

constexpr std::size_t kReadAtOnce = std::size_t{16} * 1024;
constexpr std::size_t kStreamAtOnce = std::size_t{16} * 1024;
constexpr std::size_t kMostDiscarded = std::size_t{256} * 1024;
// What the kernel keeps for a stream that is not read, instead of megabytes.
constexpr int kStreamSendBuffer = 64 * 1024;
constexpr std::string_view kComment = ":\n\n";

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

HttpConnection::HttpConnection(net::Descriptor socket, const client_address::Address& peer,
                               const ConnectionTimes& times, TimePoint now)
    : socket_(std::move(socket)),
      peer_(peer),
      times_(times),
      accepted_(now),
      since_(now),
      deadline_(now + times.request) {}

bool HttpConnection::wants_to_read() const noexcept {
  switch (state_) {
    case State::reading:
    case State::streaming:
    case State::lingering:
      return true;
    case State::handling:
    case State::writing:
    case State::closed:
      break;
  }
  return false;
}

void HttpConnection::enter(State state, TimePoint now, std::chrono::milliseconds limit) {
  state_ = state;
  since_ = now;
  deadline_ = now + limit;
}

std::variant<Incomplete, Request, RequestFault> HttpConnection::on_readable(TimePoint now) {
  if (state_ != State::reading) {
    discard();
    return Incomplete{};
  }
  std::array<char, kReadAtOnce> bytes;
  const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (count <= 0) {
    if (count == 0 || !would_block(errno)) close();
    return Incomplete{};
  }
  in_.append(bytes.data(), static_cast<std::size_t>(count));
  return read_request(now);
}

std::variant<Incomplete, Request, RequestFault> HttpConnection::next_request(TimePoint now) {
  if (state_ != State::reading || in_.empty()) return Incomplete{};
  return read_request(now);
}

std::variant<Incomplete, Request, RequestFault> HttpConnection::read_request(TimePoint now) {
  if (!reader_) {
    reader_.emplace();
    // The time of the first one has begun with the connection.
    if (!is_first_) deadline_ = now + times_.request;
  }
  auto result = reader_->read(in_);
  if (std::holds_alternative<Incomplete>(result)) return result;
  reader_.reset();
  is_first_ = false;
  // A handler blocks for a bounded time, and need not be bounded here.
  state_ = State::handling;
  since_ = now;
  deadline_ = TimePoint::max();
  part_ = Part::whole;
  after_ = Connection::close;
  if (const auto* request = std::get_if<Request>(&result)) {
    if (request->is_head()) part_ = Part::header;
    if (request->keep_alive && now - accepted_ < times_.whole) after_ = Connection::keep;
  }
  return result;
}

void HttpConnection::respond(const Response& response, Next next, TimePoint now) {
  if (next == Next::close) after_ = Connection::close;
  out_ = serialized(response, part_, after_);
  sent_ = 0;
  enter(State::writing, now, times_.response);
  on_writable(now);
}

void HttpConnection::begin_stream(const Response& response, const Admitted& admitted,
                                  TimePoint now) {
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &kStreamSendBuffer, sizeof kStreamSendBuffer);
  if (part_ == Part::header) {
    respond({response.status, response.content_type, {}, response.extra_headers}, Next::close, now);
    return;
  }
  out_ = stream_header(response);
  out_ += kComment;
  sent_ = 0;
  admitted_ = admitted;
  state_ = State::streaming;
  is_stream_ = true;
  since_ = now;
  progress_ = now;
  comment_due_ = now + times_.comment;
  deadline_ = comment_due_;
  in_.clear();
  on_writable(now);
}

void HttpConnection::fill(TimePoint now) {
  if (state_ != State::streaming || wants_to_write() || events_.is_empty()) return;
  out_.clear();
  sent_ = 0;
  events_.take(out_, kStreamAtOnce, std::chrono::system_clock::now());
  comment_due_ = now + times_.comment;
}

void HttpConnection::send_events(TimePoint now) {
  if (!wants_to_write()) progress_ = now;
  on_writable(now);
}

void HttpConnection::on_writable(TimePoint now) {
  for (fill(now); wants_to_write(); fill(now)) {
    const ssize_t count =
        ::send(socket_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0) {
      if (!would_block(errno)) close();
      return;
    }
    sent_ += static_cast<std::size_t>(count);
    progress_ = now;
  }
  if (state_ == State::writing) after_response(now);
}

void HttpConnection::after_response(TimePoint now) {
  out_ = {};
  sent_ = 0;
  if (after_ == Connection::keep) {
    enter(State::reading, now, times_.idle);
    return;
  }
  // If the socket were closed while bytes of the client wait in it, TCP would reset the connection,
  // and the client might lose the response.
  ::shutdown(socket_.get(), SHUT_WR);
  enter(State::lingering, now, times_.linger);
}

void HttpConnection::discard() {
  std::array<char, kReadAtOnce> bytes;
  const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (count == 0 || (count < 0 && !would_block(errno))) {
    close();
    return;
  }
  if (count > 0) discarded_ += static_cast<std::size_t>(count);
  if (discarded_ > kMostDiscarded) close();
}

void HttpConnection::check_time(TimePoint now) {
  if (state_ == State::closed || now < deadline_) return;
  if (state_ != State::streaming) {
    close();
    return;
  }
  if (wants_to_write()) {
    if (now - progress_ >= times_.stalled_stream) close();
  } else if (now >= comment_due_) {
    out_ = kComment;
    sent_ = 0;
    comment_due_ = now + times_.comment;
    progress_ = now;
    on_writable(now);
  }
  deadline_ = now + std::chrono::seconds(1);
}

void HttpConnection::close() noexcept {
  socket_.reset();
  state_ = State::closed;
  out_ = {};
  sent_ = 0;
}

}  // namespace crolang::admin::http
