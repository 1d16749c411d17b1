#pragma once
/// Time-limited credentials of TURN servers (coturn's use-auth-secret), and what those that a
/// server refuses may have meant. Pure. Threads: any. Errors: std::bad_alloc.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stun/turn.hpp"

namespace crolang::ice {

using Seconds = std::chrono::sys_seconds;

/// `<expiry>:<node>` and base64(HMAC-SHA1(secret, username)).
stun::Credentials time_limited(std::string_view secret, std::string_view node, Seconds expiry);

/// The expiry that a username begins with; nullopt: it has none.
std::optional<Seconds> expiry_of(std::string_view username);

/// What a password is not, if it does not look like base64(HMAC-SHA1(…)).
enum class PasswordForm : std::uint8_t {
  base64_sha1,  ///< as it should be
  hexadecimal,  ///< of a SHA-1
  unpadded,     ///< Base64 without its =
  url_safe,     ///< Base64 with - and _
  sha256,       ///< of another digest: a SHA-256 in Base64 or hexadecimal
  other,
};
PasswordForm form_of(std::string_view password);

/// Credentials to try in place of refused ones: which the server accepts says what was wrong.
struct Alternative {
  enum class Meaning : std::uint8_t {
    in_base64,      ///< the password was right, but written in another way
    by_sha1,        ///< the secret is right, but the password was made of it in another way
    later_expiry,   ///< the secret is right, but the server takes the username for expired
    quoted_secret,  ///< the server's secret has quotes around it
  };
  Meaning meaning;
  stun::Credentials credentials;
};

/// At most four. `secret`: empty: it is not known.
std::vector<Alternative> alternatives(const stun::Credentials& refused, std::string_view secret,
                                      Seconds now);

}  // namespace crolang::ice
