#pragma once
/// Bounds a ClientHello before OpenSSL sees it. OpenSSL allocates what a message claims to be long,
/// up to 128 KiB, as soon as the claim has arrived; a real ClientHello has one or two kilobytes.
///
/// Reads records in plain text (RFC 8446 5.1) in pieces of any size. Threads: one at a time.
/// Errors: values.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace crolang::tls {

/// A ticket with a client's certificate is part of it.
inline constexpr std::size_t kMaxClientHello = 16 * 1024;

class HelloLimit {
 public:
  /// What the client has sent next. False: it claims to be sending a handshake message of more than
  /// kMaxClientHello bytes.
  [[nodiscard]] bool take(std::span<const char> bytes) noexcept;

 private:
  bool take_message(std::span<const char> bytes) noexcept;

  /// A header that may be split: of a record, or of a message within records.
  struct Header {
    std::array<std::uint8_t, 5> bytes{};
    std::uint8_t have = 0;

    /// Takes bytes from the front until `size` are there.
    bool complete(std::span<const char>& from, std::uint8_t size) noexcept;
  };

  Header record_;
  std::size_t record_left_ = 0;
  Header message_;
  std::size_t message_left_ = 0;
};

}  // namespace crolang::tls
