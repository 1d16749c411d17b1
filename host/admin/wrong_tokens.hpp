#pragma once
/// Who has sent wrong tokens, and may therefore not try another one for a while: 5 a minute for
/// each address, an IPv6 address counting as its /64.
/// Threads: one at a time. Errors: std::bad_alloc. Time is an argument.

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>

#include "client_address/address.hpp"

namespace crolang::admin {

class WrongTokens {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::size_t kMost = 5;
  static constexpr std::chrono::seconds kWindow{60};
  /// Addresses at once; for one more the one that began first is forgotten.
  static constexpr std::size_t kMostAddresses = 1024;

  /// How long this address has to wait; nullopt: it may try.
  std::optional<std::chrono::seconds> wait_of(const client_address::Address& address,
                                              TimePoint now) const;
  void note(const client_address::Address& address, TimePoint now);
  std::size_t size() const noexcept { return addresses_.size(); }

 private:
  struct Count {
    TimePoint since;  // the first wrong one of this window
    std::size_t wrong = 0;
  };
  std::map<client_address::Address, Count> addresses_;
};

}  // namespace crolang::admin
