#include "ice/credentials.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/ice/now.hpp"

namespace crolang::ice {
namespace {

using Meaning = Alternative::Meaning;

constexpr std::string_view kSecret = "north-wind-and-sun";

// printf %s 1700003600:alice | openssl dgst -sha1 -hmac north-wind-and-sun -binary | base64, and
// the same without -binary.
constexpr std::string_view kUsername = "1700003600:alice";
constexpr std::string_view kPassword = "m31v9oErlqAc5DbSghrtwFR15sE=";
constexpr std::string_view kHexadecimal = "9b7d6ff6812b96a01ce436d2821aedc05475e6c1";

const Alternative* find(const std::vector<Alternative>& all, Meaning meaning) {
  const auto found = std::ranges::find(all, meaning, &Alternative::meaning);
  return found == all.end() ? nullptr : &*found;
}

stun::Credentials with(std::string_view password) {
  return {std::string(kUsername), std::string(password)};
}

TEST(IceCredentials, AreMadeAsCoturnReadsThem) {
  const auto made = time_limited(kSecret, "alice", kNow + std::chrono::hours(1));
  EXPECT_EQ(made.username, kUsername);
  EXPECT_EQ(made.password, kPassword);
}

TEST(IceCredentials, KnowTheExpiryOfAUsername) {
  EXPECT_EQ(expiry_of("1700000000:alice"), kNow);
  EXPECT_EQ(expiry_of("1700000000"), kNow);
  EXPECT_EQ(expiry_of("1700000000:a:b"), kNow);
  for (const char* each : {"", "alice", "1234", ":1700000000", "alice:1700000000", "-1700000000",
                           "17000000001700000000", "1700000000x:a"}) {
    EXPECT_FALSE(expiry_of(each)) << each;
  }
}

TEST(IceCredentials, KnowTheFormOfAPassword) {
  EXPECT_EQ(form_of(kPassword), PasswordForm::base64_sha1);
  EXPECT_EQ(form_of(kHexadecimal), PasswordForm::hexadecimal);
  EXPECT_EQ(form_of(kPassword.substr(0, 27)), PasswordForm::unpadded);
  EXPECT_EQ(form_of("ab-d_fgh0123456789ABCDEFGH0="), PasswordForm::url_safe);
  EXPECT_EQ(form_of("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), PasswordForm::sha256);
  EXPECT_EQ(form_of(std::string(64, 'a')), PasswordForm::sha256);
  for (const char* each : {"", "secret", "=", "with blanks in it", "north-wind-and-sun"}) {
    EXPECT_EQ(form_of(each), PasswordForm::other) << each;
  }
}

TEST(IceCredentials, TryAHexadecimalPasswordInBase64) {
  const auto all = alternatives(with(kHexadecimal), "", kNow);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].meaning, Meaning::in_base64);
  EXPECT_EQ(all[0].credentials.username, kUsername);
  EXPECT_EQ(all[0].credentials.password, kPassword);
}

TEST(IceCredentials, TryAPasswordWithItsPadding) {
  const auto all = alternatives(with(kPassword.substr(0, 27)), "", kNow);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].credentials.password, kPassword);
}

TEST(IceCredentials, TryAUrlSafePasswordInTheStandardAlphabet) {
  const auto all = alternatives(with("ab-d_fgh0123456789ABCDEFGH0"), "", kNow);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].credentials.password, "ab+d/fgh0123456789ABCDEFGH0=");
}

TEST(IceCredentials, HaveNothingToTryForAGoodPasswordWithoutTheSecret) {
  EXPECT_TRUE(alternatives(with(kPassword), "", kNow).empty());
}

TEST(IceCredentials, TryALaterExpiryWithTheSecret) {
  const auto all = alternatives(with(kPassword), kSecret, kNow);
  EXPECT_EQ(find(all, Meaning::by_sha1), nullptr) << "it is the same";
  const Alternative* const later = find(all, Meaning::later_expiry);
  ASSERT_NE(later, nullptr);
  EXPECT_GT(*expiry_of(later->credentials.username), kNow + std::chrono::hours(24 * 365 * 9));
  EXPECT_TRUE(later->credentials.username.ends_with(":alice"));
}

TEST(IceCredentials, TryTheRightPasswordWithTheSecret) {
  const auto all = alternatives(with(kSecret), kSecret, kNow);
  const Alternative* const right = find(all, Meaning::by_sha1);
  ASSERT_NE(right, nullptr);
  EXPECT_EQ(right->credentials.password, kPassword);
}

TEST(IceCredentials, AreTriedFourTimesAtMost) {
  EXPECT_EQ(alternatives(with(kHexadecimal), kSecret, kNow).size(), 4U);
}

}  // namespace
}  // namespace crolang::ice
