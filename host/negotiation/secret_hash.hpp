#pragma once
/// A fast hash with a secret of the process, for keys of which only this process compares the
/// values: the multiply-and-fold of wyhash (Wang Yi, public domain). Whoever does not know the
/// secret cannot choose texts that collide, nor see values: they must never be shown.
///
/// crolang/keyed_hash.hpp has SipHash, which takes four times as long for texts of this length and
/// is for values that strangers may observe.
/// Threads: any. Errors: none.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "crolang/keyed_hash.hpp"

namespace crolang::negotiation {

namespace detail {

inline const HashKey kSecret = HashKey::random();

inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class Number>
std::uint64_t read(const char* at) noexcept {
  Number value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace detail

// Hot: per message of a negotiation. `before`: the hash of what comes before the text.
inline std::uint64_t secret_hash(std::string_view text, std::uint64_t before = 0) noexcept {
  const HashKey& secret = detail::kSecret;
  std::uint64_t hash = before ^ secret.first;
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left > 16; left -= 16, at += 16) {
    hash = detail::fold(detail::read<std::uint64_t>(at) ^ secret.second,
                        detail::read<std::uint64_t>(at + 8) ^ hash);
  }
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  // The two reads may overlap.
  if (left >= 8) {
    first = detail::read<std::uint64_t>(at);
    last = detail::read<std::uint64_t>(at + left - 8);
  } else if (left >= 4) {
    first = detail::read<std::uint32_t>(at);
    last = detail::read<std::uint32_t>(at + left - 4);
  } else if (left > 0) {
    first = detail::read<std::uint8_t>(at) << 8 | detail::read<std::uint8_t>(at + left / 2);
    last = detail::read<std::uint8_t>(at + left - 1);
  }
  hash = detail::fold(first ^ secret.second, last ^ hash);
  // Behind the multiplication: in front of it, the size of one text could be cancelled by its
  // bytes.
  return detail::fold(hash ^ secret.first ^ text.size(), secret.second | 1U);
}

}  // namespace crolang::negotiation
