#pragma once
/// What check-ice prints. Pure. Threads: any. Errors: none. There is no password in it.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ice/configuration.hpp"
#include "ice/diagnosis.hpp"
#include "ice/outcome.hpp"

namespace crolang::ice {

/// What a node was to get, but is not among the results.
struct NotTried {
  std::size_t turn_urls = 0;
  std::vector<std::string> why{};
};

/// `why_left_out`, `turn_left_out`: of broker::RtcNormaliser.
NotTried not_tried(const Targets& servers, std::string_view why_left_out,
                   std::size_t turn_left_out);

/// A table of at most 100 columns where addresses allow, and below each row what is wrong.
std::string report_text(std::span<const Result> results, const Circumstances& where,
                        const NotTried& not_tried = {});

/// One JSON object in one line: {"ok":…,"checks":[…]}, as docs/configuration.md describes it.
std::string report_json(std::span<const Result> results, const Circumstances& where,
                        const NotTried& not_tried = {});

}  // namespace crolang::ice
