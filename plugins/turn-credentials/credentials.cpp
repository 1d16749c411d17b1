#include "turn-credentials/credentials.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <new>

namespace crolang::turn_credentials {
namespace {

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string base64(const Sha1& hash) {
  // Four characters for every three bytes begun, and the NUL that OpenSSL adds.
  std::array<unsigned char, (std::tuple_size_v<Sha1> + 2) / 3 * 4 + 1> text{};
  const int length = EVP_EncodeBlock(text.data(), hash.data(), static_cast<int>(hash.size()));
  return {text.begin(), text.begin() + length};
}

}  // namespace

Sha1 hmac_sha1(std::string_view key, std::string_view text) {
  Sha1 hash{};
  // It can only run out of memory.
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
  std::string password = base64(hmac_sha1(secret, name));
  return {std::move(name), std::move(password)};
}

}  // namespace crolang::turn_credentials
