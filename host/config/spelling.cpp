#include "config/spelling.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace crolang::config {
namespace {

constexpr std::size_t kLongName = 8;

// Wagner and Fischer, one row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({substituted, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

bool is_slip(std::string_view name, std::string_view known) {
  const std::size_t most = known.size() < kLongName ? 1 : 2;
  const std::size_t longer = std::max(name.size(), known.size());
  const std::size_t shorter = std::min(name.size(), known.size());
  return longer - shorter <= most && name.substr(0, 2) == known.substr(0, 2) &&
         edit_distance(name, known) <= most;
}

bool is_read(std::string_view name, std::span<const Variable> known) {
  return std::any_of(known.begin(), known.end(), [&](const Variable& each) {
    return name == each.name || (each.secrecy == Secrecy::secret && name == each.name + "_FILE");
  });
}

}  // namespace

std::string_view meant_by(std::string_view name, std::span<const Variable> known) {
  if (is_read(name, known)) return {};
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const Variable& each) { return is_slip(name, each.name); });
  return found == known.end() ? std::string_view{} : std::string_view(found->name);
}

std::vector<std::string> misspelt(const Environment& environment, std::span<const Variable> known) {
  std::vector<std::string> warnings;
  for (const auto& [name, entry] : environment.entries)
    if (const std::string_view meant = meant_by(name, known); !meant.empty())
      warnings.push_back(name + " is not a variable of this broker: did you mean " +
                         std::string(meant) + "?");
  return warnings;
}

}  // namespace crolang::config
