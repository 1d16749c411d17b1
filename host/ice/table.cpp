#include "ice/table.hpp"

#include <algorithm>

#include "text/lines.hpp"

namespace crolang::ice {
namespace {

constexpr std::string_view kGap = "  ";

std::string without_end(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::vector<std::string> aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], text::columns(row[i]));
  }
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    std::string text;
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!line.empty() && !row[i].empty() &&
          text::columns(line) + text::columns(row[i]) > text::kColumns) {
        text += without_end(std::move(line)) + "\n";
        line = std::string(kGap).append(kGap);
      }
      line += row[i];
      line.append(widths[i] - text::columns(row[i]), ' ').append(kGap);
    }
    lines.push_back(text + without_end(std::move(line)));
  }
  return lines;
}

}  // namespace crolang::ice
