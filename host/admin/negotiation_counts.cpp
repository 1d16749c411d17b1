#include "admin/negotiation_counts.hpp"

#include <string>

#include "negotiation/record.hpp"

namespace crolang::admin {
namespace {

using negotiation::State;
using telemetry::Counter;

struct Outcome {
  State state;
  Counter counter;
};

constexpr std::array<Outcome, kNegotiationOutcomes> kOutcomes{{
    {State::answered, Counter::negotiations_answered},
    {State::refused, Counter::negotiations_refused},
    {State::not_allowed, Counter::negotiations_not_allowed},
    {State::unanswered, Counter::negotiations_unanswered},
    {State::not_connected, Counter::negotiations_not_connected},
    {State::unauthorized, Counter::negotiations_unauthorized},
    {State::failed, Counter::negotiations_failed},
}};

}  // namespace

NegotiationCounts negotiation_counts(std::span<const telemetry::Counters* const> counters) {
  NegotiationCounts counts{};
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    for (const telemetry::Counters* each : counters) counts[i] += each->value(kOutcomes[i].counter);
  }
  return counts;
}

nlohmann::json json_between(const NegotiationCounts& earlier, const NegotiationCounts& later) {
  nlohmann::json result = nlohmann::json::object();
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    result[std::string(name_of(kOutcomes[i].state))] = later[i] - earlier[i];
  }
  return result;
}

}  // namespace crolang::admin
