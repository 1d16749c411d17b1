/// Binary events: a text packet that announces attachments, then as many binary messages.
/// The broker does not use their content, so they are counted but not kept.
/// Threads: owned by one session, only while attachments are due. Errors: see each function; upon
/// any the session is closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "socketio/packet.hpp"

namespace crolang::socketio {

/// While one exists, a text message is a fault; while none does, a binary message is.
class BinaryAssembly {
 public:
  enum class Outcome : std::uint8_t {
    more_due,
    complete,  ///< `text()` may be parsed once more and handled like any other event.
    fault,     ///< Together the attachments are larger than was allowed.
  };

  /// `text` is what `packet`, which announces at least one attachment, was parsed from; it is
  /// copied. Null if a placeholder in it names an attachment that isn't announced: the official
  /// server finds that out when the last one has arrived, but there is nothing to wait for.
  [[nodiscard]] static std::unique_ptr<BinaryAssembly> begin(std::string_view text,
                                                             const Packet& packet,
                                                             std::size_t max_bytes);

  /// A binary message of this many bytes has arrived, in either form.
  [[nodiscard]] Outcome take(std::size_t attachment_size) noexcept;

  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  BinaryAssembly(std::string_view text, std::uint32_t due, std::size_t max_bytes)
      : text_(text), bytes_left_(max_bytes), due_(due) {}

  std::string text_;
  std::size_t bytes_left_;
  std::uint32_t due_;
};

/// Whether every placeholder, `{"_placeholder":true,"num":<n>}` anywhere in the value, has a number
/// from 0 to below `attachments`. `value` is valid JSON of any depth. What is inside a placeholder
/// doesn't count, as it is replaced as a whole.
[[nodiscard]] bool placeholders_are_valid(std::string_view value, std::uint32_t attachments);

}  // namespace crolang::socketio
