#include "net/connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client_address/proxy_header.hpp"
#include "net/http/framing.hpp"
#include "support/captured_log.hpp"
#include "unit/websocket/client_frames.hpp"

namespace crolang::net {
namespace {

using namespace std::chrono_literals;
using session::EndReason;
using session::Session;
using session::State;
using telemetry::Counter;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Phase = Connection::Phase;
namespace client = websocket::testing;

constexpr std::size_t kMaxPayload = 1'000'000;
constexpr auto kHandshakeTimeout = 10s;
const client_address::Address kPeer = *client_address::parse_address("192.0.2.7");
constexpr std::size_t kEarly = session::kMaxEarlyBytes;

std::string get(std::string_view path, std::string_view headers = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}

std::string upgrade(std::string_view target, std::string_view method = "GET") {
  return std::string(method) + ' ' + std::string(target) +
         " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

const std::string kUpgrade =
    upgrade("/socket.io/?EIO=4&transport=websocket&id=bob&version=1&runtime=test");

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t times = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++times;
  }
  return times;
}

/// A connection whose worker is the test: it reads, looks at the clock, and decides like a broker.
class ConnectionTest : public ::testing::Test,
                       public ConnectionHandler,
                       public session::SessionEvents {
 protected:
  explicit ConnectionTest(
      AcceptedSocket::BeginsWith begins_with = AcceptedSocket::BeginsWith::request)
      : connection_({7, outbox_.open(session::Outbox::Wire{}), 1}, outbox_, {kPeer, begins_with},
                    context_.now + kHandshakeTimeout) {}

  // ---- the worker

  /// The socket has these bytes.
  void receive(std::string_view bytes) {
    while (!bytes.empty()) bytes.remove_prefix(receive_once(bytes));
  }
  /// One reading, of no more than there is room for. Returns how many bytes it took.
  std::size_t receive_once(std::string_view bytes) {
    const Connection::ReadBuffer buffer = connection_.begin_read(shared_, 0);
    const std::size_t count = std::min(bytes.size(), buffer.room.size());
    std::memcpy(buffer.room.data(), bytes.data(), count);
    connection_.end_read(
        context_, buffer, count,
        count == buffer.room.size() ? Connection::Unread::some : Connection::Unread::none);
    return count;
  }
  void receive_text(std::string_view payload) { receive(client::text(payload)); }
  void pass(std::chrono::milliseconds time) {
    context_.now += time;
    if (connection_.deadline() <= context_.now) connection_.on_deadline(context_);
  }
  /// Until the deadline, in milliseconds.
  std::chrono::milliseconds left() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(connection_.deadline() -
                                                                 context_.now);
  }
  /// All bytes since the last call. The socket takes them.
  std::string sent() {
    session_context_.dirty.outboxes.clear();
    return outbox_.flush_with([](session::Outbox::Wire&, session::ByteQueue& queue) {
      const auto pending = queue.pending();
      std::string bytes(pending.begin(), pending.end());
      queue.clear();
      return bytes;
    });
  }
  std::uint64_t count(Counter counter) const { return counters_.value(counter); }

  // ---- the broker

  void admit(broker::Node& node) override {
    ++admissions_;
    if (on_admit_) on_admit_(node);
  }
  Response render(PageRequest request) override {
    pages_.push_back(request.page);
    return make_response(200, request.after, {"text/plain", page_});
  }
  std::optional<RequestFault> limit_client(session::SessionHandle,
                                           std::string_view lines) override {
    limited_as_.push_back(text_of(connection_.client()));
    if (connection_.phase() == Phase::request && !lines.empty()) {
      EXPECT_THAT(std::string(lines), StartsWith("Host: x\r\n"));
    }
    return client_fault_;
  }
  void keep_request(session::SessionHandle, broker::Identity& identity,
                    std::string_view header_lines) override {
    if (keeps_requests_) identity.keep_request(header_lines);
  }
  void on_connect(Session&) override { seen_.emplace_back("connect"); }
  void on_foreign_namespace(Session&, std::string_view) override {}
  void on_disconnect(Session&) override { seen_.emplace_back("disconnect"); }
  void on_event(Session&, const socketio::Packet& packet) override {
    seen_.push_back("event of " + std::to_string(packet.event.first_argument.size()) + " bytes");
  }
  void on_activity(Session&) override { seen_.emplace_back("activity"); }
  void on_end(Session&, const session::End& why) override {
    ended_.push_back(session::describe(why));
  }

  broker::Node& node() { return *connection_.node(); }
  /// The node has its 101, and a lease.
  void open() {
    receive(kUpgrade);
    node().set_token(1);
    connection_.open(context_);
    sent();
  }
  void join() {
    open();
    receive_text("40");
    node().begin_joining();
    node().join(session_context_, "AUTHENTICATED", R"("{}")", TimePoint(1000s));
    connection_.on_session_changed(context_);
    sent();
    seen_.clear();
  }
  std::size_t max_backlog() {
    return outbox_.with_wire([](const session::Outbox::Wire& wire, const session::ByteQueue&) {
      return wire.max_backlog;
    });
  }

  session::Limits limits_{{25s, 20s}, kMaxPayload, 4 * kMaxPayload, kHandshakeTimeout};
  telemetry::WorkerCounters counters_;
  session::SessionContext session_context_{limits_, *this, counters_, {}, {}, {}, {}};
  session::Outbox outbox_;
  HttpPolicy http_ = node_listener_policy();
  client_address::Policy clients_;
  ConnectionContext context_{session_context_, http_, clients_, *this, TimePoint(1000s)};
  Connection connection_;
  std::vector<char> shared_ = std::vector<char>(256 * 1024);
  int admissions_ = 0;
  bool keeps_requests_ = false;
  std::optional<RequestFault> client_fault_;
  std::function<void(broker::Node&)> on_admit_;
  std::string page_ = "fine";
  std::vector<Page> pages_;
  std::vector<std::string> limited_as_;
  std::vector<std::string> seen_;
  std::vector<std::string> ended_;
};

const std::string kAskedToRetry = session::describe(EndReason::asked_to_retry);

// ---- clients

constexpr std::string_view kClient = "198.51.100.9";

std::string proxied_upgrade(std::string_view client = kClient) {
  const std::string_view end = "\r\n";
  return kUpgrade.substr(0, kUpgrade.size() - end.size()) +
         "X-Forwarded-For: " + std::string(client) + "\r\n\r\n";
}

client_address::AddressSet set_of(std::string_view text) {
  return std::get<client_address::AddressSet>(client_address::parse_address_set(text));
}

TEST_F(ConnectionTest, BelongsToItsPeerUnlessThatIsATrustedProxy) {
  on_admit_ = [&](broker::Node&) { EXPECT_EQ(connection_.client(), kPeer); };
  receive(proxied_upgrade());

  EXPECT_EQ(admissions_, 1);
  EXPECT_EQ(connection_.client(), kPeer);
}

TEST_F(ConnectionTest, BelongsToTheClientThatATrustedProxyNamesBeforeTheNodeIsAdmitted) {
  clients_.trusted_proxies = set_of("192.0.2.7, 10.0.0.0/8");
  on_admit_ = [&](broker::Node&) { EXPECT_EQ(text_of(connection_.client()), kClient); };
  receive(proxied_upgrade("203.0.113.66, " + std::string(kClient) + ", 10.1.1.1"));

  EXPECT_EQ(admissions_, 1);
  EXPECT_THAT(limited_as_, ElementsAre(kClient)) << "the limits are the client's";
  EXPECT_EQ(text_of(connection_.client()), kClient);
}

TEST_F(ConnectionTest, BelongsToTheProxyUntilItIsANodes) {
  clients_.trusted_proxies = set_of("192.0.2.7");
  receive(get("/healthz", "X-Forwarded-For: 203.0.113.66\r\n"));
  EXPECT_EQ(connection_.client(), kPeer);

  receive(proxied_upgrade());
  EXPECT_EQ(text_of(connection_.client()), kClient) << "the proxy is still believed";
}

TEST_F(ConnectionTest, NamesTheClientOfARefusedRequest) {
  clients_.trusted_proxies = set_of("192.0.2.7");
  support::CapturedLog log(telemetry::log::Level::connections);
  receive(get("/nothing", "X-Forwarded-For: 198.51.100.9\r\n"));

  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("client=198.51.100.9")));
}

TEST_F(ConnectionTest, RefusesAProxyHeaderThatItDoesNotExpect) {
  support::CapturedLog log(telemetry::log::Level::connections);
  receive("PROXY TCP4 198.51.100.9 10.0.0.1 4711 443\r\n" + kUpgrade);

  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(admissions_, 0);
  EXPECT_EQ(connection_.client(), kPeer);
  EXPECT_EQ(count(Counter::violation_proxy_protocol), 1U);
  EXPECT_EQ(count(Counter::violation_http), 0U);
  EXPECT_THAT(log.lines(), ElementsAre(AllOf(HasSubstr("set PROXY_PROTOCOL=true"),
                                             HasSubstr("client=192.0.2.7"))));
}

TEST_F(ConnectionTest, SaysWhyAProxyHeaderIsRefusedWhereOthersAreRequired) {
  clients_.proxy_protocol = client_address::ProxyProtocol::required;
  support::CapturedLog log(telemetry::log::Level::connections);
  receive(client_address::kLocalProxyHeader);

  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(log.lines(),
              ElementsAre(HasSubstr("from an address that TRUSTED_PROXIES does not contain")));
}

class ProxyHeaderTest : public ConnectionTest {
 protected:
  ProxyHeaderTest() : ConnectionTest(AcceptedSocket::BeginsWith::proxy_header) {
    clients_ = {set_of("192.0.2.7, 10.0.0.0/8"), client_address::Header::x_forwarded_for,
                client_address::ProxyProtocol::required};
  }
  std::size_t take(std::string_view waiting) {
    return connection_.take_proxy_header(context_, waiting);
  }

  const std::string line_ = "PROXY TCP4 198.51.100.9 10.0.0.1 4711 443\r\n";
};

TEST_F(ProxyHeaderTest, NamesTheClientAndLeavesWhatFollows) {
  EXPECT_EQ(connection_.phase(), Phase::proxy_header);
  EXPECT_EQ(take(line_ + kUpgrade), line_.size());

  EXPECT_EQ(connection_.phase(), Phase::request);
  EXPECT_EQ(text_of(connection_.client()), kClient);
  receive(kUpgrade);
  EXPECT_EQ(admissions_, 1);
  EXPECT_EQ(text_of(connection_.client()), kClient);
}

TEST_F(ProxyHeaderTest, MayArriveInPieces) {
  for (const char byte : line_.substr(0, line_.size() - 1)) EXPECT_EQ(take({&byte, 1}), 1U);
  EXPECT_EQ(connection_.client(), kPeer);
  EXPECT_EQ(take("\n" + kUpgrade), 1U);

  EXPECT_EQ(text_of(connection_.client()), kClient);
  receive(kUpgrade);
  EXPECT_EQ(admissions_, 1);
}

TEST_F(ProxyHeaderTest, MayNameNobody) {
  EXPECT_EQ(take(client_address::kLocalProxyHeader), 16U);
  EXPECT_EQ(connection_.client(), kPeer);

  receive(proxied_upgrade());
  EXPECT_EQ(text_of(connection_.client()), kClient) << "the header of the proxy counts";
}

TEST_F(ProxyHeaderTest, NamesAPeerWhoseHeaderDoesNotCountUnlessItIsTrusted) {
  take(line_);
  receive(proxied_upgrade("203.0.113.66"));

  EXPECT_EQ(text_of(connection_.client()), kClient);
}

TEST_F(ProxyHeaderTest, NamesATrustedPeerWhoseHeaderCounts) {
  take("PROXY TCP4 10.0.0.2 10.0.0.1 4711 443\r\n");
  receive(proxied_upgrade());

  EXPECT_EQ(text_of(connection_.client()), kClient);
}

TEST_F(ProxyHeaderTest, EndsTheConnectionIfItIsAbsentOrWrong) {
  support::CapturedLog log(telemetry::log::Level::essentials);
  EXPECT_EQ(take(kUpgrade), 0U);

  EXPECT_TRUE(connection_.is_closed());
  EXPECT_EQ(sent(), "");
  EXPECT_EQ(count(Counter::violation_proxy_protocol), 1U);
  EXPECT_THAT(log.lines(),
              ElementsAre(AllOf(HasSubstr("a connection of a trusted proxy was closed"),
                                HasSubstr("proxy=192.0.2.7"), HasSubstr("add send-proxy"))));
}

TEST_F(ProxyHeaderTest, EndsTheConnectionOfAClientThatHasTooMany) {
  client_fault_ = RequestFault::address_connections;
  EXPECT_EQ(take(line_ + kUpgrade), 0U);

  EXPECT_TRUE(connection_.is_closed());
  EXPECT_THAT(limited_as_, ElementsAre(kClient));
}

TEST_F(ProxyHeaderTest, IsRefusedTheSecondTime) {
  take(line_);
  receive(line_ + kUpgrade);

  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(admissions_, 0);
}

TEST_F(ProxyHeaderTest, HasAsLongAsARequest) {
  take("PROXY TCP4");
  pass(kHandshakeTimeout - 1ms);
  EXPECT_FALSE(connection_.is_closed());

  pass(1ms);
  EXPECT_TRUE(connection_.is_closed());
  EXPECT_EQ(count(Counter::closed_handshake_timeout), 1U);
}

// ---- requests

TEST_F(ConnectionTest, LetsTheRequestBeKeptBeforeTheNodeIsAdmitted) {
  keeps_requests_ = true;
  on_admit_ = [](const broker::Node& node) {
    EXPECT_THAT(std::string(node.identity().header_lines()), StartsWith("Host: x\r\n"));
    EXPECT_EQ(node.id(), "bob");
  };
  receive(kUpgrade);
  EXPECT_EQ(admissions_, 1);
}

TEST_F(ConnectionTest, AnswersARequest) {
  receive(get("/healthz"));

  EXPECT_THAT(pages_, ElementsAre(Page::health));
  EXPECT_THAT(sent(), EndsWith("\r\n\r\nfine"));
  EXPECT_EQ(connection_.phase(), Phase::request);
  EXPECT_EQ(count(Counter::http_2xx), 1U);
}

TEST_F(ConnectionTest, AsksANodeToRetryWhoseAddressIsOverItsLimit) {
  client_fault_ = RequestFault::address_connections;
  receive(kUpgrade);

  const std::string response = sent();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nRetry-After: 2\r\n"));
  EXPECT_THAT(response, EndsWith("too many connections from this address"));
  EXPECT_EQ(connection_.phase(), Phase::flushing);
  EXPECT_EQ(admissions_, 0);
  EXPECT_EQ(count(Counter::http_5xx), 1U);
}

TEST_F(ConnectionTest, LimitsNoClientThatAsksForAPage) {
  client_fault_ = RequestFault::address_connections;
  receive(get("/healthz"));
  EXPECT_THAT(sent(), EndsWith("fine"));
}

TEST_F(ConnectionTest, IsInHandshakeUntilItsFirstRequest) {
  EXPECT_TRUE(connection_.is_in_handshake());
  receive("GET /healthz HTTP/1.1\r\n");
  EXPECT_TRUE(connection_.is_in_handshake());
  receive("Host: x\r\n\r\n");
  EXPECT_FALSE(connection_.is_in_handshake());
}

TEST_F(ConnectionTest, CountsPagesOfOtherOrigins) {
  const origin::AllowList origins("https://app.example.org");
  http_.origins = &origins;
  receive(get("/socket.io/", "Origin: https://evil.example\r\n"));

  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_EQ(count(Counter::refused_origin), 1U);
  EXPECT_EQ(count(Counter::violation_http), 0U);
  EXPECT_EQ(admissions_, 0);
}

TEST_F(ConnectionTest, AnswersARequestThatComesInPieces) {
  const std::string request = get("/healthz");
  for (const char byte : request.substr(0, request.size() - 1)) receive({&byte, 1});
  EXPECT_EQ(sent(), "");
  receive(request.substr(request.size() - 1));

  EXPECT_THAT(sent(), EndsWith("fine"));
  EXPECT_EQ(connection_.held_bytes(), 0U);
}

TEST_F(ConnectionTest, HoldsNothingOfARequestThatIsAnswered) {
  const std::string request = get("/healthz", "X: " + std::string(5000, 'x') + "\r\n");
  receive(request.substr(0, 4000));
  EXPECT_GE(connection_.held_bytes(), 4000U);
  receive(request.substr(4000));

  EXPECT_THAT(sent(), EndsWith("fine"));
  EXPECT_EQ(connection_.held_bytes(), 0U);
}

TEST_F(ConnectionTest, AnswersPipelinedRequestsInTheirOrder) {
  receive(get("/healthz") + get("/metrics") + get("/readyz").substr(0, 20));

  EXPECT_THAT(pages_, ElementsAre(Page::health, Page::metrics));
  EXPECT_EQ(count_of(sent(), "200 OK"), 2U);

  receive(get("/readyz").substr(20));
  EXPECT_THAT(pages_, ElementsAre(Page::health, Page::metrics, Page::readiness));
}

TEST_F(ConnectionTest, AnswersSixteenRequestsAtATimeAndEndsConnectionsThatSendMore) {
  std::string requests;
  for (int i = 0; i < 16; ++i) requests += get("/healthz");
  receive(requests);
  EXPECT_EQ(connection_.phase(), Phase::request);
  sent();

  receive(requests + get("/healthz"));
  EXPECT_EQ(count_of(sent(), "200 OK"), 16U);
  EXPECT_EQ(connection_.phase(), Phase::flushing);
}

TEST_F(ConnectionTest, AnswersNoMoreWhileAnswersAreLeftUnread) {
  page_ = std::string(kMaxQueuedResponseBytes, 'x');
  receive(get("/healthz"));
  EXPECT_EQ(connection_.phase(), Phase::request) << "one answer may be large";

  receive(get("/healthz"));
  EXPECT_EQ(pages_.size(), 1U);
  EXPECT_EQ(connection_.phase(), Phase::flushing);
}

TEST_F(ConnectionTest, IgnoresEmptyLinesBeforeARequest) {
  receive("\r\n\r\n" + get("/healthz"));

  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ConnectionTest, RefusesAHeaderThatIsTooLarge) {
  receive("GET / HTTP/1.1\r\nHost: x\r\nX: ");
  receive(std::string(kMaxHeaderBytes, 'x'));

  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 431"));
  EXPECT_EQ(connection_.phase(), Phase::flushing);
  EXPECT_EQ(count(Counter::violation_http), 1U);
}

TEST_F(ConnectionTest, RefusesAnotherProtocolAsSoonAsItIsKnown) {
  receive("\x16\x03");

  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(connection_.phase(), Phase::flushing);
}

TEST_F(ConnectionTest, CountsARequestThatBreaksTheProtocol) {
  receive("GET / HTTP/1.1\r\n\r\n");

  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(count(Counter::violation_http), 1U);
  EXPECT_EQ(connection_.phase(), Phase::flushing);
}

TEST_F(ConnectionTest, CountsNoViolationWhereNothingIsFound) {
  receive(get("/favicon.ico"));

  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(count(Counter::violation_http), 0U);
  EXPECT_EQ(count(Counter::http_4xx), 1U);
  EXPECT_EQ(connection_.phase(), Phase::request);
}

TEST_F(ConnectionTest, FinishesAfterAnAnswerThatEndsTheConnection) {
  receive(get("/healthz", "Connection: close\r\n"));

  EXPECT_THAT(sent(), HasSubstr("Connection: close"));
  EXPECT_EQ(connection_.phase(), Phase::flushing);
}

TEST_F(ConnectionTest, SendsTheHeaderAloneToHead) {
  receive("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_THAT(sent(), EndsWith("Content-Length: 4\r\n\r\n"));
}

TEST_F(ConnectionTest, DoesNotAnswerAnUpgradeElsewhereForASecond) {
  receive(upgrade("/chat/?EIO=4"));
  EXPECT_EQ(sent(), "");
  EXPECT_EQ(connection_.phase(), Phase::lingering);
  pass(999ms);
  EXPECT_FALSE(connection_.is_closed());

  pass(1ms);
  EXPECT_TRUE(connection_.is_closed());
  EXPECT_EQ(sent(), "");
}

TEST_F(ConnectionTest, EndsAtOnceAndSilentlyForAnUpgradeByOptions) {
  receive(upgrade("/socket.io/", "OPTIONS"));

  EXPECT_TRUE(connection_.is_closed());
  EXPECT_EQ(sent(), "");
  EXPECT_THAT(ended_, IsEmpty()) << "it was nobody's";
}

// ---- the time that a request has

TEST_F(ConnectionTest, EndsAConnectionThatSendsNoCompleteRequestInTime) {
  receive("GET /healthz HTTP/1.1\r\n");
  EXPECT_EQ(left(), kHandshakeTimeout);
  pass(kHandshakeTimeout - 1ms);
  EXPECT_FALSE(connection_.is_closed());

  pass(1ms);
  EXPECT_TRUE(connection_.is_closed());
  EXPECT_EQ(count(Counter::closed_handshake_timeout), 1U);
}

TEST_F(ConnectionTest, GrantsNoMoreTimeForBytesThatComplete) {
  pass(kHandshakeTimeout - 1ms);
  receive("GET /healthz HTTP/1.1\r\n");

  EXPECT_EQ(left(), 1ms);
}

TEST_F(ConnectionTest, WaitsFiveSecondsForAnotherRequest) {
  pass(3s);
  receive(get("/healthz"));
  EXPECT_EQ(left(), 5s);
  pass(4s);
  receive(get("/healthz"));
  EXPECT_EQ(left(), 5s) << "since the last one";
  sent();

  pass(5s);
  EXPECT_TRUE(connection_.is_closed());
  EXPECT_EQ(count(Counter::closed_handshake_timeout), 0U) << "it had been answered";
}

TEST_F(ConnectionTest, CountsTheTimeOutOfASecondRequestThatIsNotComplete) {
  receive(get("/healthz") + "GET /healthz");
  pass(5s);

  EXPECT_TRUE(connection_.is_closed());
  EXPECT_EQ(count(Counter::closed_handshake_timeout), 1U);
}

// ---- admission

TEST_F(ConnectionTest, AsksForTheAdmissionOfANodeAndSendsNothingMeanwhile) {
  receive(kUpgrade);

  EXPECT_EQ(admissions_, 1);
  EXPECT_EQ(connection_.phase(), Phase::admitting);
  EXPECT_EQ(node().id(), "bob");
  EXPECT_EQ(sent(), "");
}

TEST_F(ConnectionTest, AdmitsAnUpgradeThatFollowsARequest) {
  receive(get("/healthz") + kUpgrade);

  EXPECT_EQ(admissions_, 1);
  EXPECT_EQ(connection_.phase(), Phase::admitting);
}

TEST_F(ConnectionTest, HasNoDeadlineOfItsOwnAndIsNotReadFromWhileItIsAdmitted) {
  EXPECT_TRUE(connection_.wants_to_read());
  receive(kUpgrade);

  EXPECT_EQ(connection_.deadline(), TimePoint::max());
  EXPECT_FALSE(connection_.wants_to_read());
}

TEST_F(ConnectionTest, OpensWithThe101AndTheOpenPacket) {
  receive(kUpgrade);
  connection_.open(context_);

  EXPECT_EQ(connection_.phase(), Phase::open);
  EXPECT_TRUE(connection_.wants_to_read());
  const std::string bytes = sent();
  EXPECT_THAT(bytes, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\n\r\n\x81"));
  EXPECT_THAT(bytes, HasSubstr(R"(0{"sid":")"));
  EXPECT_EQ(count(Counter::http_1xx), 1U);
}

TEST_F(ConnectionTest, MayBeAdmittedBeforeTheQuestionReturns) {
  on_admit_ = [this](broker::Node&) { connection_.open(context_); };
  receive(kUpgrade);

  EXPECT_EQ(connection_.phase(), Phase::open);
  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 101"));
}

TEST_F(ConnectionTest, MayBeBehindByTwiceWhatOthersMayFillOnceItIsOpen) {
  receive(kUpgrade);
  connection_.open(context_);

  EXPECT_EQ(max_backlog(), 2 * limits_.max_outbox_bytes);
}

TEST_F(ConnectionTest, AsksARefusedNodeToRetry) {
  receive(kUpgrade);
  connection_.refuse(context_, "the registry is not available");

  const std::string bytes = sent();
  EXPECT_THAT(bytes, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(bytes, HasSubstr("Retry-After: 2\r\n"));
  EXPECT_THAT(bytes, EndsWith("the registry is not available"));
  EXPECT_EQ(count(Counter::http_5xx), 1U);
  EXPECT_EQ(connection_.phase(), Phase::flushing);
  EXPECT_TRUE(connection_.wants_to_read()) << "to see it leave";
}

TEST_F(ConnectionTest, MayBeRefusedBeforeTheQuestionReturns) {
  on_admit_ = [this](broker::Node&) { connection_.refuse(context_, "full"); };
  receive(kUpgrade);

  EXPECT_EQ(connection_.phase(), Phase::flushing);
  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 503"));
}

TEST_F(ConnectionTest, HandlesFramesThatCameWithTheRequestOnceItIsOpen) {
  receive(kUpgrade + client::text("40"));
  EXPECT_THAT(seen_, IsEmpty());
  connection_.open(context_);

  EXPECT_THAT(seen_, ElementsAre("connect"));
  EXPECT_EQ(connection_.held_bytes(), 0U);
}

TEST_F(ConnectionTest, HandlesFramesThatCameWhileItWasAdmitted) {
  const std::string connect = client::text("40");
  receive(kUpgrade + connect.substr(0, 3));
  receive(connect.substr(3));
  connection_.open(context_);

  EXPECT_THAT(seen_, ElementsAre("connect"));
}

TEST_F(ConnectionTest, KeepsHalfAFrameThatCameWithTheRequest) {
  const std::string connect = client::text("40");
  receive(kUpgrade + connect.substr(0, 3));
  connection_.open(context_);
  EXPECT_THAT(seen_, IsEmpty());
  receive(connect.substr(3));

  EXPECT_THAT(seen_, ElementsAre("connect"));
}

TEST_F(ConnectionTest, RefusesMoreThanAFewBytesBehindTheRequest) {
  receive(kUpgrade + std::string(kEarly + 1, 'x'));

  EXPECT_EQ(admissions_, 0);
  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(connection_.phase(), Phase::flushing);
}

TEST_F(ConnectionTest, ReportsANodeThatLeavesWhileItIsAdmitted) {
  receive(kUpgrade);
  connection_.end(context_, EndReason::tcp_end);

  EXPECT_TRUE(connection_.is_closed());
  EXPECT_THAT(ended_, ElementsAre(session::describe(EndReason::tcp_end)));
}

TEST_F(ConnectionTest, EndsARefusedNodeForTheReasonThatItWasTold) {
  receive(kUpgrade);
  connection_.refuse(context_, "full");
  connection_.end(context_, EndReason::tcp_end);

  EXPECT_THAT(ended_, ElementsAre(kAskedToRetry));
}

// ---- frames

TEST_F(ConnectionTest, PutsFramesTogetherThatComeInPieces) {
  join();
  for (const char byte : client::text(R"(42["hello","12345"])")) receive({&byte, 1});

  EXPECT_THAT(seen_, ElementsAre("event of 7 bytes"));
}

TEST_F(ConnectionTest, HandlesManyFramesOfOneReading) {
  join();
  const std::string event = client::text(R"(42["hello","12345"])");
  receive(event + event + event.substr(0, 4));
  EXPECT_EQ(seen_.size(), 2U);
  receive(event.substr(4));

  EXPECT_EQ(seen_.size(), 3U);
}

TEST_F(ConnectionTest, HoldsNoMoreThanWhatHasArrivedOfAMessage) {
  join();
  const std::string event = client::text("42[\"hello\",\"" + std::string(10'000, 'x') + "\"]");
  receive(event.substr(0, 1000));
  EXPECT_GE(connection_.held_bytes(), 1000U);
  EXPECT_LT(connection_.held_bytes(), 2000U);

  receive(event.substr(1000));
  EXPECT_THAT(seen_, ElementsAre("event of 10002 bytes"));
  EXPECT_EQ(connection_.held_bytes(), 0U);
}

TEST_F(ConnectionTest, ReadsToWhereALargeMessageIsKeptAndGrowsWithIt) {
  join();
  const std::string event = client::text("42[\"hello\",\"" + std::string(500'000, 'x') + "\"]");
  std::string_view rest = event;
  rest.remove_prefix(receive_once(rest.substr(0, 20'000)));
  EXPECT_LT(connection_.held_bytes(), 40'000U);
  std::size_t readings = 0;
  while (!rest.empty()) {
    const Connection::ReadBuffer buffer = connection_.begin_read(shared_, 0);
    ASSERT_EQ(buffer.in, Connection::ReadBuffer::In::own);
    EXPECT_LE(buffer.room.size(), buffer.held) << "not what the header announces";
    connection_.end_read(context_, buffer, 0, Connection::Unread::none);
    rest.remove_prefix(receive_once(rest));
    ++readings;
  }

  EXPECT_THAT(seen_, ElementsAre("event of 500002 bytes"));
  EXPECT_LT(readings, 10U);
  EXPECT_EQ(connection_.held_bytes(), 0U);
}

TEST_F(ConnectionTest, LosesNothingByAReadingOfNothing) {
  join();
  const std::string event = client::text(R"(42["hello","12345"])");
  receive(event.substr(0, 5));
  const Connection::ReadBuffer buffer = connection_.begin_read(shared_, 0);
  connection_.end_read(context_, buffer, 0, Connection::Unread::none);
  receive(event.substr(5));

  EXPECT_THAT(seen_, ElementsAre("event of 7 bytes"));
}

TEST_F(ConnectionTest, IsNotReadFromWhileReadingIsPaused) {
  join();
  connection_.pause_reading();
  EXPECT_TRUE(connection_.is_reading_paused());
  EXPECT_FALSE(connection_.wants_to_read());
  connection_.resume_reading();

  EXPECT_TRUE(connection_.wants_to_read());
}

// ---- the time that a node has

TEST_F(ConnectionTest, IsDueWhenItsSessionIs) {
  join();
  EXPECT_EQ(left(), 25s);
  pass(25s);

  EXPECT_EQ(sent(),
            "\x81\x01"
            "2");
  EXPECT_EQ(left(), 20s);
}

TEST_F(ConnectionTest, EndsANodeThatDoesNotConnectInTime) {
  open();
  EXPECT_EQ(left(), kHandshakeTimeout);
  pass(kHandshakeTimeout);

  EXPECT_EQ(node().state(), State::closing);
  EXPECT_EQ(left(), 30s) << "for its close frame";
}

TEST_F(ConnectionTest, PostponesATimeOutWhileBytesAreUnreadUpToALimit) {
  join();
  pass(25s);
  sent();
  // The reading took all there was room for.
  receive(client::frame(0x02, std::string(shared_.size() - 14, 'x'), client::Length::in_64_bits));
  pass(20s);
  EXPECT_EQ(node().state(), State::joined);
  EXPECT_LE(left(), 0s) << "looked at again at once";
  pass(999ms);
  EXPECT_EQ(node().state(), State::joined);

  pass(1ms);
  EXPECT_EQ(node().state(), State::closing);
}

TEST_F(ConnectionTest, ChecksATimeOutOnceAllIsRead) {
  join();
  pass(25s);
  sent();
  pass(20s);

  EXPECT_EQ(node().state(), State::closing);
}

// ---- closing

TEST_F(ConnectionTest, WaitsThirtySecondsForTheOtherSidesCloseFrame) {
  join();
  node().disconnect_permanently(session_context_, EndReason::invalid_node);
  connection_.on_session_changed(context_);
  EXPECT_EQ(connection_.phase(), Phase::open);
  EXPECT_EQ(left(), 30s);
  pass(29s);
  receive_text("3");
  EXPECT_EQ(left(), 1s) << "what else it sends grants no more";

  pass(1s);
  EXPECT_TRUE(connection_.is_closed());
}

TEST_F(ConnectionTest, FinishesWithTheOtherSidesCloseFrame) {
  join();
  node().disconnect_permanently(session_context_, EndReason::invalid_node);
  connection_.on_session_changed(context_);
  receive(client::last(websocket::Opcode::close, ""));

  EXPECT_EQ(connection_.phase(), Phase::flushing);
}

TEST_F(ConnectionTest, FinishesWhereTheNodeShouldReconnect) {
  join();
  node().disconnect_for_reconnect(session_context_, EndReason::shutdown);
  connection_.on_session_changed(context_);

  EXPECT_EQ(connection_.phase(), Phase::flushing);
  EXPECT_EQ(left(), 30s);
}

TEST_F(ConnectionTest, KeepsNothingOfAMessageThatNobodyWillHandle) {
  join();
  const std::string event = client::text("42[\"hello\",\"" + std::string(100'000, 'x') + "\"]");
  receive(event.substr(0, 30'000));
  EXPECT_GE(connection_.held_bytes(), 30'000U);
  node().disconnect_permanently(session_context_, EndReason::invalid_node);
  connection_.on_session_changed(context_);
  EXPECT_EQ(connection_.held_bytes(), 0U);

  receive(event.substr(30'000) + client::last(websocket::Opcode::close, ""));
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(connection_.phase(), Phase::flushing) << "the close frame behind it counts";
}

TEST_F(ConnectionTest, DiscardsWhatArrivesWhileItFinishesAndLingers) {
  receive(get("/healthz", "Connection: close\r\n"));
  sent();
  receive(get("/healthz"));
  connection_.linger(context_.now);
  receive(get("/healthz"));

  EXPECT_EQ(sent(), "");
  EXPECT_EQ(pages_.size(), 1U);
  EXPECT_EQ(connection_.held_bytes(), 0U);
}

TEST_F(ConnectionTest, LingersForTwoSeconds) {
  receive(get("/healthz", "Connection: close\r\n"));
  EXPECT_EQ(left(), 30s) << "for the last byte";
  connection_.linger(context_.now);
  EXPECT_EQ(connection_.phase(), Phase::lingering);
  EXPECT_EQ(left(), 2s);

  pass(2s);
  EXPECT_TRUE(connection_.is_closed());
  EXPECT_EQ(count(Counter::closed_handshake_timeout), 0U);
}

TEST_F(ConnectionTest, ReportsItsEndOnce) {
  join();
  connection_.end(context_, EndReason::tcp_end);
  connection_.end(context_, EndReason::memory);

  EXPECT_THAT(ended_, ElementsAre(session::describe(EndReason::tcp_end)));
  EXPECT_EQ(connection_.phase(), Phase::closed);
  EXPECT_EQ(connection_.held_bytes(), 0U);
}

// ---- what it is

TEST_F(ConnectionTest, MayBeANodeFromItsUpgradeOn) {
  EXPECT_FALSE(connection_.may_be_node());
  receive(kUpgrade);
  EXPECT_TRUE(connection_.may_be_node());
  EXPECT_TRUE(connection_.is_to_be_drained());
  node().set_token(1);
  connection_.open(context_);
  EXPECT_TRUE(connection_.may_be_node());
  EXPECT_FALSE(connection_.is_joined());
  receive_text("40");
  node().begin_joining();
  node().join(session_context_, "AUTHENTICATED", R"("{}")", TimePoint(1000s));

  EXPECT_TRUE(connection_.may_be_node());
  EXPECT_TRUE(connection_.is_joined());
}

TEST_F(ConnectionTest, IsNoNodeOnceItIsRefusedOrHasLeft) {
  open();
  node().set_token(0);

  EXPECT_FALSE(connection_.may_be_node());
  EXPECT_TRUE(connection_.is_to_be_drained()) << "it is still connected";
}

TEST_F(ConnectionTest, IsNoNodeOnceItIsClosing) {
  join();
  node().disconnect_permanently(session_context_, EndReason::invalid_node);

  EXPECT_FALSE(connection_.may_be_node());
  EXPECT_FALSE(connection_.is_joined());
  EXPECT_FALSE(connection_.is_to_be_drained());
}

}  // namespace
}  // namespace crolang::net
