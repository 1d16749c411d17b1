#include "turn-credentials/credentials.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <crolang/base64.hpp>
#include <new>

namespace crolang::turn_credentials {
namespace {

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Sha1 hmac_sha1(std::string_view key, std::string_view text) {
  Sha1 hash{};
  // It can fail only for lack of memory.
  if (HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), bytes(text), text.size(),
           hash.data(), nullptr) == nullptr) {
    throw std::bad_alloc();
  }
  return hash;
}

Credentials make_credentials(std::string_view secret, std::string_view node,
                             std::chrono::sys_seconds expiry, Username username) {
  std::string name = std::to_string(expiry.time_since_epoch().count());
  if (username == Username::expiry_and_node) name.append(":").append(node);
  const Sha1 hash = hmac_sha1(secret, name);
  std::string password = base64::encode({reinterpret_cast<const char*>(hash.data()), hash.size()});
  return {std::move(name), std::move(password)};
}

}  // namespace crolang::turn_credentials
