#include "grid/grid_negotiations.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "grid/registry_client.hpp"
#include "telemetry/log.hpp"

namespace crolang::grid {

using negotiation::Record;

namespace {

std::vector<std::string> other_instances(const broker::SharedState& shared,
                                         const RegistryClient& registry,
                                         RegistryClient::Deadline deadline) {
  std::vector<std::string> others;
  const modules::Answer answer = registry.list_instances(deadline);
  for (const modules::InstanceStatus& each : answer.instances) {
    if (each.instance != shared.instance) others.push_back(each.instance);
  }
  return others;
}

}  // namespace

void complete(broker::SharedState& shared, std::span<Record> records, broker::Detail detail) {
  std::vector<Record*> halves;
  for (Record& each : records) {
    if (broker::has_half_elsewhere(each)) halves.push_back(&each);
  }
  if (halves.empty()) return;
  const auto start = std::chrono::steady_clock::now();
  const auto deadline = start + kLongestHalfWait;
  const RegistryClient registry(shared);
  // Which of them has the half is not known: its node may have gone to another one meanwhile.
  const auto others = other_instances(shared, registry, deadline);

  using Some = std::span<Record* const>;
  std::vector<Some> asked;
  std::vector<RegistryClient::Question> questions;
  for (Some left = halves; !left.empty();) {
    const Some some = left.first(std::min(left.size(), broker::kMaxHalves));
    left = left.subspan(some.size());
    const std::string body = broker::halves_question({some.begin(), some.end()}, detail, start);
    for (const std::string& instance : others) {
      asked.push_back(some);
      questions.push_back({instance, body});
    }
  }
  const auto answers = registry.ask(questions, deadline);
  const auto round_trip = std::chrono::steady_clock::now() - start;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!answers[i].succeeded() || !broker::merge_halves(asked[i], answers[i].text, round_trip)) {
      telemetry::log::debug("an instance did not tell its half of negotiations",
                            {{"instance", questions[i].instance}, {"why", answers[i].error}});
    }
  }
}

}  // namespace crolang::grid
