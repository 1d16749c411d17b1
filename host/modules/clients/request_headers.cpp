#include "modules/clients/request_headers.hpp"

#include <algorithm>

#include "text/ascii.hpp"

namespace crolang::modules {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

/// Removes the next line from the front of `lines`, with its end.
std::string_view take_line(std::string_view& lines) {
  const std::size_t size = std::min(lines.find('\n'), lines.size() - 1) + 1;
  const std::string_view line = lines.substr(0, size);
  lines.remove_prefix(size);
  return line;
}

std::optional<RequestHeader> header_of(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return RequestHeader{trim(line.substr(0, colon)), trim(line.substr(colon + 1))};
}

/// Removes the next header from the front of `lines`; std::nullopt: there is none.
std::optional<RequestHeader> take_header(std::string_view& lines) {
  while (!lines.empty()) {
    if (const auto header = header_of(take_line(lines))) return header;
  }
  return std::nullopt;
}

}  // namespace

std::optional<RequestHeader> HeaderList::at(std::size_t index) {
  if (index < next_) {
    rest_ = lines_;
    next_ = 0;
  }
  for (;; ++next_) {
    const std::string_view from_next = rest_;
    const auto header = take_header(rest_);
    if (!header) {
      rest_ = from_next;
      return std::nullopt;
    }
    if (next_ == index) {
      ++next_;
      return header;
    }
  }
}

HeaderSelection HeaderSelection::of(std::string_view names) {
  HeaderSelection selection;
  selection.names_.emplace();
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = trim(names.substr(0, comma));
    if (!name.empty()) selection.names_->emplace_back(name);
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return selection;
}

std::string_view HeaderSelection::select(std::string_view lines, std::string& scratch) const {
  if (!names_) return lines;
  scratch.clear();
  while (!lines.empty()) {
    const std::string_view line = take_line(lines);
    const auto header = header_of(line);
    if (header && std::ranges::any_of(*names_, [&](std::string_view name) {
          return text::equals_ignore_case(name, header->name);
        })) {
      scratch += line;
    }
  }
  return scratch;
}

std::optional<std::string_view> find_header(std::string_view lines, std::string_view name) {
  while (const auto header = take_header(lines)) {
    if (text::equals_ignore_case(header->name, name)) return header->value;
  }
  return std::nullopt;
}

}  // namespace crolang::modules
