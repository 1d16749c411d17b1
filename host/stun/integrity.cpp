#include "stun/integrity.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <new>
#include <string>

namespace crolang::stun {
namespace {

constexpr std::size_t kAttributeHeader = 4;
constexpr std::uint32_t kFingerprintXor = 0x5354554E;

/// CRC-32 of ITU V.42, bit by bit: a check sends a handful of messages.
std::uint32_t crc32(ByteView bytes) noexcept {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

/// What precedes the attribute, as if the message ended with it (14.5, 14.7).
Bytes before(const Message& message, const Attribute& attribute) {
  Bytes bytes(message.bytes.begin(),
              message.bytes.begin() + static_cast<std::ptrdiff_t>(attribute.offset));
  const std::size_t size =
      attribute.offset + kAttributeHeader + attribute.value.size() - kHeaderSize;
  bytes[2] = static_cast<std::uint8_t>(size >> 8);
  bytes[3] = static_cast<std::uint8_t>(size);
  return bytes;
}

}  // namespace

Sha1 hmac_sha1(ByteView key, ByteView bytes) {
  Sha1 hash{};
  // It can fail only for lack of memory.
  if (HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(),
           hash.data(), nullptr) == nullptr) {
    throw std::bad_alloc();
  }
  return hash;
}

Bytes long_term_key(std::string_view username, std::string_view realm, std::string_view password) {
  std::string text;
  text.append(username).append(":").append(realm).append(":").append(password);
  Bytes key(16);
  const bool done =
      EVP_Digest(text.data(), text.size(), key.data(), nullptr, EVP_md5(), nullptr) == 1;
  OPENSSL_cleanse(text.data(), text.size());
  if (!done) throw std::bad_alloc();
  return key;
}

Bytes short_term_key(std::string_view password) {
  return {password.begin(), password.end()};
}

std::uint32_t fingerprint(ByteView before) {
  return crc32(before) ^ kFingerprintXor;
}

bool has_integrity(const Message& message, ByteView key) {
  const Attribute* const found = message.find(Type::message_integrity);
  if (found == nullptr || found->value.size() != Sha1().size()) return false;
  const Sha1 expected = hmac_sha1(key, before(message, *found));
  return CRYPTO_memcmp(expected.data(), found->value.data(), expected.size()) == 0;
}

bool has_fingerprint(const Message& message) {
  const Attribute* const found = message.find(Type::fingerprint);
  if (found == nullptr || found->value.size() != 4 || found != &message.attributes.back()) {
    return false;
  }
  const std::uint32_t expected = fingerprint(before(message, *found));
  const std::array<std::uint8_t, 4> bytes{
      static_cast<std::uint8_t>(expected >> 24), static_cast<std::uint8_t>(expected >> 16),
      static_cast<std::uint8_t>(expected >> 8), static_cast<std::uint8_t>(expected)};
  return std::ranges::equal(bytes, found->value);
}

}  // namespace crolang::stun
