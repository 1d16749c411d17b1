/// Answer objects, for each type of answer that several kinds share. An answer object is the
/// obligation to answer one question.
/// Threads: any, one at a time. Errors: none; see crolang/plugin.hpp for what happens to an answer
/// that is dropped.
#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>
#include <crolang/sdk/base.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace crolang::plugin {

namespace detail {

inline constexpr std::string_view kUnanswered = "the plugin left a question unanswered";
inline constexpr std::string_view kNoMemory = "out of memory";

/// A handler that is running on this thread. An answer that it drops is reported here, since it may
/// have been dropped by an exception, whose text is known only when it is caught.
struct Handling {
  explicit Handling(const void* asked) noexcept : call(asked), outer(innermost) {
    innermost = this;
  }
  Handling(const Handling&) = delete;
  Handling& operator=(const Handling&) = delete;
  ~Handling() { innermost = outer; }

  /// True: the caller of the handler will answer.
  static bool give_back(const void* dropped) noexcept {
    for (Handling* handling = innermost; handling != nullptr; handling = handling->outer) {
      if (handling->call == dropped) return handling->given_back = true;
    }
    return false;
  }

  const void* call;
  Handling* outer;
  bool given_back = false;
  static thread_local Handling* innermost;
};
inline constinit thread_local Handling* Handling::innermost = nullptr;

}  // namespace detail

/// The obligation to answer one question. Move it to wherever the answer becomes known; the first
/// answer counts. Thread: any, one at a time. A second answer is a defect: it is not passed to the
/// broker, and it aborts if assertions are enabled.
template <class... Values>
class Answer {
 public:
  using Function = void (*)(void*, crolang_status, Values..., crolang_str);

  Answer(Function function, void* call, std::uint32_t timeout_ms) noexcept
      : function_(function), call_(call), deadline_(timeout_ms) {}
  Answer(Answer&& other) noexcept
      : function_(std::exchange(other.function_, nullptr)),
        call_(other.call_),
        deadline_(other.deadline_) {}
  Answer& operator=(Answer&& other) noexcept {
    if (this != &other) {
      { Answer overwritten(std::move(*this)); }
      function_ = std::exchange(other.function_, nullptr);
      call_ = other.call_;
      deadline_ = other.deadline_;
    }
    return *this;
  }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (function_ == nullptr || detail::Handling::give_back(call_)) return;
    fail(Status::internal, detail::kUnanswered);
  }

  /// The question could not be answered. `error` is one line for the log, without secrets.
  void fail(Status status, std::string_view error = {}) noexcept {
    assert(status != Status::ok);
    send(static_cast<crolang_status>(status), Values{}..., raw(error));
  }

  /// How long the broker waits for the answer, counted from the question.
  std::chrono::milliseconds deadline() const noexcept {
    return std::chrono::milliseconds(deadline_);
  }

  /// For the SDK.
  Function raw_function() const noexcept { return function_; }
  void* raw_call() const noexcept { return call_; }

 protected:
  void answer(Values... values) noexcept { send(CROLANG_OK, values..., crolang_str{}); }
  /// With a text for the log.
  void answer_because(Values... values, std::string_view reason) noexcept {
    send(CROLANG_OK, values..., raw(reason));
  }

 private:
  void send(crolang_status status, Values... values, crolang_str error) noexcept {
    const Function function = std::exchange(function_, nullptr);
    assert(function != nullptr && "answered twice, or moved from");
    if (function != nullptr) function(call_, status, values..., error);
  }

  Function function_;  // null: answered, or moved from
  void* call_;
  std::uint32_t deadline_;
};

class Done : public Answer<> {
 public:
  using Answer::Answer;
  void done() noexcept { answer(); }
};

class YesNo : public Answer<bool> {
 public:
  using Answer::Answer;
  void yes() noexcept { answer(true); }
  /// `reason` is one line for the broker's log, without secrets; the node is not told.
  void no(std::string_view reason = {}) noexcept { answer_because(false, reason); }
  /// The reason is used only if the answer is no.
  void decide(bool yes, std::string_view reason = {}) noexcept {
    answer_because(yes, yes ? std::string_view() : reason);
  }
};

class Text : public Answer<crolang_str> {
 public:
  using Answer::Answer;
  void text(std::string_view text) noexcept { answer(raw(text)); }
  /// Forwards the answer of another: `text` is used with Status::ok, else `error`.
  void pass_on(Status status, std::string_view text, std::string_view error) noexcept {
    status == Status::ok ? answer(raw(text)) : fail(status, error);
  }
};

/// One flag for each id asked about, in the order asked.
class Flags : public Answer<const bool*, std::size_t> {
 public:
  using Answer::Answer;
  void flags(std::span<const bool> flags) noexcept { answer(flags.data(), flags.size()); }
  void flags(const std::vector<bool>& flags) {
    const auto plain = std::make_unique<bool[]>(flags.size());
    std::copy(flags.begin(), flags.end(), plain.get());
    answer(plain.get(), flags.size());
  }
};

}  // namespace crolang::plugin
