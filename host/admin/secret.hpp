#pragma once
/// ADMIN_TOKEN and random session ids. Threads: plain values and pure functions. Errors:
/// std::bad_alloc.

#include <array>
#include <string>
#include <string_view>

namespace crolang::admin {

/// The SHA-256 of a secret: comparing two of them takes the same time whatever they are.
class SecretDigest {
 public:
  explicit SecretDigest(std::string_view secret);

  bool operator==(const SecretDigest& other) const noexcept;

 private:
  std::array<unsigned char, 32> bytes_{};
};

/// 64 hexadecimal digits from the system's random numbers.
std::string random_session_id();

}  // namespace crolang::admin
