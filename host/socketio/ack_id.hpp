/// The id that a client puts before an event to get an acknowledgement of it.
/// The official server converts it to a JavaScript number and echoes its printed form: `007` is
/// echoed as 7, a blank as 0, 9007199254740993 as 9007199254740992, twenty-two nines as 1e+22.
/// Threads: a plain value, not synchronised. Errors: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace crolang::socketio {

/// Owns its text, so that it may outlive the packet while an answer is awaited.
class AckId {
 public:
  /// No id: no acknowledgement is wanted.
  AckId() = default;

  /// The length of 1.7976931348623157e+308.
  static constexpr std::size_t kMaxSize = 23;

  [[nodiscard]] bool present() const noexcept { return size_ != 0; }

  /// As it is to be echoed; empty if absent.
  [[nodiscard]] constexpr std::string_view text() const noexcept { return {text_.data(), size_}; }

  friend bool operator==(const AckId& a, const AckId& b) noexcept { return a.text() == b.text(); }

 private:
  friend struct AckIdScan scan_ack_id(std::string_view text, std::size_t at) noexcept;

  explicit AckId(std::string_view text) noexcept;

  /// What Number(digits) prints. At least one digit.
  [[nodiscard]] static AckId from_digits(std::string_view digits) noexcept;

  std::array<char, kMaxSize> text_{};
  std::uint8_t size_ = 0;
};

struct AckIdScan {
  AckId id;
  std::size_t end;  ///< Just past the id; where it would start if it is absent.
};

/// Hot: per message. The id that starts at `at`: the longest run of digits and white space
/// (ECMA-262's, since JavaScript reads white space as the number 0).
[[nodiscard]] AckIdScan scan_ack_id(std::string_view text, std::size_t at) noexcept;

}  // namespace crolang::socketio
