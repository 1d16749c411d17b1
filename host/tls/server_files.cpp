#include "tls/server_files.hpp"

#include <iterator>
#include <utility>
#include <variant>

#include "tls/client_authority.hpp"

namespace crolang::tls {
namespace {

void append(std::vector<std::string>& to, std::vector<std::string> from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

}  // namespace

std::vector<std::string> ServerFiles::names() const {
  std::vector<std::string> names = file_names(certificate_files);
  append(names, file_names(key_files));
  if (!client_authority_file.empty()) names.push_back(client_authority_file);
  return names;
}

LoadedFiles load_files(const ServerFiles& files, std::shared_ptr<const TicketKeys> tickets,
                       WallTime now) {
  CertificateSet certificates = load_certificates(files.certificate_files, files.key_files, now);
  LoadedFiles loaded{nullptr, {}, std::move(certificates.faults), std::move(certificates.warnings)};
  ClientAuthority authority;
  if (!files.client_authority_file.empty()) {
    ClientAuthorityFile read = load_client_authority(files.client_authority_file, now);
    append(loaded.faults, std::move(read.faults));
    append(loaded.warnings, std::move(read.warnings));
    authority = std::move(read.authority);
  }
  if (!loaded.faults.empty()) return loaded;
  auto built =
      ServerContext::build(certificates.pairs, authority, std::move(tickets), files.options);
  if (auto* const fault = std::get_if<std::string>(&built)) {
    loaded.faults.push_back(std::move(*fault));
    return loaded;
  }
  loaded.context = std::get<std::shared_ptr<const ServerContext>>(std::move(built));
  loaded.pairs = std::move(certificates.pairs);
  return loaded;
}

}  // namespace crolang::tls
