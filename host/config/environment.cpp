#include "config/environment.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include "config/cleaning.hpp"
#include "config/dotenv.hpp"
#include "telemetry/escape.hpp"

namespace crolang::config {
namespace {

constexpr std::size_t kLargestFile = 1024 * 1024;
constexpr std::size_t kLongestPath = 4096;

struct FileText {
  std::optional<std::string> text;
  std::string fault;
};

FileText read_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {std::nullopt, "it is a folder"};
  // Opening a pipe may block, and its content can be read only once.
  if (std::filesystem::is_fifo(path, ignored)) return {std::nullopt, "it is a pipe, not a file"};
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return {std::nullopt, std::strerror(errno)};
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return {std::nullopt, std::strerror(errno)};
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestFile) return {std::nullopt, "it is larger than 1 MiB"};
  return {std::move(text), {}};
}

const Environment::Entry* entry(const Environment& environment, std::string_view name) {
  const auto found = environment.entries.find(name);
  return found == environment.entries.end() || found->second.text.empty() ? nullptr
                                                                          : &found->second;
}

// Values of the other types are compared unchanged, and shown if they are invalid.
bool is_cleaned(Type type) {
  return type == Type::string || type == Type::url || type == Type::origins;
}

/// `${NAME}` of a shell or compose, `$(NAME)` of Kubernetes.
bool holds_reference(std::string_view text) {
  for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    const std::string_view rest = text.substr(at + 1);
    if (!rest.starts_with('{') && !rest.starts_with('(')) continue;
    const std::size_t end = rest.find_first_not_of(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", 1);
    if (end != std::string_view::npos && end > 1 &&
        (rest[end] == '}' || rest[end] == ')' || rest[end] == ':'))
      return true;
  }
  return false;
}

/// A warning about a value that is valid but probably not intended.
std::string doubt(const Variable& variable, std::string_view text) {
  if (holds_reference(text))
    return "contains a reference to another variable, which is not expanded here: write the value "
           "itself";
  std::error_code ignored;
  if (variable.secrecy == Secrecy::secret && text.find('/') != std::string_view::npos &&
      text.size() < kLongestPath && std::filesystem::is_regular_file(text, ignored))
    return "is the name of an existing file: is " + variable.name + "_FILE meant?";
  return {};
}

Found cleaned(const std::string& where, std::string_view raw, Source source, std::string from) {
  const Cleaned value = clean(raw);
  if (!value.fault.empty()) return {.text = {}, .fault = where + value.fault};
  return {.text = std::string(value.text),
          .source = source,
          .from = std::move(from),
          .note = value.note.empty() ? std::string() : where + value.note};
}

/// NAME_FILE=<the secret itself> must not show what it is.
bool may_be_shown(const std::string& path) {
  if (path.find("://") != std::string::npos || path.ends_with('=') ||
      std::any_of(path.begin(), path.end(), [](char c) { return c >= 0 && c <= ' '; }))
    return false;
  if (path.starts_with('/') || path.starts_with("./") || path.starts_with("../")) return true;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  return !folder.empty() && std::filesystem::is_directory(folder, ignored);
}

Found from_file(const std::string& name, std::string_view given) {
  const Cleaned named = clean(given);
  if (!named.fault.empty()) return {.text = {}, .fault = name + "_FILE: its value " + named.fault};
  const std::string path(named.text);
  const auto [text, fault] = read_file(path);
  const std::string where = name + "_FILE: " + telemetry::in_quotes(path) + " ";
  if (!text && !may_be_shown(path)) {
    return {.text = {},
            .fault = name + "_FILE: its value (not shown, it may be the secret itself) does not " +
                     "name a readable file: " + fault + "; the secret itself belongs in " + name};
  }
  if (!text) return {.text = {}, .fault = where + "cannot be read: " + fault};
  if (text->empty()) return {.text = {}, .fault = where + "is empty"};
  return cleaned(where, *text, Source::file, "file " + path);
}

void read_dotenv(Environment& environment, const std::filesystem::path& path) {
  std::error_code error;
  if (const auto status = std::filesystem::status(path, error);
      status.type() == std::filesystem::file_type::not_found)
    return;
  const auto [text, fault] = read_file(path);
  if (!text) {
    environment.faults.push_back(path.string() + " cannot be read: " + fault);
    return;
  }
  DotEnv parsed = parse_dotenv(*text);
  for (const std::string& each : parsed.faults)
    environment.faults.push_back(path.string() + ": " + each);
  std::map<std::string, std::string> last;
  for (auto& [name, value] : parsed.values) {
    const auto [place, is_first] = last.try_emplace(name, value);
    if (is_first || place->second == value) continue;
    environment.warnings.push_back(path.string() + " sets " + name +
                                   " more than once: the last one counts");
    place->second = std::move(value);
  }
  for (auto& [name, value] : last)
    environment.entries.try_emplace(name, Environment::Entry{std::move(value), Source::dotenv});
}

}  // namespace

Environment read_environment(const char* const* process, const std::filesystem::path& dotenv_file) {
  Environment environment;
  for (; *process != nullptr; ++process) {
    const std::string_view text(*process);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.entries.try_emplace(
        std::string(text.substr(0, equals)),
        Environment::Entry{std::string(text.substr(equals + 1)), Source::process});
  }
  read_dotenv(environment, dotenv_file);
  return environment;
}

Found find(const Environment& environment, const Variable& variable) {
  const Environment::Entry* const value = entry(environment, variable.name);
  const Environment::Entry* const file =
      variable.secrecy == Secrecy::secret ? entry(environment, variable.name + "_FILE") : nullptr;
  if (value != nullptr && file != nullptr)
    return {.text = {},
            .fault = variable.name + " and " + variable.name + "_FILE are both set: choose one"};
  if (file != nullptr) return from_file(variable.name, file->text);
  if (value != nullptr) {
    std::string from = value->source == Source::dotenv ? ".env" : "environment";
    if (!is_cleaned(variable.type))
      return {.text = value->text, .source = value->source, .from = std::move(from)};
    const std::string where = variable.name + ": its value from " + from + " ";
    Found found = cleaned(where, value->text, value->source, std::move(from));
    if (const std::string about = doubt(variable, found.text); !about.empty())
      found.note += (found.note.empty() ? where : ", and ") + about;
    return found;
  }
  if (!variable.default_value.empty())
    return {.text = variable.default_value, .source = Source::default_value, .from = "default"};
  return {.text = {}};
}

}  // namespace crolang::config
