#include "admin/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/random.h>

namespace crolang::admin {

SecretDigest::SecretDigest(std::string_view secret) {
  ::SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), bytes_.data());
}

bool SecretDigest::operator==(const SecretDigest& other) const noexcept {
  return ::CRYPTO_memcmp(bytes_.data(), other.bytes_.data(), bytes_.size()) == 0;
}

std::string random_session_id() {
  std::array<unsigned char, 32> bytes{};
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : bytes) {
    id += kHex[byte >> 4];
    id += kHex[byte & 15];
  }
  return id;
}

}  // namespace crolang::admin
