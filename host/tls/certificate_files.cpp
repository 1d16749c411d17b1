#include "tls/certificate_files.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "tls/certificate_checks.hpp"
#include "tls/pem_file.hpp"

namespace crolang::tls {
namespace {

constexpr std::string_view kCertificates = "TLS_CERT_FILE";
constexpr std::string_view kKeys = "TLS_KEY_FILE";

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// "TLS_CERT_FILE '/etc/ssl/a.pem' "
std::string where(std::string_view variable, const std::string& file) {
  return std::string(variable).append(" '").append(file).append("' ");
}

std::string files(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " file" : " files");
}

void check_lists(std::string_view certificates, std::string_view keys, Findings& findings) {
  for (const auto& [variable, value] : {std::pair{kCertificates, certificates}, {kKeys, keys}}) {
    if (const auto why = why_no_file_name(value); !why.empty()) {
      findings.faults.push_back(std::string(variable).append(" ").append(why));
      return;
    }
    const auto names = file_names(value);
    if (!value.empty() && std::find(names.begin(), names.end(), "") != names.end())
      findings.faults.push_back(std::string(variable) + " has a comma without a file name");
  }
  if (certificates.empty() != keys.empty()) {
    findings.faults.push_back(certificates.empty()
                                  ? "TLS_KEY_FILE is set without TLS_CERT_FILE: TLS needs both"
                                  : "TLS_CERT_FILE is set without TLS_KEY_FILE: TLS needs both");
    return;
  }
  // A comma too many makes one name too many.
  if (!findings.faults.empty()) return;
  const std::size_t left = file_names(certificates).size();
  const std::size_t right = file_names(keys).size();
  if (left != right) {
    findings.faults.push_back("TLS_CERT_FILE names " + files(left) + " and TLS_KEY_FILE " +
                              files(right) + ": each certificate needs its key, in the same order");
  }
}

/// nullopt: a fault was found.
std::optional<PemFile> read(std::string_view variable, const std::string& file,
                            Findings& findings) {
  auto content = read_pem_file(file);
  if (const auto* fault = std::get_if<Fault>(&content)) {
    findings.faults.push_back(where(variable, file) + fault->text);
    return std::nullopt;
  }
  return std::get<PemFile>(std::move(content));
}

std::vector<Certificate> read_certificates(const std::string& file, Findings& findings) {
  auto content = read(kCertificates, file, findings);
  if (!content) return {};
  if (content->certificates.empty()) {
    findings.faults.push_back(where(kCertificates, file) +
                              (content->keys.empty()
                                   ? "has no certificate in it: name the file with the chain"
                                   : "has a private key and no certificate: are the files of "
                                     "TLS_CERT_FILE and TLS_KEY_FILE exchanged?"));
  }
  return std::move(content->certificates);
}

PrivateKey read_key(const std::string& file, Findings& findings) {
  auto content = read(kKeys, file, findings);
  if (!content) return nullptr;
  if (content->keys.empty()) {
    findings.faults.push_back(where(kKeys, file) +
                              (content->certificates.empty()
                                   ? "has no private key in it: name the file with the key"
                                   : "has a certificate and no private key: are the files of "
                                     "TLS_CERT_FILE and TLS_KEY_FILE exchanged?"));
    return nullptr;
  }
  if (content->keys.size() > 1) {
    findings.faults.push_back(where(kKeys, file) +
                              "has several private keys: leave the one of the certificate");
    return nullptr;
  }
  if (content->access == PemFile::Access::everybody) {
    findings.warnings.push_back(where(kKeys, file) +
                                "can be read by every user of this machine: chmod o-r");
  }
  return std::move(content->keys.front());
}

bool fits(X509* certificate, EVP_PKEY* key) {
  const bool fits = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  return fits;
}

struct Files {
  std::string certificate_file;
  std::string key_file;
  std::vector<Certificate> certificates;
  PrivateKey key;
};

/// The sentence about a key that does not fit the first certificate of its file.
std::string mismatch(const Files& pair, const std::vector<Files>& all) {
  const auto belongs = [&pair](const Certificate& certificate) {
    return fits(certificate.get(), pair.key.get());
  };
  const std::vector<Certificate>& own = pair.certificates;
  if (const auto found = std::find_if(own.begin(), own.end(), belongs); found != own.end()) {
    return where(kCertificates, pair.certificate_file) +
           "is in the wrong order: the server's certificate, to which TLS_KEY_FILE '" +
           pair.key_file + "' belongs, must come first, and is number " +
           std::to_string(found - own.begin() + 1);
  }
  const auto other = std::find_if(all.begin(), all.end(), [&belongs](const Files& files) {
    return !files.certificates.empty() && belongs(files.certificates.front());
  });
  const std::string what = where(kKeys, pair.key_file) + "is not the key of TLS_CERT_FILE '" +
                           pair.certificate_file + "'";
  if (other != all.end()) {
    return what + " but of '" + other->certificate_file +
           "': name certificates and keys in the same order";
  }
  return what + ": name the key with which that certificate was requested";
}

CertificatePair check_pair(Files& pair, WallTime now, Findings& findings) {
  const std::string file = where(kCertificates, pair.certificate_file);
  X509* certificate = pair.certificates.front().get();
  check_server_certificate(file, certificate, now, findings);
  CertificatePair result;
  result.chain = take_chain(file, pair.certificates, now, findings);
  result.names = alternative_names(certificate);
  if (auto name = common_name(certificate); result.names.empty() && !name.empty())
    result.names.push_back(std::move(name));
  result.subject = subject_of(certificate);
  result.end_of_validity = valid_until(certificate);
  for (const Certificate& authority : result.chain) {
    // Clients use their own copy of a root.
    if (is_self_signed(authority.get())) continue;
    result.end_of_validity = std::min(result.end_of_validity, valid_until(authority.get()));
  }
  result.certificate = std::move(pair.certificates.front());
  result.key = std::move(pair.key);
  result.certificate_file = std::move(pair.certificate_file);
  result.key_file = std::move(pair.key_file);
  return result;
}

/// A name is served by the first pair that has it.
void check_names(const std::vector<CertificatePair>& pairs, Findings& findings) {
  std::set<std::string> served;
  for (const CertificatePair& pair : pairs) {
    std::string repeated;
    std::size_t count = 0;
    for (const std::string& name : std::set(pair.names.begin(), pair.names.end())) {
      if (served.insert(name).second) continue;
      repeated += (repeated.empty() ? "" : ", ") + name;
      ++count;
    }
    if (count == 0) continue;
    const std::string file = where(kCertificates, pair.certificate_file);
    if (count == std::set(pair.names.begin(), pair.names.end()).size()) {
      findings.faults.push_back(file +
                                "would never be used, since files before it have all its "
                                "names (" +
                                repeated + "): remove it or them");
    } else {
      findings.warnings.push_back(file + "is not used for " + repeated +
                                  ", since a file before it has that name too");
    }
  }
}

}  // namespace

std::vector<std::string> file_names(std::string_view value) {
  std::vector<std::string> names;
  if (trim(value).empty()) return names;
  for (;;) {
    const std::size_t comma = value.find(',');
    names.emplace_back(trim(value.substr(0, comma)));
    if (comma == std::string_view::npos) return names;
    value.remove_prefix(comma + 1);
  }
}

CertificateSet load_certificates(std::string_view certificate_files, std::string_view key_files,
                                 WallTime now) {
  Findings findings;
  CertificateSet set;
  check_lists(trim(certificate_files), trim(key_files), findings);
  if (findings.faults.empty()) {
    const auto certificate_names = file_names(certificate_files);
    const auto key_names = file_names(key_files);
    std::vector<Files> all;
    for (std::size_t i = 0; i < certificate_names.size(); ++i) {
      all.push_back({certificate_names[i], key_names[i],
                     read_certificates(certificate_names[i], findings),
                     read_key(key_names[i], findings)});
    }
    std::vector<bool> readable;
    for (const Files& pair : all) {
      readable.push_back(!pair.certificates.empty() && pair.key != nullptr);
      if (!readable.back() || fits(pair.certificates.front().get(), pair.key.get())) continue;
      findings.faults.push_back(mismatch(pair, all));
      readable.back() = false;
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (readable[i]) set.pairs.push_back(check_pair(all[i], now, findings));
    }
    check_names(set.pairs, findings);
  }
  set.faults = std::move(findings.faults);
  set.warnings = std::move(findings.warnings);
  if (!set.faults.empty()) set.pairs.clear();
  return set;
}

std::optional<std::string> expiry_warning(const CertificatePair& pair, WallTime now) {
  if (now < pair.end_of_validity - kExpiryWarning) return std::nullopt;
  const auto left = std::chrono::floor<std::chrono::days>(pair.end_of_validity - now);
  std::string sentence = where(kCertificates, pair.certificate_file);
  if (now >= pair.end_of_validity)
    return sentence + "has expired on " + text_of(pair.end_of_validity) + ": renew it";
  return sentence + "expires on " + text_of(pair.end_of_validity) + ", in " +
         std::to_string(left.count()) + (left.count() == 1 ? " day" : " days") + ": renew it";
}

}  // namespace crolang::tls
