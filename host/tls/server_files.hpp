#pragma once
/// All files that the TLS_ variables name, loaded together into one ServerContext: at the start, by
/// --check-config, and for each renewal.
///
/// Threads: any; plain values, but loading blocks. Errors: sentences, see certificate_files.hpp.
/// Throws std::bad_alloc.

#include <memory>
#include <string>
#include <vector>

#include "tls/certificate_files.hpp"
#include "tls/server_context.hpp"
#include "tls/ticket_keys.hpp"

namespace crolang::tls {

/// Values of the variables.
struct ServerFiles {
  std::string certificate_files;        ///< TLS_CERT_FILE
  std::string key_files;                ///< TLS_KEY_FILE
  std::string client_authority_file{};  ///< TLS_CLIENT_CA_FILE; empty: clients need no certificate
  ServerOptions options{};

  /// The names of all files, some perhaps twice.
  std::vector<std::string> names() const;
};

struct LoadedFiles {
  std::shared_ptr<const ServerContext> context;  ///< nullptr if there are faults
  std::vector<CertificatePair> pairs;            ///< empty if there are faults
  std::vector<std::string> faults;
  std::vector<std::string> warnings;  ///< without those about the end of validity
};

LoadedFiles load_files(const ServerFiles& files, std::shared_ptr<const TicketKeys> tickets,
                       WallTime now);

}  // namespace crolang::tls
