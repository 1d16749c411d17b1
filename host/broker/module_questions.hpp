#pragma once
/// Questions to modules that other threads have posted (AskModule): keeps their replies until the
/// answers arrive. Threads: owning worker only. Errors: std::bad_alloc.

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "broker/command.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::broker {

class ModuleQuestions final : public modules::AnswerSink {
 public:
  /// `clients` must outlive this object.
  explicit ModuleQuestions(modules::Clients& clients) : clients_(clients) {}

  void ask(AskModule& question);

  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  modules::Clients& clients_;
  std::uint64_t last_ = 0;
  // By number. Each question has a deadline, so none stays.
  std::unordered_map<std::uint64_t, std::function<void(const modules::Answer&)>> waiting_;
};

}  // namespace crolang::broker
