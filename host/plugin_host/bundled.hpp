#pragma once
/// The plugins that come with the broker: what each reads, and what has it loaded. So the host can
/// say what is missing without opening files that nobody asked for. Threads: any. Errors: none.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::plugin_host {

struct BundledRead {
  std::string_view variable;
  enum class Secrecy { shown, secret } secrecy = Secrecy::shown;
};

struct Bundled {
  std::string_view name;               ///< of its file, without .so
  std::string_view kind;               ///< "authentication/1"
  std::span<const BundledRead> reads;  ///< besides the setting that loads it, if there is one
};

std::span<const Bundled> bundled_plugins();

/// What to set to have it loaded: "REDIS_URL", "NODES_AUTHENTICATION_PLUGIN=jwt-auth".
std::string loaded_by(const Bundled& plugin);

}  // namespace crolang::plugin_host
