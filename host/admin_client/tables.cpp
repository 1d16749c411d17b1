#include "admin_client/tables.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "text/lines.hpp"

namespace crolang::admin_client {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::string_view kNone = "-";
constexpr std::uint64_t kMostSeconds = 1'000'000'000;

/// nullptr: the object has no such member, or it is null.
const Json* member_of(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::uint64_t> unsigned_in(const Json& object, const char* name) {
  const Json* const found = member_of(object, name);
  if (found == nullptr || !found->is_number_integer()) return std::nullopt;
  if (!found->is_number_unsigned() && found->get<std::int64_t>() < 0) return std::nullopt;
  return found->get<std::uint64_t>();
}

void append_cell(std::string& line, const std::string& cell, const Column& column,
                 std::size_t width) {
  const std::string fill(width - text::columns(cell), ' ');
  switch (column.align) {
    case Column::Align::left:
      line += cell + fill;
      break;
    case Column::Align::right:
      line += fill + cell;
      break;
  }
}

void append_line(std::string& text, const std::vector<Column>& columns,
                 const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i != 0) line += kGap;
    append_cell(line, cells[i], columns[i], widths[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  text += line + '\n';
}

constexpr auto kRight = Column::Align::right;
constexpr auto kLeft = Column::Align::left;

}  // namespace

std::string table(const std::vector<Column>& columns,
                  const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::string> names;
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    names.push_back(columns[i].name);
    widths.push_back(text::columns(columns[i].name));
    for (const auto& row : rows) widths[i] = std::max(widths[i], text::columns(row[i]));
  }
  std::string text;
  append_line(text, columns, names, widths);
  for (const auto& row : rows) append_line(text, columns, row, widths);
  return text;
}

std::string properties(const std::vector<std::pair<std::string, std::string>>& all) {
  std::size_t width = 0;
  for (const auto& [name, value] : all) width = std::max(width, text::columns(name));
  std::string text;
  for (const auto& [name, value] : all) {
    text.append(name).append(width - text::columns(name), ' ').append(kGap);
    text.append(value).append("\n");
  }
  return text;
}

std::string text_in(const Json& object, const char* name) {
  const Json* const found = member_of(object, name);
  return found == nullptr || !found->is_string() ? std::string(kNone)
                                                 : shown(found->get_ref<const std::string&>());
}

std::string count_in(const Json& object, const char* name) {
  const auto found = unsigned_in(object, name);
  return found ? std::to_string(*found) : std::string(kNone);
}

std::string number_in(const Json& object, const char* name) {
  const Json* const found = member_of(object, name);
  return found == nullptr || !found->is_number() ? std::string(kNone)
                                                 : number(found->get<double>());
}

std::string size_in(const Json& object, const char* name) {
  const auto found = unsigned_in(object, name);
  return found ? size(*found) : std::string(kNone);
}

std::string age_in(const Json& object, const char* name, Time now) {
  const Json* const found = member_of(object, name);
  if (found == nullptr || !found->is_string()) return std::string(kNone);
  const auto time = parse_time(found->get_ref<const std::string&>());
  return time ? age(now - *time) : std::string(kNone);
}

const Json& list_in(const Json& object, const char* name) {
  static const Json kEmpty = Json::array();
  const Json* const found = member_of(object, name);
  return found == nullptr || !found->is_array() ? kEmpty : *found;
}

std::string instances_table(const Json& answer) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& each : list_in(answer, "instances")) {
    const auto seconds = unsigned_in(each, "uptimeSeconds");
    const Json* const self = member_of(each, "self");
    rows.push_back(
        {text_in(each, "id"), text_in(each, "state"), count_in(each, "nodes"),
         seconds ? age(std::chrono::seconds(std::min(*seconds, kMostSeconds))) : std::string(kNone),
         text_in(each, "version"), self != nullptr && *self == true ? "this one" : ""});
  }
  return table({{"INSTANCE"}, {"STATE"}, {"NODES", kRight}, {"UP", kRight}, {"VERSION"}, {""}},
               rows);
}

std::string nodes_table(const Json& nodes, Scope scope, Time now) {
  std::vector<Column> columns{{"ID"},          {"ADDRESS"},    {"RUNTIME"},     {"FOR", kRight},
                              {"RTT", kRight}, {"IN", kRight}, {"OUT", kRight}, {"OUTQ", kRight}};
  switch (scope) {
    case Scope::instance:
      break;
    case Scope::grid:
      columns.push_back({"INSTANCE", kLeft});
      break;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Json& each : nodes) {
    rows.push_back({text_in(each, "id"), text_in(each, "address"), text_in(each, "runtime"),
                    age_in(each, "since", now), number_in(each, "roundTripMs"),
                    count_in(each, "messagesIn"), count_in(each, "messagesOut"),
                    size_in(each, "outboxBytes"), text_in(each, "instance")});
    rows.back().resize(columns.size());
  }
  return table(columns, rows);
}

std::string node_properties(const Json& node, Time now) {
  const auto with_size = [&node](const char* messages, const char* bytes) {
    return count_in(node, messages) + " messages, " + size_in(node, bytes) + " bytes";
  };
  std::string round_trip = number_in(node, "roundTripMs");
  if (round_trip != kNone) round_trip += " ms";
  return properties(
      {{"id", text_in(node, "id")},
       {"instance", text_in(node, "instance")},
       {"connected", age_in(node, "since", now) + ", since " + text_in(node, "since")},
       {"version", text_in(node, "version")},
       {"runtime", text_in(node, "runtime")},
       {"address", text_in(node, "address")},
       {"round trip", round_trip},
       {"received", with_size("messagesIn", "bytesIn")},
       {"sent", with_size("messagesOut", "bytesOut")},
       {"waiting", size_in(node, "outboxBytes") + " bytes"}});
}

std::string refused_ids_table(const Json& answer) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& each : list_in(answer, "refusedIds")) {
    rows.push_back({text_in(each, "id"), text_in(each, "until"), text_in(each, "reason")});
  }
  return table({{"ID"}, {"UNTIL"}, {"REASON"}}, rows);
}

std::string disconnected_text(const Json& answer) {
  const Json* const disconnected = member_of(answer, "disconnected");
  std::string text = text_in(answer, "id");
  if (disconnected != nullptr && *disconnected == true) {
    text += " was disconnected";
    if (const std::string instance = text_in(answer, "instance"); instance != kNone) {
      text += " from " + instance;
    }
  } else {
    text += " was not connected";
  }
  if (const std::string until = text_in(answer, "refusedUntil"); until != kNone) {
    text += ", and is refused until " + until;
  }
  return text + "\n";
}

}  // namespace crolang::admin_client
