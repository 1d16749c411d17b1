#include "broker/node_questions.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "broker/command.hpp"
#include "broker/shared_state.hpp"
#include "json/scanner.hpp"

namespace crolang::broker {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kNodes = "nodes";
constexpr std::string_view kNode = "node";
constexpr std::string_view kDisconnect = "disconnect";

// What others send as a reason is cut at this many bytes for the log.
constexpr std::size_t kMaxWords = 512;

std::string question(std::string_view word, const Json& rest) {
  return std::string(word) + ' ' + rest.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Discarded if it is no object.
Json parse_object(std::string_view text) {
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : Json(Json::value_t::discarded);
}

std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void answer_nodes(SharedState& shared, std::string_view rest,
                  const InstanceQuestions::Reply& reply) {
  const Json asked = parse_object(rest);
  const auto limit = asked.is_discarded() ? asked.end() : asked.find("limit");
  if (asked.is_discarded() || limit == asked.end() || !limit->is_number_unsigned()) {
    reply.fail(CROLANG_INVALID, "malformed question");
    return;
  }
  const NodeQuery query{text_in(asked, "prefix"), text_in(asked, "after"),
                        std::clamp<std::size_t>(limit->get<std::size_t>(), 1, kMaxPage)};
  list_nodes(shared, query, [&shared, reply](const NodePage& page) {
    reply.text(page_json(page, shared.instance));
  });
}

void answer_node(SharedState& shared, std::string_view rest,
                 const InstanceQuestions::Reply& reply) {
  report_node(shared, rest, [&shared, reply](const std::optional<NodeReport>& node) {
    std::string text;
    if (node) {
      append_json(text, *node, shared.instance);
    } else {
      text = "null";
    }
    reply.text(text);
  });
}

void answer_disconnect(SharedState& shared, std::string_view rest,
                       const InstanceQuestions::Reply& reply) {
  const Json asked = parse_object(rest);
  const auto reconnect = asked.is_discarded() ? asked.end() : asked.find("reconnect");
  if (asked.is_discarded() || reconnect == asked.end() || !reconnect->is_boolean()) {
    reply.fail(CROLANG_INVALID, "malformed question");
    return;
  }
  const Disconnection disconnection{
      text_in(asked, "id"),
      reconnect->get<bool>() ? Disconnection::Then::reconnects : Disconnection::Then::stays_away,
      text_in(asked, "by"), text_in(asked, "reason")};
  disconnect_node(shared, disconnection, [reply](bool disconnected) {
    reply.text(disconnected ? R"({"disconnected":true})" : R"({"disconnected":false})");
  });
}

}  // namespace

void add_node_questions(SharedState& shared) {
  const auto add = [&](std::string_view word, auto answer) {
    shared.questions.add(
        std::string(word),
        [&shared, answer](std::string_view rest, const InstanceQuestions::Reply& reply) {
          answer(shared, rest, reply);
        });
  };
  add(kNodes, &answer_nodes);
  add(kNode, &answer_node);
  add(kDisconnect, &answer_disconnect);
}

std::string nodes_question(const NodeQuery& query) {
  return question(kNodes,
                  {{"prefix", query.prefix}, {"after", query.after}, {"limit", query.limit}});
}

std::string node_question(std::string_view id) {
  return std::string(kNode).append(" ").append(id);
}

std::string disconnect_question(const Disconnection& disconnection) {
  return question(kDisconnect,
                  {{"id", disconnection.id},
                   {"reconnect", disconnection.then == Disconnection::Then::reconnects},
                   {"by", disconnection.by},
                   {"reason", disconnection.reason}});
}

void report_node(SharedState& shared, std::string_view id,
                 std::function<void(std::optional<NodeReport>)> reply) {
  const auto here = shared.directory.find(id);
  if (!here) {
    reply(std::nullopt);
    return;
  }
  shared.workers.post(here->session.worker,
                      ReportNode{here->session, here->token, std::move(reply)});
}

void disconnect_node(SharedState& shared, const Disconnection& disconnection,
                     std::function<void(bool)> reply) {
  const auto here = shared.directory.find(disconnection.id);
  if (!here) {
    reply(false);
    return;
  }
  std::string words = "by " + (disconnection.by.empty() ? "an operator" : disconnection.by);
  if (!disconnection.reason.empty()) words += ": " + disconnection.reason;
  words.resize(std::min(words.size(), kMaxWords));
  const bool reconnects = disconnection.then == Disconnection::Then::reconnects;
  shared.workers.post(here->session.worker,
                      DisconnectNode{here->session, here->token,
                                     reconnects ? session::EndReason::operator_reconnect
                                                : session::EndReason::operator_disconnect,
                                     std::move(words), std::move(reply)});
}

std::string page_json(const NodePage& page, std::string_view instance) {
  std::string text = R"({"nodes":[)";
  const std::string* complete_to = page.complete_to ? &*page.complete_to : nullptr;
  for (std::size_t i = 0; i < page.nodes.size(); ++i) {
    if (text.size() > kMaxPageBytes) {
      complete_to = &page.nodes[i - 1].id;
      break;
    }
    if (i != 0) text += ',';
    append_json(text, page.nodes[i], instance);
  }
  text += R"(],"completeTo":)";
  if (complete_to == nullptr) {
    text += "null";
  } else {
    json::append_quoted(text, *complete_to);
  }
  return text + '}';
}

}  // namespace crolang::broker
