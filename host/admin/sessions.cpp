#include "admin/sessions.hpp"

#include <algorithm>

namespace crolang::admin {

std::string Sessions::begin(TimePoint now) {
  std::erase_if(sessions_, [&](const Session& each) { return now - each.since >= kAge; });
  std::string id = random_session_id();
  sessions_.reserve(kMost + 1);
  sessions_.push_back({++last_, SecretDigest(id), now});
  if (sessions_.size() > kMost) sessions_.erase(sessions_.begin());
  return id;
}

std::optional<std::uint64_t> Sessions::find(std::string_view id, TimePoint now) const {
  const SecretDigest digest(id);
  std::optional<std::uint64_t> found;
  for (const Session& each : sessions_) {
    if (each.id == digest && now - each.since < kAge) found = each.number;
  }
  return found;
}

bool Sessions::is_open(std::uint64_t number, TimePoint now) const {
  return std::ranges::any_of(sessions_, [&](const Session& each) {
    return each.number == number && now - each.since < kAge;
  });
}

void Sessions::end(std::uint64_t number) {
  std::erase_if(sessions_, [&](const Session& each) { return each.number == number; });
}

}  // namespace crolang::admin
