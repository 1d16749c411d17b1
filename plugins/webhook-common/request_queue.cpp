#include "webhook-common/request_queue.hpp"

#include <algorithm>

namespace crolang::webhook_common {

RequestQueue::Admitted RequestQueue::admit(Question& question) {
  if (sharing_ == Sharing::one_request_for_all) {
    const auto open = by_content_.find(question.content.whole());
    if (open != by_content_.end()) {
      open->second->handlers.push_back(std::move(question.handler));
      return Admitted::into_request;
    }
  }
  Request fresh;
  fresh.handlers.reserve(1);
  fresh.limit = question.limit;
  const auto added = waiting_.emplace(question.deadline, std::move(fresh));
  Request& request = added->second;
  // Moved to its final place before it becomes the key of by_content_.
  request.content.swap(question.content);
  try {
    if (sharing_ == Sharing::one_request_for_all)
      by_content_.emplace(request.content.whole(), &request);
  } catch (...) {
    request.content.swap(question.content);
    waiting_.erase(added);
    throw;
  }
  request.handlers.push_back(std::move(question.handler));
  return Admitted::as_request;
}

RequestQueue::Owned RequestQueue::take(Ref request) noexcept {
  forget_content(request->second);
  request->second.share = {};
  return in_flight_.extract(request);
}

RequestQueue::TimePoint RequestQueue::next_deadline() const noexcept {
  TimePoint next = TimePoint::max();
  if (!waiting_.empty()) next = waiting_.begin()->first;
  if (!in_flight_.empty()) next = std::min(next, in_flight_.begin()->first);
  return next;
}

RequestQueue::Ref RequestQueue::late(TimePoint now) noexcept {
  const auto first = in_flight_.begin();
  return first != in_flight_.end() && first->first <= now ? first : in_flight_.end();
}

RequestQueue::Owned RequestQueue::take_late_waiting(TimePoint now) noexcept {
  const auto first = waiting_.begin();
  if (first == waiting_.end() || first->first > now) return {};
  forget_content(first->second);
  return waiting_.extract(first);
}

std::pair<RequestQueue::Requests, RequestQueue::Requests> RequestQueue::take_all() noexcept {
  by_content_.clear();
  return {std::exchange(in_flight_, {}), std::exchange(waiting_, {})};
}

}  // namespace crolang::webhook_common
