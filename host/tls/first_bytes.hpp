#pragma once
/// What a client speaks that has just connected to a TLS port, from its first bytes. Threads: any.

#include <cstdint>
#include <span>
#include <string>

namespace crolang::tls {

enum class FirstBytes : std::uint8_t {
  undecided,  ///< more bytes are needed; never with kFirstBytes of them
  tls,
  http,  ///< a plain HTTP request, which deserves a 400
  other,
};

/// As many bytes always suffice.
inline constexpr std::size_t kFirstBytes = 8;

FirstBytes recognize(std::span<const char> bytes) noexcept;

/// For the log: what the client seems to speak, if recognize says `other`.
std::string describe_foreign(std::span<const char> bytes);

}  // namespace crolang::tls
