#include "reload/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "unit/reload/certificate_files.hpp"

namespace crolang::reload {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using std::chrono_literals::operator""h;

class CertificatesTest : public ::testing::Test {
 protected:
  /// Reads the files, and uses them if they are without faults.
  tls::LoadedFiles load() {
    Certificates::Reading reading = certificates_.read(now_);
    tls::LoadedFiles said{nullptr, {}, reading.files.faults, reading.files.warnings};
    if (said.faults.empty()) certificates_.use(std::move(reading));
    return said;
  }
  bool have_changed() { return certificates_.check_files() == FileWatch::Change::settled; }

  const tls::WallTime now_ = std::chrono::system_clock::now();
  test::CertificateFiles files_;
  Certificates certificates_{files_.names(), std::chrono::steady_clock::now()};
};

TEST_F(CertificatesTest, AreThoseOfTheFiles) {
  const auto outcome = load();
  EXPECT_THAT(outcome.faults, IsEmpty());
  EXPECT_THAT(outcome.warnings, IsEmpty());
  ASSERT_NE(certificates_.current().get(), nullptr);
  EXPECT_EQ(certificates_.subjects(), "CN=old");
  EXPECT_EQ(certificates_.end_of_validity(), certificates_.pairs().front().end_of_validity);
}

TEST_F(CertificatesTest, AreReplacedWhileConnectionsKeepTheirs) {
  load();
  const auto first = certificates_.current().get();
  files_.renew("new");
  EXPECT_THAT(load().faults, IsEmpty());
  EXPECT_EQ(certificates_.subjects(), "CN=new");
  EXPECT_NE(certificates_.current().get(), first);
  EXPECT_NE(first->new_connection(), nullptr);
}

TEST_F(CertificatesTest, AreNotReplacedByReadingAlone) {
  load();
  files_.renew("new");
  EXPECT_THAT(certificates_.read(now_).files.faults, IsEmpty());
  EXPECT_EQ(certificates_.subjects(), "CN=old");
  EXPECT_FALSE(have_changed());
  EXPECT_TRUE(have_changed());
}

TEST_F(CertificatesTest, AreNotReplacedByWhatCannotBeUsed) {
  load();
  const auto first = certificates_.current().get();
  files_.mismatch();
  EXPECT_THAT(load().faults, ElementsAre(HasSubstr("is not the key of TLS_CERT_FILE '")));
  EXPECT_EQ(certificates_.current().get(), first);
  EXPECT_EQ(certificates_.subjects(), "CN=old");
}

TEST_F(CertificatesTest, HaveChangedOnceTheFilesStayAsTheyAre) {
  load();
  EXPECT_FALSE(have_changed());
  files_.renew("new");
  EXPECT_FALSE(have_changed());
  EXPECT_TRUE(have_changed());
  load();
  EXPECT_FALSE(have_changed());
}

TEST_F(CertificatesTest, AreNotTriedAgainUntilTheFilesChange) {
  load();
  files_.mismatch();
  load();
  EXPECT_FALSE(have_changed());
  EXPECT_FALSE(have_changed());
  files_.renew("new");
  EXPECT_FALSE(have_changed());
  EXPECT_TRUE(have_changed());
}

TEST_F(CertificatesTest, AreWarnedOfThatExpireSoon) {
  files_.renew("old", now_ + 3 * 24h + 1h);
  const auto outcome = load();
  EXPECT_THAT(outcome.faults, IsEmpty());
  EXPECT_THAT(outcome.warnings,
              ElementsAre(StartsWith("TLS_CERT_FILE '" + files_.chain() + "' expires on ")));
}

TEST_F(CertificatesTest, AreNamedByTheirNamesWhereTheyHaveNoSubject) {
  files_.renew("");
  load();
  EXPECT_EQ(certificates_.subjects(), "example.org");
}

}  // namespace
}  // namespace crolang::reload
