#include "admin/guard.hpp"

#include <algorithm>

#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"
#include "text/ascii.hpp"

namespace crolang::admin {

namespace log = telemetry::log;

namespace {

constexpr Denial kUnauthorized{401, "a valid token is required"};

Denial too_many(std::chrono::seconds wait) {
  return {429, "too many wrong tokens from this address", wait};
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

void log_wrong_token(const client_address::Address& peer, Guard::TimePoint now) {
  static telemetry::Throttle throttle{5};
  if (const auto suppressed = throttle.admit(now)) {
    const std::string client = text_of(peer);
    log::warning("admin: wrong token", {{"client", client}, {"suppressed", *suppressed}});
  }
}

}  // namespace

std::optional<Denial> Guard::refuse(std::string_view token, const client_address::Address& peer,
                                    TimePoint now) {
  // Before it is compared: whoever has tried too often learns nothing more.
  if (const auto wait = wrong_tokens_.wait_of(peer, now)) return too_many(*wait);
  if (token_ && SecretDigest(token) == *token_) return std::nullopt;
  wrong_tokens_.note(peer, now);
  return kUnauthorized;
}

Denial Guard::reported(const Denial& denial, const client_address::Address& peer, TimePoint now) {
  if (denial.status == kUnauthorized.status) {
    counters_.add(telemetry::Counter::admin_wrong_tokens);
    log_wrong_token(peer, now);
  }
  return denial;
}

std::variant<Admitted, Denial> Guard::admit(const Credentials& credentials, TimePoint now) {
  if (credentials.authorization) {
    const auto token = bearer_token(*credentials.authorization);
    if (!token) return kUnauthorized;
    std::unique_lock lock(mutex_);
    const auto denial = refuse(*token, credentials.peer, now);
    if (!denial) return Admitted{epoch_, 0};
    lock.unlock();
    return reported(*denial, credentials.peer, now);
  }
  if (!credentials.session_id.empty()) {
    const std::lock_guard lock(mutex_);
    // An old cookie is no attempt: nobody guesses a random id, and a page that is still open sends
    // it again and again.
    if (const auto session = sessions_.find(credentials.session_id, now))
      return Admitted{epoch_, *session};
  }
  return kUnauthorized;
}

std::variant<std::string, Denial> Guard::log_in(std::string_view token,
                                                const client_address::Address& peer,
                                                TimePoint now) {
  std::unique_lock lock(mutex_);
  const auto denial = refuse(token, peer, now);
  if (!denial) return sessions_.begin(now);
  lock.unlock();
  return reported(*denial, peer, now);
}

void Guard::log_out(std::string_view session_id, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (const auto session = sessions_.find(session_id, now)) sessions_.end(*session);
}

void Guard::set_token(std::string_view token) {
  const std::optional<SecretDigest> digest = digest_of(token);
  const std::lock_guard lock(mutex_);
  if (digest == token_) return;
  token_ = digest;
  ++epoch_;
  sessions_.end_all();
}

bool Guard::is_current(const Admitted& admitted, TimePoint now) const {
  const std::lock_guard lock(mutex_);
  return admitted.epoch == epoch_ &&
         (admitted.session == 0 || sessions_.is_open(admitted.session, now));
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (!text::equals_ignore_case(authorization.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  return trimmed(authorization.substr(kScheme.size()));
}

std::string_view cookie(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::string_view pair = header.substr(0, header.find(';'));
    header.remove_prefix(std::min(pair.size() + 1, header.size()));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && trimmed(pair.substr(0, equals)) == name)
      return trimmed(pair.substr(equals + 1));
  }
  return {};
}

}  // namespace crolang::admin
