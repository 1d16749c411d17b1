#include "webhook-common/request_head.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace crolang::webhook_common {
namespace {

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'614'265'330)};
// Of 24 bytes.
const std::string kOneSecret = "whsec_" + std::string(32, 'A');
const std::string kTwoSecrets = kOneSecret + " whsec_" + std::string(32, 'B');

std::string head(const std::string& url, const std::string& secrets, Request& request) {
  RequestHead writer(read_url("URL", url), Signer(secrets));
  return writer.write(request, kNow);
}

std::string field(const std::string& head, const std::string& name) {
  const std::size_t begin = head.find("\r\n" + name + ": ");
  if (begin == std::string::npos) return "absent";
  const std::size_t value = begin + name.size() + 4;
  return head.substr(value, head.find("\r\n", value) - value);
}

TEST(ARequestHead, IsThatOfAPostOfJson) {
  Request request;
  request.content = "{}";
  EXPECT_EQ(head("http://u:p@hooks.test:81/a?b", "", request),
            "POST /a?b HTTP/1.1\r\nHost: hooks.test:81\r\nUser-Agent: crolang-broker\r\n"
            "Accept: application/json\r\nContent-Type: application/json\r\n"
            "Authorization: Basic dTpw\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(request.id, "");
}

TEST(ARequestHead, HasTheLinesOfTheRequestsOwn) {
  Request request;
  request.content = {"X-Forwarded-For: 192.0.2.7\r\nCookie: a=1\r\n", "{}"};
  EXPECT_EQ(head("http://hooks.test/", "", request),
            "POST / HTTP/1.1\r\nHost: hooks.test\r\nUser-Agent: crolang-broker\r\n"
            "Accept: application/json\r\nContent-Type: application/json\r\n"
            "X-Forwarded-For: 192.0.2.7\r\nCookie: a=1\r\nContent-Length: 2\r\n\r\n");
}

TEST(ARequestHead, HasOneUserAgent) {
  for (const std::string lines : {"User-Agent: Chromium\r\n", "A: b\r\nUser-Agent: Chromium\r\n"}) {
    Request request;
    request.content = {lines, "{}"};
    const std::string written = head("http://a/", "", request);
    EXPECT_EQ(field(written, "User-Agent"), "Chromium");
    EXPECT_EQ(written.find("crolang-broker"), std::string::npos);
  }
}

TEST(ARequestHead, NamesNoUserIfTheUrlDoesNot) {
  Request request;
  EXPECT_EQ(field(head("http://a/", "", request), "Authorization"), "absent");
}

TEST(ARequestHead, IsSignedForItsTimeAndBody) {
  Request request;
  request.content = "body";
  const std::string written = head("http://a/", kOneSecret, request);
  EXPECT_EQ(field(written, "webhook-id"), request.id);
  EXPECT_FALSE(request.id.empty());
  EXPECT_EQ(field(written, "webhook-timestamp"), "1614265330");
  EXPECT_EQ(field(written, "webhook-signature"),
            Signer(kOneSecret).signature(request.id, "1614265330", "body"));
  EXPECT_EQ(field(written, "Content-Length"), "4");
}

TEST(ARequestHead, KeepsTheIdOfARequestThatIsSentAgain) {
  RequestHead writer(read_url("URL", "http://a/"), Signer(kOneSecret));
  Request request;
  const std::string first = writer.write(request, kNow);
  const std::string second = writer.write(request, kNow + std::chrono::seconds(1));
  EXPECT_EQ(field(first, "webhook-id"), field(second, "webhook-id"));
  EXPECT_NE(field(first, "webhook-signature"), field(second, "webhook-signature"));
  Request other;
  EXPECT_NE(field(writer.write(other, kNow), "webhook-id"), request.id);
}

TEST(ARequestHead, IsSignedAnewOnceSecretsChange) {
  RequestHead writer(read_url("URL", "http://a/"), Signer(kOneSecret));
  Request request;
  writer.write(request, kNow);
  writer.renew(Signer(kTwoSecrets));
  EXPECT_EQ(field(writer.write(request, kNow), "webhook-signature"),
            Signer(kTwoSecrets).signature(request.id, "1614265330", ""));
  writer.renew(Signer(""));
  EXPECT_EQ(field(writer.write(request, kNow), "webhook-signature"), "absent");
}

}  // namespace
}  // namespace crolang::webhook_common
