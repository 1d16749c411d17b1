#include "net/tls_transport.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/descriptor.hpp"
#include "unit/tls/handshake_ends.hpp"

namespace crolang::net {
namespace {

using session::Outbox;
using session::Pushed;
using tls::testing::Client;
using tls::testing::ClientSetup;
using tls::testing::Issued;

constexpr std::size_t kUnlimited = std::size_t{1} << 40;
constexpr std::uint64_t kKey = 4711;

const Issued& certificate() {
  static const Issued issued = tls::testing::self_signed({});
  return issued;
}

/// How the connection goes on after its handshake.
enum class Stream { compact, on_openssl, tls12 };

std::string name_of(const ::testing::TestParamInfo<Stream>& info) {
  switch (info.param) {
    case Stream::compact:
      return "Compact";
    case Stream::on_openssl:
      return "OnOpenssl";
    case Stream::tls12:
      return "Tls12";
  }
  return {};
}

tls::testing::ServerSetup server_for(Stream stream) {
  tls::testing::ServerSetup setup;
  setup.certificates = {&certificate()};
  setup.tickets = std::make_shared<tls::TicketKeys>(std::chrono::steady_clock::now());
  if (stream == Stream::on_openssl) setup.options.record_layer = tls::RecordLayerChoice::openssl;
  return setup;
}

ClientSetup client_for(Stream stream) {
  return {.version = stream == Stream::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION};
}

/// A connection whose owner is the test, and a client at the other end of its socket.
class TlsTransportTest : public ::testing::TestWithParam<Stream> {
 protected:
  explicit TlsTransportTest(Stream stream = GetParam())
      : TlsTransportTest(server_for(stream), client_for(stream)) {}
  TlsTransportTest(const tls::testing::ServerSetup& server, const ClientSetup& setup)
      : client(setup) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    const int small = 4096;
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    peer = Descriptor(ends[1]);
    transport.emplace(ends[0], Transport::Security::tls);
    Outbox::Wire wire;
    wire.fd = ends[0];
    wire.epoll = epoll.get();
    wire.max_backlog = kUnlimited;
    wire.writer = Outbox::Writer::owner;
    wire.tls = new TlsTransport(tls::testing::make_server(server));
    generation = outbox.open(wire);
    outbox.join(generation);
    EXPECT_TRUE(watch(outbox, kKey));
  }
  ~TlsTransportTest() override { close(outbox); }

  TlsTransport& tls() { return *outbox.tls(); }

  // ---- the client

  void say(std::string_view ciphertext) {
    EXPECT_EQ(::send(peer.get(), ciphertext.data(), ciphertext.size(), 0),
              static_cast<ssize_t>(ciphertext.size()));
  }
  /// What the socket has for the client; `ended` says whether TCP has ended.
  std::string arrived() {
    std::string all;
    std::array<char, 65536> buffer{};
    ssize_t n = 0;
    while ((n = ::recv(peer.get(), buffer.data(), buffer.size(), 0)) > 0) {
      all.append(buffer.data(), static_cast<std::size_t>(n));
    }
    ended = n == 0;
    return all;
  }
  void shake_hands() {
    for (int i = 0; i < 4 && !client.is_done(); ++i) {
      say(client.handshake(arrived()));
      EXPECT_EQ(read(), "");
      ASSERT_NE(last.kind, ReadResult::Kind::failed) << tls().failure().sentence;
    }
    ASSERT_TRUE(client.is_done());
    EXPECT_EQ(tls().take_result(), tls::HandshakeFacts::Resumption::full);
    // Its tickets.
    EXPECT_EQ(client.receive(arrived()), "");
  }

  // ---- the owner

  /// Reads once, into this much room. The result is in `last`.
  std::string read(std::size_t room = 1 << 20) {
    std::string into(room, '\0');
    last = transport->read(outbox, into);
    into.resize(last.count);
    return into;
  }
  void push(std::string_view bytes) {
    EXPECT_EQ(outbox.push(generation, bytes.size(), kUnlimited, dirty,
                          [&](char* out) { std::memcpy(out, bytes.data(), bytes.size()); }),
              Pushed::taken);
  }
  void flush_as_owner() { flush(outbox, epoll.get()); }
  std::uint32_t interest() {
    return outbox.with_wire(
        [](const Outbox::Wire& wire, const session::ByteQueue&) { return wire.interest; });
  }
  bool is_broken() {
    return outbox.with_wire(
        [](const Outbox::Wire& wire, const session::ByteQueue&) { return wire.broken; });
  }

  Descriptor epoll{::epoll_create1(0)};
  Descriptor peer;
  Outbox outbox;
  session::DirtyList dirty;
  std::uint32_t generation = 0;
  std::optional<Transport> transport;
  ReadResult last{ReadResult::Kind::nothing};
  bool ended = false;
  Client client;
};

class EveryStream : public TlsTransportTest {};
INSTANTIATE_TEST_SUITE_P(Tls, EveryStream,
                         ::testing::Values(Stream::compact, Stream::on_openssl, Stream::tls12),
                         name_of);

/// Of TLS 1.3 on the broker's record layer.
class CompactStream : public TlsTransportTest {
 protected:
  CompactStream() : TlsTransportTest(Stream::compact) {}
};

TEST_P(EveryStream, CarriesBytesBothWays) {
  shake_hands();
  say(client.send("ping"));
  EXPECT_EQ(read(), "ping");
  EXPECT_EQ(last.kind, ReadResult::Kind::bytes);
  push("pong");
  flush_as_owner();
  EXPECT_EQ(client.receive(arrived()), "pong");
}

TEST_P(EveryStream, IsNewUntilTheFirstFlightIsAnswered) {
  const std::string hello = client.handshake("");
  EXPECT_TRUE(tls().is_new());
  say(hello.substr(0, 20));
  read();
  EXPECT_TRUE(tls().is_new());
  say(hello.substr(20));
  read();
  EXPECT_FALSE(tls().is_new());
}

TEST_P(EveryStream, IsNewUntilAHelloHasTheRightKeyShare) {
  Client other({.version = client_for(GetParam()).version, .groups = "P-521:P-256"});
  say(other.handshake(""));
  read();
  if (GetParam() == Stream::tls12) {
    EXPECT_FALSE(tls().is_new());
    return;
  }
  // A HelloRetryRequest.
  EXPECT_TRUE(tls().is_new());
  EXPECT_EQ(tls().openssl_bytes(), 0U);
  say(other.handshake(arrived()));
  read();
  EXPECT_FALSE(tls().is_new());
  EXPECT_GT(tls().openssl_bytes(), 0U);
}

TEST_P(EveryStream, CountsWhatTheSocketHasGivenAndTakenForTheHandshake) {
  const std::string hello = client.handshake("");
  say(hello);
  read();
  EXPECT_EQ(last.received, hello.size());
  EXPECT_EQ(last.sent, arrived().size());
}

TEST_P(EveryStream, ReadsTheRequestThatCameWithTheEndOfTheHandshake) {
  std::string from_client = client.handshake("");
  while (!client.is_done()) {
    say(from_client);
    read();
    from_client = client.handshake(arrived());
  }
  say(from_client + client.send("GET"));
  EXPECT_EQ(read(), "GET");
}

TEST_P(EveryStream, HoldsOnlyIncompleteRecords) {
  shake_hands();
  const std::string record = client.send(std::string(1000, 'a'));
  say(record.substr(0, 500));
  EXPECT_EQ(read(), "");
  EXPECT_EQ(last.kind, ReadResult::Kind::nothing);
  say(record.substr(500));
  EXPECT_EQ(read(), std::string(1000, 'a'));
  EXPECT_EQ(transport->held_bytes(outbox), 0u);
}

TEST_P(EveryStream, ReadsTheRestOnceThereIsRoom) {
  shake_hands();
  const std::string sent = std::string(16384, 'a') + std::string(16384, 'b') + "c";
  say(client.send(sent));
  std::string received = read(transport->least_room());
  while (transport->has_pending(outbox)) received += read(transport->least_room());
  EXPECT_EQ(received, sent);
}

TEST_P(EveryStream, SaysWhetherTheSocketMayHaveMore) {
  shake_hands();
  say(client.send(std::string(100'000, 'a')));
  std::string received = read();
  EXPECT_TRUE(last.has_filled);
  received += read();
  EXPECT_FALSE(last.has_filled);
  EXPECT_EQ(received.size(), 100'000U);
}

TEST_P(EveryStream, KeepsWhatTheSocketDoesNotTake) {
  shake_hands();
  const std::string sent = [] {
    std::string text;
    for (int i = 0; text.size() < 300'000; ++i) text += std::to_string(i) + ',';
    return text;
  }();
  push(sent);
  flush_as_owner();
  EXPECT_NE(interest() & EPOLLOUT, 0u);
  EXPECT_FALSE(flushed_or_notify(outbox));
  std::string received;
  while (!flushed_or_notify(outbox)) {
    received += client.receive(arrived());
    flush_as_owner();
  }
  received += client.receive(arrived());
  EXPECT_EQ(received, sent);
}

TEST_P(EveryStream, WaitsForNothingThatWasDiscarded) {
  shake_hands();
  push(std::string(300'000, 'x'));
  flush_as_owner();
  outbox.discard();
  EXPECT_TRUE(flushed_or_notify(outbox));
}

TEST_P(EveryStream, EndsWithCloseNotifyBeforeTheFin) {
  shake_hands();
  push("bye");
  flush_as_owner();
  ASSERT_TRUE(flushed_or_notify(outbox));
  shut_down(outbox);
  EXPECT_EQ(client.receive(arrived()), "bye");
  EXPECT_TRUE(ended);
  EXPECT_NE(SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN, 0);
}

TEST_P(EveryStream, SaysCloseNotifyWhenItIsClosed) {
  shake_hands();
  close(outbox);
  EXPECT_EQ(client.receive(arrived()), "");
  EXPECT_TRUE(ended);
  EXPECT_NE(SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN, 0);
}

TEST_P(EveryStream, EndsWithTheClientsCloseNotify) {
  shake_hands();
  const std::string last_words = client.send("bye");
  SSL_shutdown(client.ssl());
  say(last_words + client.end().sent());
  EXPECT_EQ(read(), "bye");
  EXPECT_EQ(last.kind, ReadResult::Kind::ended);
  EXPECT_EQ(last.error, 0);
}

TEST_P(EveryStream, EndsWithTheFinEvenInTheMiddleOfARecord) {
  shake_hands();
  say(client.send("half").substr(0, 10));
  ::shutdown(peer.get(), SHUT_WR);
  EXPECT_EQ(read(), "");
  EXPECT_EQ(read(), "");
  EXPECT_EQ(last.kind, ReadResult::Kind::ended);
}

TEST_P(EveryStream, FailsWhereTcpEndsInTheMiddleOfTheHandshake) {
  say(client.handshake(""));
  read();
  ::shutdown(peer.get(), SHUT_WR);
  read();
  ASSERT_EQ(last.kind, ReadResult::Kind::failed);
  EXPECT_EQ(tls().failure().kind, tls::HandshakeFailure::Kind::refused_by_client);
  read();
  EXPECT_EQ(last.kind, ReadResult::Kind::ended);
}

TEST_P(EveryStream, EndsWithTcpBeforeTheHandshakeHasBegun) {
  say(client.handshake("").substr(0, 20));
  ::shutdown(peer.get(), SHUT_WR);
  read();
  read();
  EXPECT_EQ(last.kind, ReadResult::Kind::ended);
}

TEST_P(EveryStream, FailsOnABrokenRecordAndSaysSoToTheClient) {
  shake_hands();
  std::string record = client.send("text");
  record.back() = static_cast<char>(record.back() ^ 1);
  say(record);
  EXPECT_EQ(read(), "");
  ASSERT_EQ(last.kind, ReadResult::Kind::failed);
  EXPECT_EQ(tls().failure().when, TlsFailure::When::violation);
  EXPECT_NE(tls().failure().words, "");
  client.receive(arrived());
  EXPECT_NE(SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN, 0);
  // The rest is discarded.
  say("whatever");
  EXPECT_EQ(read(), "");
  EXPECT_EQ(last.kind, ReadResult::Kind::nothing);
}

TEST_P(EveryStream, GivesUpQuietlyOnADeadSocket) {
  shake_hands();
  peer = Descriptor();
  push("text");
  flush_as_owner();
  EXPECT_TRUE(is_broken());
  EXPECT_TRUE(flushed_or_notify(outbox));
}

TEST_P(EveryStream, HasNoSubjectOfAClientWithoutACertificate) {
  shake_hands();
  EXPECT_EQ(tls().take_client_subject(), "");
}

TEST_P(EveryStream, IsAnsweredInPlainTextWhereTheClientSpeaksHttp) {
  say("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(read(), "");
  ASSERT_EQ(last.kind, ReadResult::Kind::failed);
  EXPECT_EQ(tls().failure().kind, tls::HandshakeFailure::Kind::plain_http);
  push("HTTP/1.1 400 Bad Request\r\n\r\n");
  flush_as_owner();
  ASSERT_TRUE(flushed_or_notify(outbox));
  shut_down(outbox);
  EXPECT_EQ(arrived(), "HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_TRUE(ended);
}

TEST_P(EveryStream, FailsWhereTheClientSpeaksSomethingElse) {
  say("SSH-2.0-OpenSSH_9.2\r\n");
  read();
  ASSERT_EQ(last.kind, ReadResult::Kind::failed);
  EXPECT_EQ(tls().failure().when, TlsFailure::When::handshake);
  EXPECT_EQ(tls().failure().kind, tls::HandshakeFailure::Kind::not_tls);
  EXPECT_TRUE(flushed_or_notify(outbox));
}

TEST_F(CompactStream, IsWrittenToByAnyThreadOnceTheHandshakeIsDone) {
  shake_hands();
  push("from another");
  std::thread([this] { flush(outbox, kNoEpoll); }).join();
  EXPECT_EQ(client.receive(arrived()), "from another");
}

TEST_F(CompactStream, IsSealedInTheOrderOfTheQueueWhoeverFlushes) {
  shake_hands();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      session::DirtyList own;
      for (int i = 0; i < 200; ++i) {
        const std::string line = std::to_string(t) + ':' + std::to_string(i) + '\n';
        outbox.push(generation, line.size(), kUnlimited, own,
                    [&](char* out) { std::memcpy(out, line.data(), line.size()); });
        flush_all(own, kNoEpoll);
      }
    });
  }
  std::string received;
  const auto lines = [&] { return std::ranges::count(received, '\n'); };
  while (lines() < 800) {
    received += client.receive(arrived());
    // What the socket did not take is the owner's to send.
    flush_as_owner();
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) {
    std::size_t at = 0;
    for (int i = 0; i < 200; ++i) {
      const std::string line = std::to_string(t) + ':' + std::to_string(i) + '\n';
      at = received.find(line, at);
      ASSERT_NE(at, std::string::npos) << line;
    }
  }
}

TEST_F(CompactStream, AnswersAKeyUpdateWithTheNextMessage) {
  shake_hands();
  SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
  say(client.send("new keys"));
  EXPECT_EQ(read(), "new keys");
  EXPECT_EQ(arrived(), "");
  push("likewise");
  flush_as_owner();
  EXPECT_EQ(client.receive(arrived()), "likewise");
  push("again");
  flush_as_owner();
  EXPECT_EQ(client.receive(arrived()), "again");
}

TEST_F(CompactStream, NamesTheAlertOfTheClient) {
  shake_hands();
  // A record that the client cannot open.
  std::string broken(30, 'x');
  broken.replace(0, 5, std::string("\x17\x03\x03\x00\x19", 5));
  client.receive(broken);
  say(client.end().sent());
  read();
  ASSERT_EQ(last.kind, ReadResult::Kind::failed);
  EXPECT_EQ(tls().failure().when, TlsFailure::When::alert);
  EXPECT_EQ(tls().failure().words, "bad_record_mac");
}

TEST_F(CompactStream, HoldsNothingOfOpensslOnceTheHandshakeIsDone) {
  shake_hands();
  EXPECT_EQ(tls().openssl_bytes(), 0U);
  EXPECT_EQ(transport->tls_bytes(outbox), 0U);
  push(std::string(300'000, 'x'));
  flush_as_owner();
  EXPECT_GT(transport->tls_bytes(outbox), 0U);
}

class OwnersStream : public TlsTransportTest {};
INSTANTIATE_TEST_SUITE_P(Tls, OwnersStream, ::testing::Values(Stream::on_openssl, Stream::tls12),
                         name_of);

TEST_P(OwnersStream, IsLeftToTheOwnerByOtherThreads) {
  shake_hands();
  push("from another");
  std::thread([this] { flush(outbox, kNoEpoll); }).join();
  EXPECT_EQ(arrived(), "");
  EXPECT_NE(interest() & EPOLLOUT, 0u);
  flush_as_owner();
  EXPECT_EQ(client.receive(arrived()), "from another");
  EXPECT_EQ(interest() & EPOLLOUT, 0u);
}

const Issued& client_authority() {
  static const Issued issued = tls::testing::self_signed(tls::testing::authority("clients"));
  return issued;
}

const Issued& client_certificate() {
  static const Issued issued = tls::testing::issue(
      {.common_name = "scanner", .role = tls::testing::Profile::Role::client}, client_authority());
  return issued;
}

/// Of TLS 1.3 on OpenSSL's object.
class OpensslStream : public TlsTransportTest {
 protected:
  OpensslStream() : TlsTransportTest(Stream::on_openssl) {}
};

TEST_F(OpensslStream, EndsAClientThatDoesNotReadTheAnswersToItsKeyUpdates) {
  shake_hands();
  for (int i = 0; i < 100'000 && !is_broken(); ++i) {
    SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
    say(client.send("x"));
    read();
    ASSERT_LE(transport->tls_bytes(outbox), 256U * 1024);
  }
  EXPECT_TRUE(is_broken());
  read();
  EXPECT_EQ(last.kind, ReadResult::Kind::ended);
}

class ClientCertificate : public TlsTransportTest {
 protected:
  ClientCertificate() : TlsTransportTest(server(), {.certificate = &client_certificate()}) {}

  static tls::testing::ServerSetup server() {
    tls::testing::ServerSetup setup = server_for(Stream::compact);
    setup.client_authority = &client_authority();
    return setup;
  }
};

TEST_F(ClientCertificate, GivesItsSubjectOnce) {
  shake_hands();
  EXPECT_EQ(tls().take_client_subject(), "CN=scanner");
  EXPECT_EQ(tls().take_client_subject(), "");
}

}  // namespace
}  // namespace crolang::net
