#pragma once
/// Signs requests according to the Standard Webhooks specification, version 1 (HMAC-SHA256):
/// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
/// Threads: one at a time. Errors: the constructor throws, naming the variable, never the secret.

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::webhook_common {

class Signer {
 public:
  /// Secrets are `whsec_<base64>` or `<base64>` of 24 to 64 bytes, separated by blanks or commas.
  /// Requests carry one signature for each, so that a server can be migrated from one to the next.
  explicit Signer(std::string_view secrets);

  /// No secret was given: requests are not signed.
  bool empty() const noexcept { return keys_.empty(); }

  /// The value of `webhook-signature`. Neither id nor timestamp may contain a full stop.
  std::string signature(std::string_view id, std::string_view timestamp, std::string_view body);

 private:
  struct Free {
    void operator()(EVP_MAC_CTX* key) const { EVP_MAC_CTX_free(key); }
  };
  using Key = std::unique_ptr<EVP_MAC_CTX, Free>;

  std::vector<Key> keys_;
};

/// Generates ids of requests, unique across processes and calls. Threads: one at a time.
class RequestIds {
 public:
  RequestIds();
  std::string next();

 private:
  std::string prefix_;
  std::uint64_t count_ = 0;
};

}  // namespace crolang::webhook_common
