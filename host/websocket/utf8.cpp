#include "websocket/utf8.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace crolang::websocket {
namespace {

// An automaton over bytes. A row of its table packs the next state of every state into one word,
// and a state is its place in that word: a step is one load and one shift, without a branch.
constexpr unsigned kStateBits = 6;

enum State : std::uint8_t {
  kBetween = 0 * kStateBits,  // not within a character
  kOneMore = 1 * kStateBits,
  kTwoMore = 2 * kStateBits,
  kThreeMore = 3 * kStateBits,
  kAfterE0 = 4 * kStateBits,  // the second byte is bounded, RFC 3629 4
  kAfterED = 5 * kStateBits,
  kAfterF0 = 6 * kStateBits,
  kAfterF4 = 7 * kStateBits,
  kBroken = 8 * kStateBits,
};

constexpr std::uint64_t kStateMask = (1U << kStateBits) - 1;

using Table = std::array<std::uint64_t, 256>;

constexpr Table make_table() {
  Table table{};
  for (auto& row : table) {
    for (unsigned from = kBetween; from <= kBroken; from += kStateBits) {
      row |= std::uint64_t{kBroken} << from;
    }
  }
  const auto add = [&table](State from, unsigned first, unsigned last, State to) {
    for (unsigned byte = first; byte <= last; ++byte) {
      table[byte] &= ~(kStateMask << from);
      table[byte] |= std::uint64_t{to} << from;
    }
  };
  // RFC 3629 4, line by line.
  add(kBetween, 0x00, 0x7F, kBetween);
  add(kBetween, 0xC2, 0xDF, kOneMore);
  add(kBetween, 0xE0, 0xE0, kAfterE0);
  add(kBetween, 0xE1, 0xEC, kTwoMore);
  add(kBetween, 0xED, 0xED, kAfterED);
  add(kBetween, 0xEE, 0xEF, kTwoMore);
  add(kBetween, 0xF0, 0xF0, kAfterF0);
  add(kBetween, 0xF1, 0xF3, kThreeMore);
  add(kBetween, 0xF4, 0xF4, kAfterF4);
  add(kAfterE0, 0xA0, 0xBF, kOneMore);
  add(kAfterED, 0x80, 0x9F, kOneMore);
  add(kAfterF0, 0x90, 0xBF, kTwoMore);
  add(kAfterF4, 0x80, 0x8F, kTwoMore);
  add(kThreeMore, 0x80, 0xBF, kTwoMore);
  add(kTwoMore, 0x80, 0xBF, kOneMore);
  add(kOneMore, 0x80, 0xBF, kBetween);
  return table;
}

constexpr Table kTable = make_table();

constexpr std::size_t kBlock = 16;

bool is_ascii_block(const char* bytes) {
  std::array<std::uint64_t, kBlock / sizeof(std::uint64_t)> words;
  std::memcpy(words.data(), bytes, sizeof words);
  return ((words[0] | words[1]) & 0x8080808080808080) == 0;
}

}  // namespace

// Hot: per message that is not all ASCII.
bool Utf8Check::feed(std::span<const char> bytes) noexcept {
  std::uint64_t state = state_;
  const auto step = [&state](char byte) {
    state = kTable[static_cast<std::uint8_t>(byte)] >> state & kStateMask;
  };
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  for (; static_cast<std::size_t>(end - at) >= kBlock; at += kBlock) {
    if (state == kBetween && is_ascii_block(at)) continue;
    if (state == kBroken) break;
    for (std::size_t i = 0; i < kBlock; ++i) step(at[i]);
  }
  if (state != kBroken) {
    for (; at != end; ++at) step(*at);
  }
  state_ = static_cast<std::uint8_t>(state);
  return state_ != kBroken;
}

bool is_utf8(std::string_view text) noexcept {
  Utf8Check check;
  return check.feed(text) && check.complete();
}

}  // namespace crolang::websocket
