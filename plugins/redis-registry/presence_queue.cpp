#include "redis-registry/presence_queue.hpp"

#include <algorithm>
#include <utility>

namespace crolang::redis_registry {

using plugin::Status;

std::size_t PresenceQueue::Batch::size() const {
  std::size_t sum = 0;
  for (const Part& part : parts_) sum += part.count;
  return sum;
}

std::vector<std::string_view> PresenceQueue::Batch::ids() const {
  std::vector<std::string_view> all;
  all.reserve(size());
  for (const Part& part : parts_) {
    const std::span<const std::string> ids(part.question->ids);
    for (const std::string& id : ids.subspan(part.first, part.count)) all.push_back(id);
  }
  return all;
}

void PresenceQueue::add(Lookup question, TimePoint now) {
  if (question.ids.empty()) {
    question.answer.located({});
    return;
  }
  auto kept = std::make_shared<Question>();
  kept->ids = std::move(question.ids);
  kept->holders.resize(kept->ids.size());
  kept->deadline = now + question.answer.deadline();
  kept->answer = std::move(question.answer);
  waiting_.push_back(std::move(kept));
}

PresenceQueue::Batch PresenceQueue::take(TimePoint now, std::size_t most_ids) {
  Batch batch;
  if (in_flight_ >= kBatchesInFlight) return batch;
  for (std::size_t left = most_ids; left > 0 && !waiting_.empty();) {
    std::shared_ptr<Question> question = std::move(waiting_.front());
    waiting_.pop_front();
    if (!question->answer) continue;  // an earlier batch of it has failed
    if (question->deadline <= now) {
      fail(*question, Status::timeout, "timed out while waiting behind other queries and messages");
      continue;
    }
    const std::size_t count = std::min(left, question->ids.size() - question->asked);
    batch.parts_.push_back({question, question->asked, count});
    question->asked += count;
    left -= count;
    if (question->asked < question->ids.size()) waiting_.push_back(std::move(question));
  }
  if (!batch.empty()) ++in_flight_;
  return batch;
}

void PresenceQueue::settle(const Batch& batch, std::span<const plugin::Holder> holders,
                           const std::vector<bool>& failed, std::string_view why) {
  --in_flight_;
  std::size_t begin = 0;
  for (const Part& part : batch.parts_) {
    Question& question = *part.question;
    for (std::size_t i = 0; i < part.count; ++i) {
      const plugin::Holder& holder = holders[begin + i];
      question.holders[part.first + i] = {
          std::string(holder.instance), holder.token, {holder.session, holder.worker}};
      if (!failed.empty() && failed[begin + i]) fail(question, Status::unavailable, why);
    }
    begin += part.count;
    question.known += part.count;
    if (question.known < question.ids.size() || !question.answer) continue;
    std::vector<plugin::Holder> all;
    all.reserve(question.holders.size());
    for (const Holder& each : question.holders) {
      all.push_back({each.instance, each.token, each.address.session, each.address.worker});
    }
    std::exchange(question.answer, std::nullopt)->located(all);
  }
}

void PresenceQueue::fail(const Batch& batch, Status status, std::string_view why) {
  --in_flight_;
  for (const Part& part : batch.parts_) fail(*part.question, status, why);
}

void PresenceQueue::fail_all(Status status, std::string_view why) {
  while (!waiting_.empty()) {
    const std::shared_ptr<Question> question = std::move(waiting_.front());
    waiting_.pop_front();
    fail(*question, status, why);
  }
}

void PresenceQueue::fail(Question& question, Status status, std::string_view why) {
  if (question.answer) std::exchange(question.answer, std::nullopt)->fail(status, why);
}

}  // namespace crolang::redis_registry
