#include "websocket/handshake.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <crolang/base64.hpp>
#include <new>
#include <string>

namespace crolang::websocket {
namespace {

constexpr std::string_view kKeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Fetched once: OpenSSL takes longer to look up a digest than to compute this one.
const EVP_MD* sha1() {
  // If there is no memory now, the next call tries again.
  static const EVP_MD* const digest = [] {
    const EVP_MD* found = EVP_MD_fetch(nullptr, "SHA1", nullptr);
    if (found == nullptr) throw std::bad_alloc();
    return found;
  }();
  return digest;
}

}  // namespace

bool is_valid_key(std::string_view key) noexcept {
  return key.size() == 24 && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, 22), [](char c) {
           return base64::is_digit(c, base64::Alphabet::standard);
         });
}

std::array<char, 28> accept_key(std::string_view key) {
  const std::string text = std::string(key).append(kKeySuffix);
  std::array<unsigned char, 20> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, sha1(), nullptr) != 1) {
    throw std::bad_alloc();  // no other error is possible
  }
  std::array<char, 28> accept;
  static_assert(accept.size() == base64::encoded_size(digest.size()));
  base64::encode({reinterpret_cast<const char*>(digest.data()), digest.size()}, accept.data());
  return accept;
}

}  // namespace crolang::websocket
