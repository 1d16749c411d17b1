#pragma once
/// The sessions of the dashboard, each a random id in a cookie. Ids are kept as digests, and
/// compared in constant time.
/// Threads: one at a time. Errors: std::bad_alloc. Time is an argument.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/secret.hpp"

namespace crolang::admin {

class Sessions {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::hours kAge{12};
  /// For one more the oldest ends.
  static constexpr std::size_t kMost = 64;

  /// The id for the cookie.
  std::string begin(TimePoint now);
  /// The number of the session with this id, never 0; nullopt: there is none.
  std::optional<std::uint64_t> find(std::string_view id, TimePoint now) const;
  bool is_open(std::uint64_t number, TimePoint now) const;
  void end(std::uint64_t number);
  void end_all() { sessions_.clear(); }
  std::size_t size() const noexcept { return sessions_.size(); }

 private:
  struct Session {
    std::uint64_t number;
    SecretDigest id;
    TimePoint since;
  };
  std::vector<Session> sessions_;  // the oldest first
  std::uint64_t last_ = 0;
};

}  // namespace crolang::admin
