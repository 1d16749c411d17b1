#include "broker/module_questions.hpp"

#include <utility>

namespace crolang::broker {

void ModuleQuestions::ask(AskModule& question) {
  const std::uint64_t number = ++last_;
  // First, since this may fail for lack of memory.
  const auto kept = waiting_.emplace(number, std::move(question.reply)).first;
  const modules::Answer* const answer = question.ask(clients_, {this, 0, number});
  if (answer == nullptr) return;
  const auto reply = std::move(kept->second);
  waiting_.erase(kept);
  reply(*answer);
}

void ModuleQuestions::on_answer(const modules::Waiter& waiter, const modules::Answer& answer) {
  const auto found = waiting_.find(waiter.tag);
  if (found == waiting_.end()) return;
  const auto reply = std::move(found->second);
  waiting_.erase(found);
  reply(answer);
}

}  // namespace crolang::broker
