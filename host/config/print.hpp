/// The configuration as text for people, generated from the table of variables. Threads: any.
/// Errors: none.
#pragma once

#include <span>
#include <string>

#include "config/environment.hpp"

namespace crolang::config {

/// What --help prints: usage, every variable with default and meaning, exit codes; at most 100
/// columns. `plugin_variables` are those of the bundled plugins, grouped by plugin.
std::string help_text(std::span<const Variable> plugin_variables = {});

/// What --print-config prints: a line NAME=value for each variable with the source of the value;
/// values are written in the syntax of a .env file. Secrets are masked, as are user, password and
/// query of URLs.
std::string config_text(const Environment& environment,
                        std::span<const Variable> plugin_variables = {});

/// The host's table of docs/configuration.md, without a line break in front, with one at the end.
std::string markdown_table(std::span<const Variable> plugin_variables = {});

/// The same for the variables that only plugins read, with a column that names those plugins.
std::string plugin_markdown_table(std::span<const Variable> plugin_variables);

}  // namespace crolang::config
