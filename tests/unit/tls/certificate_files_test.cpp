#include "tls/certificate_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "unit/tls/certificates.hpp"

namespace crolang::tls {
namespace {

using ::testing::AllOf;
using testing::authority;
using testing::der;
using ::testing::ElementsAre;
using testing::encrypted_pem;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::issue;
using testing::Issued;
using testing::KeyKind;
using testing::make_key;
using testing::pem;
using testing::pkcs12;
using testing::Profile;
using testing::ScratchDirectory;
using testing::self_signed;
using ::testing::StartsWith;
using std::chrono_literals::operator""h;

class CertificateFilesTest : public ::testing::Test {
 protected:
  static std::string join(const std::vector<std::string>& files) {
    std::string list;
    for (const std::string& file : files) list += (list.empty() ? "" : ",") + file;
    return list;
  }

  CertificateSet load(const std::string& certificate, const std::string& key) {
    return load_certificates(directory_.write("chain.pem", certificate),
                             directory_.write("key.pem", key), now_);
  }

  std::vector<std::string> faults(const std::string& certificate, const std::string& key) {
    const CertificateSet set = load(certificate, key);
    EXPECT_EQ(set.pairs.empty(), !set.faults.empty());
    return set.faults;
  }

  std::vector<std::string> faults(const Profile& profile) {
    const Issued server = issue(profile, intermediate_);
    return faults(pem(server.certificate) + pem(intermediate_.certificate), pem(server.key));
  }

  /// What begins a sentence about that file.
  std::string chain() const { return "TLS_CERT_FILE '" + directory_.path("chain.pem") + "' "; }
  std::string key() const { return "TLS_KEY_FILE '" + directory_.path("key.pem") + "' "; }

  ScratchDirectory directory_;
  WallTime now_ = std::chrono::system_clock::now();
  const Issued root_ = self_signed(authority("Root"));
  const Issued intermediate_ = issue(authority("Intermediate"), root_);
  const Issued server_ = issue({}, intermediate_);
};

TEST_F(CertificateFilesTest, AChainAndItsKeyAreRead) {
  const Issued server =
      issue({.common_name = "Example",
             .alternative_names = "DNS:Example.org,DNS:*.example.org,IP:192.0.2.1,IP:2001:db8::1"},
            intermediate_);
  const CertificateSet set =
      load(pem(server.certificate) + pem(intermediate_.certificate), pem(server.key));
  EXPECT_THAT(set.faults, IsEmpty());
  EXPECT_THAT(set.warnings, IsEmpty());
  ASSERT_EQ(set.pairs.size(), 1U);
  const CertificatePair& pair = set.pairs.front();
  EXPECT_THAT(pair.names, ElementsAre("example.org", "*.example.org", "192.0.2.1", "2001:db8::1"));
  EXPECT_EQ(pair.subject, "CN=Example");
  EXPECT_EQ(pair.chain.size(), 1U);
  EXPECT_EQ(pair.certificate_file, directory_.path("chain.pem"));
  EXPECT_EQ(pair.key_file, directory_.path("key.pem"));
  EXPECT_EQ(X509_check_private_key(pair.certificate.get(), pair.key.get()), 1);
}

TEST_F(CertificateFilesTest, KeysOfEveryUsualKindAreRead) {
  for (const KeyKind kind : {KeyKind::p256, KeyKind::p384, KeyKind::rsa2048}) {
    EXPECT_THAT(faults({.key = kind}), IsEmpty());
  }
}

TEST_F(CertificateFilesTest, OneFileMayHaveBothChainAndKey) {
  const std::string both =
      pem(server_.certificate) + pem(intermediate_.certificate) + pem(server_.key);
  const std::string file = directory_.write("both.pem", both);
  const CertificateSet set = load_certificates(file, file, now_);
  EXPECT_THAT(set.faults, IsEmpty());
  EXPECT_EQ(set.pairs.size(), 1U);
}

TEST_F(CertificateFilesTest, WithoutVariablesThereIsNothing) {
  const CertificateSet set = load_certificates("", "", now_);
  EXPECT_THAT(set.faults, IsEmpty());
  EXPECT_THAT(set.pairs, IsEmpty());
}

TEST_F(CertificateFilesTest, TheChainEndsWithItsFirstMemberThatExpires) {
  Profile short_lived = authority("Short");
  short_lived.until = now_ + 5 * 24h;
  const Issued by = issue(short_lived, root_);
  const Issued server = issue({}, by);
  const CertificateSet set = load(pem(server.certificate) + pem(by.certificate), pem(server.key));
  ASSERT_EQ(set.pairs.size(), 1U);
  EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(set.pairs.front().end_of_validity),
            std::chrono::floor<std::chrono::seconds>(short_lived.until));
}

// ---- files --------------------------------------------------------------------------------------

TEST_F(CertificateFilesTest, OneVariableWithoutTheOtherIsAFault) {
  EXPECT_THAT(load_certificates("a.pem", "", now_).faults,
              ElementsAre("TLS_CERT_FILE is set without TLS_KEY_FILE: TLS needs both"));
  EXPECT_THAT(load_certificates("", "a.pem", now_).faults,
              ElementsAre("TLS_KEY_FILE is set without TLS_CERT_FILE: TLS needs both"));
}

TEST_F(CertificateFilesTest, NumbersOfFilesThatDifferAreAFault) {
  EXPECT_THAT(load_certificates("a.pem, b.pem", "a.key", now_).faults,
              ElementsAre("TLS_CERT_FILE names 2 files and TLS_KEY_FILE 1 file: each certificate "
                          "needs its key, in the same order"));
}

TEST_F(CertificateFilesTest, ACommaWithoutAFileNameIsAFault) {
  EXPECT_THAT(load_certificates("a.pem,", "a.key,", now_).faults,
              ElementsAre("TLS_CERT_FILE has a comma without a file name",
                          "TLS_KEY_FILE has a comma without a file name"));
  EXPECT_THAT(load_certificates("a.pem,", "a.key", now_).faults,
              ElementsAre("TLS_CERT_FILE has a comma without a file name"));
}

TEST_F(CertificateFilesTest, AKeyInsteadOfAFileNameIsNotShown) {
  const std::string value = pem(server_.key);
  EXPECT_THAT(load_certificates("a.pem", value, now_).faults,
              ElementsAre("TLS_KEY_FILE holds PEM itself: it must be the name of a file"));
}

TEST_F(CertificateFilesTest, EveryMissingFileIsAFault) {
  EXPECT_THAT(
      load_certificates("/nowhere/a.pem", "/nowhere/a.key", now_).faults,
      ElementsAre("TLS_CERT_FILE '/nowhere/a.pem' does not exist: correct the name, or create the "
                  "file",
                  "TLS_KEY_FILE '/nowhere/a.key' does not exist: correct the name, or create the "
                  "file"));
}

TEST_F(CertificateFilesTest, ADirectoryIsAFault) {
  EXPECT_THAT(
      load_certificates(directory_.path(""), directory_.write("k", pem(server_.key)), now_).faults,
      ElementsAre(EndsWith("is not a regular file: name a file in PEM")));
}

TEST_F(CertificateFilesTest, DerIsAFaultThatSaysHowToConvertIt) {
  EXPECT_THAT(faults(der(server_.certificate), pem(server_.key)),
              ElementsAre(chain() + "is in DER, not PEM: openssl x509 -inform DER -in '" +
                          directory_.path("chain.pem") + "' writes it as PEM"));
}

TEST_F(CertificateFilesTest, AnArchiveIsAFaultThatSaysHowToConvertIt) {
  EXPECT_THAT(faults(pkcs12(server_), pem(server_.key)),
              ElementsAre(StartsWith(chain() + "is a PKCS #12 archive, not PEM: openssl pkcs12")));
}

TEST_F(CertificateFilesTest, AFileWithoutPemIsAFault) {
  EXPECT_THAT(faults("", "ssh-ed25519 AAAA"),
              ElementsAre(StartsWith(chain() + "is empty: "), StartsWith(key() + "is an SSH key")));
  EXPECT_THAT(faults("hello", pem(server_.key)),
              ElementsAre(StartsWith(chain() + "has no PEM in it: ")));
}

TEST_F(CertificateFilesTest, ADamagedFileIsAFault) {
  const std::string whole = pem(server_.certificate);
  EXPECT_THAT(
      faults(whole.substr(0, whole.size() / 2), pem(server_.key)),
      ElementsAre(chain() + "has a PEM block that is damaged or cut off: copy the file again"));
}

TEST_F(CertificateFilesTest, AnEncryptedKeyIsAFault) {
  EXPECT_THAT(faults(pem(server_.certificate), encrypted_pem(server_.key)),
              ElementsAre(key() + "is encrypted with a passphrase: openssl pkey -in '" +
                          directory_.path("key.pem") +
                          "' writes it without one; protect that file by its permissions"));
}

TEST_F(CertificateFilesTest, ExchangedFilesAreAFaultOfBoth) {
  EXPECT_THAT(faults(pem(server_.key), pem(server_.certificate)),
              ElementsAre(chain() + "has a private key and no certificate: are the files of "
                                    "TLS_CERT_FILE and TLS_KEY_FILE exchanged?",
                          key() + "has a certificate and no private key: are the files of "
                                  "TLS_CERT_FILE and TLS_KEY_FILE exchanged?"));
}

TEST_F(CertificateFilesTest, AKeyThatEverybodyCanReadIsAWarning) {
  const std::string certificate =
      directory_.write("chain.pem", pem(server_.certificate) + pem(intermediate_.certificate));
  const std::string file = directory_.write("key.pem", pem(server_.key));
  std::filesystem::permissions(file, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  const CertificateSet set = load_certificates(certificate, file, now_);
  EXPECT_THAT(set.faults, IsEmpty());
  EXPECT_THAT(set.warnings,
              ElementsAre(key() + "can be read by every user of this machine: chmod o-r"));
}

// ---- pairs --------------------------------------------------------------------------------------

TEST_F(CertificateFilesTest, AKeyOfAnotherCertificateIsAFault) {
  EXPECT_THAT(
      faults(pem(server_.certificate), pem(make_key(KeyKind::p256))),
      ElementsAre(key() + "is not the key of TLS_CERT_FILE '" + directory_.path("chain.pem") +
                  "': name the key with which that certificate was requested"));
}

TEST_F(CertificateFilesTest, KeysInAnotherOrderThanTheirCertificatesAreAFault) {
  const Issued other = self_signed({.common_name = "b", .alternative_names = "DNS:b.example.org"});
  const std::string a = directory_.write("a.pem", pem(server_.certificate));
  const std::string b = directory_.write("b.pem", pem(other.certificate));
  const std::string a_key = directory_.write("a.key", pem(server_.key));
  const std::string b_key = directory_.write("b.key", pem(other.key));
  EXPECT_THAT(
      load_certificates(join({a, b}), join({b_key, a_key}), now_).faults,
      ElementsAre("TLS_KEY_FILE '" + b_key + "' is not the key of TLS_CERT_FILE '" + a +
                      "' but of '" + b + "': name certificates and keys in the same order",
                  "TLS_KEY_FILE '" + a_key + "' is not the key of TLS_CERT_FILE '" + b +
                      "' but of '" + a + "': name certificates and keys in the same order"));
}

TEST_F(CertificateFilesTest, AFileWhoseNamesAreAllTakenIsAFault) {
  const Issued again = self_signed({});
  const std::string a =
      directory_.write("a.pem", pem(server_.certificate) + pem(intermediate_.certificate));
  const std::string b = directory_.write("b.pem", pem(again.certificate));
  const std::string a_key = directory_.write("a.key", pem(server_.key));
  const std::string b_key = directory_.write("b.key", pem(again.key));
  EXPECT_THAT(load_certificates(join({a, b}), join({a_key, b_key}), now_).faults,
              ElementsAre("TLS_CERT_FILE '" + b +
                          "' would never be used, since files before it have all its names "
                          "(example.org): remove it or them"));
}

TEST_F(CertificateFilesTest, ANameThatIsTakenIsAWarning) {
  const Issued again = self_signed({.alternative_names = "DNS:example.org,DNS:www.example.org"});
  const std::string a =
      directory_.write("a.pem", pem(server_.certificate) + pem(intermediate_.certificate));
  const std::string b = directory_.write("b.pem", pem(again.certificate));
  const std::string a_key = directory_.write("a.key", pem(server_.key));
  const std::string b_key = directory_.write("b.key", pem(again.key));
  const CertificateSet set = load_certificates(join({a, b}), join({a_key, b_key}), now_);
  EXPECT_THAT(set.faults, IsEmpty());
  EXPECT_THAT(set.warnings, ElementsAre("TLS_CERT_FILE '" + b +
                                        "' is not used for example.org, since a file before it "
                                        "has that name too"));
}

// ---- chains -------------------------------------------------------------------------------------

TEST_F(CertificateFilesTest, AnAuthorityBeforeTheServerIsAFault) {
  EXPECT_THAT(
      faults(pem(intermediate_.certificate) + pem(server_.certificate), pem(server_.key)),
      ElementsAre(chain() +
                  "is in the wrong order: the server's certificate, to which "
                  "TLS_KEY_FILE '" +
                  directory_.path("key.pem") + "' belongs, must come first, and is number 2"));
}

TEST_F(CertificateFilesTest, AuthoritiesInTheWrongOrderAreAFault) {
  EXPECT_THAT(
      faults(pem(server_.certificate) + pem(root_.certificate) + pem(intermediate_.certificate),
             pem(server_.key)),
      ElementsAre(chain() + "is in the wrong order: certificate 3 (CN=Intermediate) must "
                            "follow certificate 1 (CN=example.org) at once, since it has "
                            "issued that"));
}

TEST_F(CertificateFilesTest, AMissingIntermediateIsAWarning) {
  const CertificateSet set = load(pem(server_.certificate), pem(server_.key));
  EXPECT_THAT(set.faults, IsEmpty());
  EXPECT_THAT(set.warnings,
              ElementsAre(chain() + "lacks the certificate of its issuer (CN=Intermediate): unless "
                                    "that is a root which all clients have, append the "
                                    "intermediate certificate"));
}

TEST_F(CertificateFilesTest, ACertificateThatDoesNotBelongIsLeftOut) {
  const Issued stray = self_signed(authority("Stray"));
  const CertificateSet set =
      load(pem(server_.certificate) + pem(intermediate_.certificate) + pem(stray.certificate),
           pem(server_.key));
  EXPECT_THAT(set.faults, IsEmpty());
  EXPECT_THAT(set.warnings,
              ElementsAre(chain() + "has a certificate that is not sent to clients: certificate 3 "
                                    "(CN=Stray) does not belong to the chain of the first; remove "
                                    "it"));
  EXPECT_EQ(set.pairs.at(0).chain.size(), 1U);
}

TEST_F(CertificateFilesTest, AnExpiredIntermediateIsAWarning) {
  Profile expired = authority("Old");
  expired.until = now_ - 2h;
  const Issued by = issue(expired, root_);
  const Issued server = issue({}, by);
  EXPECT_THAT(load(pem(server.certificate) + pem(by.certificate), pem(server.key)).warnings,
              ElementsAre(StartsWith(chain() + "may be refused by clients: certificate 2 (CN=Old) "
                                               "has expired on ")));
}

// ---- certificates -------------------------------------------------------------------------------

TEST_F(CertificateFilesTest, AnExpiredCertificateIsAFault) {
  const WallTime until = now_ - 2h;
  EXPECT_THAT(faults({.until = until}),
              ElementsAre(chain() + "has expired on " + text_of(until) + ": renew it"));
}

TEST_F(CertificateFilesTest, ACertificateOfTheFutureIsAFault) {
  const WallTime from = now_ + 2h;
  EXPECT_THAT(faults({.from = from}), ElementsAre(chain() + "is not valid before " + text_of(from) +
                                                  ": check the clock of this machine, or wait"));
}

TEST_F(CertificateFilesTest, AWeakOrUnusableKeyIsAFault) {
  constexpr std::string_view kRemedy = ": take EC P-256, or RSA of 2048 bits or more";
  const std::array<std::pair<KeyKind, std::string>, 3> kinds = {{
      {KeyKind::rsa1024, "has a key that is too weak (RSA, 1024 bits)"},
      {KeyKind::dsa, "has a key that TLS cannot use (DSA, 1024 bits)"},
      {KeyKind::secp256k1, "has a key of a curve that clients do not know (EC, secp256k1)"},
  }};
  for (const auto& [kind, sentence] : kinds) {
    EXPECT_THAT(faults({.key = kind}), ElementsAre(chain() + sentence + std::string(kRemedy)));
  }
}

TEST_F(CertificateFilesTest, AKeyThatBrowsersDoNotAcceptIsAWarning) {
  const Issued server = issue({.key = KeyKind::ed25519}, intermediate_);
  EXPECT_THAT(
      load(pem(server.certificate) + pem(intermediate_.certificate), pem(server.key)).warnings,
      ElementsAre(StartsWith(chain() + "has a key that browsers do not accept (ED25519)")));
}

TEST_F(CertificateFilesTest, AWeakSignatureIsAFault) {
  EXPECT_THAT(faults({.digest = Profile::Digest::sha1}),
              ElementsAre(chain() + "is signed with a digest that is too weak (SHA1): have it "
                                    "issued again with SHA-256"));
}

TEST_F(CertificateFilesTest, ACertificateForClientsIsAFault) {
  EXPECT_THAT(faults({.role = Profile::Role::client}),
              ElementsAre(StartsWith(chain() + "is not for TLS servers, ")));
}

TEST_F(CertificateFilesTest, AnAuthorityAsAServerIsAWarning) {
  Profile profile;
  profile.role = Profile::Role::authority;
  const Issued server = self_signed(profile);
  const CertificateSet set = load(pem(server.certificate), pem(server.key));
  EXPECT_THAT(set.faults, IsEmpty());
  EXPECT_THAT(set.warnings,
              ElementsAre(StartsWith(chain() + "is the certificate of an authority (CA:TRUE)")));
}

TEST_F(CertificateFilesTest, ACertificateWithoutAlternativeNamesIsAWarning) {
  const Issued server = self_signed({.common_name = "Old.Example.org", .alternative_names = ""});
  const CertificateSet set = load(pem(server.certificate), pem(server.key));
  EXPECT_THAT(set.faults, IsEmpty());
  EXPECT_THAT(set.warnings, ElementsAre(StartsWith(chain() + "has no subjectAltName")));
  EXPECT_THAT(set.pairs.at(0).names, ElementsAre("old.example.org"));
}

TEST_F(CertificateFilesTest, FaultsOfAllPairsAreFoundAtOnce) {
  const std::string file = directory_.write("a.pem", pem(server_.certificate));
  EXPECT_THAT(
      load_certificates(join({file, "/nowhere/b"}), join({"/nowhere/c", "/nowhere/d"}), now_)
          .faults,
      ElementsAre(HasSubstr("/nowhere/c"), HasSubstr("/nowhere/b"), HasSubstr("/nowhere/d")));
}

TEST_F(CertificateFilesTest, TheEndOfValidityIsAnnouncedFrom14DaysBefore) {
  const CertificateSet set =
      load(pem(server_.certificate) + pem(intermediate_.certificate), pem(server_.key));
  ASSERT_EQ(set.pairs.size(), 1U);
  const CertificatePair& pair = set.pairs.front();
  const WallTime end = pair.end_of_validity;
  EXPECT_EQ(expiry_warning(pair, end - 14 * 24h - 1h), std::nullopt);
  EXPECT_EQ(expiry_warning(pair, end - 14 * 24h + 1h),
            chain() + "expires on " + text_of(end) + ", in 13 days: renew it");
  EXPECT_EQ(expiry_warning(pair, end - 25h),
            chain() + "expires on " + text_of(end) + ", in 1 day: renew it");
  EXPECT_EQ(expiry_warning(pair, end + 1h),
            chain() + "has expired on " + text_of(end) + ": renew it");
}

}  // namespace
}  // namespace crolang::tls
