#include "plugin_host/choices.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>

#include "text/similarity.hpp"

namespace crolang::plugin_host {
namespace {

namespace fs = std::filesystem;

using kinds::Description;

std::optional<std::string> value_of(const Lookup& lookup, std::string_view variable) {
  auto value = lookup(variable);
  if (value && value->empty()) return std::nullopt;
  return value;
}

std::vector<std::string> names_in(const Description& kind, const std::string& value) {
  if (kind.plugins == Description::Plugins::one) return {value};
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find(',', begin), value.size());
    std::string name = value.substr(begin, end - begin);
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    if (!name.empty()) names.push_back(std::move(name));
    begin = end + 1;
  }
  return names;
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

std::vector<std::string> plugins_in(const fs::path& folder, std::error_code& error) {
  std::vector<std::string> names;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".so") names.push_back(at->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string cannot_be_read(const fs::path& folder, const std::error_code& error) {
  return "; " + folder.string() + " (PLUGINS_DIR) cannot be read: " + error.message();
}

/// jwt_auth, JWT-Auth and jwt-auth.so mean jwt-auth.
std::string bare(std::string_view name) {
  if (name.ends_with(".so")) name.remove_suffix(3);
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else if (c != '_' && c != '-' && c != ' ') {
      out += c;
    }
  }
  return out;
}

/// Also if one of the two is a part of the other: "jwt" for "jwt-auth".
bool is_near(std::string_view name, std::string_view known) {
  constexpr std::size_t kMaxTypos = 2;
  constexpr std::size_t kPart = 3;
  const std::string a = bare(name);
  const std::string b = bare(known);
  return text::edit_distance(a, b) <= std::min(kMaxTypos, b.size() / 3) ||
         (a.size() >= kPart && b.find(a) != std::string::npos) ||
         (b.size() >= kPart && a.find(b) != std::string::npos);
}

/// The end of the sentence about a missing plugin.
std::string others_than(std::string_view name, const fs::path& folder) {
  std::error_code error;
  const std::vector<std::string> names = plugins_in(folder, error);
  if (error) return cannot_be_read(folder, error);
  if (names.empty()) return "; there are none in " + folder.string() + " (PLUGINS_DIR)";
  const bool is_path = name.find('/') != std::string_view::npos;
  std::string near;
  std::string all;
  for (const std::string& each : names) {
    if (!is_path && is_near(name, each)) near += (near.empty() ? "" : " or ") + each;
    all += (all.empty() ? "" : ", ") + each;
  }
  if (!near.empty()) return ": did you mean " + near + "? There are: " + all;
  return (is_path ? "; by name there are: " : "; there are: ") + all;
}

}  // namespace

Choices resolve_choices(const Lookup& lookup, const fs::path& plugins_dir) {
  Choices choices;
  for (const Description& kind : kinds::kAll) {
    if (const auto named = value_of(lookup, kind.plugin_variable)) {
      const std::string variable(kind.plugin_variable);
      for (const std::string& name : names_in(kind, *named)) {
        const fs::path file =
            name.find('/') == std::string::npos ? plugins_dir / (name + ".so") : fs::path(name);
        if (is_file(file)) {
          choices.chosen.push_back({kind.kind, file, variable});
        } else {
          choices.refusals.push_back(variable + "=" + name + ": there is no plugin " +
                                     file.string() + others_than(name, plugins_dir));
        }
      }
    } else if (!kind.setting.name.empty() && value_of(lookup, kind.setting.name)) {
      const std::string variable(kind.setting.name);
      const fs::path file = plugins_dir / (std::string(kind.setting.bundled) + ".so");
      if (is_file(file)) {
        choices.chosen.push_back({kind.kind, file, variable});
      } else {
        std::error_code error;
        plugins_in(plugins_dir, error);
        choices.refusals.push_back(
            variable + " is set, but the plugin that serves it is missing: " + file.string() +
            (error ? cannot_be_read(plugins_dir, error) : ": is PLUGINS_DIR correct?"));
      }
    }
  }
  return choices;
}

}  // namespace crolang::plugin_host
