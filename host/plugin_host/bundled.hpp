#pragma once
/// The plugins that come with the broker: the variables that each reads, and the setting that loads
/// it. With them the host can name what is missing without opening plugins that were not asked for.
/// Threads: any. Errors: none.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kinds/kinds.hpp"

namespace crolang::plugin_host {

struct BundledRead {
  std::string_view variable;
  enum class Secrecy { shown, secret } secrecy = Secrecy::shown;
};

struct Bundled {
  std::string_view name;  ///< of its file, without .so
  kinds::Kind kind;
  std::span<const BundledRead> reads;  ///< besides the setting that loads it, if there is one
};

std::span<const Bundled> bundled_plugins();

/// What to set so that it is loaded: "REDIS_URL", "NODES_AUTHENTICATION_PLUGIN=jwt-auth".
std::string loaded_by(const Bundled& plugin);

}  // namespace crolang::plugin_host
