#pragma once
/// Reads TLS_CLIENT_CA_FILE: the authorities, in PEM, whose certificates clients must have. An
/// intermediate authority may stand there without its root; then only what it issued is accepted.
///
/// Threads: any; plain values, but reading blocks. Errors: sentences as in certificate_files.hpp.
/// Throws std::bad_alloc.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tls/certificate_files.hpp"
#include "tls/openssl.hpp"

namespace crolang::tls {

struct ClientAuthority {
  std::vector<Certificate> certificates;
  /// SHA-256 of all of them. Tickets are bound to it: a ticket issued under other authorities does
  /// not resume.
  std::array<std::uint8_t, 32> fingerprint{};
};

struct ClientAuthorityFile {
  ClientAuthority authority;  ///< without certificates if there are faults
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

ClientAuthorityFile load_client_authority(std::string_view file, WallTime now);

}  // namespace crolang::tls
