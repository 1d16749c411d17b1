#pragma once
/// Hash tables with keys from untrusted sources: node ids, names of other brokers, bodies of
/// requests.
///
/// std::hash has no secret, so an attacker who knows the library can compute any number of ids that
/// fall into one bucket, which makes each lookup linear. KeyedHash is SipHash-1-3 (Aumasson,
/// Bernstein: "SipHash: a fast short-input PRF") with a random key chosen when the process starts,
/// so an attacker cannot tell which ids collide. The values differ in every process: never store or
/// send them.
///
///   crolang::TextMap<int> seen;              // std::string -> int
///   seen.find(std::string_view("bob"));      // no std::string is made
///
/// Does not depend on the broker, so plugins may use it freely.
/// Threads: any. Errors: none.

#include <sys/random.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace crolang {

struct HashKey {
  std::uint64_t first = 0;
  std::uint64_t second = 0;

  static HashKey random() {
    HashKey key;
    auto* const bytes = reinterpret_cast<char*>(&key);
    for (std::size_t filled = 0; filled < sizeof key;) {
      const auto more = ::getrandom(bytes + filled, sizeof key - filled, 0);
      if (more > 0) {
        filled += static_cast<std::size_t>(more);
      } else if (more == 0 || errno != EINTR) {
        // A sandbox may forbid the call.
        std::random_device device;
        key.first = std::uint64_t{device()} << 32 | device();
        key.second = std::uint64_t{device()} << 32 | device();
        break;
      }
    }
    return key;
  }
};

/// SipHash with the given number of rounds for each eight bytes, and at the end. Numbers are read
/// in native byte order: the values are those of the paper on little-endian machines.
template <int Rounds, int LastRounds>
std::uint64_t siphash(const HashKey& key, std::string_view text) noexcept {
  const auto rotate = [](std::uint64_t value, int bits) {
    return value << bits | value >> (64 - bits);
  };
  const auto read32 = [](const char* at) {
    std::uint32_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return std::uint64_t{value};
  };
  std::uint64_t a = key.first ^ 0x736f6d6570736575u;
  std::uint64_t b = key.second ^ 0x646f72616e646f6du;
  std::uint64_t c = key.first ^ 0x6c7967656e657261u;
  std::uint64_t d = key.second ^ 0x7465646279746573u;
  const auto mix = [&](int rounds) {
    for (int i = 0; i < rounds; ++i) {
      a += b;
      c += d;
      b = rotate(b, 13) ^ a;
      d = rotate(d, 16) ^ c;
      a = rotate(a, 32);
      c += b;
      a += d;
      b = rotate(b, 17) ^ c;
      d = rotate(d, 21) ^ a;
      c = rotate(c, 32);
    }
  };
  const auto take = [&](std::uint64_t block) {
    d ^= block;
    mix(Rounds);
    a ^= block;
  };
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) take(read32(at) | read32(at + 4) << 32);
  // The remaining bytes, without a loop: the two reads may overlap, with the same result.
  std::uint64_t last = std::uint64_t{text.size()} << 56;
  if (left >= 4) {
    last |= read32(at) | read32(at + left - 4) << (8 * (left - 4));
  } else if (left > 0) {
    const auto byte = [&](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
    };
    last |= byte(0) | byte(left / 2) | byte(left - 1);
  }
  take(last);
  c ^= 0xff;
  mix(LastRounds);
  return a ^ b ^ c ^ d;
}

namespace detail {
inline const HashKey kProcessKey = HashKey::random();
}  // namespace detail

/// A text with its hash, for when the hash is needed more than once, for example to select a shard
/// and then to search it.
struct HashedText {
  explicit HashedText(std::string_view given) noexcept
      : text(given), hash(siphash<1, 3>(detail::kProcessKey, given)) {}

  std::string_view text;
  std::size_t hash;

  friend bool operator==(const HashedText& one, std::string_view other) noexcept {
    return one.text == other;
  }
};

/// Hot: per message. No allocation.
struct KeyedHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return HashedText(text).hash; }
  std::size_t operator()(const HashedText& text) const noexcept { return text.hash; }
};

template <class Value>
using TextMap = std::unordered_map<std::string, Value, KeyedHash, std::equal_to<>>;
using TextSet = std::unordered_set<std::string, KeyedHash, std::equal_to<>>;

}  // namespace crolang
