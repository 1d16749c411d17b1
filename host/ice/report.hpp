#pragma once
/// What check-ice prints. Pure. Threads: any. Errors: none. There is no password in it.

#include <span>
#include <string>
#include <string_view>

#include "ice/diagnosis.hpp"
#include "ice/outcome.hpp"

namespace crolang::ice {

/// A table of at most 100 columns where addresses allow, and below each row what is wrong.
std::string report_text(std::span<const Result> results, const Circumstances& where);

/// One JSON object in one line: {"ok":…,"checks":[…]}, as docs/configuration.md describes it.
std::string report_json(std::span<const Result> results, const Circumstances& where);

}  // namespace crolang::ice
