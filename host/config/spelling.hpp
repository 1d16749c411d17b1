/// Finds the known variables that a misspelt name may stand for. Threads: any. Errors: none.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"

namespace crolang::config {

struct Meant {
  enum class By {
    typo,  ///< a typing error, or lower case
    part,  ///< some of its words, synonyms of them, or one word too many
  };
  By by = By::part;
  std::vector<std::string> names{};  ///< the nearest; more than one if they are equally near
};

/// The known names that `name` may stand for; none if it is known itself or resembles none of them.
/// For secrets NAME_FILE is known as well.
///   typo: one edit away, up to three for longer names; short ones begin with the same two
///     characters (PATH is not a typo of PORT); redis-url, REDISURL
///   part: MAX_OUTBOX, TURN_SECRET, AUTH_WEBHOOK_URL, METRICS, REDIS_HOST, MAX_PAYLOAD_SIZE,
///     CROLANG_PORT
Meant meant_by(std::string_view name, std::span<const Variable> known);

/// A warning for each name in the environment that is not read but resembles one that is. There is
/// none for a part of a name that is set itself, and none for what Kubernetes and docker set.
std::vector<std::string> misspelt(const Environment& environment, std::span<const Variable> known);

}  // namespace crolang::config
