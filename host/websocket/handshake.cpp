#include "websocket/handshake.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <new>
#include <string>

namespace crolang::websocket {
namespace {

constexpr std::string_view kKeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Fetched once: OpenSSL takes longer to look a digest up than to compute this one.
const EVP_MD* sha1() {
  // Should there be no memory now, the next call tries again.
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
         key.substr(0, 22).find_first_not_of(kBase64) == std::string_view::npos;
}

std::array<char, 28> accept_key(std::string_view key) {
  const std::string text = std::string(key).append(kKeySuffix);
  std::array<unsigned char, 20> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, sha1(), nullptr) != 1) {
    throw std::bad_alloc();  // nothing else can go wrong
  }
  std::array<unsigned char, 29> encoded;  // with the terminator that OpenSSL adds
  EVP_EncodeBlock(encoded.data(), digest.data(), digest.size());
  std::array<char, 28> accept;
  std::copy_n(encoded.begin(), accept.size(), accept.begin());
  return accept;
}

}  // namespace crolang::websocket
