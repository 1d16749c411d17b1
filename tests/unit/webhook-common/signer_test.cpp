#include "webhook-common/signer.hpp"

#include <gtest/gtest.h>

#include <crolang/base64.hpp>
#include <stdexcept>
#include <string>

namespace crolang::webhook_common {
namespace {

// The example of the specification's own libraries.
constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr const char* kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr const char* kTimestamp = "1614265330";
constexpr const char* kBody = R"({"test": 2432232314})";
constexpr const char* kSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

std::string refusal(const std::string& secrets) {
  try {
    const Signer signer(secrets);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

std::string secret_of(std::size_t bytes) {
  return "whsec_" + base64::encode(std::string(bytes, 'k'));
}

TEST(Signer, SignsAsTheSpecificationDoes) {
  EXPECT_EQ(Signer(kSecret).signature(kId, kTimestamp, kBody), kSignature);
}

TEST(Signer, SignsOneRequestAfterTheOther) {
  Signer signer(kSecret);
  EXPECT_NE(signer.signature(kId, kTimestamp, "another body"), kSignature);
  EXPECT_EQ(signer.signature(kId, kTimestamp, kBody), kSignature);
}

TEST(Signer, TakesASecretWithoutItsPrefix) {
  EXPECT_EQ(Signer("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").signature(kId, kTimestamp, kBody),
            kSignature);
}

TEST(Signer, SignsOnceForEachOfSeveralSecrets) {
  const std::string other = secret_of(32);
  const std::string others = Signer(other).signature(kId, kTimestamp, kBody);
  for (const char* between : {" ", ",", ", ", "\n", " ,\t "}) {
    Signer signer(kSecret + std::string(between) + other);
    EXPECT_EQ(signer.signature(kId, kTimestamp, kBody), std::string(kSignature) + " " + others);
  }
}

TEST(Signer, IsEmptyWithoutASecret) {
  EXPECT_TRUE(Signer("").empty());
  EXPECT_TRUE(Signer(" , ").empty());
  EXPECT_FALSE(Signer(kSecret).empty());
}

TEST(Signer, RefusesASecretThatIsNotBase64WithoutShowingIt) {
  for (const char* secret : {"whsec_hush!hush", "hush.hush", "whsk_aHVzaA==", "whsec_aHVza"}) {
    EXPECT_EQ(refusal(secret),
              "WEBHOOK_SIGNING_SECRET: a secret must be whsec_ and Base64: whsec_$(openssl rand "
              "-base64 32) is one");
  }
  EXPECT_EQ(refusal(std::string(kSecret) + " hush!"),
            "WEBHOOK_SIGNING_SECRET: a secret must be whsec_ and Base64: whsec_$(openssl rand "
            "-base64 32) is one");
}

TEST(Signer, RefusesASecretOfALengthThatTheSpecificationDoesNotAllow) {
  EXPECT_EQ(refusal("whsec_"),
            "WEBHOOK_SIGNING_SECRET: a secret decodes to 0 bytes, not to 24 to 64: "
            "whsec_$(openssl rand -base64 32) is one");
  EXPECT_EQ(refusal(secret_of(23)),
            "WEBHOOK_SIGNING_SECRET: a secret decodes to 23 bytes, not to 24 to 64: "
            "whsec_$(openssl rand -base64 32) is one");
  EXPECT_EQ(refusal(secret_of(24)), "accepted");
  EXPECT_EQ(refusal(secret_of(64)), "accepted");
  EXPECT_EQ(refusal(secret_of(65)),
            "WEBHOOK_SIGNING_SECRET: a secret decodes to 65 bytes, not to 24 to 64: "
            "whsec_$(openssl rand -base64 32) is one");
}

TEST(RequestIds, AreDifferentAndHaveNoFullStop) {
  RequestIds ids;
  RequestIds of_another_process;
  const std::string first = ids.next();
  EXPECT_TRUE(first.starts_with("msg_"));
  EXPECT_EQ(first.find('.'), std::string::npos);
  EXPECT_NE(first, ids.next());
  EXPECT_NE(first, of_another_process.next());
}

}  // namespace
}  // namespace crolang::webhook_common
