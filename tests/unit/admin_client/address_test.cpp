#include "admin_client/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crolang::admin_client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string shown_url(std::string_view url) {
  const auto parsed = parse_url(url);
  const auto* const address = std::get_if<Address>(&parsed);
  return address == nullptr ? std::get<std::string>(parsed) : address->text();
}

TEST(AdminAddress, ReadsUrls) {
  EXPECT_EQ(shown_url("http://127.0.0.1:9000"), "http://127.0.0.1:9000");
  EXPECT_EQ(shown_url("http://broker"), "http://broker:80");
  EXPECT_EQ(shown_url("https://broker.example.org/"), "https://broker.example.org:443");
  EXPECT_EQ(shown_url("http://[2001:db8::1]:9000/admin/"), "http://[2001:db8::1]:9000/admin");
  EXPECT_EQ(std::get<Address>(parse_url("http://[::1]")).host, "::1");
}

TEST(AdminAddress, RefusesOthers) {
  for (const char* url :
       {"", "127.0.0.1:9000", "ftp://h", "http://", "http://:9000", "http://h:0", "http://h:65536",
        "http://h:x", "http://h:", "http://h?x=1", "http://h/#x", "http://::1", "http://[::1",
        "http://[::1]9000", "http://h h", "http://h/a b", "http://h\r\nX:y"}) {
    EXPECT_THAT(shown_url(url), HasSubstr("write http://host:port")) << url;
  }
}

TEST(AdminAddress, DoesNotShowAPassword) {
  EXPECT_THAT(shown_url("http://admin:geheim@h:9000"),
              testing::AllOf(HasSubstr("ADMIN_TOKEN"), Not(HasSubstr("geheim"))));
}

TEST(AdminAddress, IsWhereABrokerListens) {
  EXPECT_EQ(local_address("", 9000).text(), "http://127.0.0.1:9000");
  EXPECT_EQ(local_address("0.0.0.0", 9000).text(), "http://127.0.0.1:9000");
  EXPECT_EQ(local_address("::", 9000).text(), "http://[::1]:9000");
  EXPECT_EQ(local_address("192.0.2.7", 9000).text(), "http://192.0.2.7:9000");
}

TEST(AdminAddress, KnowsWhatStaysOnThisMachine) {
  EXPECT_TRUE(local_address("::1", 1).is_loopback());
  EXPECT_TRUE(local_address("", 1).is_loopback());
  EXPECT_FALSE(local_address("192.0.2.7", 1).is_loopback());
}

TEST(AdminAddress, EncodesEverythingThatIsReserved) {
  EXPECT_EQ(percent_encoded("a/b?c=d&e f%\n\xC3\xA9~._-"), "a%2Fb%3Fc%3Dd%26e%20f%25%0A%C3%A9~._-");
}

}  // namespace
}  // namespace crolang::admin_client
