#pragma once

/// RFC 6455 5.3: what a client sends is xored with a key of four bytes. Any thread; no errors.

#include <array>
#include <span>

namespace crolang::websocket {

using MaskKey = std::array<char, 4>;

/// Masks or unmasks `payload` in place. Returns whether the result is all ASCII: it costs no
/// further pass, and makes the UTF-8 check of most text messages unnecessary.
bool unmask(std::span<char> payload, MaskKey key) noexcept;

}  // namespace crolang::websocket
