#pragma once
/// Opens a plugin's file and finds its entry. A file is never closed again: thread-local
/// destructors and unique symbols make that unsafe, and a process that ends gains nothing from it.
/// Threads: one at a time. Errors: a sentence that names the file.

#include <boost/system/result.hpp>
#include <filesystem>
#include <string>

#include "crolang/plugin.h"

namespace crolang::plugin_host {

struct Plugin {
  std::filesystem::path path;
  const crolang_plugin* entry;
};

struct Refusal {
  std::string sentence;
};

using Opened = boost::system::result<Plugin, Refusal>;

/// Runs the static constructors of the file, and nothing else in it. The entry is checked against
/// the broker's ABI.
Opened open_plugin(const std::filesystem::path& path);

}  // namespace crolang::plugin_host
