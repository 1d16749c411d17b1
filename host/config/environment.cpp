#include "config/environment.hpp"

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

struct FileText {
  std::optional<std::string> text;
  std::string fault;
};

FileText read_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {std::nullopt, "it is a folder"};
  // It would hold up whoever opens it, and nothing would be left to be read again.
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

// Numbers and words are compared as they are, and shown where they are wrong.
bool is_cleaned(Type type) {
  return type == Type::string || type == Type::url;
}

Found cleaned(const std::string& where, std::string_view raw, Source source, std::string from) {
  const Cleaned value = clean(raw);
  if (!value.fault.empty()) return {.text = {}, .fault = where + value.fault};
  return {.text = std::string(value.text),
          .source = source,
          .from = std::move(from),
          .note = value.note.empty() ? std::string() : where + value.note};
}

Found from_file(const std::string& name, std::string_view given) {
  const Cleaned named = clean(given);
  if (!named.fault.empty()) return {.text = {}, .fault = name + "_FILE: its value " + named.fault};
  const std::string path(named.text);
  const auto [text, fault] = read_file(path);
  const std::string where = name + "_FILE: " + telemetry::in_quotes(path) + " ";
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
  for (auto& [name, value] : parsed.values) last[name] = std::move(value);
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
    return cleaned(where, value->text, value->source, std::move(from));
  }
  if (!variable.default_value.empty())
    return {.text = variable.default_value, .source = Source::default_value, .from = "default"};
  return {.text = {}};
}

}  // namespace crolang::config
