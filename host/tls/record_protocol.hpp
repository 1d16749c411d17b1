#pragma once
/// Numbers of TLS 1.3 (RFC 8446) that both directions of the record layer share. No state, usable
/// from any thread.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace crolang::tls {

/// RFC 8446 5.1, B.1. A received type may be any other number.
enum class ContentType : std::uint8_t {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23,
};

/// RFC 8446 6, B.2: what the record layer sends, and what clients commonly do. A received alert may
/// be any other number.
enum class Alert : std::uint8_t {
  close_notify = 0,
  unexpected_message = 10,
  bad_record_mac = 20,
  record_overflow = 22,
  handshake_failure = 40,
  bad_certificate = 42,
  certificate_revoked = 44,
  certificate_expired = 45,
  certificate_unknown = 46,
  illegal_parameter = 47,
  unknown_ca = 48,
  decode_error = 50,
  decrypt_error = 51,
  protocol_version = 70,
  internal_error = 80,
  user_canceled = 90,
};

/// For the log: the name in RFC 8446, `unknown alert` for any other number.
[[nodiscard]] std::string_view describe(Alert alert) noexcept;

/// RFC 8446 5.1, 5.2: content type, version, length.
inline constexpr std::size_t kRecordHeaderBytes = 5;
/// RFC 8446 5.1.
inline constexpr std::size_t kMaxContentBytes = std::size_t{1} << 14;
/// RFC 8446 5.2, 5.4: content, its type and padding.
inline constexpr std::size_t kMaxInnerBytes = kMaxContentBytes + 1;
/// Of every cipher suite in record_keys.hpp.
inline constexpr std::size_t kTagBytes = 16;
/// What a record without padding has beyond its content.
inline constexpr std::size_t kRecordOverhead = kRecordHeaderBytes + 1 + kTagBytes;
/// A whole record, header included. RFC 8446 5.2 allows 2^14 + 256 bytes behind the header, but
/// with tags of 16 bytes a longer record than this has too long an inner plaintext.
inline constexpr std::size_t kMaxRecordBytes = kRecordHeaderBytes + kMaxInnerBytes + kTagBytes;

}  // namespace crolang::tls
