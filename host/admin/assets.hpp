#pragma once
/// The files of the dashboard and the API's description, embedded at build time.
/// Threads: any; constants. Errors: none.

#include <string_view>

namespace crolang::admin {

struct Asset {
  std::string_view content_type;
  std::string_view content;
};

/// nullptr: there is no file of that name.
const Asset* find_asset(std::string_view name);

}  // namespace crolang::admin
