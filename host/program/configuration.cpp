#include "program/configuration.hpp"

#include <algorithm>
#include <system_error>

#include "plugin_host/bundled.hpp"
#include "plugin_host/loader.hpp"

extern char** environ;

namespace crolang::program {

namespace fs = std::filesystem;

namespace {

constexpr const char* kDotEnv = ".env";

}  // namespace

fs::path default_plugins_dir() {
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  const fs::path beside = binary.parent_path() / "plugins";
  if (fs::is_directory(beside, error)) return beside;
  const fs::path installed = binary.parent_path().parent_path() / "lib/crolang-broker/plugins";
  return fs::is_directory(installed, error) ? installed : beside;
}

std::vector<config::Variable> bundled_variables(const fs::path& plugins_dir) {
  std::vector<config::Variable> variables;
  for (const plugin_host::Bundled& plugin : plugin_host::bundled_plugins()) {
    const fs::path file = plugins_dir / (std::string(plugin.name) + ".so");
    std::error_code error;
    if (!fs::is_regular_file(file, error)) continue;
    const auto opened = plugin_host::open_plugin(file);
    if (!opened) continue;
    for (std::size_t i = 0; i < opened->entry->env_count; ++i)
      variables.push_back(config::from_plugin(opened->entry->env[i], opened->entry->id));
  }
  return variables;
}

config::Environment read_environment() {
  return config::read_environment(environ, kDotEnv);
}

std::string dotenv_location() {
  std::error_code error;
  const fs::path file = fs::absolute(kDotEnv, error);
  return fs::exists(file, error) ? file.string() : "none in " + file.parent_path().string();
}

std::vector<config::BundledVariable> all_bundled_variables(Chosen chosen) {
  std::vector<config::BundledVariable> all;
  for (const plugin_host::Bundled& plugin : plugin_host::bundled_plugins()) {
    for (const plugin_host::BundledRead& read : plugin.reads) {
      auto known = std::find_if(all.begin(), all.end(),
                                [&](const auto& each) { return each.name == read.variable; });
      if (known == all.end()) {
        const bool is_secret = read.secrecy == plugin_host::BundledRead::Secrecy::secret;
        known = all.insert(
            known, {.name = std::string(read.variable),
                    .secrecy = is_secret ? config::Secrecy::secret : config::Secrecy::shown});
      }
      if (chosen == Chosen::loaded) known->loaded_by.push_back(plugin_host::loaded_by(plugin));
    }
  }
  return all;
}

}  // namespace crolang::program
