#include "admin_client/commands.hpp"

#include <algorithm>
#include <ostream>

#include "admin_client/address.hpp"
#include "admin_client/negotiation_tables.hpp"
#include "admin_client/tables.hpp"

namespace crolang::admin_client {
namespace {

using config::AdminCommand;
using Format = AdminCommand::Format;

constexpr std::uint64_t kPage = 1000;  // the most that the interface gives at once

/// A path with its query.
class Target {
 public:
  explicit Target(std::string path) : text_(std::move(path)) {}

  Target& add(std::string_view name, std::string_view value) {
    text_.append(has_query_ ? "&" : "?").append(name).append("=").append(percent_encoded(value));
    has_query_ = true;
    return *this;
  }
  Target& add_if_given(std::string_view name, std::string_view value) {
    return value.empty() ? *this : add(name, value);
  }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
  bool has_query_ = false;
};

Target item(std::string_view list, std::string_view id) {
  return Target("/api/v1/" + std::string(list) + "/" + percent_encoded(id));
}

std::string in_json(const Json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

/// Asks once, and prints the answer as it is or in the words of `text_of`.
template <class TextOf>
Outcome ask_once(const AdminCommand& command, const Ask& ask, Method method, const Target& target,
                 std::ostream& out, const TextOf& text_of) {
  const Answer answer = ask(method, target.text());
  if (!answer.fault.empty()) return {.fault = answer.fault};
  switch (command.format) {
    case Format::json:
      out << in_json(answer.body) << '\n';
      break;
    case Format::table:
      out << text_of(answer.body);
      break;
  }
  return {};
}

/// The pages of a list of nodes, printed one after the other: there may be very many.
class NodeList {
 public:
  NodeList(const AdminCommand& command, std::ostream& out, Time now)
      : command_(command), out_(out), now_(now) {}

  Outcome print(const Ask& ask) {
    if (command_.format == Format::json) out_ << R"({"nodes":[)";
    do {
      const Answer answer = ask(Method::get, page().text());
      if (!answer.fault.empty()) return {.fault = answer.fault};
      add(answer.body);
    } while (!cursor_.empty() && !is_complete() && out_);
    if (command_.format == Format::json) {
      out_ << R"(],"nextCursor":)" << (cursor_.empty() ? "null" : in_json(cursor_))
           << R"(,"unreachable":)" << in_json(unreachable_) << "}\n";
    }
    return {.warning = warning()};
  }

 private:
  bool is_complete() const { return command_.limit != 0 && count_ >= command_.limit; }

  Target page() const {
    const std::uint64_t left = command_.limit == 0 ? kPage : command_.limit - count_;
    Target target("/api/v1/nodes");
    target.add("limit", std::to_string(std::min(left, kPage)));
    target.add_if_given("prefix", command_.prefix).add_if_given("cursor", cursor_);
    if (command_.scope == AdminCommand::Scope::grid) target.add("scope", "grid");
    return target;
  }

  void add(const Json& page) {
    const Json& nodes = list_in(page, "nodes");
    switch (command_.format) {
      case Format::json:
        for (const Json& each : nodes) {
          out_ << (count_++ == 0 ? "" : ",\n") << in_json(each);
        }
        break;
      case Format::table:
        print_rows(nodes);
        count_ += nodes.size();
        break;
    }
    // A page without nodes goes nowhere.
    cursor_ = nodes.empty() || !page.contains("nextCursor") || !page["nextCursor"].is_string()
                  ? std::string()
                  : page["nextCursor"].get<std::string>();
    for (const Json& each : list_in(page, "unreachable")) {
      if (std::find(unreachable_.begin(), unreachable_.end(), each) == unreachable_.end()) {
        unreachable_.push_back(each);
      }
    }
  }

  void print_rows(const Json& nodes) {
    const Scope scope = command_.scope == AdminCommand::Scope::grid ? Scope::grid : Scope::instance;
    const std::string text = nodes_table(nodes, scope, now_);
    // The names of the columns once.
    out_ << (count_ == 0 ? text : text.substr(text.find('\n') + 1));
  }

  std::string warning() const {
    std::string text;
    if (!unreachable_.empty()) {
      text = "instances that did not answer, whose nodes are missing:";
      for (const Json& each : unreachable_) {
        text += " " + (each.is_string() ? shown(each.get_ref<const std::string&>()) : "?");
      }
    }
    if (!cursor_.empty()) {
      text.append(text.empty() ? "" : "; ").append("there are more nodes than --limit");
    }
    return text;
  }

  const AdminCommand& command_;
  std::ostream& out_;
  const Time now_;
  std::uint64_t count_ = 0;
  std::string cursor_;
  Json unreachable_ = Json::array();
};

Outcome disconnect(const AdminCommand& command, const Ask& ask, std::ostream& out) {
  Target target = item("nodes", command.id);
  if (command.refuse_for.count() != 0) {
    target.add("for", std::to_string(command.refuse_for.count()));
  }
  switch (command.close) {
    case AdminCommand::Close::for_good:
      break;
    case AdminCommand::Close::to_reconnect:
      target.add("reconnect", "true");
      break;
  }
  target.add_if_given("reason", command.reason);
  return ask_once(command, ask, Method::del, target, out, disconnected_text);
}

Outcome drain(const AdminCommand& command, const Ask& ask, std::ostream& out) {
  const Target target("/api/v1/drain");
  switch (command.drain) {
    case AdminCommand::Drain::start:
      return ask_once(command, ask, Method::post, target, out, [](const Json&) {
        return std::string(
            "the broker drains: it refuses new nodes, and its own reconnect to "
            "others\n");
      });
    case AdminCommand::Drain::cancel:
      return ask_once(command, ask, Method::del, target, out, [](const Json&) {
        return std::string("the broker no longer drains, and takes nodes again\n");
      });
  }
  return {};
}

Outcome negotiations(const AdminCommand& command, const Ask& ask, std::ostream& out, Time now) {
  if (!command.id.empty()) {
    return ask_once(command, ask, Method::get, item("negotiations", command.id), out,
                    negotiation_text);
  }
  Target target("/api/v1/negotiations");
  target.add_if_given("node", command.node).add_if_given("state", command.state);
  if (command.limit != 0) target.add("limit", std::to_string(command.limit));
  return ask_once(command, ask, Method::get, target, out,
                  [now](const Json& answer) { return negotiations_table(answer, now); });
}

}  // namespace

Outcome run(const AdminCommand& command, const Ask& ask, std::ostream& out, Time now) {
  using Name = AdminCommand::Name;
  switch (command.name) {
    case Name::instances:
      return ask_once(command, ask, Method::get, Target("/api/v1/instances"), out, instances_table);
    case Name::nodes:
      if (command.id.empty()) return NodeList(command, out, now).print(ask);
      return ask_once(command, ask, Method::get, item("nodes", command.id), out,
                      [now](const Json& node) { return node_properties(node, now); });
    case Name::disconnect:
      return disconnect(command, ask, out);
    case Name::refused_ids:
      return ask_once(command, ask, Method::get, Target("/api/v1/refused-ids"), out,
                      refused_ids_table);
    case Name::allow:
      return ask_once(
          command, ask, Method::del, item("refused-ids", command.id), out,
          [](const Json& answer) { return text_in(answer, "id") + " is no longer refused\n"; });
    case Name::drain:
      return drain(command, ask, out);
    case Name::negotiations:
      return negotiations(command, ask, out, now);
  }
  return {};
}

}  // namespace crolang::admin_client
