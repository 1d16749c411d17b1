#include "kinds/kinds.hpp"

#include <algorithm>

namespace crolang::kinds {
namespace {

/// The functions follow `size` one after the other, without a gap.
constexpr bool functions_fill_their_tables() {
  for (const Description& each : kAll) {
    for (std::size_t i = 0; i < each.functions.size(); ++i) {
      if (each.functions[i].offset != (i + 1) * sizeof(void (*)())) return false;
    }
  }
  return true;
}
static_assert(functions_fill_their_tables());

}  // namespace

const Description* find(std::string_view name) {
  const auto* const found = std::find_if(
      kAll.begin(), kAll.end(), [&](const Description& each) { return each.name == name; });
  return found == kAll.end() ? nullptr : found;
}

std::string names() {
  std::string names;
  for (const Description& each : kAll) {
    if (!names.empty()) names += ", ";
    names += each.name;
  }
  return names;
}

}  // namespace crolang::kinds
