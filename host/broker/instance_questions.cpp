#include "broker/instance_questions.hpp"

#include <utility>

namespace crolang::broker {

void InstanceQuestions::Reply::text(std::string_view bytes) const {
  function_(call_, CROLANG_OK, {bytes.data(), bytes.size()}, {nullptr, 0});
}

void InstanceQuestions::Reply::fail(crolang_status status, std::string_view error) const {
  function_(call_, status, {nullptr, 0}, {error.data(), error.size()});
}

void InstanceQuestions::add(std::string word, Handler handler) {
  handlers_.insert_or_assign(std::move(word), std::move(handler));
}

void InstanceQuestions::answer(std::string_view question, const Reply& reply) const {
  if (question.size() > CROLANG_MAX_ASK) {
    reply.fail(CROLANG_INVALID, "the question is too long");
    return;
  }
  const std::string_view word = question.substr(0, question.find(' '));
  const auto found = handlers_.find(word);
  if (found == handlers_.end()) {
    reply.fail(CROLANG_INVALID, "unknown question");
    return;
  }
  question.remove_prefix(word.size());
  if (!question.empty()) question.remove_prefix(1);
  found->second(question, reply);
}

}  // namespace crolang::broker
