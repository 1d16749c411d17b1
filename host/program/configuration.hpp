#pragma once
/// The sources of the configuration, and the variables of the bundled plugins. Threads: control.
/// Errors: none; missing files are left out.

#include <filesystem>
#include <string>
#include <vector>

#include "config/environment.hpp"
#include "config/unread.hpp"
#include "config/variable.hpp"

namespace crolang::program {

/// The environment of the process, and the .env file in its working directory.
config::Environment read_environment();

/// The path of the .env file, or the directory that has none: the broker may have been started in
/// another directory than intended.
std::string dotenv_location();

/// Beside the binary in a build tree, or where `cmake --install` puts them.
std::filesystem::path default_plugins_dir();

/// The variables of the bundled plugins whose files exist.
std::vector<config::Variable> bundled_variables(const std::filesystem::path& plugins_dir);

/// Whether all chosen plugins are loaded. If not, the variables that they would read are unknown.
enum class Chosen { loaded, refused };

/// The variables of bundled plugins, for warnings about those that are set but not read.
std::vector<config::BundledVariable> all_bundled_variables(Chosen chosen);

}  // namespace crolang::program
