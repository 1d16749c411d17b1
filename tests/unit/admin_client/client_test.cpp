#include "admin_client/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crolang::admin_client {
namespace {

using ::testing::HasSubstr;

std::string fault(int status, std::string_view body, std::string_view retry_after = {}) {
  return fault_of_status(local_address("", 9000), status, body, retry_after);
}

TEST(AdminClientFault, IsWhatTheBrokerSays) {
  EXPECT_EQ(fault(404, R"({"error":"bob is not connected"})"), "bob is not connected");
  EXPECT_EQ(fault(503, R"({"error":"instance b does not answer"})"), "instance b does not answer");
}

TEST(AdminClientFault, NamesTheTokenAndWhenToTryAgain) {
  EXPECT_THAT(fault(401, R"({"error":"unauthorized"})"),
              HasSubstr("http://127.0.0.1:9000 refuses ADMIN_TOKEN"));
  EXPECT_THAT(fault(429, R"({"error":"x"})", "42"), HasSubstr("try again in 42 s"));
  EXPECT_THAT(fault(429, ""), HasSubstr("try again later"));
}

TEST(AdminClientFault, SaysThatAnotherServerAnswers) {
  for (const char* body : {"", "<html>", R"({"error":1})", "[]"}) {
    EXPECT_THAT(fault(404, body), HasSubstr("does not answer as the admin interface")) << body;
  }
}

TEST(AdminClientFault, IsSafeForATerminal) {
  EXPECT_EQ(fault(404, R"({"error":"\u001b[2J"})"), "\\x1b[2J");
}

}  // namespace
}  // namespace crolang::admin_client
