#pragma once
/// Passes questions from the broker's workers to the webhook's thread, and limits the number of
/// questions without a reply.
/// Threads: any. Errors: put throws std::bad_alloc.

#include <atomic>
#include <concepts>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "webhook-common/question.hpp"

namespace crolang::webhook_common {

class QuestionInbox {
 public:
  static constexpr std::size_t kMaxOpen = 10'000;
  /// The limit on the total size of their contents, which nodes choose. A single question may
  /// exceed it.
  static constexpr std::size_t kMaxOpenBytes = std::size_t{32} << 20;

  enum class Outcome { accepted, full, stopped };

  /// Moves the question only if it is accepted. `wake` is called for the first one since the last
  /// take, with the mutex held: it must do no more than post to the webhook's thread. Its
  /// exceptions are passed on, and then the question was not accepted.
  template <std::invocable F>
  Outcome put(Question& question, F&& wake) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Outcome::stopped;
    const std::size_t bytes = question.content.size();
    if (open_ >= kMaxOpen || (open_bytes_ != 0 && open_bytes_ + bytes > kMaxOpenBytes)) {
      return Outcome::full;
    }
    // Before the push, since it may fail: a question in the inbox must never be without a wake-up.
    if (questions_.empty()) wake();
    questions_.push_back(std::move(question));
    ++open_;
    open_bytes_ += bytes;
    return Outcome::accepted;
  }

  /// All questions put since the last call, in order.
  std::vector<Question> take() noexcept;

  /// Accepts no more. False: it was stopped before.
  bool stop() noexcept;

  /// Questions without a reply.
  std::size_t open() const noexcept { return open_; }
  /// The size of their contents; those that share a request count once.
  std::size_t open_bytes() const noexcept { return open_bytes_; }

  /// That many questions got their reply, and that many bytes were freed.
  void close(std::size_t questions, std::size_t bytes) noexcept {
    open_ -= questions;
    open_bytes_ -= bytes;
  }

 private:
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> open_bytes_{0};

  std::mutex mutex_;  // guards what follows
  std::vector<Question> questions_;
  bool stopped_ = false;
};

}  // namespace crolang::webhook_common
