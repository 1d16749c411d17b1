#include "client_address/proxy_header.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace crolang::client_address {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kFrom4 = "\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x01\xbb"s;  // 192.0.2.7:4711
const std::string kFrom6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x67\x01\xbb"s;

std::string binary(char command, char family, std::string_view rest) {
  std::string header = kSignature + command + family;
  header += static_cast<char>(rest.size() >> 8);
  header += static_cast<char>(rest.size() & 0xff);
  return header.append(rest);
}

/// "SIZE ADDRESS", "SIZE -", "more", or the fault.
std::string shown(std::string_view bytes) {
  const auto parsed = parse_proxy_header(bytes);
  if (std::holds_alternative<NeedsMore>(parsed)) return "more";
  if (const auto* const header = std::get_if<ProxyHeader>(&parsed)) {
    return std::to_string(header->size) + ' ' + (header->source ? text_of(*header->source) : "-");
  }
  switch (std::get<ProxyHeaderFault>(parsed)) {
    case ProxyHeaderFault::absent:
      return "absent";
    case ProxyHeaderFault::malformed:
      return "malformed";
    case ProxyHeaderFault::too_long:
      return "too long";
    case ProxyHeaderFault::unsupported:
      return "unsupported";
  }
  return {};
}

/// Also with a request behind it, and with each beginning of it.
std::string whole(const std::string& header) {
  for (std::size_t size = 0; size < header.size(); ++size) {
    EXPECT_EQ(shown(header.substr(0, size)), "more") << size << " bytes";
  }
  const std::string result = shown(header);
  EXPECT_EQ(shown(header + "GET / HTTP/1.1\r\n\r\n"), result);
  EXPECT_EQ(shown(header + header), result);
  const std::string size = std::to_string(header.size());
  EXPECT_EQ(result.substr(0, result.find(' ')), size);
  return result.substr(std::min(result.find(' ') + 1, result.size()));
}

// ---- version 1

TEST(ProxyLine, NamesTheSource) {
  EXPECT_EQ(whole("PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n"), "192.0.2.7");
  EXPECT_EQ(whole("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255");
  EXPECT_EQ(whole("PROXY TCP4 192.0.2.7 10.0.0.1 0 0\r\n"), "192.0.2.7");
  EXPECT_EQ(whole("PROXY TCP6 2001:db8::7 2001:DB8::1 4711 443\r\n"), "2001:db8::7");
  EXPECT_EQ(whole("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_EQ(whole("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:10.0.0.1 4711 443\r\n"), "192.0.2.7");
}

TEST(ProxyLine, MayNameNobody) {
  EXPECT_EQ(whole("PROXY UNKNOWN\r\n"), "-");
  EXPECT_EQ(whole("PROXY UNKNOWN 192.0.2.7 anything at all\r\n"), "-");
  EXPECT_EQ(whole("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
            "-");
  EXPECT_EQ(whole("PROXY TCP6 :: ::1 4711 443\r\n"), "-");
}

TEST(ProxyLine, IsMalformedWhereItDiffersFromTheSpecification) {
  for (const char* const line : {"PROXY \r\n",
                                 "PROXY\r\n",
                                 "PROXY TCP4\r\n",
                                 "PROXY TCP4 \r\n",
                                 "PROXY TCP5 1 2 3 4\r\n",
                                 "PROXY UNKNOWNX\r\n",
                                 "PROXY unknown\r\n",
                                 "PROXY  UNKNOWN\r\n",
                                 "PROXYX UNKNOWN\r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0.1 4711 443 \r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0.1 4711 443 x\r\n",
                                 "PROXY TCP4  192.0.2.7 10.0.0.1 4711 443\r\n",
                                 "PROXY TCP4 192.0.2.7  10.0.0.1 4711 443\r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0.1 4711 -1\r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0.1 +1 443\r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0.1 04711 443\r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0.1 00 443\r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0.1 4711 \r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0.1  443\r\n",
                                 "PROXY TCP4 192.0.2.07 10.0.0.1 4711 443\r\n",
                                 "PROXY TCP4 192.0.2 10.0.0.1 4711 443\r\n",
                                 "PROXY TCP4 192.0.2.7 10.0.0 4711 443\r\n",
                                 "PROXY TCP4 2001:db8::7 ::1 4711 443\r\n",
                                 "PROXY TCP6 192.0.2.7 10.0.0.1 4711 443\r\n",
                                 "PROXY TCP6 2001:db8::7 10.0.0.1 1 443\r\n",
                                 "PROXY TCP6 [2001:db8::7] [::1] 4711 443\r\n",
                                 "PROXY TCP6 fe80::1%eth0 ::1 4711 443\r\n",
                                 "PROXY TCP4 localhost localhost 4711 443\r\n",
                                 "PROXY UNKNOWN\n",
                                 "PROXY UNKNOWN\n\r\n",
                                 "PROXY UNKNOWN\r\r\n",
                                 "PROXY UNKNOWN \rx"}) {
    EXPECT_EQ(shown(line), "malformed") << line;
  }
  EXPECT_EQ(shown("PROXY TCP4 192.0.2.7\0 10.0.0.1 4711 443\r\n"s), "malformed");
}

TEST(ProxyLine, HasAtMost107Bytes) {
  const std::string longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
  ASSERT_EQ(longest.size(), kMaxProxyLine);

  EXPECT_EQ(whole(longest), "-");
  EXPECT_EQ(shown("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"), "too long");
  EXPECT_EQ(shown("PROXY UNKNOWN " + std::string(93, 'x')), "too long");
}

// ---- version 2

TEST(ProxyHeader, NamesTheSource) {
  EXPECT_EQ(whole(binary(0x21, 0x11, kFrom4)), "192.0.2.7");
  EXPECT_EQ(whole(binary(0x21, 0x21, kFrom6)), "2001:db8::7");
  EXPECT_EQ(
      whole(binary(0x21, 0x21,
                   std::string(10, '\0') + "\xff\xff\xc0\x00\x02\x07"s + std::string(20, '\0'))),
      "192.0.2.7");
}

TEST(ProxyHeader, HasAdditionalDataThatIsIgnored) {
  EXPECT_EQ(whole(binary(0x21, 0x11, kFrom4 + "\x04\x00\x01x"s)), "192.0.2.7");
  EXPECT_EQ(whole(binary(0x21, 0x11, kFrom4 + "no TLV")), "192.0.2.7");
  EXPECT_EQ(whole(binary(0x21, 0x21, kFrom6 + std::string(700, '\xff'))), "2001:db8::7");
}

TEST(ProxyHeader, MayNameNobody) {
  EXPECT_EQ(whole(binary(0x20, 0x00, "")), "-") << "LOCAL";
  EXPECT_EQ(whole(binary(0x20, 0x11, kFrom4)), "-") << "LOCAL with addresses";
  EXPECT_EQ(whole(binary(0x20, '\xff', "anything")), "-") << "LOCAL of no family";
  EXPECT_EQ(whole(binary(0x21, 0x00, "")), "-") << "UNSPEC";
  EXPECT_EQ(whole(binary(0x21, 0x10, kFrom4)), "-") << "no protocol";
  EXPECT_EQ(whole(binary(0x21, 0x12, kFrom4)), "-") << "a datagram";
  EXPECT_EQ(whole(binary(0x21, 0x22, kFrom6)), "-") << "a datagram";
  EXPECT_EQ(whole(binary(0x21, 0x31, std::string(216, '/'))), "-") << "a Unix socket";
  EXPECT_EQ(whole(binary(0x21, 0x21, std::string(36, '\0'))), "-") << "the unspecified address";
  EXPECT_EQ(whole(std::string(kLocalProxyHeader)), "-");
}

TEST(ProxyHeader, IsMalformedIfItIsTooShortForItsFamily) {
  EXPECT_EQ(shown(binary(0x21, 0x11, kFrom4.substr(1))), "malformed");
  EXPECT_EQ(shown(binary(0x21, 0x21, kFrom6.substr(1))), "malformed");
  EXPECT_EQ(shown(binary(0x21, 0x31, std::string(215, '/'))), "malformed");
  EXPECT_EQ(shown(binary(0x21, 0x11, "")), "malformed");
}

TEST(ProxyHeader, IsUnsupportedWhereNothingIsDefined) {
  for (const char command : {'\x00', '\x01', '\x11', '\x22', '\x2f', '\x31', '\xff'}) {
    EXPECT_EQ(shown(kSignature + command), "unsupported") << int{command};
  }
  for (const char family : {'\x13', '\x1f', '\x41', '\xf1', '\xff'}) {
    EXPECT_EQ(shown(binary(0x21, family, std::string(300, 'x'))), "unsupported") << int{family};
  }
}

TEST(ProxyHeader, HasAtMost4096Bytes) {
  const std::string longest = binary(0x21, 0x11, kFrom4 + std::string(4096 - 16 - 12, 'x'));
  ASSERT_EQ(longest.size(), kMaxProxyHeader);

  EXPECT_EQ(shown(longest), "4096 192.0.2.7");
  EXPECT_EQ(shown(longest.substr(0, 4095)), "more");
  EXPECT_EQ(shown(binary(0x21, 0x11, kFrom4 + std::string(4096 - 16 - 11, 'x')).substr(0, 16)),
            "too long")
      << "as soon as its length is known";
  EXPECT_EQ(shown(kSignature + "\x20\x00\xff\xff"s), "too long");
}

// ---- neither

TEST(ProxyHeader, IsAbsentAsSoonAsThatIsClear) {
  for (const std::string& bytes : {"GET / HTTP/1.1\r\n\r\n"s, "G"s, "PRI * HTTP/2.0"s, "PROXX"s,
                                   "proxy UNKNOWN\r\n"s, " PROXY"s, "\x16\x03\x01"s, "\r\n\r\nGET"s,
                                   "\r\nPROXY"s, "\n"s, "\0"s, "\r\n\r\n\0\r\nQUIT\r"s}) {
    EXPECT_EQ(shown(bytes), "absent") << bytes;
  }
}

TEST(ProxyHeader, NeedsBytes) {
  EXPECT_EQ(shown(""), "more");
  EXPECT_EQ(shown("P"), "more");
  EXPECT_EQ(shown("\r\n\r\n"), "more");
}

}  // namespace
}  // namespace crolang::client_address
