#pragma once
/// Judges certificates and keys before OpenSSL gets them, since its own errors name neither the
/// file nor a remedy. Threads: any. Errors: sentences. Throws std::bad_alloc.

#include <string>
#include <vector>

#include "tls/openssl.hpp"
#include "tls/x509_facts.hpp"

namespace crolang::tls {

struct Findings {
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

/// A server's certificate: its time, its purpose, its names, the strength of its key and of its
/// signature. `where` is the variable and the file, and begins each sentence.
void check_server_certificate(const std::string& where, X509* certificate, WallTime now,
                              Findings& findings);

/// The authorities' certificates of a file that begins with the server's: in the order in which
/// they were issued, from the server's upwards. Those that do not belong to it are left out.
std::vector<Certificate> take_chain(const std::string& where,
                                    const std::vector<Certificate>& certificates, WallTime now,
                                    Findings& findings);

/// The certificate of an authority for clients.
void check_authority(const std::string& where, X509* certificate, WallTime now, Findings& findings);

/// Another owner of the same certificate.
Certificate share(X509* certificate);

}  // namespace crolang::tls
