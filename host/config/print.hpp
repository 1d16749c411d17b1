/// The configuration as text for people; all of it made from the table of variables. Threads: any.
/// Errors: none.
#pragma once

#include <span>
#include <string>

#include "config/environment.hpp"

namespace crolang::config {

/// What --help prints: usage, every variable with default and meaning, exit codes; at most 100
/// columns. `plugin_variables` are those of the bundled plugins, grouped by plugin.
std::string help_text(std::span<const Variable> plugin_variables = {});

/// What --print-config prints: a line NAME=value for each variable with where the value comes from;
/// values are written as a .env file takes them. Secrets are masked, as are user, password and
/// query of URLs.
std::string config_text(const Environment& environment,
                        std::span<const Variable> plugin_variables = {});

/// README's table of variables in Markdown, without a line break in front, with one at the end.
std::string markdown_table(std::span<const Variable> plugin_variables = {});

/// The same for what only plugins read, with a column that says which.
std::string plugin_markdown_table(std::span<const Variable> plugin_variables);

}  // namespace crolang::config
