#pragma once
/// Reads TLS_CERT_FILE and TLS_KEY_FILE: one or several pairs of a certificate chain and its
/// private key, all in PEM, separated by commas and in the same order.
///
/// A pair with a fault cannot be served, and none of the set is used then. A warning describes what
/// many clients will not accept, or what is dangerous, but what may be meant. A certificate without
/// the intermediate one that issued it is a warning, since it may have been issued by a private
/// root.
///
/// Threads: any; plain values, but reading blocks. Errors: sentences for the operator, each with
/// the variable, the file and what to do; never with a key's content. Throws std::bad_alloc.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tls/openssl.hpp"
#include "tls/x509_facts.hpp"

namespace crolang::tls {

/// From when on expiry_warning warns.
inline constexpr std::chrono::days kExpiryWarning{14};

struct CertificatePair {
  std::string certificate_file;
  std::string key_file;
  Certificate certificate;
  /// Of the authorities, in the order in which they are sent: each has issued the one before.
  std::vector<Certificate> chain;
  PrivateKey key;

  /// subjectAltName: DNS names in lower case ("*.example.org" too), and addresses as text. If it
  /// has none, the common name of the subject.
  std::vector<std::string> names;
  std::string subject;  ///< RFC 4514
  /// The end of validity of the certificate or of the member of its chain that expires first.
  WallTime end_of_validity;
};

struct CertificateSet {
  std::vector<CertificatePair> pairs;  ///< empty if there are faults
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

/// The file names in the value of one of the two variables: separated by commas, blanks around them
/// ignored. An empty name is kept, and is a fault of load_certificates.
std::vector<std::string> file_names(std::string_view value);

CertificateSet load_certificates(std::string_view certificate_files, std::string_view key_files,
                                 WallTime now);

/// A sentence from 14 days before the end of the pair's validity; nullopt before.
std::optional<std::string> expiry_warning(const CertificatePair& pair, WallTime now);

}  // namespace crolang::tls
