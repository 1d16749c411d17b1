#include "client_address/forwarded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace crolang::client_address {
namespace {

constexpr std::string_view kProxy = "10.0.0.1";

Policy policy_of(Header header) {
  return {std::get<AddressSet>(parse_address_set("10.0.0.0/8, 2001:db8:ff::/48")), header,
          ProxyProtocol::refused};
}

std::string client_of(Header header, std::string_view lines, std::string_view peer = kProxy) {
  return text_of(client_of_request(policy_of(header), *parse_address(peer), lines));
}

/// The client of a request with this X-Forwarded-For.
std::string by_x(std::string_view value) {
  return client_of(Header::x_forwarded_for,
                   "Host: x\r\nX-Forwarded-For: " + std::string(value) + "\r\nA: b\r\n");
}

/// The client of a request with this Forwarded.
std::string by_forwarded(std::string_view value) {
  return client_of(Header::forwarded,
                   "Host: x\r\nForwarded: " + std::string(value) + "\r\nA: b\r\n");
}

// ---- nodes

TEST(Node, IsAnAddressWithOrWithoutAPort) {
  for (const char* const text : {"192.0.2.7", "192.0.2.7:4711", "192.0.2.7:_hidden",
                                 "::ffff:192.0.2.7", "[::ffff:192.0.2.7]:1"}) {
    EXPECT_EQ(parse_node(text), parse_address("192.0.2.7")) << text;
  }
  for (const char* const text : {"2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711"}) {
    EXPECT_EQ(parse_node(text), parse_address("2001:db8::1")) << text;
  }
}

TEST(Node, NamesNobodyOtherwise) {
  for (const char* const text : {"",
                                 "unknown",
                                 "Unknown",
                                 "_hidden",
                                 "_SEVKISEK",
                                 "unknown:4711",
                                 "192.0.2.7:",
                                 "192.0.2.7:a b",
                                 "192.0.2",
                                 "[192.0.2.7]",
                                 "[2001:db8::1",
                                 "2001:db8::1]",
                                 "[]",
                                 "[",
                                 "[2001:db8::1]4711",
                                 "[2001:db8::1]:",
                                 "[[2001:db8::1]]",
                                 "::",
                                 "[::]",
                                 "localhost",
                                 "\"192.0.2.7\"",
                                 "192.0.2.7, 192.0.2.8"}) {
    EXPECT_EQ(parse_node(text), std::nullopt) << text;
  }
}

// ---- both headers

TEST(ClientOfRequest, IsThePeerWithoutAHeader) {
  EXPECT_EQ(client_of(Header::x_forwarded_for, ""), kProxy);
  EXPECT_EQ(client_of(Header::x_forwarded_for, "Host: x\r\n"), kProxy);
  EXPECT_EQ(by_x(""), kProxy);
  EXPECT_EQ(by_x(" , ,"), kProxy);
  EXPECT_EQ(by_forwarded(""), kProxy);
  EXPECT_EQ(by_forwarded(",, "), kProxy);
}

TEST(ClientOfRequest, IsAPeerThatIsNotTrusted) {
  const std::string lines = "X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\n";

  EXPECT_EQ(client_of(Header::x_forwarded_for, lines, "203.0.113.1"), "203.0.113.1");
  EXPECT_EQ(client_of(Header::forwarded, lines, "203.0.113.1"), "203.0.113.1");
  EXPECT_EQ(client_of(Header::forwarded, lines, "::ffff:10.0.0.9"), "192.0.2.7");
}

TEST(ClientOfRequest, IsNotInTheOtherHeader) {
  EXPECT_EQ(client_of(Header::x_forwarded_for, "Forwarded: for=192.0.2.7\r\n"), kProxy);
  EXPECT_EQ(client_of(Header::forwarded, "X-Forwarded-For: 192.0.2.7\r\n"), kProxy);
  EXPECT_EQ(client_of(Header::x_forwarded_for, "X-Forwarded-For-: 192.0.2.7\r\n"), kProxy);
  EXPECT_EQ(client_of(Header::x_forwarded_for, "A: X-Forwarded-For: 192.0.2.7\r\n"), kProxy);
}

TEST(ClientOfRequest, IsTheUnknownPeersOwnBusiness) {
  EXPECT_EQ(
      client_of_request(policy_of(Header::forwarded), Address{}, "Forwarded: for=1.2.3.4\r\n"),
      Address{});
}

TEST(ClientOfRequest, IsReadFromSeveralLinesAsFromOne) {
  EXPECT_EQ(client_of(Header::x_forwarded_for,
                      "X-Forwarded-For: 192.0.2.1\r\nA: b\r\nx-forwarded-FOR: 192.0.2.2\r\n"),
            "192.0.2.2");
  EXPECT_EQ(client_of(Header::x_forwarded_for,
                      "X-Forwarded-For: 192.0.2.1, 192.0.2.2\r\nX-Forwarded-For: 10.0.0.2\r\n"
                      "X-Forwarded-For:\r\nX-Forwarded-For:10.0.0.3 , 10.0.0.2\r\n"),
            "192.0.2.2");
  EXPECT_EQ(client_of(Header::forwarded,
                      "Forwarded: for=192.0.2.1, for=192.0.2.2\r\nForwarded: for=10.0.0.2\r\n"),
            "192.0.2.2");
  // The last line may lack its end.
  EXPECT_EQ(client_of(Header::x_forwarded_for, "A: b\r\nX-Forwarded-For: 192.0.2.1"), "192.0.2.1");
}

// ---- X-Forwarded-For

TEST(XForwardedFor, NamesTheLastThatIsNotTrusted) {
  EXPECT_EQ(by_x("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(by_x("192.0.2.7, 10.0.0.2,10.0.0.3"), "192.0.2.7");
  EXPECT_EQ(by_x("203.0.113.66, 192.0.2.7, 10.0.0.2"), "192.0.2.7") << "the first may be forged";
  EXPECT_EQ(by_x("10.0.0.66, 192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(by_x("2001:db8::7, 2001:db8:ff::1"), "2001:db8::7");
  EXPECT_EQ(by_x("[2001:db8::7]:4711"), "2001:db8::7");
  EXPECT_EQ(by_x("192.0.2.7:4711\t,\t"), "192.0.2.7");
  EXPECT_EQ(by_x("::ffff:192.0.2.7"), "192.0.2.7");
}

TEST(XForwardedFor, NamesTheFirstWhereAllAreTrusted) {
  EXPECT_EQ(by_x("10.0.0.5, 10.0.0.2, 10.0.0.3"), "10.0.0.5");
}

TEST(XForwardedFor, NamesNobodyBeforeAnElementThatIsNoAddress) {
  EXPECT_EQ(by_x("192.0.2.7, unknown"), kProxy);
  EXPECT_EQ(by_x("192.0.2.7, unknown, 10.0.0.2"), "10.0.0.2");
  EXPECT_EQ(by_x("unknown, 192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(by_x("192.0.2.7, \"10.0.0.2\", 10.0.0.3"), "10.0.0.3");
}

// ---- Forwarded

TEST(Forwarded, NamesTheLastThatIsNotTrusted) {
  EXPECT_EQ(by_forwarded("for=192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(by_forwarded("for=192.0.2.7;proto=https;by=203.0.113.43"), "192.0.2.7");
  EXPECT_EQ(by_forwarded("proto=https;FOR=192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(by_forwarded("For=\"192.0.2.7:4711\""), "192.0.2.7");
  EXPECT_EQ(by_forwarded("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
  EXPECT_EQ(by_forwarded("for=203.0.113.66, for=192.0.2.7 , for=10.0.0.2"), "192.0.2.7");
  EXPECT_EQ(by_forwarded("for=192.0.2.7,for=\"[2001:db8:ff::1]\";by=_x,,"), "192.0.2.7");
  EXPECT_EQ(by_forwarded("for=192.0.2.7 ; proto=http ;"), "192.0.2.7");
  EXPECT_EQ(by_forwarded("for=10.0.0.5, for=10.0.0.2"), "10.0.0.5") << "all are trusted";
}

TEST(Forwarded, ReadsQuotedStrings) {
  EXPECT_EQ(by_forwarded("for=203.0.113.66, host=\"a, for=192.0.2.66;b\";for=192.0.2.7"),
            "192.0.2.7");
  EXPECT_EQ(by_forwarded("for=192.0.2.7;host=\"a, for=192.0.2.66\""), "192.0.2.7");
  EXPECT_EQ(by_forwarded("for=192.0.2.7;host=\"\\\", for=192.0.2.66\""), "192.0.2.7");
  EXPECT_EQ(by_forwarded("for=192.0.2.7;host=\", for=192.0.2.66;a=\";b=\"\""), "192.0.2.7");
  EXPECT_EQ(by_forwarded("for=\"\\1\\92.0.2.7\""), "192.0.2.7");
  EXPECT_EQ(by_forwarded("for=192.0.2.7;ext=\"" + std::string(1000, ',') + "\""), "192.0.2.7");
}

TEST(Forwarded, NamesNobodyBeforeAnElementWithoutAnAddress) {
  for (const char* const element :
       {"for=unknown", "for=_hidden", "for=\"_mdn:_1\"", "proto=https", "by=192.0.2.9",
        "for=192.0.2.9;for=192.0.2.9", "for=192.0.2.9;FOR=unknown", "for=\"unknown\"",
        "for=\"192.0.2.9 \"", "for=\"\""}) {
    EXPECT_EQ(by_forwarded(std::string("for=192.0.2.7, ") + element), kProxy) << element;
    EXPECT_EQ(by_forwarded(std::string("for=192.0.2.7, ") + element + ", for=10.0.0.2"), "10.0.0.2")
        << element;
  }
}

TEST(Forwarded, NamesNobodyWhereItIsMalformed) {
  for (const char* const value :
       {"192.0.2.7", "for", "for=", "=192.0.2.7", "for = 192.0.2.7", "for=192.0.2.7 x",
        "for=2001:db8::1", "for=[2001:db8::1]", "for=\"192.0.2.7", "for=\"192.0.2.7\"x",
        "for=\"192.0.2.7\\", ";", "for=192.0.2.7;;proto=http", "for=192.0.2.7;proto",
        "f\"or=192.0.2.7\""}) {
    EXPECT_EQ(by_forwarded(value), kProxy) << value;
  }
}

TEST(Forwarded, FindsWhatAProxyAppendedToAnything) {
  for (const char* const sent :
       {"for=\"", "for=\"192.0.2.66", "for=\\", "x=\"\\", "x=\"\\\"", "\"", ",\",", ";",
        "for=1;x=\"", "for=192.0.2.66;x=\"", "for=\"a\"b\"", "x=\"y\";z=\""}) {
    for (const char* const appended :
         {"for=192.0.2.7", "for=\"192.0.2.7:4711\"", "for=192.0.2.7;host=\"a\"",
          "host=\"a, b\";for=\"192.0.2.7\"", "for=192.0.2.7;host=\"\\\"\""}) {
      const std::string value = std::string(sent) + ", " + appended;
      EXPECT_EQ(by_forwarded(value), "192.0.2.7") << value;
    }
  }
}

// ---- whether there is one

TEST(NamesClient, ByEitherHeader) {
  EXPECT_TRUE(names_client("Host: x\r\nX-Forwarded-For: 1\r\nA: b\r\n"));
  EXPECT_TRUE(names_client("forwarded: for=1\r\n"));
  EXPECT_FALSE(names_client("Host: x\r\nX-Forwarded-Proto: https\r\nA: forwarded\r\n"));
  EXPECT_FALSE(names_client(""));
}

}  // namespace
}  // namespace crolang::client_address
