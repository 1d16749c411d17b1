/// Finds names that are probably meant to be one of ours. Threads: any. Errors: none.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"

namespace crolang::config {

struct Meant {
  enum class By {
    slip,  ///< of a key, or in small letters
    part,  ///< some of its words, others that say the same, or one too many
  };
  By by = By::part;
  std::vector<std::string> names{};  ///< the nearest; more than one if they are equally near
};

/// The known names that `name` may stand for; none for one that is known itself, or like none of
/// them. NAME_FILE is as well known as NAME for secrets.
///   slip: one edit away, up to three for longer names; short ones begin with the same two
///     characters (PATH is no slip of PORT); redis-url, REDISURL
///   part: MAX_OUTBOX, TURN_SECRET, AUTH_WEBHOOK_URL, METRICS, REDIS_HOST, MAX_PAYLOAD_SIZE,
///     CROLANG_PORT
Meant meant_by(std::string_view name, std::span<const Variable> known);

/// A warning for each name in the environment that nobody reads and that is close to one that is
/// read. A part of a name is not told if the name itself is set, and what Kubernetes and docker put
/// there never is.
std::vector<std::string> misspelt(const Environment& environment, std::span<const Variable> known);

}  // namespace crolang::config
