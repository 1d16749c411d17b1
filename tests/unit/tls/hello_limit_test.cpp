#include "tls/hello_limit.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace crolang::tls {
namespace {

constexpr char kHandshake = '\x16';

std::string record(char type, std::string_view content) {
  std::string bytes = {type, '\x03', '\x01', static_cast<char>(content.size() >> 8),
                       static_cast<char>(content.size())};
  return bytes.append(content);
}

std::string header_of_message(std::size_t size) {
  return {'\x01', static_cast<char>(size >> 16), static_cast<char>(size >> 8),
          static_cast<char>(size)};
}

TEST(HelloLimitTest, AMessageOfTheLimitPasses) {
  HelloLimit limit;
  EXPECT_TRUE(limit.take(record(kHandshake, header_of_message(kMaxClientHello))));
}

TEST(HelloLimitTest, AMessageBeyondTheLimitDoesNot) {
  HelloLimit limit;
  EXPECT_FALSE(limit.take(record(kHandshake, header_of_message(kMaxClientHello + 1))));
}

TEST(HelloLimitTest, TheClaimMayBeSplitAnywhere) {
  std::string bytes;
  for (const char c : header_of_message(100'000)) bytes += record(kHandshake, {&c, 1});
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    HelloLimit limit;
    bool passed = true;
    for (std::size_t i = 0; i < bytes.size(); i += size) {
      passed = passed && limit.take(std::string_view(bytes).substr(i, size));
    }
    EXPECT_FALSE(passed);
  }
}

TEST(HelloLimitTest, EveryMessageIsJudgedByItsOwnHeader) {
  const std::string first = header_of_message(10) + std::string(10, '\xff');
  HelloLimit limit;
  EXPECT_TRUE(limit.take(record(kHandshake, first + header_of_message(20).substr(0, 2))));
  EXPECT_TRUE(
      limit.take(record(kHandshake, header_of_message(20).substr(2) + std::string(20, 'x'))));
  EXPECT_FALSE(limit.take(record(kHandshake, header_of_message(1 << 20))));
}

TEST(HelloLimitTest, OtherRecordsAndEmptyOnesAreNotLookedInto) {
  HelloLimit limit;
  EXPECT_TRUE(limit.take(record('\x17', header_of_message(100'000))));
  EXPECT_TRUE(limit.take(record('\x14', "\x01")));
  EXPECT_TRUE(limit.take(record(kHandshake, "")));
  EXPECT_FALSE(limit.take(record(kHandshake, header_of_message(100'000))));
}

}  // namespace
}  // namespace crolang::tls
