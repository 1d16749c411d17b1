#include "broker/registry_calls.hpp"

#include <utility>

namespace crolang::broker {

void RegistryCalls::execute(AskRegistry& command) {
  const std::uint64_t tag = ++last_;
  open_.emplace(tag, std::move(command.reply));
  const modules::Answer* const answer = command.ask(clients_, {this, 0, tag});
  if (answer != nullptr) on_answer({this, 0, tag}, *answer);
}

void RegistryCalls::on_answer(const modules::Waiter& waiter, const modules::Answer& answer) {
  auto call = open_.extract(waiter.tag);
  if (!call.empty()) call.mapped()(answer);
}

}  // namespace crolang::broker
