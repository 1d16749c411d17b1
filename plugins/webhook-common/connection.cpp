#include "webhook-common/connection.hpp"

#include <array>
#include <boost/asio/ip/address.hpp>
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

std::string words_of(const error_code& error) {
  if (error == http::error::body_limit) return "the answer is longer than WEBHOOK_MAX_REPLY_BYTES";
  if (error == http::error::header_limit) return "the answer's header is too long";
  // What Beast makes of a lack of memory.
  if (error == http::error::buffer_overflow) return "no memory left for the answer";
  return "the answer is not HTTP/1.1: " + error.message();
}

}  // namespace

Connection::Connection(asio::io_context& context, asio::ssl::context* tls, const std::string& host,
                       std::size_t max_reply_bytes, Owner& owner)
    : socket_(context), patience_(context), max_reply_bytes_(max_reply_bytes), owner_(owner) {
  if (tls == nullptr) return;
  tls_.emplace(socket_, *tls);
  error_code is_name;
  asio::ip::make_address(host, is_name);
  // RFC 6066 3: the server name is never an address.
  if (is_name) {
    // What SSL_set_tlsext_host_name does, without its casts.
    SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(host.c_str()));
  }
  tls_->set_verify_callback(asio::ssl::host_name_verification(host));
}

template <class F>
void Connection::step(F&& function) noexcept {
  try {
    function();
  } catch (const std::bad_alloc&) {
    if (!closed_) fail("no memory left", Owner::Silence::ours);
  } catch (const std::exception& error) {
    if (!closed_) fail(error.what(), Owner::Silence::ours);
  }
}

void Connection::open(std::vector<Endpoint> addresses,
                      std::chrono::milliseconds for_each) noexcept {
  addresses_ = std::move(addresses);
  for_each_ = for_each;
  step([this] { connect(); });
}

void Connection::connect() {
  error_code ignored;
  socket_.close(ignored);
  // The last address may have what time there is.
  if (trying_ + 1 < addresses_.size()) {
    patience_.expires_after(for_each_);
    patience_.async_wait([self = shared_from_this(), trying = trying_](const error_code& error) {
      error_code already;
      if (!error && !self->closed_ && self->trying_ == trying) self->socket_.close(already);
    });
  }
  socket_.async_connect(addresses_[trying_], [self = shared_from_this()](const error_code& error) {
    if (self->closed_) return;
    const bool another = self->trying_ + 1 < self->addresses_.size();
    if (error && another) {
      ++self->trying_;
      return self->step([&] { self->connect(); });
    }
    // Else the timer could still close what has just been opened.
    self->trying_ = self->addresses_.size();
    self->patience_.cancel();
    if (error) {
      return self->step([&] { self->fail("cannot connect: " + error.message()); });
    }
    error_code not_now;
    self->socket_.set_option(asio::ip::tcp::no_delay(true), not_now);
    if (self->tls_) return self->step([&] { self->shake_hands(); });
    self->opened();
  });
}

void Connection::shake_hands() {
  tls_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](
                                                            const error_code& error) {
    if (self->closed_) return;
    if (!error) return self->opened();
    self->step([&] {
      const long verdict = SSL_get_verify_result(self->tls_->native_handle());
      self->fail(verdict == X509_V_OK ? "no TLS connection: " + error.message()
                                      : std::string("the server's certificate is not accepted: ") +
                                            X509_verify_cert_error_string(verdict));
    });
  });
}

void Connection::opened() noexcept {
  step([this] {
    error_code gone;
    const Endpoint address = socket_.remote_endpoint(gone);
    if (gone) return fail("cannot connect: " + gone.message());
    // From now on always, so that a server which ends an idle connection is noticed at once.
    read();
    owner_.on_open(*this, address);
  });
}

void Connection::expect_answer() {
  parser_.emplace();
  parser_->header_limit(kMaxHeaderBytes);
  parser_->body_limit(max_reply_bytes_);
  parser_->eager(true);
}

void Connection::ask(std::string head, std::string_view body) {
  head_ = std::move(head);
  expect_answer();
  interim_answers_ = 0;
  heard_ = false;
  asking_ = true;
  writing_ = true;
  const std::array<asio::const_buffer, 2> bytes{asio::buffer(head_), asio::buffer(body)};
  with_stream([&](auto& stream) {
    asio::async_write(stream, bytes,
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        self->writing_ = false;
                        // A server may answer before it has read everything, and then not read on.
                        // Whether it did is known once reading ends.
                        if (error) self->reusable_ = false;
                      });
  });
}

void Connection::close() noexcept {
  closed_ = true;
  patience_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

void Connection::read() {
  with_stream([this](auto& stream) {
    stream.async_read_some(input_.prepare(kReadBytes),
                           [self = shared_from_this()](const error_code& error, std::size_t size) {
                             if (self->closed_) return;
                             if (!self->asking_) {
                               // Its end, or bytes that nobody asked for.
                               self->close();
                               return self->owner_.on_closed(*self);
                             }
                             self->step([&] { self->on_read(error, size); });
                           });
  });
}

void Connection::on_read(const error_code& error, std::size_t size) {
  input_.commit(size);
  heard_ = heard_ || size > 0;
  if (!error) return take_input();
  reusable_ = false;
  if (error != asio::error::eof && error != asio::ssl::error::stream_truncated) {
    return fail(error.message());
  }
  if (!heard_) return fail("the server closed the connection without an answer");
  // Some answers end with the connection. Under TLS anybody on the way could cut that one short,
  // unless the server says goodbye.
  error_code cut = error;
  if (error == asio::error::eof) parser_->put_eof(cut = {});
  if (!cut && parser_->is_done()) return finish();
  fail("the server closed the connection in the middle of its answer");
}

void Connection::take_input() {
  while (input_.size() > 0 && !parser_->is_done()) {
    error_code error;
    const std::size_t used = parser_->put(input_.data(), error);
    input_.consume(used);
    if (error == http::error::need_more || (!error && used == 0)) break;
    if (error) return fail(words_of(error));
    const unsigned status = parser_->get().result_int();
    // RFC 9110 15.2: an interim answer announces the real one. 101 would be the last one in HTTP.
    if (parser_->is_done() && status >= 100 && status < 200 && status != 101) {
      if (++interim_answers_ > kMaxInterimAnswers)
        return fail("the server does not come to its answer");
      expect_answer();
    }
  }
  if (parser_->is_done()) return finish();
  // What the parser leaves is the beginning of a line.
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
    if (reusable_) read();
  } catch (const std::exception&) {
    reusable_ = false;
  }
  if (!reusable_) close();
  owner_.on_answer(*this, std::move(answer));
}

void Connection::fail(std::string_view why) noexcept {
  fail(why, heard_ ? Owner::Silence::broken : Owner::Silence::total);
}

void Connection::fail(std::string_view why, Owner::Silence silence) noexcept {
  close();
  owner_.on_failure(*this, why, silence);
}

}  // namespace crolang::webhook_common
