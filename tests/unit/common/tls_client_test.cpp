#include "common/tls_client.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

#include "unit/tls/certificates.hpp"

namespace crolang::common {
namespace {

using testing::HasSubstr;
using tls::testing::Issued;
using tls::testing::pem;
using tls::testing::Profile;
using tls::testing::ScratchDirectory;

class TlsClient : public testing::Test {
 protected:
  static std::string refusal(const std::string& certificate, const std::string& key) {
    const SslContext context = new_tls_client();
    try {
      use_client_certificate(context.get(), {"X_CERT_FILE", certificate}, {"X_KEY_FILE", key});
    } catch (const std::invalid_argument& refused) {
      return refused.what();
    }
    return "accepted";
  }

  const ScratchDirectory directory_;
  const Issued authority_ = tls::testing::self_signed(tls::testing::authority("Test CA"));
  const Issued client_ = tls::testing::issue({.role = Profile::Role::client}, authority_);
  const Issued other_ = tls::testing::issue({.role = Profile::Role::client}, authority_);
  const std::string certificate_ =
      directory_.write("cert.pem", pem(client_.certificate) + pem(authority_.certificate));
  const std::string key_ = directory_.write("key.pem", pem(client_.key));
};

TEST_F(TlsClient, TakesACertificateWithItsChainAndItsKey) {
  EXPECT_EQ(refusal(certificate_, key_), "accepted");
  EXPECT_EQ(refusal("", ""), "accepted");
}

TEST_F(TlsClient, NeedsBothFilesOrNeither) {
  EXPECT_THAT(refusal(certificate_, ""), HasSubstr("X_CERT_FILE is set, but X_KEY_FILE is not"));
  EXPECT_THAT(refusal("", key_), HasSubstr("X_KEY_FILE is set, but X_CERT_FILE is not"));
}

TEST_F(TlsClient, SaysWhatIsWrongWithTheCertificate) {
  EXPECT_THAT(refusal("/no/such", key_),
              HasSubstr("X_CERT_FILE=/no/such: cannot be read: No such"));
  EXPECT_THAT(refusal("/", key_), HasSubstr("X_CERT_FILE=/: is not a file"));
  EXPECT_THAT(refusal(key_, key_), HasSubstr(": holds no certificate in PEM"));
  std::string cut = pem(client_.certificate) + pem(authority_.certificate);
  cut.resize(cut.size() - 60);
  EXPECT_THAT(refusal(directory_.write("cut.pem", cut), key_), HasSubstr("damaged or cut off"));
  EXPECT_THAT(refusal(directory_.write("big.pem", std::string((1 << 20) + 1, ' ')), key_),
              HasSubstr("larger than 1 MiB"));
}

TEST_F(TlsClient, SaysWhatIsWrongWithTheKey) {
  EXPECT_THAT(refusal(certificate_, "/no/such"), HasSubstr("X_KEY_FILE=/no/such: cannot be read"));
  EXPECT_THAT(refusal(certificate_, certificate_), HasSubstr(": holds no private key in PEM"));
  EXPECT_THAT(refusal(certificate_, directory_.write("other.pem", pem(other_.key))),
              HasSubstr("is not the key of the certificate in X_CERT_FILE=" + certificate_));
  EXPECT_THAT(refusal(certificate_,
                      directory_.write("locked.pem", tls::testing::encrypted_pem(client_.key))),
              HasSubstr("is encrypted with a passphrase"));
}

TEST_F(TlsClient, TrustsTheSystemOrTheAuthoritiesOfAFile) {
  const SslContext context = new_tls_client();
  EXPECT_NO_THROW(configure_tls_client(context.get(), {"X_CA_FILE", ""}));
  EXPECT_NO_THROW(configure_tls_client(context.get(), {"X_CA_FILE", certificate_}));
  EXPECT_THROW(configure_tls_client(context.get(), {"X_CA_FILE", key_}), std::invalid_argument);
}

}  // namespace
}  // namespace crolang::common
