#include "net/healthcheck_connection.hpp"

#include <openssl/err.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace crolang::net {
namespace {

constexpr std::size_t kLongestAnswer = 16 * 1024;

/// So that what SSL_get_error looks at is of the next call.
void forget_errors() {
  errno = 0;
  ERR_clear_error();
}

}  // namespace

bool HealthcheckConnection::connect(const sockaddr* address, socklen_t size) {
  socket_ = Descriptor(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket_.get() < 0) return fail(errno);
  if (::connect(socket_.get(), address, size) == 0) return true;
  if (errno != EINPROGRESS) return fail(errno);
  if (!wait_for(POLLOUT)) return false;
  int error = 0;
  socklen_t error_size = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &error_size);
  return error == 0 || fail(error);
}

PeerAddress HealthcheckConnection::own_address() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return peer_address(address);
}

bool HealthcheckConnection::start_tls() {
  context_.reset(tls::or_bad_alloc(SSL_CTX_new(TLS_client_method())));
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
  // The answer says how long it is.
  SSL_CTX_set_options(context_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  ssl_.reset(tls::or_bad_alloc(SSL_new(context_.get())));
  if (SSL_set_fd(ssl_.get(), socket_.get()) != 1) return fail(tls::take_error());
  Step step = Step::again;
  while (step == Step::again) {
    forget_errors();
    step = step_of(SSL_connect(ssl_.get()));
  }
  if (step == Step::done) return true;
  if (step == Step::ended) why_ = "the broker ended the connection";
  return fail("the TLS handshake failed: " + why_);
}

bool HealthcheckConnection::send(std::string_view text) {
  while (!text.empty()) {
    switch (write_some(text)) {
      case Step::done:
      case Step::again:
        break;
      case Step::ended:
        return fail(EPIPE);
      case Step::failed:
        return false;
    }
  }
  return true;
}

bool HealthcheckConnection::receive(std::string& text) {
  for (;;) {
    switch (read_some(text)) {
      case Step::done:
      case Step::again:
        break;
      case Step::ended:
        return true;
      case Step::failed:
        return false;
    }
    if (text.size() > kLongestAnswer) return fail(EMSGSIZE);
  }
}

bool HealthcheckConnection::fail(int error) {
  return fail(std::string(std::strerror(error)));
}

bool HealthcheckConnection::fail(const std::string& why) {
  why_ = why;
  return false;
}

bool HealthcheckConnection::wait_for(short events) {
  pollfd waiting{socket_.get(), events, 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now());
    if (left.count() <= 0) return fail(ETIMEDOUT);
    const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return fail(errno);
  }
}

HealthcheckConnection::Step HealthcheckConnection::step_of(int returned) {
  if (returned > 0) return Step::done;
  const int system_error = errno;
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return wait_for(POLLIN) ? Step::again : Step::failed;
    case SSL_ERROR_WANT_WRITE:
      return wait_for(POLLOUT) ? Step::again : Step::failed;
    case SSL_ERROR_ZERO_RETURN:
      return Step::ended;
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      if (system_error == 0) return Step::ended;
      fail(system_error);
      return Step::failed;
    default:  // no enum: OpenSSL's numbers
      fail(tls::take_error());
      return Step::failed;
  }
}

HealthcheckConnection::Step HealthcheckConnection::write_some(std::string_view& text) {
  std::size_t written = 0;
  if (ssl_ != nullptr) {
    forget_errors();
    const Step step = step_of(SSL_write_ex(ssl_.get(), text.data(), text.size(), &written));
    text.remove_prefix(written);
    return step;
  }
  if (!wait_for(POLLOUT)) return Step::failed;
  const ssize_t n = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return Step::again;
  if (n < 0) {
    fail(errno);
    return Step::failed;
  }
  text.remove_prefix(static_cast<std::size_t>(n));
  return Step::done;
}

HealthcheckConnection::Step HealthcheckConnection::read_some(std::string& text) {
  std::array<char, 4096> buffer;
  std::size_t size = 0;
  if (ssl_ != nullptr) {
    forget_errors();
    const Step step = step_of(SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &size));
    text.append(buffer.data(), size);
    return step;
  }
  if (!wait_for(POLLIN)) return Step::failed;
  const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (n == 0) return Step::ended;
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return Step::again;
  if (n < 0) {
    fail(errno);
    return Step::failed;
  }
  text.append(buffer.data(), static_cast<std::size_t>(n));
  return Step::done;
}

}  // namespace crolang::net
