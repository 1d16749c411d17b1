#include "tls/client_authority.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "tls/certificate_checks.hpp"
#include "tls/pem_file.hpp"

namespace crolang::tls {
namespace {

constexpr std::string_view kVariable = "TLS_CLIENT_CA_FILE";

std::array<std::uint8_t, 32> fingerprint(const std::vector<Certificate>& certificates) {
  const Owned<EVP_MD_CTX, &EVP_MD_CTX_free> digest(or_bad_alloc(EVP_MD_CTX_new()));
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  for (const Certificate& certificate : certificates) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> one{};
    unsigned int size = 0;
    X509_digest(certificate.get(), EVP_sha256(), one.data(), &size);
    EVP_DigestUpdate(digest.get(), one.data(), size);
  }
  std::array<std::uint8_t, 32> all{};
  EVP_DigestFinal_ex(digest.get(), all.data(), nullptr);
  return all;
}

}  // namespace

ClientAuthorityFile load_client_authority(std::string_view file, WallTime now) {
  ClientAuthorityFile result;
  if (const auto why = why_no_file_name(file); !why.empty()) {
    result.faults.push_back(std::string(kVariable).append(" ").append(why));
    return result;
  }
  const std::string where = std::string(kVariable).append(" '").append(file).append("' ");
  auto content = read_pem_file(std::string(file));
  if (const auto* fault = std::get_if<Fault>(&content)) {
    result.faults.push_back(where + fault->text);
    return result;
  }
  auto& certificates = std::get<PemFile>(content).certificates;
  Findings findings;
  if (certificates.empty()) {
    findings.faults.push_back(where +
                              "has no certificate in it: name the file of the authority that "
                              "issues the clients' certificates");
  }
  for (const Certificate& certificate : certificates) {
    check_authority(where, certificate.get(), now, findings);
  }
  result.faults = std::move(findings.faults);
  result.warnings = std::move(findings.warnings);
  if (result.faults.empty()) {
    result.authority.fingerprint = fingerprint(certificates);
    result.authority.certificates = std::move(certificates);
  }
  return result;
}

}  // namespace crolang::tls
