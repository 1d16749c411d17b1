#include "grid/registry_client.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "grid/later.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::grid {

using modules::Answer;
using modules::Clients;
using modules::Waiter;

namespace {

using ModuleQuestion = std::function<const Answer*(Clients&, const Waiter&)>;
using LaterAnswer = std::shared_ptr<Later<Answer>>;

Answer failed(crolang_status status, std::string_view why) {
  Answer answer;
  answer.status = status;
  answer.error = why;
  return answer;
}

LaterAnswer begin(broker::SharedState& shared, ModuleQuestion question) {
  auto later = std::make_shared<Later<Answer>>();
  shared.workers.post(0, broker::AskModule{std::move(question),
                                           [later](const Answer& answer) { later->set(answer); }});
  return later;
}

Answer wait(const LaterAnswer& later, RegistryClient::Deadline deadline) {
  auto answer = later->wait_until(deadline);
  return answer ? std::move(*answer) : failed(CROLANG_TIMEOUT, "no answer in time");
}

}  // namespace

Answer RegistryClient::list_instances(Deadline deadline) const {
  return wait(begin(shared_, [](Clients& clients,
                                const Waiter& waiter) { return clients.list_instances(waiter); }),
              deadline);
}

Answer RegistryClient::lookup(const std::string& id, Deadline deadline) const {
  return wait(begin(shared_,
                    [id](Clients& clients, const Waiter& waiter) {
                      const std::string_view one = id;
                      return clients.lookup(waiter, std::span<const std::string_view>(&one, 1));
                    }),
              deadline);
}

bool RegistryClient::shares_entries() const {
  return Clients::shares_entries(shared_.modules);
}

Answer RegistryClient::set_entry(const modules::Entry& entry, Deadline deadline) const {
  const auto question = [entry](Clients& clients, const Waiter& waiter) -> const Answer* {
    if (clients.shares_entries()) return clients.set_entry(waiter, entry);
    static const Answer kNone = failed(
        CROLANG_INVALID, "the registry plugin has no table that all instances share (set_entry)");
    return &kNone;
  };
  return wait(begin(shared_, question), deadline);
}

Answer RegistryClient::list_entries(Deadline deadline) const {
  const auto question = [](Clients& clients, const Waiter& waiter) -> const Answer* {
    if (clients.shares_entries()) return clients.list_entries(waiter, {});
    static const Answer kNone = failed(CROLANG_OK, {});
    return &kNone;
  };
  return wait(begin(shared_, question), deadline);
}

std::vector<Answer> RegistryClient::ask(const std::vector<Question>& questions,
                                        Deadline deadline) const {
  std::vector<LaterAnswer> asked;
  asked.reserve(questions.size());
  for (const Question& question : questions) {
    asked.push_back(begin(shared_, [question, deadline](Clients& clients, const Waiter& waiter) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      return clients.ask_instance(waiter, question.instance, question.body,
                                  std::max(left, std::chrono::milliseconds(1)));
    }));
  }
  std::vector<Answer> answers;
  answers.reserve(asked.size());
  for (const LaterAnswer& each : asked) answers.push_back(wait(each, deadline));
  return answers;
}

std::vector<Answer> RegistryClient::ask(const std::vector<std::string>& instances,
                                        const std::string& body, Deadline deadline) const {
  std::vector<Question> questions;
  questions.reserve(instances.size());
  for (const std::string& instance : instances) questions.push_back({instance, body});
  return ask(questions, deadline);
}

}  // namespace crolang::grid
