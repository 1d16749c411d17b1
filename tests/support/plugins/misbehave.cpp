/// misbehave: authentication and authorization that go wrong on demand. What the node's id, or the
/// receiver's, begins with decides:
///   async-   yes, from another thread, 20 ms later     no-      no
///   late-    yes, 300 ms after the deadline            down-    could not ask
///   never-   nothing until stop                        throw-   an exception
///   double-  yes and then no                           slow-    yes, after 20 ms of the worker's
///   time
/// and of a node that connects:
///   header-  yes if its header X-Misbehave is what follows in the id
///   from-    yes if its address is what follows     brief-   yes, for a second
/// Anything else is yes at once.
#include <condition_variable>
#include <crolang/plugin.hpp>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <variant>

namespace {

using crolang::plugin::Authenticated;
using crolang::plugin::ConnectingNode;
using crolang::plugin::Status;
using crolang::plugin::YesNo;

/// Answers yes when it is time, from a thread of its own.
class Postponed {
 public:
  using Clock = std::chrono::steady_clock;

  Postponed() : thread_([this] { run(); }) {}
  ~Postponed() { cancel(); }

  using Answer = std::variant<YesNo, Authenticated>;

  void add(Clock::time_point when, Answer answer) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(when, std::move(answer));
    changed_.notify_one();
  }

  /// Cancels what waits and ends the thread.
  void cancel() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_one();
    }
    if (!thread_.joinable()) return;
    thread_.join();
    for (auto& [when, answer] : waiting_) {
      std::visit([](auto& each) { each.fail(Status::cancelled); }, answer);
    }
    waiting_.clear();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      if (waiting_.empty()) {
        changed_.wait(lock);
      } else if (const auto when = waiting_.begin()->first; when > Clock::now()) {
        changed_.wait_until(lock, when);
      } else {
        auto due = waiting_.extract(waiting_.begin());
        lock.unlock();
        std::visit([](auto& each) { each.yes(); }, due.mapped());
        lock.lock();
      }
    }
  }

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::multimap<Clock::time_point, Answer> waiting_;
  bool ended_ = false;
  std::thread thread_;
};

class Misbehave final : public crolang::plugin::Authentication,
                        public crolang::plugin::Authorization {
 public:
  void authenticate(const ConnectingNode& node, Authenticated answer) override {
    if (node.id.starts_with("header-")) {
      answer.decide(node.header("X-Misbehave") ==
                    node.id.substr(std::string_view("header-").size()));
    } else if (node.id.starts_with("from-")) {
      answer.decide(node.client_address == node.id.substr(std::string_view("from-").size()));
    } else if (node.id.starts_with("brief-")) {
      answer.yes_for(std::chrono::seconds(1));
    } else {
      act(node.id, std::move(answer));
    }
  }
  void authorize(std::string_view, std::string_view to, YesNo answer) override {
    act(to, std::move(answer));
  }
  void stop(crolang::plugin::Stopped stopped) override {
    postponed_.cancel();
    stopped();
  }

 private:
  template <class Answer>
  void act(std::string_view id, Answer answer) {
    using std::chrono::milliseconds;
    const auto now = Postponed::Clock::now();
    if (id.starts_with("async-")) {
      postponed_.add(now + milliseconds(20), std::move(answer));
    } else if (id.starts_with("late-")) {
      postponed_.add(now + answer.deadline() + milliseconds(300), std::move(answer));
    } else if (id.starts_with("never-")) {
      postponed_.add(Postponed::Clock::time_point::max(), std::move(answer));
    } else if (id.starts_with("throw-")) {
      throw std::runtime_error("thrown on demand");
    } else if (id.starts_with("down-")) {
      answer.fail(Status::unavailable, "down on demand");
    } else if (id.starts_with("no-")) {
      answer.no();
    } else {
      if (id.starts_with("slow-")) std::this_thread::sleep_for(milliseconds(20));
      answer.yes();
    }
  }

  Postponed postponed_;
};

constexpr crolang_plugin kSdk = crolang::plugin::make_entry<Misbehave>(
    "org.crolang.test.misbehave", "1.0.0", "goes wrong on demand", crolang::plugin::kNoEnv);

// The SDK answers but once, so the second answer comes from tables in front of it.

bool answers_twice(crolang_str id) {
  return crolang::plugin::view(id).starts_with("double-");
}

namespace sdk = crolang::plugin::detail;

void authenticate(void* self, const crolang_connecting_node* node, std::uint32_t timeout_ms,
                  crolang_authenticated_fn answer, void* call) {
  if (answers_twice(node->id)) {
    answer(call, CROLANG_OK, true, 0, {});
    answer(call, CROLANG_OK, false, 0, {});
    return;
  }
  sdk::Module<Misbehave, crolang::plugin::Authentication>::authenticate(self, node, timeout_ms,
                                                                        answer, call);
}

void authorize(void* self, crolang_str from, crolang_str to, std::uint32_t timeout_ms,
               crolang_yes_no_fn answer, void* call) {
  if (answers_twice(to)) {
    answer(call, CROLANG_OK, true, {});
    answer(call, CROLANG_OK, false, {});
    return;
  }
  sdk::Module<Misbehave, crolang::plugin::Authorization>::authorize(self, from, to, timeout_ms,
                                                                    answer, call);
}

constexpr crolang_authentication kAuthentication{sizeof(crolang_authentication),
                                                 CROLANG_READS_REQUEST, &authenticate, nullptr};
constexpr crolang_authorization kAuthorization{sizeof(crolang_authorization), &authorize};
constexpr crolang_module kModules[] = {{CROLANG_AUTHENTICATION, &kAuthentication},
                                       {CROLANG_AUTHORIZATION, &kAuthorization}};

constexpr crolang_plugin with_modules(crolang_plugin plugin) {
  plugin.modules = kModules;
  plugin.module_count = std::size(kModules);
  return plugin;
}

}  // namespace

constinit const crolang_plugin crolang_plugin_entry = with_modules(kSdk);
