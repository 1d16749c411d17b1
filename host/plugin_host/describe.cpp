#include "plugin_host/describe.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <vector>

#include "kinds/kinds.hpp"
#include "plugin_host/loader.hpp"

namespace crolang::plugin_host {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, CROLANG_BOOL + 1> kTypes{"text", "URL", "number",
                                                                "true or false"};

std::string describe(const crolang_env& variable) {
  std::string text =
      "  reads     " + std::string(variable.name) + " (" + std::string(kTypes[variable.type]);
  if ((variable.flags & CROLANG_REQUIRED) != 0) text += ", required";
  if ((variable.flags & CROLANG_SECRET) != 0) text += ", secret";
  if ((variable.flags & CROLANG_RELOADABLE) != 0) text += ", reloadable";
  const std::string fallback = variable.default_value == nullptr ? "" : variable.default_value;
  if (!fallback.empty()) text += ", default " + fallback;
  return text + "): " + variable.help + "\n";
}

}  // namespace

std::string describe(const fs::path& file, const crolang_plugin& plugin) {
  std::string text =
      file.string() + "\n  " + plugin.id + " " + plugin.version + ": " + plugin.description + "\n";
  for (std::size_t i = 0; i < plugin.module_count; ++i) {
    const kinds::Description& kind = *kinds::find(plugin.modules[i].kind);
    text += "  provides  " + std::string(kind.name) + ", chosen by " +
            std::string(kind.plugin_variable) + "=" + file.stem().string() + "\n";
  }
  for (std::size_t i = 0; i < plugin.env_count; ++i) text += describe(plugin.env[i]);
  return text;
}

Report describe_file(const fs::path& file) {
  // A name without a slash is this file, not one of the system's library folders.
  const Opened opened = open_plugin(file.has_parent_path() ? file : "." / file);
  if (opened.has_error()) return {opened.error().sentence + "\n", Report::Outcome::refused};
  return {describe(file, *opened->entry), Report::Outcome::fine};
}

Report describe_folder(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".so") files.push_back(at->path());
  }
  if (error) return {folder.string() + ": " + error.message() + "\n", Report::Outcome::refused};
  if (files.empty()) {
    return {"There are no plugins in " + folder.string() + "\n", Report::Outcome::fine};
  }
  std::sort(files.begin(), files.end());
  Report all{"", Report::Outcome::fine};
  for (const fs::path& file : files) {
    const Report one = describe_file(file);
    all.text += one.text;
    if (one.outcome == Report::Outcome::refused) all.outcome = Report::Outcome::refused;
  }
  return all;
}

}  // namespace crolang::plugin_host
