#include "webhook-common/http_status.hpp"

#include <gtest/gtest.h>

namespace crolang::webhook_common {
namespace {

TEST(AnHttpStatus, IsAnAnswerIfItIs2xx) {
  for (const unsigned status : {200u, 204u, 299u}) {
    EXPECT_EQ(meaning_of(status, Forbidden::is_a_fault), StatusMeaning::answer) << status;
    EXPECT_EQ(meaning_of(status, Forbidden::is_a_no), StatusMeaning::answer) << status;
  }
}

TEST(AnHttpStatus, IsARefusalWhereTheServerIsAskedForPermission) {
  for (const unsigned status : {401u, 403u}) {
    EXPECT_EQ(meaning_of(status, Forbidden::is_a_no), StatusMeaning::refusal) << status;
    EXPECT_EQ(meaning_of(status, Forbidden::is_a_fault), StatusMeaning::fault) << status;
  }
}

TEST(AnHttpStatus, IsAServerErrorFrom500On) {
  for (const unsigned status : {500u, 503u, 599u}) {
    EXPECT_EQ(meaning_of(status, Forbidden::is_a_no), StatusMeaning::unavailable) << status;
  }
}

TEST(AnHttpStatus, IsAFaultOtherwise) {
  for (const unsigned status : {101u, 300u, 302u, 400u, 402u, 404u, 413u, 499u}) {
    EXPECT_EQ(meaning_of(status, Forbidden::is_a_no), StatusMeaning::fault) << status;
  }
}

TEST(AnHttpStatus, SaysWhatToLookAt) {
  const auto http = [](unsigned status) { return describe_status(status, Url::Scheme::http); };
  EXPECT_EQ(http(500), "answered 500");
  EXPECT_EQ(http(301),
            "answered 301, a redirect, which is not followed: give the URL that it leads to");
  EXPECT_EQ(http(404), "answered 404: is the path of the URL right?");
  EXPECT_NE(http(400).find("expect https"), std::string::npos);
  EXPECT_EQ(describe_status(400, Url::Scheme::https).find("expect https"), std::string::npos);
  EXPECT_NE(http(403).find("WEBHOOK_SIGNING_SECRET"), std::string::npos);
}

}  // namespace
}  // namespace crolang::webhook_common
