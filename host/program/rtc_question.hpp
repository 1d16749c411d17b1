#pragma once
/// Asks the configured rtc-config/1 module what a node would get, without a broker around it.
/// Threads: control. Errors: sentences for the operator.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/clients/pending_calls.hpp"
#include "modules/module_table.hpp"
#include "plugin_host/lookup.hpp"
#include "plugin_host/module_set.hpp"
#include "process/blocking_threads.hpp"
#include "process/control.hpp"

namespace crolang::program {

class RtcQuestion final : private modules::AnswerSink {
 public:
  /// `plugins`: loaded and checked, the module's alone or none; must outlive this object.
  RtcQuestion(plugin_host::ModuleSet& plugins, const plugin_host::Lookup& values);
  /// Stops the plugin. If it does not stop in time the process ends, as a broker would.
  ~RtcQuestion();
  RtcQuestion(const RtcQuestion&) = delete;
  RtcQuestion& operator=(const RtcQuestion&) = delete;

  /// Not empty: the plugin does not start.
  const std::vector<std::string>& refusals() const noexcept { return refusals_; }

  struct Answer {
    std::string configuration{};  ///< JSON with iceServers, as a node gets it
    std::string left_out{};  ///< servers that the broker leaves out of it, and why; empty: none
    std::size_t turn_left_out = 0;  ///< URLs among them that are not evidently of STUN servers
    std::string fault{};            ///< not empty: there is no configuration
  };
  /// To be called once. Blocks for at most `timeout`.
  Answer ask(std::string_view node, std::chrono::milliseconds timeout);

 private:
  modules::PendingCalls::Hooks hooks();
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

  plugin_host::ModuleSet& plugins_;
  process::Control control_;
  process::BlockingThreads blocking_;
  // A plugin may answer late: what takes the answer lives until it has stopped.
  modules::ModuleTable table_;
  modules::PendingCalls calls_;
  std::optional<modules::Answer> answer_;
  std::vector<std::string> refusals_;
};

}  // namespace crolang::program
