#include "tls/client_authority.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/tls/certificates.hpp"

namespace crolang::tls {
namespace {

using testing::authority;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Issued;
using testing::pem;
using testing::ScratchDirectory;
using testing::self_signed;
using ::testing::StartsWith;

class ClientAuthorityTest : public ::testing::Test {
 protected:
  ClientAuthorityFile load(const std::string& content) {
    return load_client_authority(directory_.write("ca.pem", content), now_);
  }
  std::string file() const { return "TLS_CLIENT_CA_FILE '" + directory_.path("ca.pem") + "' "; }

  ScratchDirectory directory_;
  WallTime now_ = std::chrono::system_clock::now();
  const Issued one_ = self_signed(authority("One"));
  const Issued two_ = self_signed(authority("Two"));
};

TEST_F(ClientAuthorityTest, SeveralAuthoritiesAreRead) {
  const auto loaded = load(pem(one_.certificate) + pem(two_.certificate));
  EXPECT_THAT(loaded.faults, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_EQ(loaded.authority.certificates.size(), 2U);
}

TEST_F(ClientAuthorityTest, TheFingerprintIsThatOfAllOfThem) {
  const auto both = load(pem(one_.certificate) + pem(two_.certificate)).authority.fingerprint;
  const auto first = load(pem(one_.certificate)).authority.fingerprint;
  EXPECT_NE(both, first);
  EXPECT_NE(first, load(pem(two_.certificate)).authority.fingerprint);
  EXPECT_EQ(first, load("a comment\n" + pem(one_.certificate)).authority.fingerprint);
}

TEST_F(ClientAuthorityTest, AMissingFileIsAFault) {
  EXPECT_THAT(load_client_authority("/nowhere/ca.pem", now_).faults,
              ElementsAre("TLS_CLIENT_CA_FILE '/nowhere/ca.pem' does not exist: correct the name, "
                          "or create the file"));
}

TEST_F(ClientAuthorityTest, PemInsteadOfAFileNameIsAFault) {
  EXPECT_THAT(load_client_authority(pem(one_.certificate), now_).faults,
              ElementsAre("TLS_CLIENT_CA_FILE holds PEM itself: it must be the name of a file"));
}

TEST_F(ClientAuthorityTest, AKeyIsNoAuthority) {
  EXPECT_THAT(load(pem(one_.key)).faults,
              ElementsAre(StartsWith(file() + "has no certificate in it: ")));
}

TEST_F(ClientAuthorityTest, ACertificateThatCannotIssueIsAFault) {
  const auto loaded = load(pem(self_signed({}).certificate));
  EXPECT_THAT(loaded.faults,
              ElementsAre(StartsWith(file() + "has a certificate that is not an authority's "
                                              "(CN=example.org)")));
  EXPECT_THAT(loaded.authority.certificates, IsEmpty());
}

TEST_F(ClientAuthorityTest, AnExpiredAuthorityIsAWarning) {
  auto profile = authority("Old");
  profile.until = now_ - std::chrono::hours(1);
  const auto loaded = load(pem(self_signed(profile).certificate) + pem(one_.certificate));
  EXPECT_THAT(loaded.faults, IsEmpty());
  EXPECT_THAT(loaded.warnings,
              ElementsAre(StartsWith(file() + "has an authority (CN=Old) that has expired on ")));
}

}  // namespace
}  // namespace crolang::tls
