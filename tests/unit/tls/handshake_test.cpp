#include "tls/handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "unit/tls/handshake_ends.hpp"

namespace crolang::tls {
namespace {

using testing::authority;
using testing::Client;
using testing::ClientSetup;
using testing::connect;
using ::testing::HasSubstr;
using testing::issue;
using testing::Issued;
using testing::KeyKind;
using testing::make_server;
using testing::Profile;
using testing::self_signed;
using testing::Server;
using ::testing::StartsWith;

using Kind = HandshakeFailure::Kind;
using State = Handshake::State;
using Resumption = HandshakeFacts::Resumption;

const Issued& root() {
  static const Issued issued = self_signed(authority("Root"));
  return issued;
}

const Issued& example() {
  static const Issued issued = issue({}, root());
  return issued;
}

std::shared_ptr<const ServerContext> server_context(ServerOptions options = {}) {
  return make_server({.certificates = {&example()}, .options = options});
}

/// What both ends have to say to each other afterwards, in both directions.
void converse(Client& client, Server& server) {
  server.plaintext.clear();
  server.receive(client.send("from the client"));
  EXPECT_EQ(server.plaintext, "from the client");
  EXPECT_EQ(client.receive(server.send("from the server")), "from the server");
}

// ---- each way of going on ---------------------------------------------------------------------

struct Way {
  const char* name;
  int version;
  RecordLayerChoice record_layer;
};
void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}

class EachWayTest : public ::testing::TestWithParam<Way> {
 protected:
  std::shared_ptr<const ServerContext> context(testing::ServerSetup setup) {
    setup.options.record_layer = GetParam().record_layer;
    return make_server(setup);
  }
  std::shared_ptr<const ServerContext> context() { return context({.certificates = {&example()}}); }
  ClientSetup client() {
    return {.version = GetParam().version, .trusted = &root(), .server_name = "example.org"};
  }
};

INSTANTIATE_TEST_SUITE_P(
    Handshake, EachWayTest,
    ::testing::Values(Way{"Compact", TLS1_3_VERSION, RecordLayerChoice::compact},
                      Way{"Tls13OnOpenssl", TLS1_3_VERSION, RecordLayerChoice::openssl},
                      Way{"Tls12", TLS1_2_VERSION, RecordLayerChoice::compact}),
    [](const auto& way) { return way.param.name; });

TEST_P(EachWayTest, BothEndsTalkAfterAFullHandshake) {
  Server server(context());
  Client client_end(client());
  connect(client_end, server);
  ASSERT_EQ(server.state, State::done);
  EXPECT_EQ(server.is_compact(), std::string_view(GetParam().name) == "Compact");
  EXPECT_EQ(server.facts.resumption, Resumption::full);
  EXPECT_EQ(server.facts.version, GetParam().version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
  EXPECT_EQ(server.facts.suite, SSL_CIPHER_standard_name(SSL_get_current_cipher(client_end.ssl())));
  EXPECT_EQ(server.facts.server_name, "example.org");
  EXPECT_EQ(server.facts.protocol, "");
  EXPECT_EQ(server.facts.client_subject, "");
  converse(client_end, server);
  converse(client_end, server);
}

TEST_P(EachWayTest, CertificatesOfEveryUsualKindServe) {
  for (const KeyKind kind : {KeyKind::p384, KeyKind::rsa2048, KeyKind::ed25519}) {
    const Issued issued = issue({.key = kind}, root());
    Server server(context({.certificates = {&issued}}));
    Client client_end(client());
    connect(client_end, server);
    ASSERT_EQ(server.state, State::done);
    converse(client_end, server);
  }
}

TEST_P(EachWayTest, ATicketResumesTheSession) {
  const auto shared = context();
  Server first(shared);
  Client first_client(client());
  connect(first_client, first);
  auto ticket = first_client.ticket();
  ASSERT_NE(ticket, nullptr);

  for (int i = 0; i < 3; ++i) {
    ClientSetup setup = client();
    setup.session = ticket.get();
    Server server(shared);
    Client client_end(setup);
    connect(client_end, server);
    ASSERT_EQ(server.state, State::done);
    EXPECT_EQ(server.facts.resumption, Resumption::resumed);
    EXPECT_EQ(server.facts.server_name, "example.org");
    converse(client_end, server);
    // TLS 1.3 brings a new one each time.
    if (auto next = client_end.ticket()) ticket = std::move(next);
  }
}

TEST_P(EachWayTest, BytesMayComeOneByOne) {
  Server server(context());
  Client client_end(client());
  std::string to_client;
  while (server.state == State::needs_more) {
    const std::string to_server = client_end.handshake(to_client);
    to_client.clear();
    ASSERT_FALSE(to_server.empty());
    for (const char c : to_server) to_client += server.receive({&c, 1});
  }
  ASSERT_EQ(server.state, State::done);
  client_end.handshake(to_client);
  EXPECT_TRUE(client_end.is_done());
  for (const char c : client_end.send("slowly")) server.receive({&c, 1});
  EXPECT_EQ(server.plaintext, "slowly");
}

TEST_P(EachWayTest, DataBehindTheClientsFinishedIsNotLost) {
  const auto shared = context();
  Server first(shared);
  Client first_client(client());
  connect(first_client, first);
  const auto ticket = first_client.ticket();
  // In TLS 1.2 the client finishes last only if it resumes.
  for (SSL_SESSION* session : {static_cast<SSL_SESSION*>(nullptr), ticket.get()}) {
    if (session == nullptr && GetParam().version == TLS1_2_VERSION) continue;
    ClientSetup setup = client();
    setup.session = session;
    Server server(shared);
    Client client_end(setup);
    const std::string to_client = server.receive(client_end.handshake(""));
    std::string to_server = client_end.handshake(to_client);
    ASSERT_TRUE(client_end.is_done());
    to_server += client_end.send("at once");
    to_server += client_end.send(", and more");
    // A part of a record too.
    to_server += client_end.send(", in two parts").substr(0, 10);
    const std::string answer = server.receive(to_server);
    ASSERT_EQ(server.state, State::done);
    EXPECT_EQ(server.plaintext, "at once, and more");
    EXPECT_EQ(client_end.receive(answer + server.send("understood")), "understood");
  }
}

TEST_P(EachWayTest, ARetryForAnotherGroupIsFine) {
  ClientSetup setup = client();
  setup.groups = "P-521:P-384:P-256";
  Server server(context());
  Client client_end(setup);
  connect(client_end, server);
  ASSERT_EQ(server.state, State::done);
  converse(client_end, server);
}

TEST_P(EachWayTest, AClientThatWantsSmallRecordsGetsThem) {
  Server server(context());
  Client client_end(client());
  SSL_set_tlsext_max_fragment_length(client_end.ssl(), TLSEXT_max_fragment_length_512);
  connect(client_end, server);
  ASSERT_EQ(server.state, State::done);
  EXPECT_FALSE(server.is_compact());
  const std::string text(2000, 'x');
  const std::string sent = server.send(text);
  EXPECT_EQ(testing::split_records(sent).size(), 4U);
  EXPECT_EQ(client_end.receive(sent), text);
}

TEST_P(EachWayTest, TheClientsCertificateIsNamedAndResumed) {
  const Issued client_certificate = issue({.common_name = "node, 7",
                                           .alternative_names = "",
                                           .organizations = {"Bücher"},
                                           .role = Profile::Role::client},
                                          root());
  const auto shared = context({.certificates = {&example()}, .client_authority = &root()});
  ClientSetup setup = client();
  setup.certificate = &client_certificate;
  Server first(shared);
  Client first_client(setup);
  connect(first_client, first);
  ASSERT_EQ(first.state, State::done);
  EXPECT_EQ(first.facts.client_subject, "CN=node\\, 7,O=Bücher");
  EXPECT_EQ(first.is_compact(), std::string_view(GetParam().name) == "Compact");
  converse(first_client, first);

  const auto ticket = first_client.ticket();
  setup.session = ticket.get();
  setup.certificate = nullptr;
  Server second(shared);
  Client second_client(setup);
  connect(second_client, second);
  ASSERT_EQ(second.state, State::done);
  EXPECT_EQ(second.facts.resumption, Resumption::resumed);
  EXPECT_EQ(second.facts.client_subject, "CN=node\\, 7,O=Bücher");
  converse(second_client, second);
}

TEST_P(EachWayTest, AClientWithoutACertificateIsRefused) {
  Server server(context({.certificates = {&example()}, .client_authority = &root()}));
  Client client_end(client());
  connect(client_end, server);
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().kind, Kind::client_certificate);
  EXPECT_EQ(server.failure().sentence,
            "the client has sent no certificate, and TLS_CLIENT_CA_FILE asks for one");
}

TEST_P(EachWayTest, ACertificateOfAnotherAuthorityIsRefused) {
  const Issued stranger = self_signed(authority("Stranger"));
  const Issued client_certificate = issue({.role = Profile::Role::client}, stranger);
  ClientSetup setup = client();
  setup.certificate = &client_certificate;
  Server server(context({.certificates = {&example()}, .client_authority = &root()}));
  Client client_end(setup);
  connect(client_end, server);
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().kind, Kind::client_certificate);
  EXPECT_THAT(server.failure().sentence,
              StartsWith("the client's certificate is not accepted: unable to get"));
}

TEST_P(EachWayTest, AnIntermediateAuthorityMayVouchForClientsWithoutItsRoot) {
  const Issued intermediate = issue(authority("Issuing"), root());
  const Issued client_certificate = issue({.role = Profile::Role::client}, intermediate);
  ClientSetup setup = client();
  setup.certificate = &client_certificate;
  Server server(context({.certificates = {&example()}, .client_authority = &intermediate}));
  Client client_end(setup);
  connect(client_end, server);
  EXPECT_EQ(server.state, State::done);
  EXPECT_EQ(server.facts.client_subject, "CN=example.org");
}

TEST_P(EachWayTest, AChangedClientAuthorityVoidsTickets) {
  const auto tickets = std::make_shared<TicketKeys>(TicketKeys::TimePoint());
  const Issued other = self_signed(authority("Other"));
  const Issued client_certificate = issue({.role = Profile::Role::client}, root());
  const std::array<const Issued*, 2> before = {nullptr, &root()};
  for (const Issued* old_authority : before) {
    ClientSetup setup = client();
    setup.certificate = &client_certificate;
    Server first(context(
        {.certificates = {&example()}, .client_authority = old_authority, .tickets = tickets}));
    Client first_client(setup);
    connect(first_client, first);
    ASSERT_EQ(first.state, State::done);

    const auto ticket = first_client.ticket();
    setup.session = ticket.get();
    Server second(
        context({.certificates = {&example()}, .client_authority = &other, .tickets = tickets}));
    Client second_client(setup);
    connect(second_client, second);
    EXPECT_EQ(second.state, State::failed);
    EXPECT_EQ(second.failure().kind, Kind::client_certificate);
  }
}

TEST_P(EachWayTest, ATicketWhoseCertificateHasExpiredDoesNotResume) {
  const WallTime now = std::chrono::system_clock::now();
  const Issued client_certificate =
      issue({.role = Profile::Role::client, .until = now - std::chrono::hours(1)}, root());
  ClientSetup setup = client();
  setup.certificate = &client_certificate;
  const auto tickets = std::make_shared<TicketKeys>(TicketKeys::TimePoint());
  // Such a ticket can only come from a server that does not look at the time.
  const testing::Session ticket = testing::lenient_ticket(
      setup, {.certificates = {&example()}, .client_authority = &root(), .tickets = tickets});
  ASSERT_NE(ticket, nullptr);

  setup.session = ticket.get();
  Server server(
      context({.certificates = {&example()}, .client_authority = &root(), .tickets = tickets}));
  Client client_end(setup);
  connect(client_end, server);
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().sentence,
            "the client's certificate is not accepted: certificate has expired");
}

TEST_P(EachWayTest, TicketsSurviveARenewal) {
  const auto tickets = std::make_shared<TicketKeys>(TicketKeys::TimePoint());
  Server first(context({.certificates = {&example()}, .tickets = tickets}));
  Client first_client(client());
  connect(first_client, first);
  const auto ticket = first_client.ticket();

  const Issued renewed = issue({.common_name = "renewed"}, root());
  ClientSetup setup = client();
  setup.session = ticket.get();
  Server second(context({.certificates = {&renewed}, .tickets = tickets}));
  Client second_client(setup);
  connect(second_client, second);
  ASSERT_EQ(second.state, State::done);
  EXPECT_EQ(second.facts.resumption, Resumption::resumed);
}

TEST_P(EachWayTest, AConnectionKeepsItsContextThroughARenewal) {
  auto old = context();
  Server server(old);
  Client client_end(client());
  const std::string hello = client_end.handshake("");
  std::string to_client = server.receive(hello);
  const std::weak_ptr<const ServerContext> kept = old;
  old.reset();
  EXPECT_FALSE(kept.expired());
  while (server.state == State::needs_more) {
    to_client = server.receive(client_end.handshake(to_client));
  }
  ASSERT_EQ(server.state, State::done);
  client_end.handshake(to_client);
  converse(client_end, server);
}

TEST_P(EachWayTest, AClientThatDoesNotTrustTheCertificateIsSaidToBeTheOneThatRefuses) {
  const Issued stranger = self_signed(authority("Stranger"));
  ClientSetup setup = client();
  setup.trusted = &stranger;
  Server server(context());
  Client client_end(setup);
  connect(client_end, server);
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().kind, Kind::refused_by_client);
  EXPECT_EQ(server.failure().sentence,
            "the client does not accept the server's certificate (alert unknown CA)");
}

// ---- what is negotiated -----------------------------------------------------------------------

TEST(HandshakeTest, TheCertificateIsChosenByServerName) {
  const Issued wildcard =
      issue({.common_name = "wildcard", .alternative_names = "DNS:*.example.net"}, root());
  const Issued exact =
      issue({.common_name = "exact", .alternative_names = "DNS:api.example.net"}, root());
  const auto context = make_server({.certificates = {&example(), &wildcard, &exact}});
  const std::array<std::pair<const char*, const char*>, 6> names = {{
      {"example.org", "CN=example.org"},
      {"www.example.net", "CN=wildcard"},
      {"API.Example.NET", "CN=exact"},
      {"a.b.example.net", "CN=example.org"},
      {"unknown.invalid", "CN=example.org"},
      {nullptr, "CN=example.org"},
  }};
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& [name, subject] : names) {
      Server server(context);
      Client client({.version = version, .server_name = name});
      connect(client, server);
      ASSERT_EQ(server.state, State::done);
      EXPECT_EQ(client.server_subject(), subject);
      converse(client, server);
    }
  }
}

TEST(HandshakeTest, EverySuiteOfTls13IsHandedOver) {
  for (const char* suite :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    Server server(server_context());
    Client client(ClientSetup{});
    SSL_set_ciphersuites(client.ssl(), suite);
    connect(client, server);
    ASSERT_EQ(server.state, State::done);
    EXPECT_EQ(server.facts.suite, suite);
    EXPECT_TRUE(server.is_compact());
    EXPECT_EQ(server.records_written, 1U);  // the ticket
    converse(client, server);
  }
}

TEST(HandshakeTest, Http11IsChosenAmongOtherProtocols) {
  using std::string_literals::operator""s;
  Server server(server_context());
  Client client({.protocols = "\x02h2\x08http/1.1"s});
  connect(client, server);
  ASSERT_EQ(server.state, State::done);
  EXPECT_EQ(server.facts.protocol, "http/1.1");
}

TEST(HandshakeTest, AClientOfOtherProtocolsOnlyIsRefused) {
  Server server(server_context());
  Client client({.protocols = "\x02h2"});
  connect(client, server);
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().kind, Kind::protocol);
}

TEST(HandshakeTest, AnOlderVersionThanTheMinimumIsRefusedByAnAlert) {
  struct Case {
    MinimumVersion minimum;
    int version;
    const char* needed;
  };
  for (const auto& [minimum, version, needed] :
       {Case{MinimumVersion::tls13, TLS1_2_VERSION, "the broker requires TLS 1.3 (TLS_MIN_VERSION)"},
        Case{MinimumVersion::tls12, TLS1_1_VERSION, "the broker requires TLS 1.2 or 1.3"}}) {
    Server server(server_context({.minimum_version = minimum}));
    Client client({.version = version});
    const std::string answer = server.receive(client.handshake(""));
    EXPECT_EQ(server.state, State::failed);
    EXPECT_EQ(server.failure().kind, Kind::version);
    EXPECT_THAT(server.failure().sentence, HasSubstr(needed));
    ASSERT_EQ(answer.size(), 7U);
    EXPECT_EQ(answer[0], '\x15');
    EXPECT_EQ(answer[6], SSL_AD_PROTOCOL_VERSION);
  }
}

TEST(HandshakeTest, CiphersWithoutForwardSecrecyOrAeadAreRefused) {
  const Issued rsa = issue({.key = KeyKind::rsa2048}, root());
  for (const char* cipher : {"AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256",
                             "DHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA"}) {
    Server server(make_server({.certificates = {&rsa}}));
    Client client({.version = TLS1_2_VERSION, .ciphers = cipher});
    connect(client, server);
    EXPECT_EQ(server.state, State::failed) << cipher;
    EXPECT_EQ(server.failure().kind, Kind::cipher) << cipher;
  }
}

TEST(HandshakeTest, PrefersAes128UnlessTheClientPrefersChaCha20) {
  const Issued rsa = issue({.key = KeyKind::rsa2048}, root());
  constexpr const char* kAes128 = "ECDHE-RSA-AES128-GCM-SHA256";
  constexpr const char* kAes256 = "ECDHE-RSA-AES256-GCM-SHA384";
  constexpr const char* kChaCha20 = "ECDHE-RSA-CHACHA20-POLY1305";
  for (const auto& [first, chosen] : {std::pair{kAes256, kAes128}, {kChaCha20, kChaCha20}}) {
    Server server(make_server({.certificates = {&rsa}}));
    const std::string ciphers = std::string(first) + ":" + kAes128;
    Client client({.version = TLS1_2_VERSION, .ciphers = ciphers.c_str()});
    connect(client, server);
    EXPECT_STREQ(SSL_get_cipher_name(client.ssl()), chosen);
  }
  // OpenSSL's client prefers AES-256.
  Server server(make_server({.certificates = {&rsa}}));
  Client client({});
  connect(client, server);
  EXPECT_EQ(server.facts.suite, "TLS_AES_128_GCM_SHA256");
}

TEST(HandshakeTest, EarlyDataIsNotRead) {
  const auto context = server_context();
  Server first(context);
  Client first_client(ClientSetup{});
  connect(first_client, first);
  auto ticket = first_client.ticket();
  // The server has allowed none.
  ASSERT_EQ(SSL_SESSION_get_max_early_data(ticket.get()), 0U);
  SSL_SESSION_set_max_early_data(ticket.get(), 1000);

  Server server(context);
  Client client({.session = ticket.get()});
  std::size_t written = 0;
  ASSERT_EQ(SSL_write_early_data(client.ssl(), "early", 5, &written), 1);
  std::string to_client = server.receive(client.end().sent());
  while (server.state == State::needs_more) {
    to_client = server.receive(client.handshake(to_client));
  }
  ASSERT_EQ(server.state, State::done);
  EXPECT_EQ(SSL_get_early_data_status(client.ssl()), SSL_EARLY_DATA_REJECTED);
  client.receive(to_client);
  converse(client, server);
}

// ---- tickets ------------------------------------------------------------------------------------

TEST(HandshakeTest, ATicketOutlivesOneRotationButNotTwo) {
  TicketKeys::TimePoint now{};
  const auto tickets = std::make_shared<TicketKeys>(now);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto context = make_server({.certificates = {&example()}, .tickets = tickets});
    const auto resume = [&](SSL_SESSION* session) {
      Server server(context);
      auto client = std::make_unique<Client>(ClientSetup{.version = version, .session = session});
      connect(*client, server);
      EXPECT_EQ(server.state, State::done);
      return std::pair(server.facts.resumption, client->ticket());
    };
    const auto first = resume(nullptr).second;
    tickets->rotate(now += std::chrono::hours(12));
    auto [resumption, renewed] = resume(first.get());
    EXPECT_EQ(resumption, Resumption::resumed);
    ASSERT_NE(renewed, nullptr) << version;
    tickets->rotate(now += std::chrono::hours(12));
    EXPECT_EQ(resume(first.get()).first, Resumption::full);
    EXPECT_EQ(resume(renewed.get()).first, Resumption::resumed);
  }
}

TEST(HandshakeTest, TicketsAreNotRotatedBeforeTheirTime) {
  const auto tickets = std::make_shared<TicketKeys>(TicketKeys::TimePoint());
  const auto context = make_server({.certificates = {&example()}, .tickets = tickets});
  Server first(context);
  Client first_client(ClientSetup{});
  connect(first_client, first);
  const auto ticket = first_client.ticket();
  for (int minutes = 1; minutes < 12 * 60; ++minutes) {
    tickets->rotate(TicketKeys::TimePoint(std::chrono::minutes(minutes)));
  }
  Server server(context);
  Client client({.session = ticket.get()});
  connect(client, server);
  EXPECT_EQ(server.facts.resumption, Resumption::resumed);
}

TEST(HandshakeTest, ATicketOfAnotherProcessDoesNotResume) {
  Server first(server_context());
  Client first_client(ClientSetup{});
  connect(first_client, first);
  const auto ticket = first_client.ticket();
  Server second(server_context());
  Client second_client({.session = ticket.get()});
  connect(second_client, second);
  EXPECT_EQ(second.state, State::done);
  EXPECT_EQ(second.facts.resumption, Resumption::full);
}

// ---- other bytes --------------------------------------------------------------------------------

TEST(HandshakeTest, PlainHttpIsRecognised) {
  for (const std::string_view request :
       {"GET / HTTP/1.1\r\n\r\n", "POST /x", "OPTIONS *", "HEAD / HTTP/1.0\r\n\r\n"}) {
    Server whole(server_context());
    EXPECT_EQ(whole.receive(request), "");
    EXPECT_EQ(whole.state, State::failed);
    EXPECT_EQ(whole.failure().kind, Kind::plain_http);

    Server slow(server_context());
    for (std::size_t i = 0; i < 8 && slow.state == State::needs_more; ++i) {
      slow.receive(request.substr(i, 1));
    }
    EXPECT_EQ(slow.state, State::failed);
    EXPECT_EQ(slow.failure().kind, Kind::plain_http);
  }
}

TEST(HandshakeTest, OtherProtocolsAreNamed) {
  using std::string_view_literals::operator""sv;
  const std::array<std::pair<std::string_view, const char*>, 6> cases = {{
      {"SSH-2.0-OpenSSH", "the client does not speak TLS but SSH"},
      {"PROXY TCP4 1.2.3.4",
       "the client does not speak TLS but a PROXY protocol header, version 1"},
      {"\r\n\r\n\0\r\nQUIT\n"sv,
       "the client does not speak TLS but a PROXY protocol header, version 2"},
      {"PRI * HTTP/2.0\r\n", "the client does not speak TLS but HTTP/2 without TLS"},
      {"\x80\x2e\x01\x00\x02"sv, "the client does not speak TLS but SSL 2"},
      {"\x01\xff",
       "the client does not speak TLS but an unknown protocol, which begins with 01 ff"},
  }};
  for (const auto& [bytes, sentence] : cases) {
    Server server(server_context());
    EXPECT_EQ(server.receive(bytes), "");
    EXPECT_EQ(server.state, State::failed);
    EXPECT_EQ(server.failure().kind, Kind::not_tls);
    EXPECT_EQ(server.failure().sentence, sentence);
  }
}

TEST(HandshakeTest, GarbageInARecordIsAnsweredByAnAlert) {
  Server server(server_context());
  const std::string answer = server.receive(std::string("\x16\x03\x01\x00\x05hello", 10));
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().kind, Kind::malformed);
  ASSERT_EQ(answer.size(), 7U);
  EXPECT_EQ(answer[0], '\x15');
  EXPECT_EQ(answer[5], SSL3_AL_FATAL);
}

/// A record with the beginning of a ClientHello that claims to have so many bytes.
std::string hello_of(std::size_t claimed, std::size_t sent) {
  std::string message = {'\x01', static_cast<char>(claimed >> 16), static_cast<char>(claimed >> 8),
                         static_cast<char>(claimed)};
  message.append(sent, '\x03');
  std::string record = {'\x16', '\x03', '\x01', static_cast<char>(message.size() >> 8),
                        static_cast<char>(message.size())};
  return record + message;
}

TEST(HandshakeTest, AHugeClientHelloIsRefusedByItsClaim) {
  Server server(server_context());
  const std::string answer = server.receive(hello_of(16 * 1024 + 1, 10));
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().sentence, "the client has sent a ClientHello of more than 16 KiB");
  ASSERT_EQ(answer.size(), 7U);
  EXPECT_EQ(answer[6], SSL_AD_DECODE_ERROR);
}

TEST(HandshakeTest, AHugeClaimIsFoundAcrossRecordsOfOneByte) {
  Server server(server_context());
  const std::string message = hello_of(100'000, 0).substr(5);
  for (const char c : message) {
    server.receive(std::string("\x16\x03\x01\x00\x01", 5) + c);
  }
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().sentence, "the client has sent a ClientHello of more than 16 KiB");
}

TEST(HandshakeTest, AHugeSecondClientHelloIsRefusedToo) {
  Server server(server_context());
  Client client({.groups = "P-521:P-384"});
  const std::string retry = server.receive(client.handshake(""));
  ASSERT_EQ(server.state, State::needs_more);
  ASSERT_FALSE(retry.empty());
  server.receive(hello_of(100'000, 10));
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().sentence, "the client has sent a ClientHello of more than 16 KiB");
}

TEST(HandshakeTest, MoreThan64KiBAreRefused) {
  Server server(server_context());
  // A ClientHello of the allowed size, in records of one byte.
  const std::string message = hello_of(16 * 1024, 16 * 1024 - 1).substr(5);
  std::size_t sent = 0;
  for (const char c : message) {
    if (server.state != State::needs_more) break;
    const std::string record = std::string("\x16\x03\x01\x00\x01", 5) + c;
    server.receive(record);
    sent += record.size();
  }
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().sentence,
            "the client has sent more than 64 KiB and not finished the TLS handshake");
  EXPECT_LE(sent, kMaxHandshakeInput + 6);
}

TEST(HandshakeTest, ARecordThatIsTooLongIsAnsweredByAnAlert) {
  Server server(server_context());
  const std::string answer =
      server.receive(std::string("\x16\x03\x01\xff\xff\x01\x00\x20\x00\x03\x03", 11));
  EXPECT_EQ(server.state, State::failed);
  ASSERT_EQ(answer.size(), 7U);
  EXPECT_EQ(answer[6], SSL_AD_RECORD_OVERFLOW);
}

TEST(HandshakeTest, NothingIsHandedOutWithoutInput) {
  Handshake handshake(server_context());
  std::string out;
  const auto step = handshake.feed({}, out);
  EXPECT_EQ(step.state, State::needs_more);
  EXPECT_EQ(out, "");
}

TEST(HandshakeTest, AClientWithTooLongASubjectIsRefused) {
  Profile profile{.role = Profile::Role::client};
  // A part of a name has 64 characters at most, so there are many of them.
  for (int i = 0; i < 40; ++i) profile.organizations.emplace_back(60, 'o');
  const Issued client_certificate = issue(profile, root());
  Server server(make_server({.certificates = {&example()}, .client_authority = &root()}));
  Client client({.certificate = &client_certificate});
  connect(client, server);
  EXPECT_EQ(server.state, State::failed);
  EXPECT_EQ(server.failure().kind, Kind::client_certificate);
  EXPECT_EQ(server.failure().sentence,
            "the subject of the client's certificate has more than 2048 bytes");
}

}  // namespace
}  // namespace crolang::tls
