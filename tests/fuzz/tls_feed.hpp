#pragma once

/// What the fuzzers of the record layer share.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "tls/record_layer.hpp"
#include "unit/tls/openssl_client.hpp"

namespace crolang::tls::testing {

[[noreturn]] inline void fail(std::string_view what) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

inline void require(bool condition, std::string_view what) {
  if (!condition) fail(what);
}

class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  bool more() const { return !rest_.empty(); }
  std::uint8_t next() {
    if (rest_.empty()) return 0;
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }
  std::size_t next_below(std::size_t bound) {
    const std::size_t number = std::size_t{next()} << 8 | next();
    return bound == 0 ? 0 : number % bound;
  }
  /// Mostly small, at most 32 KiB.
  std::size_t size() {
    const std::size_t byte = next();
    return byte < 240 ? byte : (byte - 239) * 2048;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

/// Never the same twice in a row, so that bytes that are lost or repeated are noticed.
inline std::string_view fresh_text(std::size_t size) {
  static const std::string source = [] {
    std::string text;
    std::uint64_t state = 1;
    while (text.size() < 1 << 18) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      text += static_cast<char>(state >> 56);
    }
    return text;
  }();
  static std::size_t at = 0;
  at = (at + 4093) % (source.size() / 2);
  return std::string_view(source).substr(at, size);
}

inline OpensslServer& openssl_server() {
  static OpensslServer server;
  return server;
}

inline RecordCipher& cipher() {
  static RecordCipher one;
  return one;
}

/// Feeds a reader, and checks what it says about itself.
class Feed {
  using State = RecordReader::State;

 public:
  explicit Feed(RecordReader& reader) : reader_(reader) {}

  void push(std::string_view bytes, std::size_t room) {
    waiting_ += bytes;
    std::string output(room, '\0');
    for (;;) {
      const auto result = reader_.read(cipher(), waiting_, output);
      require(result.consumed <= waiting_.size(), "consumed what is not there");
      require(result.produced <= output.size(), "produced more than there is room for");
      state = result.state;
      alert = result.alert;
      update_requested = update_requested || result.update_requested;
      plaintext.append(output, 0, result.produced);
      waiting_.erase(0, result.consumed);
      if (state == State::need_more) {
        require(result.needed > waiting_.size(), "needs what it has");
        require(waiting_.size() < kMaxRecordBytes, "lets too much wait");
      }
      if (state != State::output_full) return;
      require(result.needed <= kMaxInnerBytes, "needs more room than a record has");
      require(result.needed > output.size() - result.produced, "needs room that it has");
      output.resize(std::max(output.size(), result.needed));
    }
  }

  bool is_between_records() const { return waiting_.empty(); }

  std::string plaintext;
  RecordReader::State state = RecordReader::State::need_more;
  Alert alert{};
  bool update_requested = false;

 private:
  RecordReader& reader_;
  std::string waiting_;
};

}  // namespace crolang::tls::testing
