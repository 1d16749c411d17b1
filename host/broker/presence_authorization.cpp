#include "broker/presence_authorization.hpp"

#include <utility>

#include "broker/node_id.hpp"

namespace crolang::broker {

std::optional<std::vector<bool>> PresenceAuthorization::ask(std::uint64_t number, const Node& asker,
                                                            std::span<const std::string_view> ids,
                                                            std::size_t max_id_bytes) {
  Question question;
  question.asker = asker.handle();
  question.permitted.flags.resize(ids.size());
  question.max_id_bytes = max_id_bytes;
  // Questions that came earlier are served first.
  if (waiting_.empty()) advance(number, question, asker.id(), ids);
  if (is_done(question, ids.size())) {
    return question.failed ? std::vector<bool>() : std::move(question.permitted.flags);
  }
  question.permitted.ids.assign(ids.begin(), ids.end());
  const bool waits = question.open < kMaxOpenOfQuestion && question.next < ids.size();
  questions_.emplace(number, std::move(question));
  if (waits) waiting_.push_back(number);
  return std::nullopt;
}

template <class Ids>
void PresenceAuthorization::advance(std::uint64_t number, Question& question,
                                    std::string_view asker, const Ids& ids) {
  while (question.next < ids.size() && question.open < kMaxOpenOfQuestion &&
         open_ < kMaxOpenForPresence && !question.failed) {
    const std::size_t index = question.next;
    if (!can_exist(ids[index], question.max_id_bytes)) {
      ++question.next;
      continue;
    }
    const modules::Waiter waiter{this, question.asker.packed(), number << kIndexBits | index};
    const modules::Answer* const answer = clients_.authorize(waiter, asker, ids[index]);
    ++question.next;
    if (answer == nullptr) {
      ++question.open;
      ++open_;
    } else if (answer->succeeded()) {
      question.permitted.flags[index] = answer->yes;
    } else {
      question.failed = true;
    }
  }
}

void PresenceAuthorization::on_answer(const modules::Waiter& waiter,
                                      const modules::Answer& answer) {
  --open_;
  const std::uint64_t number = waiter.tag >> kIndexBits;
  const auto found = questions_.find(number);
  // If the question has failed, its other answers are not needed.
  if (found != questions_.end()) {
    Question& question = found->second;
    --question.open;
    if (answer.succeeded()) {
      const std::size_t index = waiter.tag & ((std::uint64_t{1} << kIndexBits) - 1);
      question.permitted.flags[index] = answer.yes;
    } else {
      question.failed = true;
    }
    const std::size_t ids = question.permitted.ids.size();
    if (is_done(question, ids)) {
      report(number);
    } else if (question.next < ids && question.open == kMaxOpenOfQuestion - 1) {
      waiting_.push_back(number);
    }
  }
  serve_waiting();
}

void PresenceAuthorization::report(std::uint64_t number) {
  auto question = questions_.extract(number);
  Permitted& permitted = question.mapped().permitted;
  if (question.mapped().failed) permitted.flags.clear();
  events_.on_permitted(number, permitted);
}

void PresenceAuthorization::serve_waiting() {
  while (open_ < kMaxOpenForPresence && !waiting_.empty()) {
    const std::uint64_t number = waiting_.front();
    const auto found = questions_.find(number);
    if (found == questions_.end()) {
      waiting_.pop_front();
      continue;
    }
    Question& question = found->second;
    const std::vector<std::string>& ids = question.permitted.ids;
    const Node* const asker = sessions_.find(question.asker);
    if (asker == nullptr) {
      question.failed = true;
    } else {
      advance(number, question, asker->id(), ids);
    }
    waiting_.pop_front();
    if (is_done(question, ids.size())) {
      report(number);
    } else if (question.next < ids.size() && question.open < kMaxOpenOfQuestion) {
      waiting_.push_back(number);
    }
  }
}

}  // namespace crolang::broker
