#include "webhook-common/base64.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace crolang::webhook_common {
namespace {

// RFC 4648 10
const std::vector<std::pair<std::string, std::string>> kVectors{{"", ""},
                                                                {"f", "Zg=="},
                                                                {"fo", "Zm8="},
                                                                {"foo", "Zm9v"},
                                                                {"foob", "Zm9vYg=="},
                                                                {"fooba", "Zm9vYmE="},
                                                                {"foobar", "Zm9vYmFy"}};

TEST(Base64, WritesTheExamplesOfTheRfc) {
  for (const auto& [bytes, text] : kVectors) EXPECT_EQ(base64(bytes), text);
}

TEST(Base64, ReadsTheExamplesOfTheRfc) {
  for (const auto& [bytes, text] : kVectors) EXPECT_EQ(from_base64(text), bytes);
}

TEST(Base64, ReadsTextWithoutPadding) {
  EXPECT_EQ(from_base64("Zg"), "f");
  EXPECT_EQ(from_base64("Zm9vYmE"), "fooba");
}

TEST(Base64, ReadsAllBytesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(from_base64(base64(bytes)), bytes);
}

TEST(Base64, ReadsNothingElse) {
  for (const char* text : {"Z", "Zg=", "Zg===", "=", "====", "Zm9v====", "Zg==Zg==", "Z m9v",
                           "Zm9v\n", "Zm-_", "Zm9*", "\xff"}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace crolang::webhook_common
