#pragma once
/// What protects STUN messages: MESSAGE-INTEGRITY (RFC 8489 14.5, HMAC-SHA1) and FINGERPRINT
/// (14.7). Pure. Threads: any. Errors: std::bad_alloc.

#include <array>
#include <cstdint>
#include <string_view>

#include "stun/message.hpp"

namespace crolang::stun {

using Sha1 = std::array<std::uint8_t, 20>;

Sha1 hmac_sha1(ByteView key, ByteView bytes);

/// The key of long-term credentials: MD5(username:realm:password), 9.2.2. WebRTC stacks prepare
/// neither of them (SASLprep), so this does not either.
Bytes long_term_key(std::string_view username, std::string_view realm, std::string_view password);

/// The key of short-term credentials, as peers use them: the password itself.
Bytes short_term_key(std::string_view password);

std::uint32_t fingerprint(ByteView before);

/// Whether the message has a MESSAGE-INTEGRITY that this key has made.
bool has_integrity(const Message& message, ByteView key);

/// Whether the message has a FINGERPRINT, as its last attribute, that is right.
bool has_fingerprint(const Message& message);

}  // namespace crolang::stun
