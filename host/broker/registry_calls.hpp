#pragma once
/// Questions to the registry on behalf of threads that are no workers: a worker asks them, since a
/// module's answers come to workers only. Threads: owning worker only.

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "broker/command.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::broker {

class RegistryCalls final : public modules::AnswerSink {
 public:
  explicit RegistryCalls(modules::Clients& clients) : clients_(clients) {}

  /// Asks; `command.reply` gets the answer on this worker, perhaps before this returns.
  void execute(AskRegistry& command);
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  modules::Clients& clients_;
  std::unordered_map<std::uint64_t, RegistryReply> open_;  // by tag
  std::uint64_t last_ = 0;
};

}  // namespace crolang::broker
