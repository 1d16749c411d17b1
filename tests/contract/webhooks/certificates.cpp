#include "contract/webhooks/certificates.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace crolang::webhooks {
namespace {

constexpr long kDay = 86'400;

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

Key make_key() {
  return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
}

void add_extension(X509& certificate, X509& issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  check(extension != nullptr, "no extension");
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// A certificate without extensions and without a signature. A null issuer: it is its own.
Certificate make_certificate(EVP_PKEY& key, const char* name, X509* issuer, long from, long until) {
  static long serial = 0;
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate.get(),
                       issuer == nullptr ? subject : X509_get_subject_name(issuer));
  X509_set_pubkey(certificate.get(), &key);
  return certificate;
}

}  // namespace

Authority::Authority()
    : key_(make_key()),
      certificate_(make_certificate(*key_, "Authority of a test", nullptr, -kDay, kDay)) {
  sign(*key_, *certificate_);
}

Authority::Authority(const Authority& parent, const char* name)
    : key_(make_key()),
      certificate_(make_certificate(*key_, name, parent.certificate_.get(), -kDay, kDay)) {
  sign(*parent.key_, *parent.certificate_);
}

void Authority::sign(EVP_PKEY& key, X509& issuer) {
  add_extension(*certificate_, issuer, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(*certificate_, issuer, NID_key_usage, "critical,keyCertSign");
  check(X509_sign(certificate_.get(), &key, EVP_sha256()) > 0, "not signed");

  file_ = ::testing::TempDir() + "authority-XXXXXX";
  const int descriptor = ::mkstemp(file_.data());
  check(descriptor >= 0, "no file");
  std::FILE* const file = ::fdopen(descriptor, "w");
  PEM_write_X509(file, certificate_.get());
  std::fclose(file);
}

Authority::~Authority() {
  ::unlink(file_.c_str());
}

ServerContext Authority::issue(const std::string& names, Validity validity,
                               const char* common_name) const {
  const Key key = make_key();
  const bool now = validity == Validity::now;
  const Certificate certificate = make_certificate(*key, common_name, certificate_.get(),
                                                   now ? -kDay : -3 * kDay, now ? kDay : -2 * kDay);
  if (!names.empty()) add_extension(*certificate, *certificate_, NID_subject_alt_name, names);
  check(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0, "not signed");
  ServerContext context(SSL_CTX_new(TLS_server_method()));
  check(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1, "no certificate");
  check(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1, "no key");
  return context;
}

}  // namespace crolang::webhooks
