/// Reads the sources of values: the process's environment, a .env file, files named by X_FILE.
/// Threads: any, as long as no thread modifies the Environment. Errors: sentences for the operator,
/// without values.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/variable.hpp"

namespace crolang::config {

enum class Source { unset, default_value, process, dotenv, file };

struct Environment {
  struct Entry {
    std::string text;
    Source source = Source::process;
  };
  std::map<std::string, Entry, std::less<>> entries;
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

/// `process` is environ; a name in it, even with an empty value, overrides the same name in the
/// .env file. A .env file that does not exist is fine, one that cannot be read is a fault.
Environment read_environment(const char* const* process, const std::filesystem::path& dotenv_file);

struct Found {
  std::string text;  ///< empty: no value
  Source source = Source::unset;
  std::string from{};   ///< "environment", ".env", "file /run/secrets/x", "default"; empty if unset
  std::string fault{};  ///< why there is no value although the variable is set
  std::string note{};   ///< a change to the value, or a warning about it
};

/// The value of a variable, or its default. An empty value counts as not set. Texts and URLs are
/// cleaned (cleaning.hpp). A secret X is also read from the file that X_FILE names; X and X_FILE
/// together are a fault, as is an empty or unreadable file. A note warns of a value that looks like
/// a placeholder that was not replaced: ${NAME}, or for a secret the name of a file.
Found find(const Environment& environment, const Variable& variable);

}  // namespace crolang::config
