#include "webhook-auth/passed_headers.hpp"

#include <gtest/gtest.h>

#include <crolang/testing/lent_node.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace crolang::webhook_auth {
namespace {

namespace pt = plugin::testing;

constexpr const char* kVariable = "NODES_AUTHENTICATION_WEBHOOK_HEADERS";

std::string lines(std::string_view names, pt::Connecting node) {
  const pt::LentNode lent(node);
  const crolang_connecting_node& raw = *static_cast<const crolang_connecting_node*>(lent);
  return PassedHeaders(kVariable, names, UrlUser::none).header_lines(plugin::ConnectingNode(raw));
}

std::string fault(std::string_view names, UrlUser user = UrlUser::none) {
  try {
    const PassedHeaders accepted(kVariable, names, user);
    return "none: " + accepted.names();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

const std::vector<std::pair<std::string, std::string>> kSent = {
    {"Host", "broker.test"}, {"Origin", "https://app.test"},
    {"cookie", "a=1"},       {"User-Agent", "Chromium"},
    {"COOKIE", "b=2"},       {"X-Empty", ""}};

TEST(PassedHeaders, AreTheClientsAddressIfNoneIsNamed) {
  EXPECT_EQ(lines("", {.id = "bob", .client_address = "192.0.2.7", .headers = kSent}),
            "X-Forwarded-For: 192.0.2.7\r\n");
  EXPECT_EQ(lines("", {.id = "bob", .headers = kSent}), "") << "it is unknown";
}

TEST(PassedHeaders, AreThoseThatAreNamedWithAllTheirLines) {
  EXPECT_EQ(lines("Cookie, origin,X-Empty,X-Absent",
                  {.id = "bob", .client_address = "2001:db8::7", .headers = kSent}),
            "X-Forwarded-For: 2001:db8::7\r\nCookie: a=1\r\nCookie: b=2\r\n"
            "origin: https://app.test\r\nX-Empty: \r\n");
}

TEST(PassedHeaders, SpellTheUserAgentAsTheRequestThatItReplacesTheBrokersIn) {
  EXPECT_EQ(lines("user-agent", {.id = "bob", .headers = kSent}), "User-Agent: Chromium\r\n");
}

TEST(PassedHeaders, AreNotThoseThatTheBrokerSets) {
  for (const std::string name :
       {"Host", "content-length", "Content-Type", "X-Forwarded-For", "forwarded",
        "Webhook-Signature", "webhook-id", "webhook-timestamp", "Connection", "Transfer-Encoding",
        "Accept", "Accept-Encoding", "Expect", "Upgrade"}) {
    EXPECT_EQ(fault("Origin," + name),
              "NODES_AUTHENTICATION_WEBHOOK_HEADERS: " + name +
                  " cannot be passed on, since the broker's request to the webhook has its own: "
                  "remove it");
  }
}

TEST(PassedHeaders, IncludeTheAuthorizationUnlessTheUrlHasAUser) {
  EXPECT_EQ(fault("authorization"), "none: authorization");
  EXPECT_EQ(fault("authorization", UrlUser::some),
            "NODES_AUTHENTICATION_WEBHOOK_HEADERS: authorization cannot be passed on, since the "
            "webhook's URL has a user: remove one of them");
}

TEST(PassedHeaders, AreNamesOfHeadersEachOnce) {
  EXPECT_EQ(fault(" Origin ,, Cookie,"), "none: Origin,Cookie");
  for (const std::string name :
       {"Or igin", "Origin:", "Origin;Cookie", "\"Origin\"", "X-\xc3\xa9"}) {
    EXPECT_EQ(fault(name), "NODES_AUTHENTICATION_WEBHOOK_HEADERS: \"" + name +
                               "\" is not the name of a header: write names separated by commas, "
                               "such as Origin,Cookie,User-Agent");
  }
  EXPECT_EQ(fault("Origin,ORIGIN"), "NODES_AUTHENTICATION_WEBHOOK_HEADERS: ORIGIN is named twice");
}

}  // namespace
}  // namespace crolang::webhook_auth
