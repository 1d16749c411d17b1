/// Where values come from: the process's environment, a .env file, files named by X_FILE.
/// Threads: any, while nobody changes the Environment. Errors: sentences for the operator, without
/// values.
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

/// `process` is environ; a name that it has, even with an empty value, hides the one of the .env
/// file. A .env file that does not exist is fine, one that cannot be read is a fault.
Environment read_environment(const char* const* process, const std::filesystem::path& dotenv_file);

struct Found {
  std::string text;  ///< empty: there is no value
  Source source = Source::unset;
  std::string from{};   ///< "environment", ".env", "file /run/secrets/x", "default"; empty if unset
  std::string fault{};  ///< why there is no value although one was asked for
  std::string note{};   ///< what was done to the value that somebody may not have meant
};

/// The value of a variable, or its default. An empty value counts as not set. Texts and URLs are
/// cleaned of what stands around them (cleaning.hpp). A secret X is also read from the file that
/// X_FILE names; X and X_FILE together are a fault, as is an empty or unreadable file. A note tells
/// of a value that looks as if something should have been put in its place: ${NAME}, or for a
/// secret the name of a file.
Found find(const Environment& environment, const Variable& variable);

}  // namespace crolang::config
