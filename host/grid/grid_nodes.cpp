#include "grid/grid_nodes.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "broker/identity.hpp"
#include "broker/refused_ids_sync.hpp"
#include "grid/later.hpp"

namespace crolang::grid {

using broker::Disconnection;
using broker::NodeQuery;
using broker::RefusedId;
using modules::Answer;
using Json = GridNodes::Json;
using Why = Failure::Why;

namespace {

/// The nodes of one instance.
struct Part {
  std::vector<Json> nodes;
  std::optional<std::string> complete_to;  // see broker::NodePage
};

std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_node(const Json& node) {
  return node.is_object() && !text_in(node, "id").empty();
}

/// nullopt: no instance of this version has written it, for this query. What is not behind the
/// cursor would send whoever turns the pages round in circles.
std::optional<Part> parse_page(std::string_view text, const NodeQuery& query) {
  Json page = Json::parse(text, nullptr, false);
  if (!page.is_object() || !page.contains("nodes") || !page["nodes"].is_array())
    return std::nullopt;
  Part part;
  for (Json& node : page["nodes"]) {
    if (!is_node(node)) return std::nullopt;
    const std::string id = text_in(node, "id");
    if (!id.starts_with(query.prefix) || id <= query.after) return std::nullopt;
    part.nodes.push_back(std::move(node));
  }
  if (std::string to = text_in(page, "completeTo"); !to.empty()) {
    if (to <= query.after) return std::nullopt;
    part.complete_to = std::move(to);
  }
  return part;
}

/// The first `limit` nodes of both. To be called for one instance after the other, so that never
/// more than two pages are in memory in this form, whatever the number of instances.
Part merge(Part one, Part other, std::size_t limit) {
  Part merged;
  std::vector<std::pair<std::string, Json>> nodes;
  for (Part* const part : {&one, &other}) {
    if (part->complete_to && (!merged.complete_to || *part->complete_to < *merged.complete_to)) {
      merged.complete_to = std::move(part->complete_to);
    }
    for (Json& node : part->nodes) nodes.emplace_back(text_in(node, "id"), std::move(node));
  }
  // A node that has moved while they were asked may be on two of them: the later one counts.
  std::ranges::sort(nodes, [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    return text_in(a.second, "since") > text_in(b.second, "since");
  });
  const auto same = std::ranges::unique(nodes, {}, [](const auto& node) { return node.first; });
  nodes.erase(same.begin(), same.end());
  for (auto& [id, node] : nodes) {
    if (merged.complete_to && id > *merged.complete_to) break;
    if (merged.nodes.size() == limit) {
      merged.complete_to = text_in(merged.nodes.back(), "id");
      break;
    }
    merged.nodes.push_back(std::move(node));
  }
  return merged;
}

Failure unavailable(std::string_view who, const Answer& answer) {
  const std::string_view why =
      answer.error.empty() ? modules::status_name(answer.status) : std::string_view(answer.error);
  return {Why::unavailable, std::string(who).append(": ").append(why)};
}

Failure not_connected() {
  return {Why::not_found, "no such node is connected"};
}

Failure no_room() {
  return {Why::full, "10000 ids are refused already: lift one first, or let some expire"};
}

constexpr std::string_view kRegistry = "the registry did not answer";

std::string instance_named(std::string_view name) {
  return "the node's instance " + std::string(name) + " did not answer";
}

const Failure kNoAnswerHere{Why::unavailable, "this instance's worker did not answer in time"};

}  // namespace

Outcome<GridNodes::Listing> GridNodes::list(const NodeQuery& query, Scope scope) const {
  const Deadline latest = deadline();
  const auto own = std::make_shared<Later<broker::NodePage>>();
  broker::list_nodes(shared_, query, [own](broker::NodePage page) { own->set(std::move(page)); });
  std::vector<std::string> others;
  if (scope == Scope::grid) {
    const Answer answer = registry_.list_instances(latest);
    if (!answer.succeeded()) return unavailable(kRegistry, answer);
    for (const modules::InstanceStatus& each : answer.instances) {
      if (each.instance != shared_.instance) others.push_back(each.instance);
    }
  }
  auto answers = registry_.ask(others, broker::nodes_question(query), latest);
  Part nodes;
  std::vector<std::string> unreachable;
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::string text = std::move(answers[i].text);
    if (auto part = answers[i].succeeded() ? parse_page(text, query) : std::nullopt) {
      nodes = merge(std::move(nodes), std::move(*part), query.limit);
    } else {
      unreachable.push_back(others[i]);
    }
  }
  const auto page = own->wait_until(latest);
  if (!page) return kNoAnswerHere;
  nodes = merge(std::move(nodes), *parse_page(broker::page_json(*page, shared_.instance), query),
                query.limit);
  std::ranges::sort(unreachable);
  return Listing{std::move(nodes.nodes), std::move(nodes.complete_to), std::move(unreachable)};
}

Outcome<std::optional<std::string>> GridNodes::locate(const std::string& id,
                                                      Deadline deadline) const {
  // No registry is asked about what no node can be called.
  if (broker::check_id(id, shared_.policy.max_node_id_bytes) != broker::IdFault::none) {
    return std::optional<std::string>();
  }
  const Answer answer = registry_.lookup(id, deadline);
  if (!answer.succeeded()) return unavailable(kRegistry, answer);
  const std::string& instance = answer.holders.front().instance;
  if (instance.empty() || instance == shared_.instance) return std::optional<std::string>();
  return std::optional(instance);
}

Outcome<Json> GridNodes::find(const std::string& id) const {
  const Deadline latest = deadline();
  if (shared_.directory.find(id)) {
    const auto own = std::make_shared<Later<std::optional<broker::NodeReport>>>();
    broker::report_node(shared_, id, [own](std::optional<broker::NodeReport> report) {
      own->set(std::move(report));
    });
    const auto report = own->wait_until(latest);
    if (!report) return kNoAnswerHere;
    if (!*report) return not_connected();
    std::string text;
    broker::append_json(text, **report, shared_.instance);
    return Json::parse(text);
  }
  const auto located = locate(id, latest);
  if (const auto* failure = std::get_if<Failure>(&located)) return *failure;
  const auto& instance = std::get<std::optional<std::string>>(located);
  if (!instance) return not_connected();
  const Answer answer = registry_.ask({*instance}, broker::node_question(id), latest).front();
  if (!answer.succeeded()) return unavailable(instance_named(*instance), answer);
  Json node = Json::parse(answer.text, nullptr, false);
  if (node.is_null()) return not_connected();
  if (!is_node(node)) {
    return Failure{Why::unavailable, "the node's instance " + *instance + " answers nonsense"};
  }
  return node;
}

Outcome<GridNodes::Disconnected> GridNodes::disconnect(const Disconnection& disconnection) const {
  auto outcome = disconnect(disconnection, deadline());
  const auto* done = std::get_if<Disconnected>(&outcome);
  if (done != nullptr && !done->disconnected) return not_connected();
  return outcome;
}

Outcome<GridNodes::Disconnected> GridNodes::disconnect(const Disconnection& disconnection,
                                                       Deadline deadline) const {
  if (shared_.directory.find(disconnection.id)) {
    const auto own = std::make_shared<Later<bool>>();
    broker::disconnect_node(shared_, disconnection,
                            [own](bool disconnected) { own->set(disconnected); });
    const auto disconnected = own->wait_until(deadline);
    if (!disconnected) return kNoAnswerHere;
    return Disconnected{shared_.instance, *disconnected};
  }
  const auto located = locate(disconnection.id, deadline);
  if (const auto* failure = std::get_if<Failure>(&located)) return *failure;
  const auto& instance = std::get<std::optional<std::string>>(located);
  if (!instance) return Disconnected{};
  const Answer answer =
      registry_.ask({*instance}, broker::disconnect_question(disconnection), deadline).front();
  if (!answer.succeeded()) return unavailable(instance_named(*instance), answer);
  const Json said = Json::parse(answer.text, nullptr, false);
  const bool disconnected = said.is_object() && said.value("disconnected", Json()) == Json(true);
  return Disconnected{disconnected ? instance : std::nullopt, disconnected};
}

Outcome<GridNodes::Refused> GridNodes::refuse(const Disconnection& disconnection,
                                              std::chrono::seconds time) const {
  const Deadline latest = deadline();
  const std::string& id = disconnection.id;
  if (broker::check_id(id, shared_.policy.max_node_id_bytes) != broker::IdFault::none) {
    return Failure{Why::invalid, "no node can have this id"};
  }
  if (!broker::can_be_refused(id)) {
    return Failure{Why::invalid, "ids of more than 1000 bytes cannot be refused"};
  }
  const auto now = std::chrono::system_clock::now();
  if (!shared_.refused_ids.find(id, now) &&
      shared_.refused_ids.all(now).size() >= broker::kMaxRefusedIds) {
    return no_room();
  }
  RefusedId refused{
      id, std::chrono::floor<std::chrono::milliseconds>(now) + std::min(time, kLongestRefusal),
      disconnection.reason};
  const Answer answer = registry_.set_entry(broker::entry_of(refused), latest);
  if (answer.status == CROLANG_INVALID) {
    // Others may have refused some, or the registry still counts those that have just expired.
    if (registry_.shares_entries()) return no_room();
    return Failure{Why::not_supported, answer.error};
  }
  if (!answer.succeeded()) return unavailable(kRegistry, answer);
  shared_.refused_ids.put(refused, now);
  auto outcome = disconnect(disconnection, latest);
  // It may have joined since it was looked for; other instances find out by themselves.
  broker::disconnect_refused(shared_, {refused});
  if (std::holds_alternative<Failure>(outcome)) {
    // The id is refused nevertheless, and its instance disconnects it within a second.
    return Refused{{}, std::move(refused)};
  }
  return Refused{std::get<Disconnected>(std::move(outcome)), std::move(refused)};
}

std::vector<RefusedId> GridNodes::refused_ids() const {
  return shared_.refused_ids.all(std::chrono::system_clock::now());
}

std::optional<Failure> GridNodes::lift(const std::string& id) const {
  const Deadline latest = deadline();
  const auto now = std::chrono::system_clock::now();
  if (!shared_.refused_ids.find(id, now)) {
    // It may have been refused elsewhere a moment ago.
    const Answer table = registry_.list_entries(latest);
    if (!table.succeeded()) return unavailable(kRegistry, table);
    const bool is_refused = std::ranges::any_of(table.entries, [&](const modules::Entry& entry) {
      const auto refused = broker::refused_id_of(entry);
      return refused && refused->id == id && refused->until > now;
    });
    if (!is_refused) return Failure{Why::not_found, "this id is not refused"};
  }
  const Answer answer = registry_.set_entry(broker::removal_of(id), latest);
  if (answer.status == CROLANG_INVALID) return Failure{Why::not_supported, answer.error};
  if (!answer.succeeded()) return unavailable(kRegistry, answer);
  shared_.refused_ids.erase(id);
  return std::nullopt;
}

}  // namespace crolang::grid
