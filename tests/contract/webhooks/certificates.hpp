#pragma once
/// A certificate authority of a test's own. Threads: one. Errors: std::runtime_error.

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace crolang::webhooks {

struct FreeOpenSsl {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeOpenSsl>;
using Certificate = std::unique_ptr<X509, FreeOpenSsl>;
using ServerContext = std::unique_ptr<SSL_CTX, FreeOpenSsl>;

class Authority {
 public:
  Authority();
  /// One that issues in the name of another.
  explicit Authority(const Authority& parent, const char* name);
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  ~Authority();

  enum class Validity { now, long_ago };
  /// What a server for these names needs: `DNS:localhost,IP:127.0.0.1`; empty: it has no
  /// alternative names.
  ServerContext issue(const std::string& names, Validity validity = Validity::now,
                      const char* common_name = "server") const;

  /// Its own certificate in a file, for WEBHOOK_CA_FILE.
  const std::string& file() const noexcept { return file_; }

 private:
  void sign(EVP_PKEY& key, X509& issuer);

  Key key_;
  Certificate certificate_;
  std::string file_;
};

}  // namespace crolang::webhooks
