#include "tls/ssl_stream.hpp"

#include <openssl/err.h>

#include <optional>
#include <utility>

#include "tls/ssl_connection.hpp"

namespace crolang::tls {
namespace {

// As RecordReader has it: KeyUpdates and empty records cost their sender less than us.
constexpr unsigned kMaxRecordsInARow = 32;

/// OpenSSL's numbers for what the peer has said begin there; its other errors have smaller ones.
std::optional<Alert> received_alert() {
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) != ERR_LIB_SSL || reason < SSL_AD_REASON_OFFSET) return std::nullopt;
  return static_cast<Alert>(reason - SSL_AD_REASON_OFFSET);
}

}  // namespace

SslStream::SslStream(std::unique_ptr<SslConnection> connection) noexcept
    : connection_(std::move(connection)) {
  connection_->noticed().records_read = 0;
}
SslStream::SslStream(SslStream&&) noexcept = default;
SslStream& SslStream::operator=(SslStream&&) noexcept = default;
SslStream::~SslStream() = default;

const std::string& SslStream::failure() const noexcept {
  return failure_;
}

SslStream::Read SslStream::read(std::span<const char> in, std::span<char> into, std::string& out) {
  SslConnection::Noticed& noticed = connection_->noticed();
  std::size_t produced = 0;
  std::size_t left = in.size();
  const auto result = [&](State state) {
    return Read{
        .state = state, .consumed = in.size() - left, .produced = produced, .unfinished = false};
  };
  if (!failure_.empty()) return result(State::failed);
  for (;;) {
    // An SSL_read without room would not say whether there is more.
    if (produced == into.size()) {
      Read read = result(State::open);
      read.unfinished = left != 0 || SSL_has_pending(connection_->ssl()) != 0;
      return read;
    }
    const auto room = into.subspan(produced);
    const std::size_t written = out.size();
    const unsigned messages = noticed.messages_read;
    std::size_t got = 0;
    int error = SSL_ERROR_NONE;
    connection_->run({}, in.last(left), out, [&](SSL* ssl) {
      const int returned = SSL_read_ex(ssl, room.data(), room.size(), &got);
      error = SSL_get_error(ssl, returned);
      return returned;
    });
    // A record may stay within the SSL object while the answer to the KeyUpdate before it is
    // written: only a call that does nothing at all has nothing left to do.
    const bool progressed = connection_->unread() != left || got != 0 || out.size() != written ||
                            noticed.messages_read != messages;
    left = connection_->unread();
    produced += got;
    if (got != 0) noticed.records_read = 0;
    if (noticed.handshakes > 1) {
      fail("the client has asked for a renegotiation, which is refused");
      return result(State::failed);
    }
    if (noticed.records_read > kMaxRecordsInARow) {
      fail("the client has sent more than 32 records in a row without data");
      return result(State::failed);
    }
    if (error == SSL_ERROR_NONE) continue;
    if (error == SSL_ERROR_ZERO_RETURN) return result(State::closed);
    if (error != SSL_ERROR_WANT_READ) {
      if (const auto alert = received_alert()) {
        fail("the client has ended the connection by an alert: " + take_error());
        Read read = result(State::alert_received);
        read.alert = *alert;
        return read;
      }
      fail("the client has broken the TLS protocol: " + take_error());
      return result(State::failed);
    }
    if (!progressed) return result(State::open);
  }
}

bool SslStream::write(std::span<const char> plaintext, std::string& out) {
  if (!failure_.empty() || sent_ == Sent::close_notify) return false;
  if (plaintext.empty()) return true;
  std::size_t written = 0;
  const int done = connection_->run({}, {}, out, [&](SSL* ssl) {
    return SSL_write_ex(ssl, plaintext.data(), plaintext.size(), &written);
  });
  if (done == 1) return true;
  fail("TLS data could not be encrypted: " + take_error());
  return false;
}

void SslStream::close_notify(std::string& out) {
  if (!failure_.empty() || sent_ == Sent::close_notify) return;
  sent_ = Sent::close_notify;
  connection_->run({}, {}, out, [](SSL* ssl) { return SSL_shutdown(ssl); });
  ERR_clear_error();
}

void SslStream::fail(std::string sentence) {
  failure_ = std::move(sentence);
  ERR_clear_error();
}

}  // namespace crolang::tls
