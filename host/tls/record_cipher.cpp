#include "tls/record_cipher.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstring>
#include <limits>
#include <new>

namespace crolang::tls {

namespace {

constexpr std::uint64_t kLastSequence = std::numeric_limits<std::uint64_t>::max();

const EVP_CIPHER* cipher_of(CipherSuite suite) noexcept {
  switch (suite) {
    case CipherSuite::aes_128_gcm_sha256:
      return EVP_aes_128_gcm();
    case CipherSuite::aes_256_gcm_sha384:
      return EVP_aes_256_gcm();
    case CipherSuite::chacha20_poly1305_sha256:
      return EVP_chacha20_poly1305();
  }
  return nullptr;
}

std::uint8_t octet(char byte) noexcept {
  return static_cast<std::uint8_t>(byte);
}

unsigned char* bytes(char* data) noexcept {
  return reinterpret_cast<unsigned char*>(data);
}

const unsigned char* bytes(const char* data) noexcept {
  return reinterpret_cast<const unsigned char*>(data);
}

/// RFC 8446 5.3.
std::array<std::uint8_t, kNonceBytes> nonce_of(const RecordKeys& keys) noexcept {
  std::array<std::uint8_t, kNonceBytes> nonce = keys.iv;
  for (std::size_t i = 0; i < sizeof keys.sequence; ++i) {
    nonce[kNonceBytes - 1 - i] ^= static_cast<std::uint8_t>(keys.sequence >> (8 * i));
  }
  return nonce;
}

void write_header(std::span<char> out, std::size_t length) noexcept {
  out[0] = static_cast<char>(ContentType::application_data);
  out[1] = 3;
  out[2] = 3;
  out[3] = static_cast<char>(length >> 8);
  out[4] = static_cast<char>(length & 0xff);
}

/// How many bytes there are up to the last that is not zero. Padding may be 16 KiB, so eight at a
/// time. RFC 8446 E.3 knows of no way to hide its length once it was opened.
std::size_t without_zeros(std::span<const char> inner) noexcept {
  std::size_t size = inner.size();
  std::uint64_t eight = 0;
  while (size >= sizeof eight) {
    std::memcpy(&eight, inner.data() + size - sizeof eight, sizeof eight);
    if (eight != 0) break;
    size -= sizeof eight;
  }
  while (size > 0 && inner[size - 1] == 0) --size;
  return size;
}

}  // namespace

RecordCipher::RecordCipher() {
  for (std::size_t i = 0; i < kSuites; ++i) {
    const EVP_CIPHER* cipher = cipher_of(static_cast<CipherSuite>(i));
    for (auto* context : {&sealing_[i].context, &opening_[i].context}) {
      context->reset(EVP_CIPHER_CTX_new());
      if (!*context) throw std::bad_alloc();
      const int direction = context == &sealing_[i].context ? 1 : 0;
      if (EVP_CipherInit_ex(context->get(), cipher, nullptr, nullptr, nullptr, direction) != 1) {
        context->reset();
        ERR_clear_error();
      }
    }
  }
}

RecordCipher::~RecordCipher() {
  for (Context& context : sealing_) OPENSSL_cleanse(context.key.data(), context.key.size());
  for (Context& context : opening_) OPENSSL_cleanse(context.key.data(), context.key.size());
}

void RecordCipher::Free::operator()(evp_cipher_ctx_st* context) const noexcept {
  EVP_CIPHER_CTX_free(context);
}

evp_cipher_ctx_st* RecordCipher::prepare(Context& context, RecordKeys& keys) noexcept {
  if (!context.context || keys.sequence == kLastSequence) return nullptr;
  const auto nonce = nonce_of(keys);
  // Counted before it is used, so that no failure below leads to a second use.
  ++keys.sequence;
  const bool has_key = context.has_key && CRYPTO_memcmp(context.key.data(), keys.key.data(),
                                                        key_bytes(keys.suite)) == 0;
  context.has_key = false;
  // -1: the direction stays.
  if (EVP_CipherInit_ex(context.context.get(), nullptr, nullptr,
                        has_key ? nullptr : keys.key.data(), nonce.data(), -1) != 1) {
    return nullptr;
  }
  context.key = keys.key;
  context.has_key = true;
  return context.context.get();
}

std::size_t RecordCipher::seal(RecordKeys& keys, ContentType type, std::span<const char> content,
                               std::span<char> out) noexcept {
  if (content.size() > kMaxContentBytes || out.size() < content.size() + kRecordOverhead) return 0;
  EVP_CIPHER_CTX* context = prepare(sealing_[static_cast<std::size_t>(keys.suite)], keys);
  if (context == nullptr) {
    ERR_clear_error();
    return 0;
  }
  write_header(out, content.size() + 1 + kTagBytes);
  const auto inner_type = static_cast<unsigned char>(type);
  unsigned char* ciphertext = bytes(out.data()) + kRecordHeaderBytes;
  unsigned char* tag = ciphertext + content.size() + 1;
  int written = 0;
  const bool is_sealed =
      EVP_EncryptUpdate(context, nullptr, &written, bytes(out.data()), kRecordHeaderBytes) == 1 &&
      EVP_EncryptUpdate(context, ciphertext, &written, bytes(content.data()),
                        static_cast<int>(content.size())) == 1 &&
      EVP_EncryptUpdate(context, tag - 1, &written, &inner_type, 1) == 1 &&
      EVP_EncryptFinal_ex(context, tag, &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) == 1;
  if (!is_sealed) {
    ERR_clear_error();
    return 0;
  }
  return content.size() + kRecordOverhead;
}

RecordCipher::Opened RecordCipher::open(RecordKeys& keys, std::span<const char> record,
                                        std::span<char> out) noexcept {
  using Kind = Opened::Kind;
  if (record.size() < kRecordHeaderBytes + kTagBytes || record.size() > kMaxRecordBytes ||
      out.size() < record.size() - kRecordHeaderBytes - kTagBytes) {
    return {.kind = Kind::failed, .alert = Alert::internal_error};
  }
  EVP_CIPHER_CTX* context = prepare(opening_[static_cast<std::size_t>(keys.suite)], keys);
  if (context == nullptr) {
    ERR_clear_error();
    return {.kind = Kind::failed, .alert = Alert::internal_error};
  }
  const std::size_t size = record.size() - kRecordHeaderBytes - kTagBytes;
  const unsigned char* ciphertext = bytes(record.data()) + kRecordHeaderBytes;
  // Copied, since OpenSSL takes a tag that it could change.
  std::array<unsigned char, kTagBytes> tag;
  std::memcpy(tag.data(), ciphertext + size, tag.size());
  int written = 0;
  const bool is_authentic =
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptUpdate(context, nullptr, &written, bytes(record.data()), kRecordHeaderBytes) ==
          1 &&
      EVP_DecryptUpdate(context, bytes(out.data()), &written, ciphertext, static_cast<int>(size)) ==
          1 &&
      EVP_DecryptFinal_ex(context, bytes(out.data()) + size, &written) == 1;
  // Nothing above looks at what was decrypted, and nothing below unless the tag was right.
  if (!is_authentic) {
    OPENSSL_cleanse(out.data(), size);
    ERR_clear_error();
    return {.kind = Kind::failed, .alert = Alert::bad_record_mac};
  }
  const std::size_t inner = without_zeros(out.first(size));
  // RFC 8446 5.4.
  if (inner == 0) return {.kind = Kind::failed, .alert = Alert::unexpected_message};
  return {.kind = Kind::content,
          .type = static_cast<ContentType>(octet(out[inner - 1])),
          .content = inner - 1};
}

RecordHeader check_header(std::span<const char, kRecordHeaderBytes> header) noexcept {
  using Kind = RecordHeader::Kind;
  // RFC 8446 5, 5.2: also a change_cipher_spec or an unprotected alert after the handshake.
  if (octet(header[0]) != static_cast<std::uint8_t>(ContentType::application_data)) {
    return {.kind = Kind::failed, .alert = Alert::unexpected_message};
  }
  // 5.2: always 0x0303. It is authenticated too; this spares what is no TLS the wait for a record.
  if (header[1] != 3 || header[2] != 3) return {.kind = Kind::failed, .alert = Alert::decode_error};
  const std::size_t length = std::size_t{octet(header[3])} << 8 | octet(header[4]);
  if (length > kMaxRecordBytes - kRecordHeaderBytes) {
    return {.kind = Kind::failed, .alert = Alert::record_overflow};
  }
  // No tag fits into it.
  if (length < kTagBytes) return {.kind = Kind::failed, .alert = Alert::bad_record_mac};
  return {.kind = Kind::valid, .record = kRecordHeaderBytes + length};
}

}  // namespace crolang::tls
