#pragma once
/// Certificate files that tests of renewals replace. Threads: one.

#include <filesystem>
#include <string>

#include "reload/certificates.hpp"
#include "unit/tls/certificates.hpp"

namespace crolang::test {

class CertificateFiles {
 public:
  CertificateFiles() { renew("old"); }

  tls::ServerFiles names() const {
    return {.certificate_files = directory_.path("chain.pem"),
            .key_files = directory_.path("key.pem")};
  }
  std::string chain() const { return directory_.path("chain.pem"); }

  /// Both files with a new certificate.
  void renew(const std::string& common_name,
             tls::WallTime until = std::chrono::system_clock::now() +
                                   std::chrono::hours(90 * 24)) const {
    const auto issued = tls::testing::self_signed({.common_name = common_name, .until = until});
    replace("chain.pem", tls::testing::pem(issued.certificate));
    replace("key.pem", tls::testing::pem(issued.key));
  }
  /// Both files with a certificate that is valid from then on.
  void renew_from(const std::string& common_name, tls::WallTime from) const {
    const auto issued = tls::testing::self_signed({.common_name = common_name, .from = from});
    replace("chain.pem", tls::testing::pem(issued.certificate));
    replace("key.pem", tls::testing::pem(issued.key));
  }
  /// A key of another certificate.
  void mismatch() const {
    const auto key = tls::testing::make_key(tls::testing::KeyKind::p256);
    replace("key.pem", tls::testing::pem(key));
  }

 private:
  /// By another file, so that the change can be seen however soon it comes.
  void replace(const std::string& name, const std::string& content) const {
    std::filesystem::rename(directory_.write("new", content), directory_.path(name));
  }

  tls::testing::ScratchDirectory directory_;
};

}  // namespace crolang::test
