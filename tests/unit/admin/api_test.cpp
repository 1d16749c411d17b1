#include "admin/api.hpp"

#include <gtest/gtest.h>

namespace crolang::admin {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

TEST(Api, WritesTimesInUtcWithMilliseconds) {
  EXPECT_EQ(utc_text(system_clock::time_point(milliseconds(1'767'323'045'678))),
            "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(utc_text(system_clock::time_point(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

TEST(Api, AnErrorIsAnObjectWithASentence) {
  const ApiAnswer answer = error_answer(404, "there is no such path");
  EXPECT_EQ(answer.status, 404u);
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body, "{\"error\":\"there is no such path\"}\n");
}

TEST(Api, ReplacesInvalidUtf8InsteadOfFailing) {
  EXPECT_EQ(json_answer(200, {{"id", "a\xff"}}).body, "{\"id\":\"a\xEF\xBF\xBD\"}\n");
}

}  // namespace
}  // namespace crolang::admin
