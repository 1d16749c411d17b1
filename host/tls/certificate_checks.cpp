#include "tls/certificate_checks.hpp"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace crolang::tls {
namespace {

// What OpenSSL's security level 2 asks for, see SSL_CTX_set_security_level(3).
constexpr int kSecurityBits = 112;

bool is_usable_curve(const EVP_PKEY* key) {
  constexpr std::array<std::string_view, 3> kUsable = {"prime256v1", "secp384r1", "secp521r1"};
  std::array<char, 80> group{};
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1) return false;
  return std::find(kUsable.begin(), kUsable.end(), std::string_view(group.data())) != kUsable.end();
}

/// The end of a sentence; empty: the key may be used.
std::string why_no_key(const EVP_PKEY* key) {
  if (key == nullptr) return "has a key of an unknown kind";
  const bool is_rsa = EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
  const bool is_ec = EVP_PKEY_is_a(key, "EC");
  const bool is_edwards = EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");
  if (!is_rsa && !is_ec && !is_edwards) return "has a key that TLS cannot use";
  if (EVP_PKEY_get_security_bits(key) < kSecurityBits) return "has a key that is too weak";
  if (is_ec && !is_usable_curve(key)) return "has a key of a curve that clients do not know";
  return {};
}

void check_key(const std::string& where, X509* certificate, Findings& findings) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  const std::string why = why_no_key(key);
  if (!why.empty()) {
    findings.faults.push_back(where + why + (key != nullptr ? " (" + describe_key(key) + ")" : "") +
                              ": take EC P-256, or RSA of 2048 bits or more");
  } else if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448")) {
    findings.warnings.push_back(where + "has a key that browsers do not accept (" +
                                describe_key(key) + "): take EC P-256, or RSA of 2048 bits");
  }
}

void check_signature(const std::string& where, X509* certificate, Findings& findings) {
  // Nobody looks at the signature of a root.
  if (is_self_signed(certificate)) return;
  int digest = NID_undef;
  int bits = 0;
  const bool known = X509_get_signature_info(certificate, &digest, nullptr, &bits, nullptr) == 1;
  ERR_clear_error();
  if (known && bits < kSecurityBits) {
    const char* name = OBJ_nid2sn(digest);
    findings.faults.push_back(where + "is signed with a digest that is too weak (" +
                              (name != nullptr ? name : "unknown") +
                              "): have it issued again with SHA-256");
  }
}

/// The end of a sentence; empty: it is valid now.
std::string why_not_now(const X509* certificate, WallTime now) {
  if (now < valid_from(certificate)) {
    return "is not valid before " + text_of(valid_from(certificate)) +
           ": check the clock of this machine, or wait";
  }
  if (now > valid_until(certificate))
    return "has expired on " + text_of(valid_until(certificate)) + ": renew it";
  return {};
}

bool is_authority(X509* certificate) {
  return X509_check_ca(certificate) != 0;
}

/// "certificate 2 (CN=Issuing CA) "
std::string name_in_file(std::size_t index, const X509* certificate) {
  return "certificate " + std::to_string(index + 1) + " (" + subject_of(certificate) + ") ";
}

/// Whether the system trusts an authority that has issued this certificate.
bool is_issued_by_system_authority(X509* certificate) {
  const Owned<X509_STORE, &X509_STORE_free> store(or_bad_alloc(X509_STORE_new()));
  const Owned<X509_STORE_CTX, &X509_STORE_CTX_free> context(or_bad_alloc(X509_STORE_CTX_new()));
  X509_STORE_set_default_paths(store.get());
  X509* issuer = nullptr;
  const bool found = X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr) == 1 &&
                     X509_STORE_CTX_get1_issuer(&issuer, context.get(), certificate) == 1;
  const Certificate owned(issuer);
  ERR_clear_error();
  return found;
}

/// The index of what has issued `certificates[subject]`; the number of them: it is not there.
std::size_t find_issuer(const std::vector<Certificate>& certificates, std::size_t subject) {
  // As a rule it is the next.
  for (std::size_t step = 1; step < certificates.size(); ++step) {
    const std::size_t index = (subject + step) % certificates.size();
    if (has_issued(certificates[index].get(), certificates[subject].get())) return index;
  }
  return certificates.size();
}

}  // namespace

Certificate share(X509* certificate) {
  X509_up_ref(certificate);
  return Certificate(certificate);
}

void check_server_certificate(const std::string& where, X509* certificate, WallTime now,
                              Findings& findings) {
  if (auto why = why_not_now(certificate, now); !why.empty())
    findings.faults.push_back(where + why);
  check_key(where, certificate, findings);
  check_signature(where, certificate, findings);
  if (X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0) != 1) {
    findings.faults.push_back(where +
                              "is not for TLS servers, by its key usage or extended key usage: "
                              "have one issued for server authentication (serverAuth)");
  } else if (is_authority(certificate)) {
    findings.warnings.push_back(where +
                                "is the certificate of an authority (CA:TRUE), which some clients "
                                "do not accept from a server: have one issued without");
  }
  if (alternative_names(certificate).empty()) {
    findings.warnings.push_back(
        where +
        "has no subjectAltName, so most clients accept it for no host name: "
        "have one issued with the names of this server");
  }
}

std::vector<Certificate> take_chain(const std::string& where,
                                    const std::vector<Certificate>& certificates, WallTime now,
                                    Findings& findings) {
  std::vector<Certificate> chain;
  std::vector<bool> linked(certificates.size(), false);
  std::size_t top = 0;
  linked[0] = true;
  while (!is_self_signed(certificates[top].get())) {
    const std::size_t issuer = find_issuer(certificates, top);
    if (issuer == certificates.size() || linked[issuer]) break;
    if (issuer != top + 1) {
      findings.faults.push_back(
          where + "is in the wrong order: " + name_in_file(issuer, certificates[issuer].get()) +
          "must follow " + name_in_file(top, certificates[top].get()) +
          "at once, since it has issued that");
      return {};
    }
    X509* found = certificates[issuer].get();
    const std::string name = name_in_file(issuer, found);
    if (auto why = why_not_now(found, now); !why.empty())
      findings.warnings.push_back(where + "may be refused by clients: " + name + why);
    check_signature(where + "cannot be used: " + name, found, findings);
    if (const auto why = why_no_key(X509_get0_pubkey(found)); !why.empty())
      findings.faults.push_back(where + "cannot be used: " + name + why + ": have it issued again");
    chain.push_back(share(found));
    linked[issuer] = true;
    top = issuer;
  }
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    if (linked[i]) continue;
    findings.warnings.push_back(where + "has a certificate that is not sent to clients: " +
                                name_in_file(i, certificates[i].get()) +
                                "does not belong to the chain of the first; remove it");
  }
  X509* first = certificates[0].get();
  if (chain.empty() && !is_self_signed(first) && !is_issued_by_system_authority(first)) {
    findings.warnings.push_back(
        where + "lacks the certificate of its issuer (" + issuer_of(first) +
        "): unless that is a root which all clients have, append the intermediate certificate");
  }
  return chain;
}

void check_authority(const std::string& where, X509* certificate, WallTime now,
                     Findings& findings) {
  const std::string subject = "(" + subject_of(certificate) + ") ";
  if (!is_authority(certificate)) {
    findings.faults.push_back(where + "has a certificate that is not an authority's " + subject +
                              "and so cannot have issued any: name the issuer's certificate");
  }
  if (auto why = why_not_now(certificate, now); !why.empty())
    findings.warnings.push_back(where + "has an authority " + subject + "that " + why);
}

}  // namespace crolang::tls
