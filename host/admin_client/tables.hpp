#pragma once
/// What the admin interface answers as tables for people, 80 columns wide for ids of up to 20
/// characters. A member that is absent or of another type is shown as "-": another version may be
/// asked. Pure. Threads: any. Errors: none. What others have chosen is made safe (shown.hpp).

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "admin_client/shown.hpp"

namespace crolang::admin_client {

using Json = nlohmann::ordered_json;

struct Column {
  enum class Align { left, right };

  std::string name;
  Align align = Align::left;
};

/// A line for the names and one for each row, without blanks at their ends. Each row has a cell for
/// each column.
std::string table(const std::vector<Column>& columns,
                  const std::vector<std::vector<std::string>>& rows);

/// `name: value` lines, the values below each other.
std::string properties(const std::vector<std::pair<std::string, std::string>>& all);

/// Members of an object; "-": it has none of that type.
std::string text_in(const Json& object, const char* name);
std::string count_in(const Json& object, const char* name);
std::string number_in(const Json& object, const char* name);
std::string size_in(const Json& object, const char* name);
/// How long ago a time was.
std::string age_in(const Json& object, const char* name, Time now);
/// The list of that name; empty if there is none.
const Json& list_in(const Json& object, const char* name);

std::string instances_table(const Json& answer);

enum class Scope : std::uint8_t { instance, grid };
std::string nodes_table(const Json& nodes, Scope scope, Time now);
std::string node_properties(const Json& node, Time now);

std::string refused_ids_table(const Json& answer);

/// One sentence.
std::string disconnected_text(const Json& answer);

}  // namespace crolang::admin_client
