#include "program/rtc_question.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "broker/rtc_configuration.hpp"
#include "modules/builtin/builtin.hpp"
#include "modules/clients/clients.hpp"
#include "program/console.hpp"
#include "program/exit_code.hpp"

namespace crolang::program {
namespace {

void print_plugin_line(std::int32_t level, std::string_view plugin, std::string_view text) {
  if (level < CROLANG_LOG_WARN) return;
  print_warnings({std::string(plugin).append(": ").append(text)});
}

}  // namespace

RtcQuestion::RtcQuestion(plugin_host::ModuleSet& plugins, const plugin_host::Lookup& values)
    : plugins_(plugins),
      table_(modules::builtin::built_ins(nullptr)),
      calls_(hooks(), 1),
      refusals_(plugins.create({control_, blocking_, values, print_plugin_line})) {
  for (const plugin_host::ModuleSet::Module& each : plugins.modules()) {
    table_.serve(each.kind, each.table, each.self, each.plugin->id, std::string(each.variable));
  }
}

RtcQuestion::~RtcQuestion() {
  bool hangs = false;
  plugins_.stop([&](std::vector<plugin_host::ModuleSet::Straggler> late) {
    for (const auto& each : late) print_all({each.id + ": this plugin did not stop within 5 s"});
    hangs = !late.empty();
    control_.stop();
  });
  control_.run();
  // It may still use objects that would be destroyed now.
  if (hangs) ::_exit(kPluginHangs);
  plugins_.destroy();
}

modules::PendingCalls::Hooks RtcQuestion::hooks() {
  modules::PendingCalls::Hooks all;
  all.wake = [this] { control_.post([this] { calls_.collect(); }); };
  all.sleeps = [] { return true; };
  all.redeem = [](const modules::Receipt&) { return modules::Redeemed{}; };
  all.redeemed = [](void*, modules::Redeemed) {};
  // The answer says it too.
  all.fault = [](modules::CallFault, modules::Question, const std::string&, std::string_view) {};
  all.granted_late = [](const std::string&, std::uint64_t) {};
  all.out_of_memory = [this](std::uint64_t) { control_.stop(); };
  return all;
}

void RtcQuestion::on_answer(const modules::Waiter&, const modules::Answer& answer) {
  answer_ = answer;
  control_.stop();
}

RtcQuestion::Answer RtcQuestion::ask(std::string_view node, std::chrono::milliseconds timeout) {
  modules::Clients clients(table_, calls_, timeout);
  if (const modules::Answer* at_once = clients.resolve_rtc({this, 0, 0}, node)) {
    answer_ = *at_once;
  } else {
    // By then the deadline of the question has passed.
    constexpr std::chrono::milliseconds kLater{10};
    const std::uint64_t timer = control_.post_after(
        timeout + kLater, [this] { calls_.tick(std::chrono::steady_clock::now()); });
    control_.run();
    control_.cancel(timer);
  }
  if (!answer_) return {.fault = "out of memory"};
  if (answer_->status == CROLANG_TIMEOUT) {
    return {.fault = "no answer within PLUGIN_TIMEOUT_MS=" + std::to_string(timeout.count())};
  }
  if (!answer_->succeeded()) {
    return {.fault =
                answer_->error.empty() ? modules::status_name(answer_->status) : answer_->error};
  }
  auto normalised = broker::RtcNormaliser().normalise(answer_->text);
  if (auto* fault = std::get_if<broker::RtcNormaliser::Fault>(&normalised)) {
    return {.fault = std::move(fault->text)};
  }
  auto& good = std::get<broker::RtcNormaliser::Configuration>(normalised);
  return {.configuration = nlohmann::json::parse(*good.literal).get<std::string>(),
          .left_out = std::move(good.why_left_out),
          .turn_left_out = good.turn_left_out};
}

}  // namespace crolang::program
