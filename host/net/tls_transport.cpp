#include "net/tls_transport.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "net/receive.hpp"
#include "net/tls_scratch.hpp"

namespace crolang::net {

using session::ByteQueue;
using session::Outbox;

namespace {

constexpr std::size_t kInlineString = 15;
// What the SSL object of OpenSSL 3.0 takes during a handshake, and afterwards.
constexpr std::size_t kHandshakeBytes = 47 * 1024;
constexpr std::size_t kSslStreamBytes = 14 * 1024;
// Of what a client that does not read is sent by the protocol, such as answers to KeyUpdates. A
// handshake sends less, and sealed messages wait up to half of it.
constexpr std::size_t kMaxUnsent = 128 * 1024;

void free_if_empty(std::string& text) {
  if (text.empty() && text.capacity() > kInlineString) std::string().swap(text);
}

/// Nothing can be written any more: the owner finds out by reading.
void give_up(Outbox::Wire& wire, ByteQueue& queue) noexcept {
  wire.broken = true;
  queue.clear();
  ::shutdown(wire.fd, SHUT_RDWR);
}

}  // namespace

TlsTransport::TlsTransport(std::shared_ptr<const tls::ServerContext> context) noexcept
    : incoming_(std::in_place_type<tls::Handshake>, std::move(context)) {}

std::size_t TlsTransport::held_bytes() const noexcept {
  return unread_.capacity() > kInlineString ? unread_.capacity() : 0;
}

std::size_t TlsTransport::openssl_bytes() const noexcept {
  if (std::holds_alternative<tls::SslStream>(incoming_)) return kSslStreamBytes;
  return is_new_ || !std::holds_alternative<tls::Handshake>(incoming_) ? 0 : kHandshakeBytes;
}

// ---- reading

ReadResult TlsTransport::read(int fd, Outbox& outbox, std::span<char> into) {
  const std::span<char> buffer = TlsScratch::of_this_thread().received();
  const std::size_t held = unread_.size();
  ReadResult result{ReadResult::Kind::nothing};
  if (!pending_) {
    // Without anything pending less than a record is held.
    const std::span<char> room = buffer.subspan(held);
    result = receive(fd, room, 0);
    if (result.kind == ReadResult::Kind::ended) return ended(result);
    if (result.kind != ReadResult::Kind::bytes) return result;
    result.has_filled = result.count == room.size();
  }
  result.received = std::exchange(result.count, 0);
  std::memcpy(buffer.data(), unread_.data(), held);
  auto left = std::span<const char>(buffer).first(held + result.received);
  pending_ = false;
  for (bool goes_on = true; goes_on;) {
    const Step step = take(outbox, left, into.subspan(result.count));
    left = left.subspan(step.consumed);
    result.count += step.produced;
    result.sent += step.sent;
    goes_on = false;
    switch (step.next) {
      case Step::Next::wait:
        result.kind = result.count != 0 ? ReadResult::Kind::bytes : ReadResult::Kind::nothing;
        break;
      case Step::Next::again:
        goes_on = true;
        break;
      case Step::Next::room:
        result.kind = ReadResult::Kind::bytes;
        pending_ = true;
        break;
      case Step::Next::ended:
        result.kind = ReadResult::Kind::ended;
        left = {};
        break;
      case Step::Next::failed:
        result.kind = ReadResult::Kind::failed;
        left = {};
        break;
    }
  }
  unread_.assign(left.data(), left.size());
  free_if_empty(unread_);
  return result;
}

ReadResult TlsTransport::ended(ReadResult result) {
  if (is_new_ || !std::holds_alternative<tls::Handshake>(incoming_)) return result;
  // Node.js verifies the certificate itself, after OpenSSL has accepted it, and sends no alert.
  fail({.when = TlsFailure::When::handshake,
        .kind = tls::HandshakeFailure::Kind::refused_by_client,
        .sentence = "the client closed the connection during the handshake: it may not trust the "
                    "certificate"});
  result.kind = ReadResult::Kind::failed;
  return result;
}

TlsTransport::Step TlsTransport::take(Outbox& outbox, std::span<const char> in,
                                      std::span<char> into) {
  if (auto* handshake = std::get_if<tls::Handshake>(&incoming_)) {
    return shake_hands(outbox, *handshake, in);
  }
  if (auto* reader = std::get_if<tls::RecordReader>(&incoming_)) {
    return open_records(outbox, *reader, in, into);
  }
  if (auto* stream = std::get_if<tls::SslStream>(&incoming_)) {
    return read_stream(outbox, *stream, in, into);
  }
  // It has failed: what still arrives is discarded.
  return {.consumed = in.size()};
}

TlsTransport::Step TlsTransport::shake_hands(Outbox& outbox, tls::Handshake& handshake,
                                             std::span<const char> in) {
  using State = tls::Handshake::State;
  std::string& out = TlsScratch::of_this_thread().output();
  out.clear();
  const tls::Handshake::Step fed = handshake.feed(in, out);
  // A HelloRetryRequest costs little; what costs comes after the second ClientHello.
  if (fed.state != State::needs_more || !handshake.expects_hello()) is_new_ = false;
  Step step{.consumed = fed.consumed, .sent = send_protocol(outbox, out)};
  switch (fed.state) {
    case State::needs_more:
      return step;
    case State::done: {
      result_ = handshake.facts().resumption;
      client_subject_ = handshake.facts().client_subject;
      const bool begun = begin_stream(outbox, handshake.finish());
      step.next = begun ? Step::Next::again : Step::Next::failed;
      return step;
    }
    case State::failed:
      break;
  }
  const tls::HandshakeFailure why = handshake.failure();
  if (why.kind == tls::HandshakeFailure::Kind::plain_http) {
    // It is answered as it has asked.
    outbox.with_wire([this](const Outbox::Wire&, const ByteQueue&) { is_plain_ = true; });
  }
  fail({.when = TlsFailure::When::handshake, .kind = why.kind, .sentence = why.sentence});
  step.next = Step::Next::failed;
  return step;
}

bool TlsTransport::begin_stream(Outbox& outbox,
                                std::variant<tls::TrafficKeys, tls::SslStream> stream) {
  if (auto* ssl = std::get_if<tls::SslStream>(&stream)) {
    auto& own = incoming_.emplace<tls::SslStream>(std::move(*ssl));
    outbox.with_wire([&](const Outbox::Wire&, const ByteQueue&) { stream_ = &own; });
    return true;
  }
  const auto& keys = std::get<tls::TrafficKeys>(stream);
  tls::RecordCipher& cipher = TlsScratch::of_this_thread().cipher();
  auto& reader = incoming_.emplace<tls::RecordReader>();
  const bool started = reader.start(cipher, keys.suite, keys.client, 0) &&
                       outbox.with_wire([&](Outbox::Wire& wire, const ByteQueue&) {
                         if (!writer_.start(cipher, keys.suite, keys.server, keys.records_written))
                           return false;
                         wire.writer = Outbox::Writer::any_thread;
                         return true;
                       });
  if (!started) {
    fail({.when = TlsFailure::When::handshake,
          .kind = tls::HandshakeFailure::Kind::no_memory,
          .sentence = "out of memory for TLS keys"});
  }
  return started;
}

TlsTransport::Step TlsTransport::open_records(Outbox& outbox, tls::RecordReader& reader,
                                              std::span<const char> in, std::span<char> into) {
  using State = tls::RecordReader::State;
  tls::RecordCipher& cipher = TlsScratch::of_this_thread().cipher();
  const auto read = reader.read(cipher, in, into);
  if (read.update_requested) {
    outbox.with_wire(
        [this](const Outbox::Wire&, const ByteQueue&) { writer_.answer_key_update(); });
  }
  Step step{.consumed = read.consumed, .produced = read.produced};
  switch (read.state) {
    case State::need_more:
      return step;
    case State::output_full:
      step.next = Step::Next::room;
      return step;
    case State::closed:
      step.next = Step::Next::ended;
      return step;
    case State::alert_received:
      fail({.when = TlsFailure::When::alert, .words = tls::describe(read.alert)});
      break;
    case State::failed: {
      std::array<char, tls::kSealedAlertBytes> alert{};
      const std::size_t sealed = outbox.with_wire([&](const Outbox::Wire&, const ByteQueue&) {
        return writer_.seal_alert(cipher, read.alert, alert);
      });
      step.sent = send_protocol(outbox, {alert.data(), sealed});
      fail({.when = TlsFailure::When::violation, .words = tls::describe(read.alert)});
      break;
    }
  }
  step.next = Step::Next::failed;
  return step;
}

TlsTransport::Step TlsTransport::read_stream(Outbox& outbox, tls::SslStream& stream,
                                             std::span<const char> in, std::span<char> into) {
  std::string& out = TlsScratch::of_this_thread().output();
  out.clear();
  const auto read = stream.read(in, into, out);
  Step step{
      .consumed = read.consumed, .produced = read.produced, .sent = send_protocol(outbox, out)};
  switch (read.state) {
    case tls::SslStream::State::open:
      step.next = read.unfinished ? Step::Next::room : Step::Next::wait;
      return step;
    case tls::SslStream::State::closed:
      step.next = Step::Next::ended;
      return step;
    case tls::SslStream::State::alert_received:
    case tls::SslStream::State::failed:
      break;
  }
  outbox.with_wire([this](const Outbox::Wire&, const ByteQueue&) { stream_ = nullptr; });
  if (read.state == tls::SslStream::State::alert_received) {
    fail({.when = TlsFailure::When::alert, .words = tls::describe(read.alert)});
  } else {
    fail({.when = TlsFailure::When::violation, .words = "a broken record, or one that is refused"});
  }
  step.next = Step::Next::failed;
  return step;
}

void TlsTransport::fail(TlsFailure why) {
  incoming_.emplace<Failed>(std::move(why));
}

// ---- writing

std::size_t TlsTransport::send_protocol(Outbox& outbox, std::string_view bytes) {
  if (bytes.empty()) return 0;
  const int own_epoll = outbox.with_wire([&](Outbox::Wire& wire, ByteQueue& queue) {
    if (unsent_.size() + bytes.size() > kMaxUnsent) {
      unsent_.clear();
      give_up(wire, queue);
    } else {
      unsent_.append(bytes);
    }
    return wire.epoll;
  });
  return flush(outbox, own_epoll);
}

std::size_t TlsTransport::send(Outbox::Wire& wire, ByteQueue& queue) noexcept try {
  wire.blocked = false;
  std::size_t sent = send_unsent(wire);
  if (queue.empty()) return sent;
  TlsScratch& scratch = TlsScratch::of_this_thread();
  while (!wire.blocked && !wire.broken && !queue.empty()) {
    const auto plain = queue.pending();
    if (is_plain_) {
      sent += send_bytes(wire, plain);
      queue.clear();
      break;
    }
    if (stream_ != nullptr) {
      std::string& out = scratch.output();
      out.clear();
      const auto next = plain.first(std::min(plain.size(), 2 * tls::kMaxContentBytes));
      if (!stream_->write(next, out)) break;
      queue.pop(next.size());
      sent += send_bytes(wire, out);
      continue;
    }
    const auto sealed = writer_.seal(scratch.cipher(), plain, scratch.sealed());
    if (sealed.produced == 0) break;
    queue.pop(sealed.consumed);
    sent += send_bytes(wire, scratch.sealed().first(sealed.produced));
  }
  if (!wire.blocked && !queue.empty()) give_up(wire, queue);
  return sent;
} catch (const std::exception&) {
  // A record that was sealed is lost, so nothing may follow.
  unsent_.clear();
  give_up(wire, queue);
  return 0;
}

void TlsTransport::end(Outbox::Wire& wire) noexcept try {
  if (wire.broken || is_plain_ || !unsent_.empty()) return;
  TlsScratch& scratch = TlsScratch::of_this_thread();
  if (stream_ != nullptr) {
    std::string& out = scratch.output();
    out.clear();
    stream_->close_notify(out);
    send_bytes(wire, out);
    return;
  }
  std::array<char, tls::kSealedAlertBytes> alert{};
  const std::size_t sealed = writer_.seal_alert(scratch.cipher(), tls::Alert::close_notify, alert);
  send_bytes(wire, std::span(alert).first(sealed));
} catch (const std::exception&) {
  // The FIN has to suffice.
}

std::size_t TlsTransport::send_unsent(Outbox::Wire& wire) {
  if (unsent_.empty()) return 0;
  const std::string bytes = std::exchange(unsent_, {});
  return send_bytes(wire, bytes);
}

std::size_t TlsTransport::send_bytes(Outbox::Wire& wire, std::span<const char> bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto left = bytes.subspan(sent);
    const ssize_t n = ::send(wire.fd, left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wire.blocked = true;
      unsent_.append(left.data(), left.size());
    } else {
      wire.broken = true;
    }
    break;
  }
  return sent;
}

}  // namespace crolang::net
