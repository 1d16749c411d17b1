#include "net/http/decision.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/framing.hpp"

namespace crolang::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kNode =
    "/socket.io/?EIO=4&transport=websocket&id=bob&version=1.0&runtime=js";
constexpr std::string_view kConnection = "Connection: Upgrade";
constexpr std::string_view kUpgrade = "Upgrade: websocket";
constexpr std::string_view kVersion = "Sec-WebSocket-Version: 13";
constexpr std::string_view kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

constexpr const char* kNoTransport = "Transport unknown: only websocket; transports: ['websocket']";
const std::string kNoTransportJson =
    std::string(R"(400 application/json {"code":0,"message":")") + kNoTransport + "\"}";

using Headers = std::vector<std::string_view>;

std::string request(std::string_view method, std::string_view target, const Headers& headers = {}) {
  std::string text = std::string(method) + ' ' + std::string(target) + " HTTP/1.1\r\nHost: x\r\n";
  for (const std::string_view header : headers) text.append(header).append("\r\n");
  return text + "\r\n";
}

std::string upgrade(std::string_view target, const Headers& more = {}) {
  Headers headers = {kConnection, kUpgrade, kVersion, kKey};
  headers.insert(headers.end(), more.begin(), more.end());
  return request("GET", target, headers);
}

/// The upgrade to this id with one header replaced, or left out.
std::string upgrade_with(std::string_view header, std::string_view instead) {
  Headers headers = {kConnection, kUpgrade, kVersion, kKey};
  std::ranges::replace(headers, header, instead);
  std::erase(headers, std::string_view());
  return request("GET", kNode, headers);
}

Decision decide(std::string_view header) {
  return decide(header, node_listener_policy());
}

Response response(std::string_view text) {
  Decision decision = decide(text);
  if (auto* found = std::get_if<Response>(&decision)) return std::move(*found);
  ADD_FAILURE() << "no response to " << text;
  return {};
}

std::string header_of_response(const Response& r) {
  return r.bytes.substr(0, r.bytes.find("\r\n\r\n") + 2);
}
std::string body_of(const Response& r) {
  return r.bytes.substr(r.bytes.find("\r\n\r\n") + 4);
}

/// `<status> <content type> <body>`, after a look at what every response has to have.
std::string summary(const Response& r) {
  const std::string header = header_of_response(r);
  const std::string body = body_of(r);
  EXPECT_THAT(r.bytes, ::testing::StartsWith("HTTP/1.1 " + std::to_string(r.status) + ' '));
  EXPECT_THAT(header, HasSubstr("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"));
  EXPECT_THAT(header, HasSubstr(r.after == After::keep ? "\r\nConnection: keep-alive\r\n"
                                                       : "\r\nConnection: close\r\n"));
  std::string type;
  if (const std::size_t at = header.find("\r\nContent-Type: "); at != std::string::npos) {
    type = header.substr(at + 16, header.find('\r', at + 2) - at - 16);
  }
  return std::to_string(r.status) + ' ' + type + ' ' + body;
}

std::string answer(std::string_view text) {
  return summary(response(text));
}

bool is_upgrade(std::string_view text) {
  return std::holds_alternative<UpgradeRequest>(decide(text));
}

bool has_cors(std::string_view text) {
  const std::string header = header_of_response(response(text));
  const bool origin = header.find("\r\nAccess-Control-Allow-Origin: *\r\n") != std::string::npos;
  const bool credentials =
      header.find("\r\nAccess-Control-Allow-Credentials: true\r\n") != std::string::npos;
  EXPECT_EQ(origin, credentials);
  return origin;
}

std::string refused(std::string_view message) {
  return "400 text/html " + std::string(message);
}

// ---- upgrades

TEST(Upgrade, OfANodeIsAccepted) {
  const Decision decision = decide(upgrade(kNode));

  const auto* accepted = std::get_if<UpgradeRequest>(&decision);
  ASSERT_NE(accepted, nullptr);
  EXPECT_EQ(accepted->response,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n\r\n");
  EXPECT_EQ(accepted->identity.id(), "bob");
  EXPECT_FALSE(accepted->identity.first_missing_field());
}

TEST(Upgrade, IsAcceptedWithoutAnIdSinceThatIsRefusedLater) {
  EXPECT_TRUE(is_upgrade(upgrade("/socket.io/?EIO=4&transport=websocket")));
}

TEST(Upgrade, DoesNotDependOnTheOrderOfParameters) {
  EXPECT_TRUE(
      is_upgrade(upgrade("/socket.io/?runtime=js&id=bob&transport=websocket&version=1&EIO=4")));
}

TEST(Upgrade, IgnoresParametersItDoesNotKnowAndAnEmptySid) {
  EXPECT_TRUE(is_upgrade(upgrade(std::string(kNode) + "&t=abc&b64=1&sid=&x")));
}

TEST(Upgrade, IgnoresTheCaseOfItsHeaders) {
  EXPECT_TRUE(is_upgrade(upgrade_with(kUpgrade, "upgrade: WebSocket")));
  EXPECT_TRUE(is_upgrade(upgrade_with(kConnection, "CONNECTION: keep-alive, UPGRADE")));
  EXPECT_TRUE(is_upgrade(upgrade_with(kConnection, "Connection: upgrade,keep-alive")));
}

TEST(Upgrade, TakesAnyPathBelowThePrefix) {
  EXPECT_TRUE(is_upgrade(upgrade("/socket.io/anything?EIO=4&transport=websocket")));
}

TEST(Upgrade, TakesVersion8Too) {
  EXPECT_TRUE(is_upgrade(upgrade_with(kVersion, "Sec-WebSocket-Version: 8")));
}

TEST(Upgrade, NegotiatesTheFirstSubprotocolThatIsOffered) {
  const Decision decision = decide(upgrade(kNode, {"Sec-WebSocket-Protocol: chat, superchat"}));

  EXPECT_THAT(std::get<UpgradeRequest>(decision).response,
              HasSubstr("\r\nSec-WebSocket-Protocol: chat\r\n"));
}

TEST(Upgrade, NegotiatesTheFirstSubprotocolOfSeveralLines) {
  const Decision decision =
      decide(upgrade(kNode, {"Sec-WebSocket-Protocol: chat\t ,\tx", "Sec-WebSocket-Protocol: y"}));

  EXPECT_THAT(std::get<UpgradeRequest>(decision).response,
              HasSubstr("\r\nSec-WebSocket-Protocol: chat\r\n"));
}

TEST(Upgrade, NeedsSubprotocolsToBeTokens) {
  for (const std::string_view offer :
       {"", ",", ", a", "a,", "a,,b", "a b", "a, b c", "\"x\"", "a;b", "\xC3\xA4"}) {
    const std::string header = "Sec-WebSocket-Protocol: " + std::string(offer);
    EXPECT_EQ(answer(upgrade(kNode, {header})), refused("Invalid Sec-WebSocket-Protocol header"))
        << offer;
    EXPECT_EQ(answer(upgrade(kNode, {"Sec-WebSocket-Protocol: chat", header})),
              refused("Invalid Sec-WebSocket-Protocol header"))
        << offer;
  }
}

TEST(Upgrade, MayBeNamedInAnyLineOfConnection) {
  EXPECT_TRUE(
      is_upgrade(upgrade_with(kConnection, "Connection: keep-alive\r\nConnection: Upgrade")));
  EXPECT_TRUE(
      is_upgrade(upgrade_with(kConnection, "Connection: Upgrade\r\nConnection: keep-alive")));
}

TEST(Upgrade, NegotiatesNoExtension) {
  const Decision decision = decide(
      upgrade(kNode, {"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"}));

  EXPECT_THAT(std::get<UpgradeRequest>(decision).response, Not(HasSubstr("Extensions")));
}

TEST(Upgrade, AnswersAnOriginAsItAnswersNone) {
  const Decision with = decide(upgrade(kNode, {"Origin: http://example.org"}));
  const Decision without = decide(upgrade(kNode));

  EXPECT_EQ(std::get<UpgradeRequest>(with).response, std::get<UpgradeRequest>(without).response);
}

HttpPolicy policy_for(const origin::AllowList& origins) {
  HttpPolicy policy = node_listener_policy();
  policy.origins = &origins;
  return policy;
}

TEST(AllowedOrigins, KeepThePagesOfOthersOut) {
  const origin::AllowList origins("https://app.example.org,https://*.example.net");
  const HttpPolicy policy = policy_for(origins);
  for (const char* allowed : {"https://app.example.org", "https://a.example.net"}) {
    const std::string line = "Origin: " + std::string(allowed);
    EXPECT_TRUE(std::holds_alternative<UpgradeRequest>(
        decide(upgrade(kNode, {std::string_view(line)}), policy)))
        << allowed;
  }
  for (const char* other : {"https://evil.example", "null", "", "http://app.example.org"}) {
    const std::string line = "Origin: " + std::string(other);
    const Decision decision = decide(upgrade(kNode, {std::string_view(line)}), policy);
    ASSERT_TRUE(std::holds_alternative<Response>(decision)) << other;
    const auto& response = std::get<Response>(decision);
    EXPECT_EQ(summary(response), "403 text/plain Origin not allowed\n");
    EXPECT_EQ(response.after, After::close);
    ASSERT_TRUE(response.refusal);
    EXPECT_EQ(response.refusal->fault, RequestFault::origin);
    EXPECT_EQ(response.refusal->value, other);
    EXPECT_EQ(response.refusal->node, "bob");
  }
}

TEST(AllowedOrigins, LetRequestsWithoutAnOriginPass) {
  const origin::AllowList origins("https://app.example.org");
  EXPECT_TRUE(std::holds_alternative<UpgradeRequest>(decide(upgrade(kNode), policy_for(origins))));
}

TEST(AllowedOrigins, HaveToHoldForEveryLine) {
  const origin::AllowList origins("https://app.example.org");
  const Decision decision =
      decide(upgrade(kNode, {"Origin: https://app.example.org", "Origin: https://evil.example"}),
             policy_for(origins));
  ASSERT_TRUE(std::holds_alternative<Response>(decision));
  EXPECT_EQ(std::get<Response>(decision).status, 403u);
}

TEST(AllowedOrigins, AreCheckedBeforeEverythingElseBelowThePrefix) {
  const origin::AllowList origins("https://app.example.org");
  const HttpPolicy policy = policy_for(origins);
  const Headers evil = {"Origin: https://evil.example"};
  for (const std::string& text :
       {upgrade("/socket.io/", evil), request("GET", "/socket.io/?EIO=4&transport=polling", evil),
        request("OPTIONS", "/socket.io/", evil), request("HEAD", kNode, evil)}) {
    const Decision decision = decide(text, policy);
    ASSERT_TRUE(std::holds_alternative<Response>(decision)) << text;
    EXPECT_EQ(std::get<Response>(decision).status, 403u) << text;
  }
  EXPECT_EQ(std::get<Response>(decide(request("HEAD", kNode, evil), policy)).part, Part::header);
  EXPECT_TRUE(
      std::holds_alternative<PageRequest>(decide(request("GET", "/healthz", evil), policy)));
}

TEST(AllowedOrigins, KeepOnlyTheBeginningOfALongOneForTheLog) {
  const origin::AllowList origins("https://app.example.org");
  const std::string line = "Origin: https://" + std::string(4000, 'x');
  const Decision decision = decide(upgrade(kNode, {line}), policy_for(origins));
  ASSERT_TRUE(std::holds_alternative<Response>(decision));
  EXPECT_EQ(std::get<Response>(decision).refusal->value, "https://" + std::string(120, 'x'));
}

TEST(Upgrade, OfAnotherPathIsClosedWithoutAResponse) {
  for (const std::string_view target :
       {"/socket.io?EIO=4&transport=websocket", "/socket.io", "/", "/other/", "/healthz"}) {
    const Decision decision = decide(upgrade(target));
    const auto* no_response = std::get_if<NoResponse>(&decision);
    ASSERT_NE(no_response, nullptr) << target;
    EXPECT_EQ(no_response->when, NoResponse::When::later) << target;
  }
}

TEST(Upgrade, ByOptionsIsClosedWithoutAByte) {
  const Decision decision =
      decide(request("OPTIONS", kNode, {kConnection, kUpgrade, kVersion, kKey}));

  ASSERT_TRUE(std::holds_alternative<NoResponse>(decision));
  EXPECT_EQ(std::get<NoResponse>(decision).when, NoResponse::When::now);
}

TEST(Upgrade, NeedsAWellFormedKey) {
  const std::string expected = refused("Missing or invalid Sec-WebSocket-Key header");
  EXPECT_EQ(expected.size() - refused("").size(), 43u);
  for (const std::string_view key :
       {"", "Sec-WebSocket-Key:", "Sec-WebSocket-Key: x",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA=="}) {
    EXPECT_EQ(answer(upgrade_with(kKey, key)), expected) << key;
  }
  EXPECT_EQ(answer(upgrade(kNode, {kKey})), expected) << "given twice";
}

TEST(Upgrade, NeedsASupportedVersion) {
  const std::string expected = refused("Missing or invalid Sec-WebSocket-Version header");
  EXPECT_EQ(expected.size() - refused("").size(), 47u);
  for (const std::string_view version :
       {"", "Sec-WebSocket-Version: 7", "Sec-WebSocket-Version: 0", "Sec-WebSocket-Version: 14",
        "Sec-WebSocket-Version: 13, 8", "Sec-WebSocket-Version: x"}) {
    EXPECT_EQ(answer(upgrade_with(kVersion, version)), expected) << version;
  }
}

TEST(Upgrade, NeedsToBeToAWebSocket) {
  EXPECT_EQ(answer(upgrade_with(kUpgrade, "Upgrade: h2c")), refused("Invalid Upgrade header"));
}

TEST(Upgrade, NeedsTheWebSocketTransport) {
  for (const std::string_view query :
       {"", "?EIO=4", "?EIO=4&transport=polling", "?EIO=4&transport=webtransport",
        "?EIO=4&transport=", "?EIO=4&transport=websocket&transport=websocket",
        "?EIO=4&transport=WebSocket"}) {
    EXPECT_EQ(answer(upgrade("/socket.io/" + std::string(query))), refused(kNoTransport)) << query;
  }
}

TEST(Upgrade, NamingAnySidIsRefusedSinceASidIsNoCredential) {
  EXPECT_EQ(answer(upgrade(std::string(kNode) + "&sid=abcdefghijklmnopqrst")),
            refused("Session ID unknown"));
}

TEST(Upgrade, HasToBeAGet) {
  for (const std::string_view method : {"POST", "PUT", "HEAD", "DELETE", "PATCH"}) {
    const Response r = response(request(method, kNode, {kConnection, kUpgrade, kVersion, kKey}));
    EXPECT_EQ(summary(r), refused("Bad handshake method")) << method;
  }
}

TEST(Upgrade, OfAnotherProtocolVersionIsRefusedBeforeAny101) {
  for (const std::string_view eio : {"", "&EIO=3", "&EIO=5", "&EIO=", "&EIO=4&EIO=4", "&EIO=04"}) {
    EXPECT_EQ(answer(upgrade("/socket.io/?transport=websocket" + std::string(eio))),
              refused("Unsupported protocol version"))
        << eio;
  }
}

TEST(Upgrade, ThatIsRefusedEndsTheConnection) {
  EXPECT_EQ(response(upgrade_with(kKey, "")).after, After::close);
  EXPECT_EQ(response(upgrade("/socket.io/")).after, After::close);
}

TEST(Upgrade, WithoutConnectionUpgradeIsAPlainRequest) {
  for (const std::string_view connection :
       {"", "Connection: close", "Connection: keep-alive", "Connection: Upgraded"}) {
    EXPECT_EQ(answer(upgrade_with(kConnection, connection)),
              R"(400 application/json {"code":3,"message":"Bad request"})")
        << connection;
  }
}

TEST(Upgrade, WithoutUpgradeHeaderIsAPlainRequest) {
  EXPECT_EQ(answer(upgrade_with(kUpgrade, "")),
            R"(400 application/json {"code":3,"message":"Bad request"})");
}

// ---- plain requests

TEST(PlainRequest, OutsideThePrefixIsNotFound) {
  for (const std::string_view target :
       {"/other", "/socket.io", "/socket.io?EIO=4&transport=websocket", "/socket.iox/",
        "/SOCKET.IO/"}) {
    for (const std::string_view method : {"GET", "POST", "PUT", "DELETE", "OPTIONS"}) {
      EXPECT_EQ(answer(request(method, target)), "404  ") << method << ' ' << target;
      EXPECT_FALSE(has_cors(request(method, target))) << method << ' ' << target;
    }
  }
}

TEST(PlainRequest, OfAnotherTransportIsRefused) {
  for (const std::string_view query :
       {"", "?EIO=4&transport=polling", "?EIO=4&transport=websocket&transport=websocket"}) {
    for (const std::string_view method : {"GET", "POST", "DELETE"}) {
      EXPECT_EQ(answer(request(method, "/socket.io/" + std::string(query))), kNoTransportJson)
          << method << query;
    }
  }
}

TEST(PlainRequest, NamingASidIsRefused) {
  EXPECT_EQ(answer(request("GET", std::string(kNode) + "&sid=x")),
            R"(400 application/json {"code":1,"message":"Session ID unknown"})");
}

TEST(PlainRequest, ThatIsNoGetIsRefused) {
  EXPECT_EQ(answer(request("POST", kNode)),
            R"(400 application/json {"code":2,"message":"Bad handshake method"})");
}

TEST(PlainRequest, ByGetIsRefused) {
  EXPECT_EQ(answer(request("GET", kNode)),
            R"(400 application/json {"code":3,"message":"Bad request"})");
}

TEST(PlainRequest, BelowThePrefixIsAnsweredToEveryOrigin) {
  EXPECT_TRUE(has_cors(request("GET", kNode)));
  EXPECT_TRUE(has_cors(request("POST", kNode)));
  EXPECT_TRUE(has_cors(request("GET", "/socket.io/")));
  EXPECT_TRUE(has_cors(request("GET", "/socket.io/socket.io.js")));
  EXPECT_TRUE(has_cors(request("OPTIONS", "/socket.io/")));
}

TEST(PlainRequest, ByOptionsIsAllowedEverything) {
  const Response r =
      response(request("OPTIONS", kNode, {"Access-Control-Request-Headers: X-One, X-Two"}));

  EXPECT_EQ(summary(r), "204  ");
  EXPECT_THAT(r.bytes, HasSubstr("\r\nAccess-Control-Allow-Methods: *\r\n"));
  EXPECT_THAT(r.bytes, HasSubstr("\r\nVary: Access-Control-Request-Headers\r\n"));
  EXPECT_THAT(r.bytes, HasSubstr("\r\nAccess-Control-Allow-Headers: X-One, X-Two\r\n"));
}

TEST(PlainRequest, ByOptionsAllowsNoHeadersIfNoneAreAskedFor) {
  EXPECT_THAT(response(request("OPTIONS", kNode)).bytes,
              Not(HasSubstr("Access-Control-Allow-Headers")));
}

TEST(PlainRequest, ForTheBrowserClientIsNotFound) {
  for (const std::string_view file : {"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js",
                                      "socket.io.msgpack.min.js", "socket.io.js.map"}) {
    EXPECT_EQ(answer(request("GET", "/socket.io/" + std::string(file))), "404  ") << file;
  }
}

TEST(PlainRequest, KeepsTheConnection) {
  const Response r = response(request("GET", "/other"));

  EXPECT_EQ(r.after, After::keep);
  EXPECT_THAT(r.bytes, HasSubstr("\r\nKeep-Alive: timeout=5\r\n"));
}

TEST(PlainRequest, EndsTheConnectionIfItSaysSo) {
  EXPECT_EQ(response(request("GET", "/other", {"Connection: close"})).after, After::close);
  EXPECT_EQ(response("GET /other HTTP/1.0\r\n\r\n").after, After::close);
}

TEST(PlainRequest, WithABodyEndsTheConnectionSinceBodiesAreNotRead) {
  EXPECT_EQ(response(request("POST", "/other", {"Content-Length: 5"})).after, After::close);
  EXPECT_EQ(response(request("POST", "/other", {"Transfer-Encoding: chunked"})).after,
            After::close);
}

TEST(PlainRequest, ByHeadIsAnsweredWithoutABody) {
  const Response r = response(request("HEAD", kNode));

  EXPECT_EQ(r.status, 400u);
  EXPECT_THAT(bytes_of(r), ::testing::EndsWith("\r\nContent-Length: 43\r\n\r\n"))
      << "of what GET would get";
}

// ---- pages

PageRequest page(std::string_view text) {
  const Decision decision = decide(text);
  const auto* found = std::get_if<PageRequest>(&decision);
  if (found != nullptr) return *found;
  ADD_FAILURE() << "no page: " << text;
  return {};
}

TEST(Pages, AreFour) {
  EXPECT_EQ(page(request("GET", "/")).page, Page::root);
  EXPECT_EQ(page(request("GET", "/healthz")).page, Page::health);
  EXPECT_EQ(page(request("GET", "/readyz")).page, Page::readiness);
  EXPECT_EQ(page(request("GET", "/metrics")).page, Page::metrics);
}

TEST(Pages, IgnoreAQuery) {
  EXPECT_EQ(page(request("GET", "/healthz?x=1")).page, Page::health);
}

TEST(Pages, GiveTheirHeaderAloneToHead) {
  EXPECT_EQ(page(request("GET", "/healthz")).part, Part::whole);
  EXPECT_EQ(page(request("HEAD", "/healthz")).part, Part::header);
  EXPECT_EQ(page(request("HEAD", "/")).part, Part::header);
}

TEST(Pages, AreOnlyRead) {
  for (const std::string_view method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    EXPECT_EQ(answer(request(method, "/")), "404  ") << method;
  }
  EXPECT_EQ(answer(request("POST", "/healthz")), "404  ");
  EXPECT_EQ(answer(request("DELETE", "/metrics")), "404  ");
}

TEST(Pages, AreNotBelowTheirPath) {
  EXPECT_EQ(answer(request("GET", "/healthz/")), "404  ");
  EXPECT_EQ(answer(request("GET", "/socket.io/healthz")), kNoTransportJson);
}

// ---- targets (RFC 9112 3.2)

TEST(Target, InItsAbsoluteFormIsItsPathAndQuery) {
  for (const std::string_view origin :
       {"http://x", "HTTP://x:8080", "https://other.example", "ws://x", "wss://[::1]:443"}) {
    const std::string start(origin);
    const Decision decision = decide(upgrade(start + std::string(kNode)));
    const auto* accepted = std::get_if<UpgradeRequest>(&decision);
    ASSERT_NE(accepted, nullptr) << origin;
    EXPECT_EQ(accepted->identity.id(), "bob");
    EXPECT_EQ(page(request("GET", start + "/healthz?x=/")).page, Page::health) << origin;
    EXPECT_EQ(page(request("GET", start)).page, Page::root) << origin;
    EXPECT_EQ(page(request("GET", start + "/")).page, Page::root) << origin;
    EXPECT_EQ(page(request("GET", start + "?a=/healthz")).page, Page::root) << origin;
    EXPECT_EQ(answer(request("GET", start + "/other")), "404  ") << origin;
    EXPECT_EQ(answer(request("GET", start + "//healthz")), "404  ") << origin;
  }
}

TEST(Target, InItsAbsoluteFormStillNeedsAHost) {
  EXPECT_EQ(answer("GET http://x/healthz HTTP/1.1\r\n\r\n"), "400  ");
}

TEST(Target, ThatIsNoneOfAServerIsBad) {
  for (const std::string_view target :
       {"healthz", "*", "x:80", "http:", "http:/healthz", "http://", "http:///healthz", "http://?x",
        "http://user@x/healthz", "ftp://x/healthz", "://x/healthz", "x://y/healthz"}) {
    const Response r = response(request("GET", target));
    EXPECT_EQ(summary(r), "400  ") << target;
    EXPECT_EQ(r.after, After::close) << target;
  }
}

TEST(Target, OfConnectEndsTheConnectionSinceATunnelMayFollow) {
  for (const std::string_view target : {"x:80", "http://x:80", "/healthz"}) {
    EXPECT_EQ(response(request("CONNECT", target)).after, After::close) << target;
  }
}

TEST(Target, MayBeTheServerItselfForOptions) {
  EXPECT_EQ(answer(request("OPTIONS", "*")), "404  ");
}

// ---- where a request ends (RFC 9112 6)

TEST(Framing, NeedsATransferEncodingThatEndsInChunked) {
  for (const std::string_view coding :
       {"gzip", "identity", "chunked, gzip", "chunked, identity", "chunked, chunked", "xchunked",
        "chunkedx", "\"chunked\"", "chunked;x=y", "gzip;q=1, chunked", "", ",", "chunked,",
        ", chunked", "gzip chunked", "chun ked", "x, , chunked", "\vchunked", "chunked\x80"}) {
    const std::string header = "Transfer-Encoding: " + std::string(coding);
    for (const std::string_view method : {"GET", "POST", "OPTIONS", "HEAD"}) {
      const Response r = response(request(method, "/healthz", {header}));
      EXPECT_EQ(r.status, 400u) << method << ' ' << coding;
      EXPECT_EQ(r.after, After::close) << method << ' ' << coding;
    }
    EXPECT_EQ(answer(upgrade(kNode, {header})), "400  ") << coding;
  }
}

TEST(Framing, ReadsAllLinesOfTransferEncodingAsOneList) {
  const std::string_view chunked = "Transfer-Encoding: chunked";
  for (const std::string_view other : {"Transfer-Encoding: gzip", "Transfer-Encoding: chunked",
                                       "transfer-encoding: identity", "TRANSFER-ENCODING:"}) {
    EXPECT_EQ(response(request("POST", "/other", {chunked, "X: y", other})).status, 400u) << other;
  }
  EXPECT_EQ(answer(request("POST", "/other", {"Transfer-Encoding: gzip", chunked})), "404  ");
}

TEST(Framing, TakesATransferEncodingThatEndsInChunked) {
  for (const std::string_view coding :
       {"chunked", "CHUNKED", " \tchunked\t ", "gzip,chunked", "gzip, x , Chunked"}) {
    const Response r =
        response(request("POST", "/other", {"Transfer-Encoding: " + std::string(coding)}));
    EXPECT_EQ(summary(r), "404  ") << coding;
    EXPECT_EQ(r.after, After::close) << coding;
  }
}

TEST(Framing, KnowsNoTransferEncodingInHttp10) {
  EXPECT_EQ(answer("POST /other HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), "400  ");
  EXPECT_EQ(answer("POST /other HTTP/1.0\r\nConnection: keep-alive\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n"),
            "400  ");
}

TEST(Framing, KnowsOneLengthOnly) {
  constexpr std::string_view kFive = "Content-Length: 5";
  for (const Headers& headers :
       {Headers{"Transfer-Encoding: chunked", kFive}, Headers{kFive, "Transfer-Encoding: chunked"},
        Headers{"Transfer-Encoding: gzip, chunked", kFive},
        Headers{"Transfer-Encoding: gzip", "Content-Length: 0"},
        Headers{kFive, "Content-Length: 6"}, Headers{kFive, "Content-Length: 0"},
        Headers{"Content-Length: 5, 6"}, Headers{"Content-Length: 5,"}, Headers{"Content-Length:"},
        Headers{"Content-Length: +5"}, Headers{"Content-Length: -5"},
        Headers{"Content-Length: 0x5"}, Headers{"Content-Length: 5 5"},
        Headers{"Content-Length: 5;"}, Headers{"Content-Length: 18446744073709551616"}}) {
    const Response r = response(request("POST", "/other", headers));
    EXPECT_EQ(summary(r), "400  ") << ::testing::PrintToString(headers);
    EXPECT_EQ(r.after, After::close);
  }
  // RFC 9112 6.3: the same length twice is one.
  EXPECT_EQ(answer(request("POST", "/other", {kFive, kFive})), "404  ");
}

TEST(Framing, NeedsLinesThatEndAndDoNotGoOn) {
  for (const std::string_view text :
       {"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n\tfolded\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n \r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX: y\nContent-Length: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX: y\rContent-Length: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length\t: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n: 5\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n"}) {
    const Response r = response(text);
    EXPECT_EQ(summary(r), "400  ") << text;
    EXPECT_EQ(r.after, After::close) << text;
  }
}

TEST(Framing, OfAnUpgradeLeavesNoRoomForABody) {
  EXPECT_EQ(answer(upgrade(kNode, {"Content-Length: 5"})), refused("An upgrade has no body"));
  EXPECT_EQ(answer(upgrade(kNode, {"Transfer-Encoding: chunked"})),
            refused("An upgrade has no body"));
  EXPECT_TRUE(is_upgrade(upgrade(kNode, {"Content-Length: 0"})));
}

// ---- what is no request

TEST(Request, NeedsExactlyOneHost) {
  EXPECT_EQ(answer("GET /healthz HTTP/1.1\r\n\r\n"), "400  ");
  EXPECT_EQ(answer("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), "400  ");
  EXPECT_EQ(page("GET /healthz HTTP/1.0\r\n\r\n").page, Page::health);
}

TEST(Request, ThatIsNotHttpIsBad) {
  for (const std::string_view text :
       {"\r\n\r\n", "hello\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\nHost: x\n\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x"}) {
    const Response r = response(text);
    EXPECT_EQ(summary(r), "400  ") << text;
    EXPECT_EQ(r.after, After::close);
  }
}

/// A request of exactly this many bytes.
std::string request_of_size(std::size_t size) {
  const std::string shortest = request("GET", "/healthz", {"X: "});
  return request("GET", "/healthz", {"X: " + std::string(size - shortest.size(), 'x')});
}

TEST(Request, MayHaveAHeaderOf16KiB) {
  const std::string text = request_of_size(kMaxHeaderBytes);
  ASSERT_EQ(text.size(), kMaxHeaderBytes);

  EXPECT_EQ(page(text).page, Page::health);
}

TEST(Request, WithAMuchLongerHeaderIsTooLarge) {
  const Response r = response(request_of_size(2 * kMaxHeaderBytes));

  EXPECT_EQ(summary(r), "431  ");
  EXPECT_THAT(r.bytes, ::testing::StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  EXPECT_EQ(r.after, After::close);
}

TEST(Request, WithAMuchLongerUrlIsTooLarge) {
  EXPECT_EQ(answer(request("GET", '/' + std::string(kMaxHeaderBytes, 'x'))), "431  ");
}

TEST(Request, CannotInjectHeadersIntoTheResponse) {
  const Response r = response(
      request("OPTIONS", kNode, {"Access-Control-Request-Headers: a\r\n Set-Cookie: evil=1"}));

  EXPECT_THAT(r.bytes, Not(HasSubstr("\nSet-Cookie")));
}

// ---- why a request is refused

struct Refused {
  std::string request;
  RequestFault fault;
  std::string value;
  std::string node;
};

RequestRefusal refusal_of(const std::string& text) {
  const Decision decision = decide(text);
  if (const auto* no_response = std::get_if<NoResponse>(&decision)) return no_response->refusal;
  const auto* answered = std::get_if<Response>(&decision);
  if (answered != nullptr && answered->refusal) return *answered->refusal;
  ADD_FAILURE() << "not refused: " << text;
  return {RequestFault::not_http};
}

TEST(Refusal, SaysWhyAndWho) {
  const std::string data = "&id=bob&data=secret";
  const std::string ws = "/socket.io/?EIO=4&transport=websocket" + data;
  const std::vector<Refused> cases = {
      {upgrade("/chat/socket.io/?EIO=4" + data), RequestFault::path, "/chat/socket.io/", "bob"},
      {request("GET", "/favicon.ico"), RequestFault::path, "/favicon.ico", ""},
      {request("GET", "/socket.io/socket.io.js"), RequestFault::client_bundle, "", ""},
      {request("GET", "/socket.io/?EIO=4&transport=polling" + data), RequestFault::transport,
       "polling", "bob"},
      {upgrade("/socket.io/?EIO=4" + data), RequestFault::transport, "missing", "bob"},
      {upgrade(ws + "&transport=websocket"), RequestFault::transport, "given 2 times", "bob"},
      {upgrade(ws + "&sid=x"), RequestFault::session, "", "bob"},
      {request("POST", ws), RequestFault::method, "POST", "bob"},
      {request("GET", ws), RequestFault::no_upgrade, "", "bob"},
      {upgrade_with(kUpgrade, "Upgrade: h2c"), RequestFault::upgrade_protocol, "h2c", "bob"},
      {upgrade_with(kKey, ""), RequestFault::key, "", "bob"},
      {upgrade_with(kVersion, ""), RequestFault::version, "", "bob"},
      {upgrade(kNode, {"Sec-WebSocket-Protocol: a b"}), RequestFault::subprotocol, "", "bob"},
      {upgrade("/socket.io/?EIO=3&transport=websocket" + data), RequestFault::engine_version, "3",
       "bob"},
      {upgrade("/socket.io/?transport=websocket" + data), RequestFault::engine_version, "missing",
       "bob"},
      {upgrade(kNode, {"Content-Length: 3"}), RequestFault::body, "", "bob"},
      {request("OPTIONS", kNode, {kConnection, kUpgrade}), RequestFault::options, "", "bob"},
      {"GET / HTTP/1.1\r\n\r\n", RequestFault::malformed, "no Host", ""},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + upgrade(kNode), RequestFault::proxy_protocol, "",
       ""},
      {"PRI * HTTP/2.0\r\n\r\n", RequestFault::http2, "", ""},
  };
  for (const auto& [text, fault, value, node] : cases) {
    const RequestRefusal refusal = refusal_of(text);
    EXPECT_EQ(refusal.fault, fault) << text;
    EXPECT_EQ(refusal.value, value) << text;
    EXPECT_EQ(refusal.node, node) << text;
  }
}

TEST(Refusal, ShowsNothingOfAQueryWhoseMarksAreOthers) {
  for (const std::string mark : {"%3F", "%3f", "&", "%26", ";"}) {
    const std::string path = "/socket.io" + mark + "EIO=4&id=bob&data=secret";
    EXPECT_EQ(refusal_of(upgrade(path)).value, "/socket.io") << path;
    EXPECT_EQ(refusal_of(request("GET", path)).value, "/socket.io") << path;
  }
  for (const std::string mark : {"%26", ";", "%3B", "%20", "?"}) {
    const std::string data = mark + "id=bob" + mark + "data=secret";
    EXPECT_EQ(refusal_of(upgrade("/socket.io/?EIO=4&transport=websocket" + data)).value,
              "websocket");
    EXPECT_EQ(refusal_of(upgrade("/socket.io/?transport=websocket&EIO=3" + data)).value, "3");
  }
  EXPECT_EQ(refusal_of(upgrade("/socket.io/?EIO=4&transport=")).value, "empty");
  EXPECT_EQ(refusal_of(upgrade("/socket.io/?EIO=4&transport=%26data=secret")).value, "not a word");
}

TEST(Refusal, ShowsABoundedPartOfWhatAClientChose) {
  const std::string huge(1000, 'x');
  EXPECT_LT(refusal_of(request("GET", "/" + huge)).value.size(), 200U);
  EXPECT_LT(refusal_of(upgrade("/socket.io/?transport=" + huge)).value.size(), 200U);
  EXPECT_LT(refusal_of(upgrade("/socket.io/?id=" + huge)).node.size(), 200U);
}

}  // namespace
}  // namespace crolang::net
