#include "broker/negotiation_halves.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "broker/outcome.hpp"
#include "negotiation/shortening.hpp"

namespace crolang::broker {
namespace {

using negotiation::Ack;
using negotiation::CandidateSummary;
using negotiation::Event;
using negotiation::Party;
using negotiation::Record;
using negotiation::Side;
using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr std::string_view kHalves = "negotiations";
// Older than any record, and no sum of it and a time overflows.
constexpr milliseconds kOldest = std::chrono::hours(24 * 3650);
constexpr std::array kSides{Side::initiator, Side::responder};

milliseconds age(const Record& record, negotiation::TimePoint now) {
  return std::chrono::duration_cast<milliseconds>(now - record.started);
}

/// The acknowledgement of the attempt, or of the answer.
Ack& first_ack(Record& record, Side side) {
  return side == Side::initiator ? record.attempt_ack : record.answer_ack;
}

// ---- Writing ------------------------------------------------------------------------------------

Json candidates_json(const negotiation::Candidates& candidates) {
  const CandidateSummary summary = candidates.summary();
  return {{"types", summary.types},
          {"udp", summary.udp},
          {"tcp", summary.tcp},
          {"publicHost", summary.has_public_host},
          {"ipv4", summary.ipv4},
          {"ipv6", summary.ipv6},
          {"symmetricNat", summary.behind_symmetric_nat}};
}

Json events_json(const Record& record, Side side) {
  Json events = Json::array();
  for (const Event& event : std::span(record.events).first(record.event_count)) {
    if (event.from != side || event.is_copy) continue;
    events.push_back({name_of(event.kind), event.milliseconds, name_of(event.ack)});
  }
  return events;
}

Json party_json(Record& record, Side side, Detail detail) {
  const Party& party = record.party(side);
  Json json = {{"candidates", candidates_json(party.candidates)},
               {"ack", name_of(first_ack(record, side))},
               {"lost", party.lost},
               {"lastLoss", name_of(party.last_loss)}};
  if (party.servers.known) {
    json["servers"] = {{"stun", party.servers.stun},
                       {"turn", party.servers.turn},
                       {"relayOnly", party.servers.relay_only}};
  }
  if (detail == Detail::messages) json["events"] = events_json(record, side);
  return json;
}

/// What this instance keeps; null: nothing.
Json half_json(negotiation::Table::Closest& found, Detail detail) {
  Record& record = found.record;
  Json parties = Json::object();
  for (const Side side : kSides) {
    if (record.party(side).is_kept_here) {
      parties[std::string(name_of(side))] = party_json(record, side, detail);
    }
  }
  if (parties.empty()) return nullptr;
  Json half = {{"parties", std::move(parties)},
               {"lastMessage", age(record, record.last_message).count()},
               {"failure", record.failure},
               {"leftOut", record.events_left_out - record.copies_left_out}};
  if (found.to_next) {
    half["toNext"] = std::chrono::duration_cast<milliseconds>(*found.to_next).count();
  }
  return half;
}

// ---- Answering ----------------------------------------------------------------------------------

/// One entry of the question: [initiator, responder, session, age in milliseconds].
std::optional<negotiation::Table::Closest> asked_record(const SharedState& shared,
                                                        const Json& asked,
                                                        negotiation::TimePoint now) {
  const bool is_one = asked.is_array() && asked.size() == 4 && asked[0].is_string() &&
                      asked[1].is_string() && asked[2].is_string() && asked[3].is_number_integer();
  if (!is_one) return std::nullopt;
  const milliseconds old =
      std::clamp(milliseconds(asked[3].get<std::int64_t>()), -kOldest, kOldest);
  return shared.negotiations->find(
      {asked[0].get_ref<const std::string&>(), asked[1].get_ref<const std::string&>(),
       asked[2].get_ref<const std::string&>()},
      now - old, kHalvesApart, now);
}

void answer_halves(const SharedState& shared, std::string_view rest,
                   const InstanceQuestions::Reply& reply) {
  const Json question = Json::parse(rest, nullptr, false);
  const bool is_question = question.is_object() && question.contains("negotiations") &&
                           question["negotiations"].is_array() &&
                           question["negotiations"].size() <= kMaxHalves;
  if (!is_question) {
    reply.fail(CROLANG_INVALID, "malformed question");
    return;
  }
  const Detail detail =
      question.value("events", Json()) == Json(true) ? Detail::messages : Detail::counts;
  const auto now = std::chrono::steady_clock::now();
  Json halves = Json::array();
  for (const Json& asked : question["negotiations"]) {
    // With NEGOTIATION_INSIGHT=false nothing is kept here.
    auto found = shared.negotiations ? asked_record(shared, asked, now) : std::nullopt;
    halves.push_back(found ? half_json(*found, detail) : Json());
  }
  reply.text(
      Json{{"halves", std::move(halves)}}.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// ---- Reading ------------------------------------------------------------------------------------

// An answer of another version may lack a member, or have one of another type.

template <class Number>
Number number_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return 0;
  return static_cast<Number>(
      std::min<std::uint64_t>(found->get<std::uint64_t>(), std::numeric_limits<Number>::max()));
}

bool flag_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string_view text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return found->get_ref<const std::string&>();
}

const Json& object_in(const Json& object, const char* name) {
  static const Json kNone = Json::object();
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : kNone;
}

const Json& array_in(const Json& object, const char* name) {
  static const Json kNone = Json::array();
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : kNone;
}

negotiation::Candidates candidates_of(const Json& json) {
  CandidateSummary summary{.udp = number_in<std::uint16_t>(json, "udp"),
                           .tcp = number_in<std::uint16_t>(json, "tcp"),
                           .has_public_host = flag_in(json, "publicHost"),
                           .ipv4 = flag_in(json, "ipv4"),
                           .ipv6 = flag_in(json, "ipv6"),
                           .behind_symmetric_nat = flag_in(json, "symmetricNat")};
  const Json& types = array_in(json, "types");
  for (std::size_t i = 0; i < std::min(types.size(), summary.types.size()); ++i) {
    if (types[i].is_number_unsigned()) {
      summary.types[i] = static_cast<std::uint16_t>(
          std::min<std::uint64_t>(types[i].get<std::uint64_t>(), 0xFFFF));
    }
  }
  return negotiation::Candidates(summary);
}

/// Adds the events of one side in the order of time. What was known of it as a copy only is
/// replaced by the original.
void add_events(Record& record, Side side, const Json& events) {
  std::vector<Event> told;
  for (const Json& each : events) {
    const bool is_event = each.is_array() && each.size() == 3 && each[0].is_string() &&
                          each[1].is_number_unsigned() && each[2].is_string();
    const auto kind = is_event
                          ? negotiation::message_kind_named(each[0].get_ref<const std::string&>())
                          : std::nullopt;
    if (!kind) continue;
    told.push_back({.milliseconds = static_cast<std::uint32_t>(
                        std::min<std::uint64_t>(each[1].get<std::uint64_t>(), 0xFFFFFFFF)),
                    .kind = *kind,
                    .from = side,
                    .ack = negotiation::ack_named(each[2].get_ref<const std::string&>())});
  }
  std::vector<Event> all;
  for (const Event& known : std::span(record.events).first(record.event_count)) {
    const bool is_told = known.is_copy && known.from == side &&
                         std::ranges::find(told, known.kind, &Event::kind) != told.end();
    if (!is_told) all.push_back(known);
  }
  all.insert(all.end(), told.begin(), told.end());
  std::ranges::stable_sort(all, {}, &Event::milliseconds);
  const std::size_t kept = std::min(all.size(), Record::kMaxEvents);
  std::ranges::copy_n(all.begin(), static_cast<std::ptrdiff_t>(kept), record.events.begin());
  record.event_count = static_cast<std::uint8_t>(kept);
  record.events_left_out += static_cast<std::uint32_t>(all.size() - kept);
}

void merge_party(Record& record, Side side, const Json& json) {
  Party& party = record.party(side);
  party.is_kept_elsewhere = false;
  // A node that has moved has sent some of them here.
  party.candidates.add(candidates_of(object_in(json, "candidates")));
  const Json& servers = object_in(json, "servers");
  if (!servers.empty() && !party.servers.known) {
    party.servers = {.known = true,
                     .stun = flag_in(servers, "stun"),
                     .turn = flag_in(servers, "turn"),
                     .relay_only = flag_in(servers, "relayOnly")};
  }
  if (const auto lost = number_in<std::uint16_t>(json, "lost"); lost != 0) {
    party.lost = static_cast<std::uint16_t>(std::min(party.lost + lost, 0xFFFF));
    party.last_loss = negotiation::ack_named(text_in(json, "lastLoss"));
  }
  // What the sender was told counts, since the receiver's instance cannot know that.
  if (const Ack ack = negotiation::ack_named(text_in(json, "ack")); ack != Ack::pending) {
    first_ack(record, side) = ack;
  }
  if (json.contains("events")) add_events(record, side, array_in(json, "events"));
}

void merge_half(Record& record, const Json& half, negotiation::TimePoint::duration round_trip) {
  if (half.contains("toNext") &&
      milliseconds(number_in<std::uint32_t>(half, "toNext")) <= 2 * round_trip) {
    return;
  }
  const Json& parties = object_in(half, "parties");
  for (const Side side : kSides) {
    const Json& party = object_in(parties, name_of(side).data());
    // A node that has moved has sent some of its messages to either instance.
    if (!party.empty()) merge_party(record, side, party);
  }
  record.events_left_out -= std::exchange(record.copies_left_out, 0);
  record.events_left_out += number_in<std::uint32_t>(half, "leftOut");
  if (record.failure.empty()) record.failure = why_named(text_in(half, "failure"));
  const milliseconds last(number_in<std::uint32_t>(half, "lastMessage"));
  record.last_message = std::max(record.last_message, record.started + last);
}

}  // namespace

void add_negotiation_questions(SharedState& shared) {
  shared.questions.add(std::string(kHalves),
                       [&shared](std::string_view rest, const InstanceQuestions::Reply& reply) {
                         answer_halves(shared, rest, reply);
                       });
}

bool has_half_elsewhere(const Record& record) {
  const bool is_missing = std::ranges::any_of(kSides, [&](Side side) {
    const Party& party = record.party(side);
    return party.is_kept_elsewhere || !party.is_kept_here;
  });
  return is_missing && negotiation::is_verbatim(record.initiator()) &&
         negotiation::is_verbatim(record.responder()) && negotiation::is_verbatim(record.session());
}

std::string halves_question(std::span<const Record* const> records, Detail detail,
                            negotiation::TimePoint now) {
  Json asked = Json::array();
  for (const Record* const each : records) {
    asked.push_back(
        {each->initiator(), each->responder(), each->session(), age(*each, now).count()});
  }
  return std::string(kHalves) + ' ' +
         Json{{"negotiations", std::move(asked)}, {"events", detail == Detail::messages}}.dump(
             -1, ' ', false, Json::error_handler_t::replace);
}

bool merge_halves(std::span<Record* const> records, std::string_view answer,
                  negotiation::TimePoint::duration round_trip) {
  const Json parsed = Json::parse(answer, nullptr, false);
  if (!parsed.is_object()) return false;
  const Json& halves = array_in(parsed, "halves");
  if (halves.size() != records.size()) return false;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (halves[i].is_object()) merge_half(*records[i], halves[i], round_trip);
  }
  return true;
}

}  // namespace crolang::broker
