#pragma once
/// Ids that a stranger computes so that libstdc++'s std::hash, which has no secret, gives all of
/// them the same value: what maps keyed by ids must not mind. Threads: any.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace crolang::testing {

/// Printable ids of sixteen bytes. The last eight are solved for: each step of the hash of
/// libstdc++ (hash_bytes.cc, 64 bits) can be undone.
inline std::vector<std::string> colliding_ids(std::size_t count) {
  constexpr std::uint64_t kFactor = 0xc6a4a7935bd1e995u;
  constexpr std::uint64_t kSeed = 0xc70f6907u;
  constexpr std::uint64_t kTarget = 1;
  // Of an odd number modulo 2^64, by Newton: each step doubles the bits that are right.
  constexpr std::uint64_t kInverse = [] {
    std::uint64_t inverse = kFactor;
    for (int i = 0; i < 6; ++i) inverse *= 2 - kFactor * inverse;
    return inverse;
  }();
  const auto shift = [](std::uint64_t value) { return value ^ value >> 47; };  // its own inverse
  std::vector<std::string> ids;
  ids.reserve(count);
  for (std::uint64_t n = 0; ids.size() < count; ++n) {
    std::string id = "0000000000000000";
    std::uint64_t digits = n;
    for (std::size_t i = 0; i < 8; ++i, digits >>= 4) id[i] = "0123456789abcdef"[digits & 15];
    std::uint64_t first = 0;
    std::memcpy(&first, id.data(), sizeof first);
    const std::uint64_t start = kSeed ^ (16 * kFactor);
    const std::uint64_t state = (start ^ (shift(first * kFactor) * kFactor)) * kFactor;
    const std::uint64_t wanted = state ^ (kTarget * kInverse);
    const std::uint64_t second = shift(wanted * kInverse) * kInverse;
    std::memcpy(id.data() + 8, &second, sizeof second);
    bool printable = true;
    for (const char c : id) printable = printable && c > ' ' && c < '\x7f' && c != '"' && c != '\\';
    if (printable) ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace crolang::testing
