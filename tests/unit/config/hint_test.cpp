#include "config/hint.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace crolang::config {
namespace {

std::string hint_for(std::string_view name, std::string_view value) {
  const auto found = std::find_if(variables().begin(), variables().end(),
                                  [&](const Variable& each) { return each.name == name; });
  EXPECT_NE(found, variables().end()) << name;
  EXPECT_FALSE(accepts(*found, value)) << value;
  return hint(*found, value);
}

TEST(Hint, SaysWhatSwitchIsMeant) {
  for (const char* value : {"yes", "TRUE", "1", "on"}) {
    EXPECT_EQ(hint_for("METRICS_ENABLED", value), "write true") << value;
  }
  for (const char* value : {"no", "False", "0", "off"}) {
    EXPECT_EQ(hint_for("METRICS_ENABLED", value), "write false") << value;
  }
  EXPECT_EQ(hint_for("METRICS_ENABLED", "maybe"), "");
}

TEST(Hint, SaysWhichChoiceIsMeant) {
  EXPECT_EQ(hint_for("LOG_FORMAT", "JSON"), "write json");
  EXPECT_EQ(hint_for("LOG_FORMAT", "xml"), "");
}

TEST(Hint, SaysHowAnOriginIsWritten) {
  EXPECT_EQ(hint_for("ALLOWED_ORIGINS", "https://a.example/"),
            "write https://a.example: an origin has no slash at its end");
  EXPECT_EQ(hint_for("ALLOWED_ORIGINS", "*"), "leave it out: every origin is admitted without it");
}

TEST(Hint, CountsUnits) {
  EXPECT_EQ(hint_for("PING_INTERVAL_MS", "25s"), "write 25000");
  EXPECT_EQ(hint_for("PING_INTERVAL_MS", "25 s"), "write 25000");
  EXPECT_EQ(hint_for("PING_INTERVAL_MS", "500ms"), "write 500");
  EXPECT_EQ(hint_for("PING_INTERVAL_MS", "1min"), "write 60000");
  EXPECT_EQ(hint_for("MAX_PAYLOAD_BYTES", "1MB"), "write 1000000");
  EXPECT_EQ(hint_for("MAX_PAYLOAD_BYTES", "1MiB"), "write 1048576");
  EXPECT_EQ(hint_for("MAX_MEMORY_BYTES", "512m"), "write 536870912");
  EXPECT_EQ(hint_for("MAX_PAYLOAD_BYTES", "10_000"), "write 10000");
}

TEST(Hint, WritesNoNumberThatIsRefusedToo) {
  EXPECT_EQ(hint_for("PING_INTERVAL_MS", "2h"), "");
  EXPECT_EQ(hint_for("MAX_PAYLOAD_BYTES", "1GB"), "");
  EXPECT_EQ(hint_for("MAX_MEMORY_BYTES", "99999999999999999g"), "");
  EXPECT_EQ(hint_for("WORKERS", "2s"), "");
  EXPECT_EQ(hint_for("WORKERS", "auto"), "");
  EXPECT_EQ(hint_for("PORT", "-1"), "");
  EXPECT_EQ(hint_for("PORT", "99999"), "");
}

TEST(Hint, TakesTooLittleForSeconds) {
  EXPECT_EQ(hint_for("PING_INTERVAL_MS", "25"), "the unit is milliseconds: 25 s is 25000");
  EXPECT_EQ(hint_for("PING_INTERVAL_MS", "0"), "");
}

TEST(Hint, KnowsWordsForLevels) {
  EXPECT_EQ(hint_for("LOG_LEVEL", "debug"), "write 3, or 1 for connections");
  EXPECT_EQ(hint_for("LOG_LEVEL", "WARN"), "write 0: information, warnings and faults");
  EXPECT_EQ(hint_for("LOG_LEVEL", "4"), "");
}

TEST(Hint, KnowsWhatBelongsElsewhere) {
  EXPECT_EQ(hint_for("PORT", "127.0.0.1:8080"),
            "write the port alone: the address belongs in BIND_ADDRESS");
  EXPECT_EQ(hint_for("BIND_ADDRESS", "0.0.0.0:8080"),
            "write the address alone: the port belongs in PORT");
  EXPECT_EQ(hint_for("BIND_ADDRESS", "[::1]:8080"),
            "write the address alone: the port belongs in PORT");
  EXPECT_EQ(hint_for("BIND_ADDRESS", "[::1]"), "write it without the brackets");
  EXPECT_EQ(hint_for("BIND_ADDRESS", "localhost"), "write 127.0.0.1 or ::1");
  EXPECT_EQ(hint_for("BIND_ADDRESS", "*"), "leave it out: all addresses are the default");
  EXPECT_EQ(hint_for("BIND_ADDRESS", "eth0"), "");
}

TEST(Hint, SaysWhichAddressIsWrong) {
  EXPECT_EQ(hint_for("TRUSTED_PROXIES", "::1,10.0.0.1/8"),
            "\"10.0.0.1/8\" has bits behind its prefix: write 10.0.0.0/8, or 10.0.0.1 for this one "
            "address");
  EXPECT_EQ(hint_for("TRUSTED_PROXIES", "\"10.0.0.0/8\""), "remove the quotes or blanks around it");
  EXPECT_EQ(hint_for("CLIENT_ADDRESS_HEADER", "x-forwarded-for"), "write X-Forwarded-For");
}

TEST(Hint, SaysWhatIsWrongWithAUrl) {
  const auto of = [](std::string_view value) { return hint_for("REDIS_URL", value); };
  EXPECT_EQ(of("localhost:6379"), "it has no scheme followed by ://");
  EXPECT_EQ(of("http:/localhost"), "it has no scheme followed by ://");
  EXPECT_EQ(of("redis://::1:6379"), "an IPv6 address needs brackets, as in http://[::1]:3000/");
  for (const char* value : {"redis://:a/b@host", "redis://:a#b@host", "redis://u:a?b@host:1"}) {
    EXPECT_EQ(of(value), "in a user or password write / as %2F, ? as %3F and # as %23") << value;
  }
  for (const char* value : {"redis://a:1,", "redis://a:1,b:x", "redis://a,,b"}) {
    EXPECT_EQ(of(value),
              "in a list each host is followed by a comma or by its port, as in "
              "redis://a:6379,b:6379");
  }
  EXPECT_EQ(of("redis://a:1 redis://b:2"),
            "it contains a blank: write %20, or is it more than one URL?");
  EXPECT_EQ(of("redis://h\xC3\xB6st"),
            "it has non-ASCII characters: write a host as xn--…, others as %XX");
  EXPECT_EQ(of("redis:///0"), "it has no host");
  EXPECT_EQ(of("redis://host:redis"),
            "the port is a number from 1 to 65535, and a # in a password is written %23");
}

TEST(Hint, ComesFirstForWhatStandsAround) {
  EXPECT_EQ(hint_for("METRICS_ENABLED", "\"true\""), "remove the quotes or blanks around it");
  EXPECT_EQ(hint_for("PORT", "8080 "), "remove the quotes or blanks around it");
}

}  // namespace
}  // namespace crolang::config
