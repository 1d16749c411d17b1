#include "telemetry/log_line.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace crolang::telemetry::log {
namespace {

using namespace std::string_literals;

constexpr std::chrono::system_clock::time_point kTime{std::chrono::milliseconds(1740830400123)};

std::string text(std::string_view message, Fields fields = {}) {
  return format_line(Format::text, kTime, "info", message, fields);
}

nlohmann::json json(std::string_view message, Fields fields = {}) {
  return nlohmann::json::parse(format_line(Format::json, kTime, "info", message, fields));
}

TEST(LogLine, TextBeginsWithTimeAndLevel) {
  EXPECT_EQ(text("listening"), "2025-03-01T12:00:00.123Z info listening");
}

TEST(LogLine, TextWritesFieldsAsNameAndValue) {
  EXPECT_EQ(text("x", {{"id", "bob"}, {"port", 8080}, {"ok", true}, {"left", -1}}),
            "2025-03-01T12:00:00.123Z info x id=bob port=8080 ok=true left=-1");
}

TEST(LogLine, TextPutsValuesIntoQuotesThatCouldPassForSomethingElse) {
  EXPECT_EQ(text("x", {{"id", "bob level=fault"}, {"empty", ""}, {"q", "a\"b"}}),
            R"(2025-03-01T12:00:00.123Z info x id="bob level=fault" empty="" q="a\"b")");
}

TEST(LogLine, AClientCannotForgeALineOfText) {
  const std::string line = text("refused", {{"id", "x\n2025-03-01T12:00:00.123Z info stopped"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find(R"(id="x\u000a2025)"), std::string::npos);
}

TEST(LogLine, AMessageCannotBreakTheLineEither) {
  EXPECT_EQ(text("one\r\ntwo"), "2025-03-01T12:00:00.123Z info one\\u000d\\u000atwo");
}

TEST(LogLine, JsonIsOneObjectWithTypedFields) {
  EXPECT_EQ(format_line(Format::json, kTime, "relay", "relayed",
                        {{"to", "bob"}, {"bytes", std::size_t{7}}, {"ok", false}}),
            R"({"time":"2025-03-01T12:00:00.123Z","level":"relay","msg":"relayed",)"
            R"("to":"bob","bytes":7,"ok":false})");
}

TEST(LogLine, AClientCannotForgeAFieldOfJson) {
  const auto parsed = json("refused", {{"id", R"(x","level":"fault)"}});
  EXPECT_EQ(parsed.at("id"), R"(x","level":"fault)");
  EXPECT_EQ(parsed.at("level"), "info");
}

TEST(LogLine, JsonStaysValidWithDamagedUtf8AndControlCharacters) {
  EXPECT_EQ(json("x", {{"id", "a\xff\0\x1b"s}}).at("id"), "a\uFFFD\0\x1b"s);
}

TEST(LogLine, LongValuesAreCut) {
  const std::string line = text("x", {{"id", std::string(5000, 'a')}});
  EXPECT_LT(line.size(), 1200u);
  EXPECT_NE(line.find("(+3976 bytes)"), std::string::npos);
}

}  // namespace
}  // namespace crolang::telemetry::log
