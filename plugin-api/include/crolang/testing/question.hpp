/// Both ends of a question for tests: arguments that are invalid after the call has returned, and a
/// call that collects the answer. Threads: any.
#pragma once

#include <crolang/plugin.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::plugin::testing {

/// A text that is overwritten and freed when it goes out of scope: a plugin that kept the pointer
/// reads garbage, or is detected by a sanitizer.
class Lent {
 public:
  explicit Lent(std::string_view text) : size_(text.size()), data_(new char[size_]) {
    std::copy(text.begin(), text.end(), data_.get());
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() {
    // Through volatile, so that the compiler does not remove the writes.
    volatile char* const data = data_.get();
    for (std::size_t i = 0; i < size_; ++i) data[i] = '\x5a';
  }
  operator crolang_str() const noexcept { return {data_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> data_;
};

/// The same for a list of texts.
class LentList {
 public:
  explicit LentList(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      texts_.push_back(std::make_unique<Lent>(text));
      list_.push_back(*texts_.back());
    }
  }
  ~LentList() { std::fill(list_.begin(), list_.end(), crolang_str{}); }
  LentList(const LentList&) = delete;
  LentList& operator=(const LentList&) = delete;
  const crolang_str* data() const noexcept { return list_.data(); }
  std::size_t size() const noexcept { return list_.size(); }

 private:
  std::vector<std::unique_ptr<Lent>> texts_;
  std::vector<crolang_str> list_;
};

/// The session and worker of a token, in tests: derived from the token, so that a registry that
/// drops or confuses them is detected.
constexpr std::uint64_t session_of(std::uint64_t token) {
  return token == 0 ? 0 : token ^ 0x9e3779b97f4a7c15u;
}
constexpr std::uint32_t worker_of(std::uint64_t token) {
  return static_cast<std::uint32_t>(token % 65'521);
}

/// An answer, copied. Which fields count depends on the question.
struct Outcome {
  struct Holder {
    std::string instance;
    std::uint64_t token = 0;
    std::uint64_t session = session_of(token);
    std::uint32_t worker = worker_of(token);
    bool operator==(const Holder&) const = default;
  };
  struct Instance {
    std::string name;
    std::string status;
    bool operator==(const Instance&) const = default;
  };

  struct Entry {
    std::string name;
    std::string value;
    std::uint64_t expires_at = 0;
    bool operator==(const Entry&) const = default;
  };

  crolang_status status = CROLANG_INTERNAL;
  bool yes = false;
  std::uint64_t valid_for_ms = 0;  // of an authentication
  std::int32_t code = -1;          // of a claim, a probe or a list of entries
  std::string text;                // for a list of entries: its version
  std::vector<bool> flags;
  std::vector<Holder> holders;  // of a lookup; of a claim, the current holder
  std::vector<Instance> instances;
  std::vector<Entry> entries;
  std::string error;
};

/// The call of one question. It must live until the plugin is destroyed.
class Question {
 public:
  Question() = default;
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  /// The first answer; nullopt: none in time.
  std::optional<Outcome> wait(std::chrono::milliseconds limit = std::chrono::seconds(10)) const {
    std::unique_lock lock(mutex_);
    if (!answered_.wait_for(lock, limit, [this] { return answers_ > 0; })) return std::nullopt;
    return outcome_;
  }

  int answers() const {
    const std::lock_guard lock(mutex_);
    return answers_;
  }

  // The answer functions, which are passed to a plugin with a pointer to a Question as call.
  static void done(void* call, crolang_status status, crolang_str error) {
    answer(call, status, error, [](Outcome&) {});
  }
  static void yes_no(void* call, crolang_status status, bool yes, crolang_str error) {
    answer(call, status, error, [&](Outcome& outcome) { outcome.yes = yes; });
  }
  static void authenticated(void* call, crolang_status status, bool yes, std::uint64_t valid_for_ms,
                            crolang_str error) {
    answer(call, status, error, [&](Outcome& outcome) {
      outcome.yes = yes;
      outcome.valid_for_ms = valid_for_ms;
    });
  }
  static void text(void* call, crolang_status status, crolang_str text, crolang_str error) {
    answer(call, status, error, [&](Outcome& outcome) { outcome.text = copy(text); });
  }
  static void flags(void* call, crolang_status status, const bool* flags, std::size_t count,
                    crolang_str error) {
    answer(call, status, error,
           [&](Outcome& outcome) { outcome.flags.assign(flags, flags + count); });
  }
  static void claimed(void* call, crolang_status status, std::int32_t code, crolang_holder holder,
                      crolang_str error) {
    answer(call, status, error, [&](Outcome& outcome) {
      outcome.code = code;
      outcome.holders = {{copy(holder.instance), holder.token, holder.session, holder.worker}};
    });
  }
  static void probed(void* call, crolang_status status, std::int32_t code, crolang_str error) {
    answer(call, status, error, [&](Outcome& outcome) { outcome.code = code; });
  }
  static void located(void* call, crolang_status status, const crolang_holder* holders,
                      std::size_t count, crolang_str error) {
    answer(call, status, error, [&](Outcome& outcome) {
      for (std::size_t i = 0; i < count; ++i) {
        outcome.holders.push_back(
            {copy(holders[i].instance), holders[i].token, holders[i].session, holders[i].worker});
      }
    });
  }
  static void instances(void* call, crolang_status status, const crolang_instance* instances,
                        std::size_t count, crolang_str error) {
    answer(call, status, error, [&](Outcome& outcome) {
      for (std::size_t i = 0; i < count; ++i) {
        outcome.instances.push_back({copy(instances[i].name), copy(instances[i].status)});
      }
    });
  }
  static void entries(void* call, crolang_status status, std::int32_t outcome_code,
                      crolang_str version, const crolang_entry* entries, std::size_t count,
                      crolang_str error) {
    answer(call, status, error, [&](Outcome& outcome) {
      outcome.code = outcome_code;
      outcome.text = copy(version);
      for (std::size_t i = 0; i < count; ++i) {
        outcome.entries.push_back(
            {copy(entries[i].name), copy(entries[i].value), entries[i].expires_at});
      }
    });
  }

 private:
  static std::string copy(crolang_str text) {
    return text.size == 0 ? std::string() : std::string(text.data, text.size);
  }

  template <class Fill>
  static void answer(void* call, crolang_status status, crolang_str error, Fill&& fill) {
    auto& question = *static_cast<Question*>(call);
    const std::lock_guard lock(question.mutex_);
    if (++question.answers_ > 1) return;
    question.outcome_.status = status;
    question.outcome_.error = copy(error);
    fill(question.outcome_);
    question.answered_.notify_all();
  }

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable answered_;
  int answers_ = 0;
  Outcome outcome_;
};

}  // namespace crolang::plugin::testing
