/// Time-limited credentials of a TURN server (coturn's `use-auth-secret`, after the draft
/// "A REST API For Access To TURN Services"). Threads: any. Errors: std::bad_alloc.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace crolang::turn_credentials {

using Sha1 = std::array<unsigned char, 20>;

Sha1 hmac_sha1(std::string_view key, std::string_view text);

struct Credentials {
  std::string username;
  std::string password;
};

/// `<expiry>:<node>`, or the expiry alone.
enum class Username : std::uint8_t { expiry_and_node, expiry };

/// Valid until `expiry` on every server that has the secret.
Credentials make_credentials(std::string_view secret, std::string_view node,
                             std::chrono::sys_seconds expiry,
                             Username username = Username::expiry_and_node);

}  // namespace crolang::turn_credentials
