#include "admin/negotiation_routes.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crolang/enum_count.hpp"
#include "grid/grid_negotiations.hpp"
#include "negotiation/diagnosis.hpp"
#include "negotiation/shortening.hpp"
#include "negotiation/table.hpp"

namespace crolang::admin {
namespace {

using negotiation::Presence;
using negotiation::Record;
using negotiation::Side;
using nlohmann::json;

constexpr std::string_view kOff = "there is no negotiation insight: NEGOTIATION_INSIGHT is false";

/// Which nodes are connected now. Nodes of other instances are looked up in the registry, all at
/// once.
class Presences {
 public:
  Presences(const Backend& backend, std::span<const Record> records, const std::stop_token& stop) {
    std::vector<std::string> elsewhere;
    for (const Record& record : records) {
      for (const std::string_view id : {record.initiator(), record.responder()}) {
        if (known_.find(id) != known_.end()) continue;
        const bool is_local = backend.shared.directory.find(id).has_value();
        known_.emplace(id, is_local ? Presence::connected : Presence::unknown);
        if (!is_local && negotiation::is_verbatim(id)) elsewhere.emplace_back(id);
      }
    }
    if (!elsewhere.empty()) look_up(backend, std::move(elsewhere), stop);
  }

  Presence of(std::string_view id) const {
    const auto found = known_.find(id);
    return found == known_.end() ? Presence::unknown : found->second;
  }

 private:
  void look_up(const Backend& backend, std::vector<std::string> ids, const std::stop_token& stop) {
    const Reply<std::vector<Presence>> reply;
    backend.shared.workers.post(
        0, broker::AskModule{[ids](modules::Clients& clients, const modules::Waiter& waiter) {
                               const std::vector<std::string_view> views(ids.begin(), ids.end());
                               return clients.presence(waiter, views);
                             },
                             [reply](const modules::Answer& answer) {
                               std::vector<Presence> found;
                               if (answer.succeeded()) {
                                 for (const modules::Holder& holder : answer.holders) {
                                   found.push_back(holder.instance.empty() ? Presence::not_connected
                                                                           : Presence::connected);
                                 }
                               }
                               reply.set(std::move(found));
                             }});
    const auto found = reply.wait(stop, kReplyTimeout);
    if (!found || found->size() != ids.size()) return;
    for (std::size_t i = 0; i < ids.size(); ++i) known_.insert_or_assign(ids[i], (*found)[i]);
  }

  std::map<std::string, Presence, std::less<>> known_;
};

double seconds(std::chrono::milliseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

/// null: not known here.
json candidates_json(const negotiation::Party& party) {
  if (party.is_kept_elsewhere) return nullptr;
  const negotiation::Candidates& candidates = party.candidates;
  json counts = json::object();
  for (std::size_t i = 0; i < negotiation::kCandidateTypes; ++i) {
    const auto type = static_cast<negotiation::CandidateType>(i);
    counts[std::string(name_of(type))] = candidates.of(type);
  }
  counts["udp"] = candidates.udp();
  counts["tcp"] = candidates.tcp();
  return counts;
}

class Writer {
 public:
  explicit Writer(const Presences& presences) : presences_(presences) {}

  json negotiation(const Record& record) const {
    const auto diagnosis = diagnose(
        record, {now_, presences_.of(record.initiator()), presences_.of(record.responder())});
    return {
        {"id", negotiation::id_of(record.number)},
        {"initiator", record.initiator()},
        {"responder", record.responder()},
        {"sessionId", record.session()},
        {"state", name_of(record.state_at(now_))},
        {"startedAt", at(record.started)},
        {"lastMessageAt", at(record.last_message)},
        {"answerSeconds", record.answered_after ? json(seconds(*record.answered_after)) : json()},
        {"initiatorCandidates", candidates_json(record.party(Side::initiator))},
        {"responderCandidates", candidates_json(record.party(Side::responder))},
        {"diagnosis", diagnosis.words},
        {"usual", diagnosis.usual}};
  }

  json events(const Record& record) const {
    json list = json::array();
    for (std::size_t i = 0; i < record.event_count; ++i) {
      const negotiation::Event& event = record.events[i];
      const std::string_view ack = name_of(event.ack);
      list.push_back({{"at", at(record.started + std::chrono::milliseconds(event.milliseconds))},
                      {"from", name_of(event.from)},
                      {"what", name_of(event.kind)},
                      {"acknowledgement", ack.empty() ? json() : json(ack)}});
    }
    return list;
  }

 private:
  std::string at(negotiation::TimePoint time) const {
    return utc_text(std::chrono::time_point_cast<std::chrono::system_clock::duration>(
        wall_now_ + (time - now_)));
  }

  const Presences& presences_;
  const negotiation::TimePoint now_ = std::chrono::steady_clock::now();
  const std::chrono::system_clock::time_point wall_now_ = std::chrono::system_clock::now();
};

ApiAnswer list(const Backend& backend, const ApiRequest& request) {
  if (!backend.shared.negotiations) return error_answer(404, kOff);
  negotiation::Table::Filter filter;
  if (const std::string* const node = request.query.find("node")) filter.node = *node;
  if (const std::string* const state = request.query.find("state")) {
    filter.state = negotiation::state_named(*state);
  }
  auto records = backend.shared.negotiations->newest(filter, request.query.number("limit"),
                                                     std::chrono::steady_clock::now());
  grid::complete(backend.shared, records, broker::Detail::counts);
  const Presences presences(backend, records, request.stop);
  const Writer writer(presences);
  json negotiations = json::array();
  for (const Record& each : records) negotiations.push_back(writer.negotiation(each));
  return json_answer(200, {{"negotiations", std::move(negotiations)}});
}

ApiAnswer one(const Backend& backend, const ApiRequest& request) {
  if (!backend.shared.negotiations) return error_answer(404, kOff);
  auto record = backend.shared.negotiations->find(negotiation::number_of(request.path.front()),
                                                  std::chrono::steady_clock::now());
  if (!record) {
    return error_answer(404, "this instance has no such negotiation, or has it no more");
  }
  grid::complete(backend.shared, {&*record, 1}, broker::Detail::messages);
  const Presences presences(backend, {&*record, 1}, request.stop);
  const Writer writer(presences);
  json negotiation = writer.negotiation(*record);
  negotiation["events"] = writer.events(*record);
  negotiation["eventsLeftOut"] = record->events_left_out;
  return json_answer(200, negotiation);
}

std::vector<std::string_view> state_names() {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < enum_count<negotiation::State>(); ++i) {
    names.push_back(name_of(static_cast<negotiation::State>(i)));
  }
  return names;
}

}  // namespace

void add_negotiation_routes(Router& router, const Backend& backend) {
  router.add(
      {.method = Method::get,
       .pattern = "/api/v1/negotiations",
       .parameters = {{.name = "node", .most = 16384},
                      {.name = "state", .type = Parameter::Type::choice, .choices = state_names()},
                      {.name = "limit",
                       .type = Parameter::Type::number,
                       .default_value = "100",
                       .least = 1,
                       .most = 1000}},
       .handler = [&backend](const ApiRequest& request) { return list(backend, request); }});
  router.add({.method = Method::get,
              .pattern = "/api/v1/negotiations/{id}",
              .handler = [&backend](const ApiRequest& request) { return one(backend, request); }});
}

}  // namespace crolang::admin
