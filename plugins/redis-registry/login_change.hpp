#pragma once
/// Whether new credentials are to be used: not if one of the connections that are asked has them
/// refused. No IO. Threads: the holder of the service's lock.

#include <cstddef>
#include <cstdint>

namespace crolang::redis_registry {

class LoginChange {
 public:
  enum class Outcome : std::uint8_t {
    accepted,
    refused,
    unknown  ///< the connection was lost before the answer
  };
  enum class Result : std::uint8_t {
    open,
    accepted,
    refused,
    unchecked  ///< nobody could be asked: they are used
  };

  /// The next change, known by this number. What is still said of the one before is ignored.
  std::uint64_t begin() {
    open_ = 0;
    was_accepted_ = false;
    return ++number_;
  }
  /// One connection is asked. Its outcome may be known before it returns.
  void ask() { ++open_; }
  /// That of one connection which is asked. A result that is not `open` ends the change.
  [[nodiscard]] Result note(std::uint64_t change, Outcome outcome) {
    if (change != number_ || open_ == 0) return Result::open;
    if (outcome == Outcome::refused) {
      open_ = 0;
      return Result::refused;
    }
    was_accepted_ = was_accepted_ || outcome == Outcome::accepted;
    if (--open_ > 0) return Result::open;
    return was_accepted_ ? Result::accepted : Result::unchecked;
  }

 private:
  std::uint64_t number_ = 0;
  std::size_t open_ = 0;
  bool was_accepted_ = false;
};

}  // namespace crolang::redis_registry
