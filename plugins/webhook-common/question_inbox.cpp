#include "webhook-common/question_inbox.hpp"

namespace crolang::webhook_common {

std::vector<Question> QuestionInbox::take() noexcept {
  std::vector<Question> questions;
  const std::lock_guard lock(mutex_);
  questions.swap(questions_);
  return questions;
}

bool QuestionInbox::stop() noexcept {
  const std::lock_guard lock(mutex_);
  return !std::exchange(stopped_, true);
}

}  // namespace crolang::webhook_common
