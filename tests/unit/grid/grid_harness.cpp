#include "unit/grid/grid_harness.hpp"

#include <vector>

namespace crolang::grid::testing {
namespace {

struct Answer {
  crolang_status status = CROLANG_INTERNAL;
  std::string text;
};

Answer ask(Instance& instance, const std::string& question) {
  Answer answered;
  instance.shared.questions.answer(
      question, {[](void* call, crolang_status status, crolang_str text, crolang_str) {
                   *static_cast<Answer*>(call) = {
                       status, text.size == 0 ? std::string() : std::string(text.data, text.size)};
                 },
                 &answered});
  instance.run_iteration();
  return answered;
}

}  // namespace

GridHarness::GridHarness() {
  here.modules.on(Question::list_instances, [](const Asked& asked) {
    asked.instances({{"there", "{}"}, {"here", "{}"}});
  });
  here.modules.on(Question::lookup, [this](const Asked& asked) {
    std::vector<modules::Holder> holders;
    for (const std::string& id : asked.ids) {
      const auto found = locations.find(id);
      if (found == locations.end()) {
        holders.emplace_back();
      } else {
        holders.push_back({found->second, 1, 2, 0});
      }
    }
    asked.located(holders);
  });
  here.modules.on(Question::ask, [this](const Asked& asked) {
    if (asked.holder.instance != "there") {
      asked.fail(CROLANG_UNAVAILABLE);
      return;
    }
    const Answer answer = ask(there, asked.body);
    if (answer.status == CROLANG_OK) {
      asked.text(answer.text);
    } else {
      asked.fail(answer.status);
    }
  });
  here.modules.on(Question::set_entry, [this](const Asked& asked) {
    if (asked.entry.expires_at == 0) {
      entries.erase(asked.entry.name);
    } else {
      entries[asked.entry.name] = asked.entry;
    }
    asked.done();
  });
  here.modules.on(Question::list_entries, [this](const Asked& asked) {
    std::vector<modules::Entry> all;
    for (const auto& [name, entry] : entries) all.push_back(entry);
    asked.entries(CROLANG_CHANGED, "v", all);
  });
}

}  // namespace crolang::grid::testing
