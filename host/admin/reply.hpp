#pragma once
/// A value that a handler waits for and another thread sets: a worker or the control thread. It may
/// come after the handler has stopped waiting.
///
///   Reply<bool> reply;
///   workers.post(0, AskModule{…, [reply](const Answer& answer) { reply.set(answer.yes); }});
///   const std::optional<bool> yes = reply.wait(request.stop, kReplyTimeout);
///
/// Threads: any; a value that shares its state with its copies. Errors: std::bad_alloc.

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace crolang::admin {

/// How long a handler waits for other threads of this process, and for other instances.
inline constexpr std::chrono::milliseconds kReplyTimeout{3000};

template <class Value>
class Reply {
 public:
  /// The first value counts.
  void set(Value value) const {
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->value) return;
      state_->value.emplace(std::move(value));
    }
    state_->is_set.notify_all();
  }

  /// nullopt: there was no value in time, or the broker is ending. To be called once.
  std::optional<Value> wait(const std::stop_token& stop, std::chrono::milliseconds timeout) const {
    std::unique_lock lock(state_->mutex);
    state_->is_set.wait_for(lock, stop, timeout, [this] { return state_->value.has_value(); });
    return std::exchange(state_->value, std::nullopt);
  }

 private:
  struct State {
    std::mutex mutex;  // guards value
    std::condition_variable_any is_set;
    std::optional<Value> value;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace crolang::admin
