#include "unit/tls/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <fstream>
#include <stdexcept>

namespace crolang::tls::testing {
namespace {

template <class Result>
Result* check(Result* made) {
  if (made == nullptr) throw std::runtime_error("OpenSSL: " + take_error());
  return made;
}

void check(int done) {
  if (done != 1) throw std::runtime_error("OpenSSL: " + take_error());
}

PrivateKey share(EVP_PKEY* key) {
  EVP_PKEY_up_ref(key);
  return PrivateKey(key);
}

PrivateKey make_dsa() {
  const Owned<EVP_PKEY_CTX, &EVP_PKEY_CTX_free> for_parameters(
      check(EVP_PKEY_CTX_new_from_name(nullptr, "DSA", nullptr)));
  check(EVP_PKEY_paramgen_init(for_parameters.get()));
  check(EVP_PKEY_CTX_set_dsa_paramgen_bits(for_parameters.get(), 1024));
  EVP_PKEY* parameters = nullptr;
  check(EVP_PKEY_paramgen(for_parameters.get(), &parameters));
  const PrivateKey owned(parameters);
  const Owned<EVP_PKEY_CTX, &EVP_PKEY_CTX_free> context(
      check(EVP_PKEY_CTX_new_from_pkey(nullptr, parameters, nullptr)));
  EVP_PKEY* key = nullptr;
  check(EVP_PKEY_keygen_init(context.get()));
  check(EVP_PKEY_generate(context.get(), &key));
  return PrivateKey(key);
}

void add(X509* certificate, X509* issuer, int extension, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, &X509_EXTENSION_free> made(
      check(X509V3_EXT_conf_nid(nullptr, &context, extension, value.c_str())));
  check(X509_add_ext(certificate, made.get(), -1));
}

void add_name(X509_NAME* name, const char* field, const std::string& value) {
  check(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(value.data()),
                                   static_cast<int>(value.size()), -1, 0));
}

const EVP_MD* digest(const Profile& profile, const EVP_PKEY* signer) {
  if (EVP_PKEY_is_a(signer, "ED25519")) return nullptr;
  return profile.digest == Profile::Digest::sha1 ? EVP_sha1() : EVP_sha256();
}

/// `by` nullptr: signed by itself.
Issued make(const Profile& profile, const Issued* by) {
  static long serial = 0;
  Issued made{Certificate(check(X509_new())), make_key(profile.key)};
  X509* const x509 = made.certificate.get();
  check(X509_set_version(x509, X509_VERSION_3));
  check(ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial));
  using Clock = std::chrono::system_clock;
  ASN1_TIME_set(X509_getm_notBefore(x509), Clock::to_time_t(profile.from));
  ASN1_TIME_set(X509_getm_notAfter(x509), Clock::to_time_t(profile.until));
  check(X509_set_pubkey(x509, made.key.get()));
  X509_NAME* const subject = X509_get_subject_name(x509);
  for (const std::string& name : profile.organizations) add_name(subject, "O", name);
  if (!profile.common_name.empty()) add_name(subject, "CN", profile.common_name);
  X509* const issuer = by == nullptr ? x509 : by->certificate.get();
  check(X509_set_issuer_name(x509, X509_get_subject_name(issuer)));
  switch (profile.role) {
    case Profile::Role::authority:
      add(x509, issuer, NID_basic_constraints, "critical,CA:TRUE");
      break;
    case Profile::Role::server:
      add(x509, issuer, NID_ext_key_usage, "serverAuth");
      break;
    case Profile::Role::client:
      add(x509, issuer, NID_ext_key_usage, "clientAuth");
      break;
  }
  if (!profile.alternative_names.empty())
    add(x509, issuer, NID_subject_alt_name, profile.alternative_names);
  EVP_PKEY* const signer = by == nullptr ? made.key.get() : by->key.get();
  if (X509_sign(x509, signer, digest(profile, signer)) == 0) check(0);
  return made;
}

std::string text_of(BIO* memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  return {text, static_cast<std::size_t>(size)};
}

using Memory = Owned<BIO, &BIO_free>;
Memory memory() {
  return Memory(check(BIO_new(BIO_s_mem())));
}

}  // namespace

PrivateKey make_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::p256:
      return PrivateKey(check(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")));
    case KeyKind::p384:
      return PrivateKey(check(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384")));
    case KeyKind::secp256k1:
      return PrivateKey(check(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "secp256k1")));
    case KeyKind::ed25519:
      return PrivateKey(check(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")));
    case KeyKind::rsa2048: {
      static const PrivateKey key(check(EVP_RSA_gen(2048)));
      return share(key.get());
    }
    case KeyKind::rsa1024: {
      static const PrivateKey key(check(EVP_RSA_gen(1024)));
      return share(key.get());
    }
    case KeyKind::dsa: {
      static const PrivateKey key = make_dsa();
      return share(key.get());
    }
  }
  throw std::runtime_error("no such kind of key");
}

Issued self_signed(const Profile& profile) {
  return make(profile, nullptr);
}
Issued issue(const Profile& profile, const Issued& by) {
  return make(profile, &by);
}

Profile authority(std::string common_name) {
  Profile profile;
  profile.common_name = std::move(common_name);
  profile.alternative_names.clear();
  profile.role = Profile::Role::authority;
  return profile;
}

std::string pem(const Certificate& certificate) {
  const Memory out = memory();
  check(PEM_write_bio_X509(out.get(), certificate.get()));
  return text_of(out.get());
}

std::string pem(const PrivateKey& key) {
  const Memory out = memory();
  check(PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  return text_of(out.get());
}

std::string encrypted_pem(const PrivateKey& key) {
  const Memory out = memory();
  unsigned char passphrase[] = "secret";
  check(PEM_write_bio_PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), passphrase, 6, nullptr,
                                 nullptr));
  return text_of(out.get());
}

std::string der(const Certificate& certificate) {
  const Memory out = memory();
  check(i2d_X509_bio(out.get(), certificate.get()));
  return text_of(out.get());
}

std::string pkcs12(const Issued& issued) {
  const Owned<PKCS12, &PKCS12_free> archive(check(PKCS12_create(
      "secret", "server", issued.key.get(), issued.certificate.get(), nullptr, 0, 0, 1, 1, 0)));
  const Memory out = memory();
  check(i2d_PKCS12_bio(out.get(), archive.get()));
  return text_of(out.get());
}

ScratchDirectory::ScratchDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "crolang-tls-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory " + name);
  directory_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::filesystem::remove_all(directory_);
}

std::string ScratchDirectory::path(std::string_view name) const {
  return (directory_ / name).string();
}

std::string ScratchDirectory::write(std::string_view name, std::string_view content) const {
  const std::string file = path(name);
  std::ofstream(file, std::ios::trunc | std::ios::binary) << content;
  std::filesystem::permissions(
      file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return file;
}

}  // namespace crolang::tls::testing
