#include "broker/remote_queue.hpp"

#include <algorithm>
#include <iterator>

namespace crolang::broker {

using Stage = QueuedMessage::Stage;

void RemoteQueue::begin(std::uint32_t number, std::string_view receiver,
                        const modules::Holder* holder) {
  number_ = number;
  looking_up_ = false;
  receiver_ = receiver;
  is_located_ = holder != nullptr;
  if (holder != nullptr) holder_ = *holder;
  in_flight_ = 0;
  lookup_size_ = 0;
}

void RemoteQueue::append(QueuedMessages& from) {
  messages_.splice(messages_.end(), from, from.begin());
}

RemoteQueue::Next RemoteQueue::next() {
  if (messages_.empty()) return {Step::remove};
  if (messages_.front().stage == Stage::finished) return {Step::acknowledge, &messages_.front()};
  if (!is_located_) return {in_flight_ == 0 && !looking_up_ ? Step::look_up : Step::wait};
  const Head window(messages_, kWindow);
  const auto queued = std::find_if(window.begin(), window.end(), [](const QueuedMessage& each) {
    return each.stage == Stage::authorized;
  });
  if (queued == window.end()) return {Step::wait};
  return {Step::send, &*queued};
}

void RemoteQueue::begin_send(QueuedMessage& queued) {
  queued.stage = Stage::sent;
  ++in_flight_;
}

void RemoteQueue::end_send(QueuedMessage& queued, SendResult result) {
  --in_flight_;
  if (result == SendResult::taken) {
    queued.finish(Outcome::delivered);
  } else {
    is_located_ = false;
    if (result == SendResult::unknown) {
      queued.finish(Outcome::not_taken);
    } else if (std::exchange(queued.refused, true)) {
      queued.finish(Outcome::not_connected);
    } else {
      queued.stage = Stage::authorized;
    }
  }
  if (!is_located_ && in_flight_ == 0) fail_overtaken();
}

// A registry that has just lost its data may refuse a message and then accept the next one for the
// same session. The refused message must not be sent after it.
void RemoteQueue::fail_overtaken() {
  const auto is_taken = [](const QueuedMessage& queued) {
    return queued.stage == Stage::finished && queued.outcome == Outcome::delivered;
  };
  auto queued = std::find_if(messages_.rbegin(), messages_.rend(), is_taken);
  for (; queued != messages_.rend(); ++queued) {
    if (queued->stage == Stage::authorized) queued->finish(Outcome::overtaken);
  }
}

QueuedMessage* RemoteQueue::find_sent(std::uint32_t message_number) {
  // No message beyond the window has been sent.
  for (QueuedMessage& queued : Head(messages_, kWindow)) {
    if (queued.number == message_number) return queued.stage == Stage::sent ? &queued : nullptr;
  }
  return nullptr;
}

void RemoteQueue::begin_lookup() {
  looking_up_ = true;
  lookup_size_ = messages_.size();
}

void RemoteQueue::set_holder(const modules::Holder& holder) {
  looking_up_ = false;
  holder_ = holder;
  is_located_ = true;
}

void RemoteQueue::fail_lookup(Outcome outcome) {
  looking_up_ = false;
  for (QueuedMessage& queued : Head(messages_, lookup_size_)) {
    if (queued.stage == Stage::authorized) queued.finish(outcome);
  }
}

}  // namespace crolang::broker
