#include "plugin_host/loader.hpp"

#define BOOST_DLL_USE_STD_FS
#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <system_error>

#include "plugin_host/entry_check.hpp"

namespace crolang::plugin_host {

Opened open_plugin(const std::filesystem::path& path) {
  namespace dll = boost::dll;
  // RTLD_NODELETE: the library object below closes its handle, the file stays.
  const auto mode = dll::load_mode::rtld_now | dll::load_mode::rtld_local |
                    static_cast<dll::load_mode::type>(RTLD_NODELETE);
  dll::shared_library library;
  std::error_code error;
  library.load(path, error, mode);
  if (error) {
    // Boost's own error is always "Bad file descriptor".
    const char* const reason = dlerror();
    return Refusal{reason != nullptr ? reason : path.string() + ": " + error.message()};
  }
  if (!library.has("crolang_plugin_entry")) {
    return Refusal{path.string() + ": not a broker plugin: no symbol 'crolang_plugin_entry'"};
  }
  const auto* const entry = &library.get<const crolang_plugin>("crolang_plugin_entry");
  if (const auto refusal = entry_refusal(entry)) {
    return Refusal{path.string() + ": " + *refusal};
  }
  return Plugin{path, entry};
}

}  // namespace crolang::plugin_host
