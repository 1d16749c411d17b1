#pragma once
/// What a certificate says, as text and times. Threads: any. Errors: what cannot be decoded is left
/// out. Throws std::bad_alloc.

#include <chrono>
#include <string>
#include <vector>

#include "tls/openssl.hpp"

namespace crolang::tls {

using WallTime = std::chrono::system_clock::time_point;

/// RFC 4514: "CN=node 7,O=Example". Characters beyond ASCII are UTF-8, control characters escaped.
std::string subject_of(const X509* certificate);
std::string issuer_of(const X509* certificate);

/// subjectAltName: DNS names in lower case, and addresses as text; others are left out.
std::vector<std::string> alternative_names(const X509* certificate);
/// The last common name of the subject, in lower case; empty: none.
std::string common_name(const X509* certificate);

WallTime valid_from(const X509* certificate);
WallTime valid_until(const X509* certificate);

/// "2026-11-30 07:28 UTC"
std::string text_of(WallTime time);

/// Whether `issuer` has signed `certificate`, with a name and key usage that allow it to.
bool has_issued(X509* issuer, X509* certificate);
bool is_self_signed(X509* certificate);

/// "RSA, 2048 bits", "EC, prime256v1", "ED25519"
std::string describe_key(const EVP_PKEY* key);

}  // namespace crolang::tls
