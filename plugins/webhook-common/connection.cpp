#include "webhook-common/connection.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <exception>
#include <new>
#include <utility>

namespace crolang::webhook_common {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kReadBytes = 16'384;
constexpr std::uint32_t kMaxHeaderBytes = 16'384;
constexpr unsigned kMaxInterimAnswers = 16;

// The delay before the next address is tried in parallel to one that has not answered (RFC 8305 8).
constexpr std::chrono::milliseconds kShortestDelay{10};
constexpr std::chrono::milliseconds kLongestDelay{250};

std::string describe(const error_code& error) {
  if (error == http::error::body_limit) return "the answer is longer than WEBHOOK_MAX_REPLY_BYTES";
  if (error == http::error::header_limit) return "the answer's header is too long";
  // Beast reports a lack of memory as this error.
  if (error == http::error::buffer_overflow) return "out of memory for the answer";
  return "the answer is not HTTP/1.1: " + error.message();
}

}  // namespace

Connection::Connection(asio::io_context& context, const TlsContext& tls, const std::string& host,
                       std::size_t max_reply_bytes, Owner& owner)
    : connector_(context, *this),
      socket_(context),
      tls_context_(tls),
      host_(host),
      handshake_timer_(context),
      max_reply_bytes_(max_reply_bytes),
      owner_(owner) {}

template <class F>
void Connection::step(F&& function) noexcept {
  try {
    function();
  } catch (const std::bad_alloc&) {
    if (!closed_) fail("out of memory", Owner::NoAnswer::local_fault);
  } catch (const std::exception& error) {
    if (!closed_) fail(error.what(), Owner::NoAnswer::local_fault);
  }
}

void Connection::open(std::vector<Address> addresses, std::chrono::milliseconds time) noexcept {
  time_ = time;
  const auto count = static_cast<int>(addresses.size());
  // Every address gets a share of the time, however short.
  const auto delay = std::clamp(time / (count + 1), kShortestDelay, kLongestDelay);
  connector_.start(std::move(addresses), delay, shared_from_this());
}

void Connection::on_connected(Connector::Socket socket, Address address) noexcept {
  step([&] {
    socket_ = std::move(socket);
    address_ = std::move(address);
    error_code not_now;
    socket_.set_option(asio::ip::tcp::no_delay(true), not_now);
    if (!tls_context_) return opened();
    start_handshake();
  });
}

void Connection::on_unreachable(const Address& address, std::string_view why) noexcept {
  owner_.on_bad_address(address, why);
}

void Connection::on_last_address() noexcept {
  owner_.on_last_address(*this);
}

void Connection::on_unconnected(std::string_view why, Connector::Fault fault) noexcept {
  fail(why,
       fault == Connector::Fault::local ? Owner::NoAnswer::local_fault : Owner::NoAnswer::total);
}

void Connection::start_handshake() {
  tls_.emplace(socket_, *tls_context_);
  check_.emplace(tls_->native_handle(), host_, "WEBHOOK_CA_FILE");
  tls_->set_verify_callback([this](bool good, asio::ssl::verify_context& context) {
    return check_->note(good, context.native_handle());
  });
  handshake_timed_out_ = false;
  // The last address may use all the remaining time.
  if (connector_.has_more()) {
    handshake_timer_.expires_after(time_ / static_cast<int>(connector_.size()));
    handshake_timer_.async_wait(
        [self = shared_from_this(), address = address_](const error_code& error) {
          if (error || self->closed_ || self->address_ != address) return;
          self->handshake_timed_out_ = true;
          error_code already;
          self->socket_.close(already);
        });
  }
  tls_->async_handshake(asio::ssl::stream_base::client,
                        [self = shared_from_this()](const error_code& error) {
                          if (self->closed_) return;
                          // Otherwise the timer could still close the new connection.
                          self->handshake_timer_.cancel();
                          if (!error) return self->opened();
                          self->step([&] { self->on_handshake_failure(error); });
                        });
}

void Connection::on_handshake_failure(const error_code& error) {
  std::string why = check_->fault();
  if (why.empty()) {
    why = handshake_timed_out_ ? "the TLS handshake timed out"
                               : "the TLS handshake failed: " + error.message();
    // The error if the peer answers in plain text.
    if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_WRONG_VERSION_NUMBER)
      why += ": does that port expect http?";
  }
  owner_.on_bad_address(address_, why);
  // The request was not sent yet, so another address may be tried.
  error_code ignored;
  socket_.close(ignored);
  address_ = nullptr;
  if (!connector_.go_on(shared_from_this())) fail(why);
}

void Connection::opened() noexcept {
  step([this] {
    // Keep watching from now on, so that a server which closes an idle connection is noticed at
    // once.
    watch();
    owner_.on_open(*this);
  });
}

void Connection::expect_answer() {
  parser_.emplace();
  has_status_line_ = false;
  parser_->header_limit(kMaxHeaderBytes);
  parser_->body_limit(max_reply_bytes_);
  parser_->eager(true);
}

void Connection::ask(std::string head, std::string_view body) {
  head_ = std::move(head);
  expect_answer();
  interim_answers_ = 0;
  answer_began_ = false;
  asking_ = true;
  writing_ = true;
  const std::array<asio::const_buffer, 2> bytes{asio::buffer(head_), asio::buffer(body)};
  with_stream([&](auto& stream) {
    asio::async_write(stream, bytes,
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        self->writing_ = false;
                        // A server may answer before it has read the whole request, and then stop
                        // reading. Whether it did is known when the read completes.
                        if (error) self->reusable_ = false;
                      });
  });
}

void Connection::close() noexcept {
  closed_ = true;
  connector_.stop();
  handshake_timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

void Connection::report_slow(std::string_view why) noexcept {
  if (address_) {
    owner_.on_bad_address(address_, why);
  } else {
    connector_.report_slow(why);
  }
}

void Connection::watch() {
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](const error_code& error) {
                       if (self->closed_) return;
                       if (!self->asking_) {
                         // The end of the connection, or unsolicited data.
                         self->close();
                         return self->owner_.on_closed(*self);
                       }
                       self->step([&] { error ? self->on_read(error, 0) : self->read(); });
                     });
}

void Connection::read() {
  with_stream([this](auto& stream) {
    stream.async_read_some(input_.prepare(kReadBytes),
                           [self = shared_from_this()](const error_code& error, std::size_t size) {
                             if (self->closed_) return;
                             self->step([&] { self->on_read(error, size); });
                           });
  });
}

bool Connection::has_unasked_input() const noexcept {
  error_code gone;
  return used_ && socket_.available(gone) > 0;
}

void Connection::on_read(const error_code& error, std::size_t size) {
  input_.commit(size);
  answer_began_ = answer_began_ || size > 0;
  if (!error) return take_input();
  reusable_ = false;
  if (error != asio::error::eof && error != asio::ssl::error::stream_truncated) {
    return fail(error.message());
  }
  if (!answer_began_) {
    return fail(tls_context_ == nullptr && !used_
                    ? "the server closed the connection without an answer: does that port expect "
                      "https?"
                    : "the server closed the connection without an answer");
  }
  // Some answers are terminated by the end of the connection. With TLS an attacker on the path
  // could truncate them, unless the server sends close_notify.
  error_code cut = error;
  if (error == asio::error::eof) parser_->put_eof(cut = {});
  if (!cut && parser_->is_done()) return finish();
  fail("the server closed the connection in the middle of its answer");
}

/// Beast requires the blank after the status (RFC 9112 4) even without a reason phrase, but some
/// servers omit it.
void Connection::complete_status_line() {
  constexpr std::size_t kEnd = sizeof "HTTP/1.1 200" - 1;
  if (has_status_line_ || input_.size() <= kEnd) return;
  has_status_line_ = true;
  if (static_cast<const char*>(input_.cdata().data())[kEnd] != '\r') return;
  input_.commit(input_.prepare(1).size());
  char* const line = static_cast<char*>(input_.data().data());
  std::copy_backward(line + kEnd, line + input_.size() - 1, line + input_.size());
  line[kEnd] = ' ';
}

void Connection::take_input() {
  while (input_.size() > 0 && !parser_->is_done()) {
    complete_status_line();
    error_code error;
    const std::size_t used = parser_->put(input_.data(), error);
    input_.consume(used);
    if (error == http::error::need_more || (!error && used == 0)) break;
    if (error) return fail(describe(error));
    const unsigned status = parser_->get().result_int();
    // RFC 9110 15.2: an interim answer precedes the final one. After a 101 no more HTTP would
    // follow.
    if (parser_->is_done() && status >= 100 && status < 200 && status != 101) {
      if (++interim_answers_ > kMaxInterimAnswers) return fail("too many interim answers (1xx)");
      expect_answer();
    }
  }
  if (parser_->is_done()) return finish();
  // The parser leaves only an incomplete line.
  if (input_.size() > kMaxHeaderBytes) return fail("the answer's header is too long");
  read();
}

void Connection::finish() noexcept {
  auto& message = parser_->get();
  Answer answer{message.result_int(), std::move(message.body())};
  reusable_ =
      reusable_ && parser_->keep_alive() && input_.size() == 0 && !writing_ && answer.status != 101;
  asking_ = false;
  used_ = true;
  try {
    if (reusable_) watch();
  } catch (const std::exception&) {
    reusable_ = false;
  }
  if (!reusable_) close();
  owner_.on_answer(*this, std::move(answer));
}

void Connection::fail(std::string_view why) noexcept {
  fail(why, answer_began_ ? Owner::NoAnswer::incomplete : Owner::NoAnswer::total);
}

void Connection::fail(std::string_view why, Owner::NoAnswer kind) noexcept {
  close();
  owner_.on_failure(*this, why, kind);
}

}  // namespace crolang::webhook_common
