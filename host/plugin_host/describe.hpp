#pragma once
/// What `crolang-broker plugins` and `crolang-broker plugins check FILE` print: what plugins
/// provide and read, or why they are refused. Plugins are opened, never created. Threads: one at a
/// time.

#include <filesystem>
#include <string>

#include "crolang/plugin.h"

namespace crolang::plugin_host {

struct Report {
  std::string text;  ///< ends with a line feed
  enum class Outcome { fine, refused } outcome;
};

std::string describe(const std::filesystem::path& file, const crolang_plugin& plugin);

Report describe_file(const std::filesystem::path& file);

/// All .so files of a folder, by name. Refused: at least one plugin is refused, or the folder does
/// not exist.
Report describe_folder(const std::filesystem::path& folder);

}  // namespace crolang::plugin_host
