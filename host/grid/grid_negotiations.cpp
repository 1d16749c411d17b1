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
  const auto now = std::chrono::steady_clock::now();
  const auto deadline = now + kLongestHalfWait;
  const RegistryClient registry(shared);
  const auto others = other_instances(shared, registry, deadline);
  // Which of them has the half is not known: its node may have gone to another one meanwhile.
  for (std::span<Record* const> left = halves; !left.empty() && !others.empty();) {
    const auto some = left.first(std::min(left.size(), broker::kMaxHalves));
    left = left.subspan(some.size());
    const auto answers = registry.ask(
        others, broker::halves_question({some.begin(), some.end()}, detail, now), deadline);
    for (std::size_t i = 0; i < others.size(); ++i) {
      if (!answers[i].succeeded() || !broker::merge_halves(some, answers[i].text)) {
        telemetry::log::debug("an instance did not tell its half of negotiations",
                              {{"instance", others[i]}, {"why", answers[i].error}});
      }
    }
  }
}

}  // namespace crolang::grid
