#include "jwt-auth/key_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <stdexcept>

#include "unit/jwt-auth/scratch_file.hpp"
#include "unit/jwt-auth/tokens.hpp"

namespace crolang::jwt_auth {
namespace {

using plugin::LogLevel;
using ::testing::AllOf;
using testing::ec;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::public_pem;
using testing::rsa;
using testing::ScratchFile;

class KeyFileTest : public ::testing::Test {
 protected:
  KeyFile open(KeyFile::Parse parse = &keys_from_pem) {
    return KeyFile("JWT_SOME_FILE", file_.path(), parse, [this](LogLevel level, auto text) {
      log_.push_back((level == LogLevel::warn ? "warn: " : "info: ") + std::string(text));
    });
  }

  std::string refusal() {
    try {
      open();
    } catch (const std::runtime_error& refused) {
      return refused.what();
    }
    return "no refusal";
  }

  ScratchFile file_{public_pem(rsa())};
  std::vector<std::string> log_;
};

TEST_F(KeyFileTest, IsReadAtOnce) {
  EXPECT_EQ(open().keys().at(0).algorithm(), Algorithm::rs256);
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(KeyFileTest, StaysAsItIsWhileNothingChanges) {
  KeyFile file = open();
  EXPECT_FALSE(file.refresh());
  EXPECT_FALSE(file.refresh());
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(KeyFileTest, IsReadAgainWhenItIsReplaced) {
  KeyFile file = open();
  file_.replace(public_pem(ec()));
  EXPECT_TRUE(file.refresh());
  EXPECT_EQ(file.keys().at(0).algorithm(), Algorithm::es256);
  EXPECT_FALSE(file.refresh());
  EXPECT_THAT(log_, ElementsAre(AllOf(HasSubstr("info: JWT_SOME_FILE '"),
                                      HasSubstr("reloaded; usable keys: 1"))));
}

TEST_F(KeyFileTest, IsReadAgainWhenItIsWrittenInPlace) {
  KeyFile file = open();
  file_.write(public_pem(rsa()) + public_pem(ec()));
  EXPECT_TRUE(file.refresh());
  EXPECT_EQ(file.keys().size(), 2u);
}

TEST_F(KeyFileTest, KeepsItsKeysWhenTheNewFileIsBad) {
  KeyFile file = open();
  file_.write("half a fi");
  EXPECT_FALSE(file.refresh());
  EXPECT_EQ(file.keys().at(0).algorithm(), Algorithm::rs256);
  EXPECT_THAT(log_, ElementsAre(AllOf(HasSubstr("warn: JWT_SOME_FILE '"),
                                      HasSubstr("' cannot be used: there is no PEM block in it"),
                                      HasSubstr("the keys read before stay in use"))));
}

TEST_F(KeyFileTest, KeepsItsKeysWhenTheFileIsGone) {
  KeyFile file = open();
  file_.remove();
  EXPECT_FALSE(file.refresh());
  EXPECT_EQ(file.keys().size(), 1u);
  EXPECT_THAT(log_, ElementsAre(HasSubstr("cannot be read: No such file or directory")));
}

TEST_F(KeyFileTest, LogsTheSameFaultOnce) {
  KeyFile file = open();
  file_.remove();
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(file.refresh());
  EXPECT_EQ(log_.size(), 1u);
}

TEST_F(KeyFileTest, RecoversFromAFault) {
  KeyFile file = open();
  file_.remove();
  EXPECT_FALSE(file.refresh());
  file_.write(public_pem(ec()));
  EXPECT_TRUE(file.refresh());
  EXPECT_EQ(file.keys().at(0).algorithm(), Algorithm::es256);
  file_.remove();
  EXPECT_FALSE(file.refresh());
  EXPECT_EQ(log_.size(), 3u);
}

TEST_F(KeyFileTest, SaysWhichKeysItIgnores) {
  file_.write(testing::jwks(
      {testing::secret_jwk(), testing::with(testing::secret_jwk("x"), "kid", "weak")}));
  EXPECT_EQ(open(&keys_from_jwks).keys().size(), 1u);
  EXPECT_THAT(log_, ElementsAre(HasSubstr("ignored: key 'weak' has 1 bytes")));
}

TEST_F(KeyFileTest, RefusesTheStartWithoutAFile) {
  file_.remove();
  EXPECT_EQ(refusal(),
            "JWT_SOME_FILE '" + file_.path() + "' cannot be read: No such file or directory");
}

TEST_F(KeyFileTest, RefusesTheStartWithABadFile) {
  file_.write("nothing");
  EXPECT_EQ(refusal(),
            "JWT_SOME_FILE '" + file_.path() + "' cannot be used: there is no PEM block in it");
}

TEST_F(KeyFileTest, RefusesWhatIsNoFileAndWaitsForNobody) {
  file_.remove();
  ASSERT_EQ(mkfifo(file_.path().c_str(), 0600), 0);
  EXPECT_THAT(refusal(), HasSubstr("is not a file"));
  file_.remove();
  std::filesystem::create_directory(file_.path());
  EXPECT_THAT(refusal(), HasSubstr("is not a file"));
}

TEST_F(KeyFileTest, RefusesAHugeFile) {
  file_.write(std::string((1 << 20) + 1, ' '));
  EXPECT_THAT(refusal(), HasSubstr("is larger than 1 MiB"));
}

}  // namespace
}  // namespace crolang::jwt_auth
