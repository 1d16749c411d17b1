#pragma once
/// Decides who may use the admin interface: by the token, or by a session that the token has begun.
/// Threads: any. Errors: denials; std::bad_alloc. Time is an argument.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "admin/secret.hpp"
#include "admin/sessions.hpp"
#include "admin/wrong_tokens.hpp"
#include "client_address/address.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::admin {

/// What a request shows about who sends it. Views are valid during the call only.
struct Credentials {
  client_address::Address peer{};
  std::optional<std::string_view> authorization{};  ///< the header's value
  std::string_view session_id{};                    ///< of the cookie; empty: none
};

/// Who was let in. Counts until the token changes or the session ends.
struct Admitted {
  std::uint64_t epoch = 0;
  std::uint64_t session = 0;  ///< 0: by the token itself
};

struct Denial {
  unsigned status;
  std::string_view sentence;  ///< lives as long as the process
  std::chrono::seconds retry_after{0};
};

class Guard {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `token`: as for set_token. `counters` must outlive this object.
  Guard(std::string_view token, telemetry::SharedCounters& counters)
      : token_(digest_of(token)), counters_(counters) {}

  /// The header decides if there is one, else the cookie.
  std::variant<Admitted, Denial> admit(const Credentials& credentials, TimePoint now);
  /// The id of a new session.
  std::variant<std::string, Denial> log_in(std::string_view token,
                                           const client_address::Address& peer, TimePoint now);
  void log_out(std::string_view session_id, TimePoint now);
  /// Counts at once. If it is another one, what was admitted before counts no more. Empty: there is
  /// none, and nobody is admitted.
  void set_token(std::string_view token);
  bool is_current(const Admitted& admitted, TimePoint now) const;

 private:
  static std::optional<SecretDigest> digest_of(std::string_view token) {
    return token.empty() ? std::nullopt : std::optional<SecretDigest>(token);
  }

  /// nullopt: it is the token. mutex_ is held.
  std::optional<Denial> refuse(std::string_view token, const client_address::Address& peer,
                               TimePoint now);

  /// Counts and logs it if the token was wrong. mutex_ is not held.
  Denial reported(const Denial& denial, const client_address::Address& peer, TimePoint now);

  mutable std::mutex mutex_;  // guards what follows, up to wrong_tokens_
  std::optional<SecretDigest> token_;
  std::uint64_t epoch_ = 0;  // grows with each change of the token
  Sessions sessions_;
  WrongTokens wrong_tokens_;
  telemetry::SharedCounters& counters_;
};

/// The token in "Bearer TOKEN"; nullopt: it is of another scheme.
std::optional<std::string_view> bearer_token(std::string_view authorization);

/// The value of the first cookie of that name in the header's value; empty: there is none.
std::string_view cookie(std::string_view header, std::string_view name);

}  // namespace crolang::admin
