/// The C++ SDK for plugins: derive from one or more kinds, end the file with CROLANG_PLUGIN.
///
///   class DenyList final : public crolang::plugin::Authorization { … };
///   CROLANG_PLUGIN(DenyList, "org.example.deny-list", "1.0.0", "refuses pairs", kEnv)
///
/// Threads: constructor, destructor, check_variables, reload, stop, bind and posted functions run
/// on the broker's control thread; every other handler runs on any worker, several at once, and
/// must not block (see Host::run_blocking and Serial). Answers may be given from any thread.
/// Errors: a throw in the constructor or in bind refuses the start with its text; a throw in a
/// handler answers CROLANG_INTERNAL with its text, and so does an answer that is forgotten;
/// std::bad_alloc and std::system_error, which pass, answer CROLANG_UNAVAILABLE. Nothing is thrown
/// at callers. Only plugin.h and the standard library are needed; the contract itself is explained
/// in plugin.h.
#pragma once

#include <crolang/plugin.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace crolang::plugin {

/// Why a question could not be answered. "No" is an answer, not one of these.
enum class Status : crolang_status {
  ok = CROLANG_OK,
  unavailable = CROLANG_UNAVAILABLE,
  timeout = CROLANG_TIMEOUT,
  cancelled = CROLANG_CANCELLED,
  invalid = CROLANG_INVALID,
  internal = CROLANG_INTERNAL,
};

enum class LogLevel : std::int32_t {
  debug = CROLANG_LOG_DEBUG,
  info = CROLANG_LOG_INFO,
  warn = CROLANG_LOG_WARN,
  error = CROLANG_LOG_ERROR,
};

inline std::string_view view(crolang_str text) noexcept {
  return {text.data, text.size};
}
inline crolang_str raw(std::string_view text) noexcept {
  return {text.data(), text.size()};
}

/// Pass this to CROLANG_PLUGIN when the plugin reads no variables.
inline constexpr std::span<const crolang_env> kNoEnv{};

// ---- Answers ------------------------------------------------------------------------------------

namespace detail {

inline constexpr std::string_view kUnanswered = "the plugin left a question unanswered";
inline constexpr std::string_view kNoMemory = "no memory left";

/// A handler that is running on this thread. An answer that it drops comes back here, since a drop
/// may be the work of an exception, whose text is known only once it is caught.
struct Handling {
  explicit Handling(const void* asked) noexcept : op(asked), outer(innermost) { innermost = this; }
  Handling(const Handling&) = delete;
  Handling& operator=(const Handling&) = delete;
  ~Handling() { innermost = outer; }

  /// True: the handler's caller will answer.
  static bool give_back(const void* dropped) noexcept {
    for (Handling* handling = innermost; handling != nullptr; handling = handling->outer) {
      if (handling->op == dropped) return handling->given_back = true;
    }
    return false;
  }

  const void* op;
  Handling* outer;
  bool given_back = false;
  static thread_local Handling* innermost;
};
inline constinit thread_local Handling* Handling::innermost = nullptr;

}  // namespace detail

/// The duty to answer one question. Move it to wherever the answer becomes known; the first answer
/// counts. Thread: any, one at a time. A second answer is a defect: it never reaches the broker and
/// aborts where assertions are on.
template <class... Values>
class Answer {
 public:
  using Function = void (*)(void*, crolang_status, Values..., crolang_str);

  Answer(Function function, void* op, std::uint32_t deadline_ms) noexcept
      : function_(function), op_(op), deadline_(deadline_ms) {}
  Answer(Answer&& other) noexcept
      : function_(std::exchange(other.function_, nullptr)),
        op_(other.op_),
        deadline_(other.deadline_) {}
  Answer& operator=(Answer&& other) noexcept {
    if (this != &other) {
      { Answer overwritten(std::move(*this)); }
      function_ = std::exchange(other.function_, nullptr);
      op_ = other.op_;
      deadline_ = other.deadline_;
    }
    return *this;
  }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (function_ == nullptr || detail::Handling::give_back(op_)) return;
    fail(Status::internal, detail::kUnanswered);
  }

  /// It could not be found out. `error` is one line for the log, without secrets.
  void fail(Status status, std::string_view error = {}) noexcept {
    assert(status != Status::ok);
    send(static_cast<crolang_status>(status), Values{}..., raw(error));
  }

  /// How long the broker waits, counted from the question.
  std::chrono::milliseconds deadline() const noexcept {
    return std::chrono::milliseconds(deadline_);
  }

  /// For the SDK.
  Function raw_function() const noexcept { return function_; }
  void* raw_op() const noexcept { return op_; }

 protected:
  void answer(Values... values) noexcept { send(CROLANG_OK, values..., crolang_str{}); }
  /// With a word for the log.
  void answer_because(Values... values, std::string_view reason) noexcept {
    send(CROLANG_OK, values..., raw(reason));
  }

 private:
  void send(crolang_status status, Values... values, crolang_str error) noexcept {
    const Function function = std::exchange(function_, nullptr);
    assert(function != nullptr && "answered twice, or moved away");
    if (function != nullptr) function(op_, status, values..., error);
  }

  Function function_;  // null: answered, or moved away
  void* op_;
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
  /// The reason counts for a no.
  void decide(bool yes, std::string_view reason = {}) noexcept {
    answer_because(yes, yes ? std::string_view() : reason);
  }
};

class Text : public Answer<crolang_str> {
 public:
  using Answer::Answer;
  void text(std::string_view text) noexcept { answer(raw(text)); }
};

/// One flag for each thing asked about, in the order asked.
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

// ---- Variables ----------------------------------------------------------------------------------

/// The values of the plugin's variables: those in use if it comes from a Host, those to be judged
/// in check_variables. Thread: any. Copy it freely; it lives as long as what it comes from.
class Variables {
 public:
  using Function = bool (*)(void* ctx, const char* name, crolang_str* value);
  Variables(Function function, void* ctx) noexcept : function_(function), ctx_(ctx) {}

  /// The value of a variable that the plugin declares, or its default; empty when it has neither.
  std::string_view env(const char* name) const noexcept { return find_env(name).value_or(""); }

  /// As env, but tells "not set" from "empty".
  std::optional<std::string_view> find_env(const char* name) const noexcept {
    crolang_str value{};
    if (!function_(ctx_, name, &value)) return std::nullopt;
    return view(value);
  }

 private:
  Function function_;
  void* ctx_;
};

/// Where check_variables says what it has found. Thread: control, until check_variables returns.
class Findings {
 public:
  explicit Findings(const crolang_check* to) noexcept : to_(to) {}

  /// The plugin could not be used so. Names the variable and what to do; shows no secret.
  void fault(std::string_view sentence) const { to_->fault(to_->ctx, raw(sentence)); }
  /// It could, but that is hardly what was meant.
  void warning(std::string_view sentence) const { to_->warning(to_->ctx, raw(sentence)); }

  /// What the function throws is a fault: for what the constructor does with a value, too.
  template <std::invocable F>
  void expect_no_throw(F&& function) const {
    try {
      function();
    } catch (const std::exception& error) {
      fault(error.what());
    }
  }

 private:
  const crolang_check* to_;
};

/// A plugin class that judges its variables without being constructed, all of them at once:
/// `static void check_variables(const Variables&, const Findings&)`. What it throws is a fault.
template <class P>
concept ChecksVariables = requires(const Variables& variables, const Findings& findings) {
  P::check_variables(variables, findings);
};

// ---- Host ---------------------------------------------------------------------------------------

namespace detail {

struct Task {
  virtual ~Task() = default;
  virtual void run() = 0;
  struct Services* services = nullptr;
};

template <class F>
struct TaskOf final : Task {
  explicit TaskOf(F given) : function(std::move(given)) {}
  void run() override { function(); }
  F function;
};

/// What all copies of a Host share: the broker's table, and the functions handed to the broker that
/// have not run yet, so that none leaks when the broker drops it.
struct Services {
  explicit Services(const crolang_host* host) noexcept : table(host) {}

  template <class F>
  TaskOf<std::decay_t<F>>* keep(F&& function) {
    auto task = std::make_unique<TaskOf<std::decay_t<F>>>(std::forward<F>(function));
    auto* const kept = task.get();
    kept->services = this;
    const std::lock_guard lock(mutex);
    tasks.emplace(kept, std::move(task));
    return kept;
  }

  std::unique_ptr<Task> take(const void* kept) {
    const std::lock_guard lock(mutex);
    const auto found = tasks.find(kept);
    if (found == tasks.end()) return nullptr;
    auto task = std::move(found->second);
    tasks.erase(found);
    return task;
  }

  void drop_tasks() {
    std::unordered_map<const void*, std::unique_ptr<Task>> dropped;
    const std::lock_guard lock(mutex);
    dropped.swap(tasks);
  }

  void log(LogLevel level, std::string_view text) const noexcept {
    table->log(table->ctx, static_cast<std::int32_t>(level), raw(text));
  }

  static void run(void* kept) noexcept {
    Services* const services = static_cast<Task*>(kept)->services;
    try {
      if (const auto task = services->take(kept)) task->run();
    } catch (const std::exception& error) {
      services->log(LogLevel::error, error.what());
    } catch (...) {
      services->log(LogLevel::error, "exception of unknown type");
    }
  }

  const crolang_host* table;
  std::mutex mutex;  // guards tasks
  std::unordered_map<const void*, std::unique_ptr<Task>> tasks;
};

/// Calls a handler so that the question is answered with what the handler throws.
template <class A, class Call>
void ask(const Services& services, A answer, Call&& call) noexcept {
  const auto function = answer.raw_function();
  void* const op = answer.raw_op();
  Handling handling(op);
  const auto fail = [&](Status status, std::string_view text) {
    if (handling.given_back) {
      A(function, op, 0).fail(status, text);
    } else {
      services.log(LogLevel::error, text);
    }
  };
  try {
    call(std::move(answer));
    if (handling.given_back) fail(Status::internal, kUnanswered);
  } catch (const std::bad_alloc&) {
    fail(Status::unavailable, kNoMemory);
  } catch (const std::system_error& error) {
    fail(Status::unavailable, error.what());
  } catch (const std::exception& error) {
    fail(Status::internal, error.what());
  } catch (...) {
    fail(Status::internal, "exception of unknown type");
  }
}

template <class A, class F>
struct Blocking {
  void operator()() {
    ask(*services, std::move(answer), [this](A asked) { function(std::move(asked)); });
  }
  const Services* services;
  A answer;
  F function;
};

}  // namespace detail

/// A timer of Host::post_after. Copy it freely.
struct Timer {
  std::uint64_t number = 0;
  const void* task = nullptr;
};

/// The broker's services. Thread: any, unless a function says otherwise. Copy it freely; it may be
/// used until the plugin's destructor has returned.
class Host {
 public:
  explicit Host(const crolang_host* table) : services_(std::make_shared<detail::Services>(table)) {}

  /// Writes one line to the broker's log, under the plugin's id.
  void log(LogLevel level, std::string_view text) const noexcept { services_->log(level, text); }

  /// The values of the plugin's variables; those declared CROLANG_RELOADABLE change before reload.
  operator Variables() const noexcept { return {table().env, table().ctx}; }
  std::string_view env(const char* name) const noexcept { return Variables(*this).env(name); }
  std::optional<std::string_view> find_env(const char* name) const noexcept {
    return Variables(*this).find_env(name);
  }

  /// Runs the function on the control thread, soon, in the order of the posts.
  template <std::invocable F>
  void post(F&& function) const {
    table().post(table().ctx, &detail::Services::run, services_->keep(std::forward<F>(function)));
  }

  /// Runs the function on the control thread after a while. Timers die with the plugin.
  template <std::invocable F>
  Timer post_after(std::chrono::milliseconds delay, F&& function) const {
    auto* const task = services_->keep(std::forward<F>(function));
    const auto ms = static_cast<std::uint32_t>(delay.count());
    return {table().post_after(table().ctx, ms, &detail::Services::run, task), task};
  }

  /// Thread: control. True: the timer's function will not run.
  bool cancel(Timer timer) const {
    if (!table().cancel(table().ctx, timer.number)) return false;
    services_->take(timer.task);
    return true;
  }

  /// Runs `function(answer)` on a thread that may block. When the plugin's quota is used up, the
  /// question is answered with Status::unavailable instead.
  template <class A, std::invocable<A> F>
  void run_blocking(A answer, F&& function) const {
    auto* const task = services_->keep(detail::Blocking<A, std::decay_t<F>>{
        services_.get(), std::move(answer), std::forward<F>(function)});
    if (table().run_blocking(table().ctx, &detail::Services::run, task)) return;
    task->function.answer.fail(Status::unavailable,
                               "too many blocking calls are open, or there is no thread for one");
    services_->take(task);
  }

  /// For the SDK.
  detail::Services& services() const noexcept { return *services_; }

 private:
  const crolang_host& table() const noexcept { return *services_->table; }

  std::shared_ptr<detail::Services> services_;
};

// ---- Kinds --------------------------------------------------------------------------------------

/// Call it once everything open is answered and the plugin's threads have ended. Thread: any.
class Stopped {
 public:
  Stopped(void (*function)(void*), void* op) noexcept : function_(function), op_(op) {}
  Stopped(Stopped&& other) noexcept
      : function_(std::exchange(other.function_, nullptr)), op_(other.op_) {}
  Stopped& operator=(Stopped&&) = delete;
  Stopped(const Stopped&) = delete;
  ~Stopped() { (*this)(); }
  void operator()() noexcept {
    if (const auto function = std::exchange(function_, nullptr)) function(op_);
  }

 private:
  void (*function_)(void*);
  void* op_;
};

/// What all kinds have in common.
class Kind {
 public:
  Kind() = default;
  Kind(const Kind&) = delete;
  Kind& operator=(const Kind&) = delete;
  virtual ~Kind() = default;
  /// No question comes any more. Cancel what is open (Status::cancelled) and end own threads. What
  /// runs in Host::run_blocking is waited for by the broker: make it end soon.
  virtual void stop(Stopped stopped) { stopped(); }
  /// The configuration was read again: Host::env gives the new values of variables that are
  /// declared CROLANG_RELOADABLE, and files that variables name may have changed. Questions are
  /// asked meanwhile. What it throws is logged.
  virtual void reload() {}
};

class Authorization : public virtual Kind {
 public:
  /// May `from` send to `to`? Asked for each message: keep it cheap.
  virtual void authorize(std::string_view from, std::string_view to, YesNo answer) = 0;
};

struct Newcomer {
  std::string_view node;
  std::string_view version;
  std::string_view runtime;
  std::optional<std::string_view> data;  // as the node gave it; nullopt: not given
};

class Authentication : public virtual Kind {
 public:
  /// May this node connect?
  virtual void authenticate(const Newcomer& newcomer, YesNo answer) = 0;
};

class RtcConfig : public virtual Kind {
 public:
  /// The RTC configuration of the node, as JSON.
  virtual void resolve(std::string_view node, Text answer) = 0;
};

/// Node ids that a question is about.
class Ids {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = void;
    using reference = std::string_view;
    explicit Iterator(const crolang_str* at = nullptr) noexcept : at_(at) {}
    std::string_view operator*() const noexcept { return view(*at_); }
    Iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    Iterator operator++(int) noexcept { return Iterator(at_++); }
    bool operator==(const Iterator&) const = default;

   private:
    const crolang_str* at_;
  };

  Ids(const crolang_str* ids, std::size_t count) noexcept : ids_(ids, count) {}
  std::size_t size() const noexcept { return ids_.size(); }
  std::string_view operator[](std::size_t index) const noexcept { return view(ids_[index]); }
  Iterator begin() const noexcept { return Iterator(ids_.data()); }
  Iterator end() const noexcept { return Iterator(ids_.data() + ids_.size()); }

 private:
  std::span<const crolang_str> ids_;
};

class Validity : public virtual Kind {
 public:
  /// Which of these connected nodes may stay?
  virtual void check(const Ids& ids, Flags answer) = 0;
};

enum class Receiver { absent, connected };

class Observer : public virtual Kind {
 public:
  /// A message was authorized. Nobody waits for the outcome.
  virtual void on_message(std::string_view from, std::string_view to, Receiver receiver) = 0;
};

// ---- The registry's own words -------------------------------------------------------------------

/// The lease of an id, as the session that `token` stands for wants it or has it.
struct Claim {
  std::string_view id;
  std::uint64_t token = 0;
};

/// Who holds a lease. An empty instance: nobody.
struct Holder {
  std::string_view instance;
  std::uint64_t token = 0;
};

inline Claim view(crolang_claim claim) noexcept {
  return {view(claim.id), claim.token};
}
inline crolang_claim raw(Claim claim) noexcept {
  return {raw(claim.id), claim.token};
}
inline Holder view(crolang_holder holder) noexcept {
  return {view(holder.instance), holder.token};
}
inline crolang_holder raw(Holder holder) noexcept {
  return {raw(holder.instance), holder.token};
}

class Claimed : public Answer<std::int32_t, crolang_holder> {
 public:
  using Answer::Answer;
  void granted() noexcept { answer(CROLANG_GRANTED, crolang_holder{}); }
  void held(Holder holder) noexcept { answer(CROLANG_HELD, raw(holder)); }
};

class Verdict : public Answer<std::int32_t> {
 public:
  using Answer::Answer;
  void alive() noexcept { answer(CROLANG_ALIVE); }
  void yielded() noexcept { answer(CROLANG_YIELDED); }
  void gone() noexcept { answer(CROLANG_GONE); }
  void unreachable() noexcept { answer(CROLANG_UNREACHABLE); }
  void verdict(std::int32_t verdict) noexcept { answer(verdict); }
};

/// One holder for each id asked about, in the order asked.
class Located : public Answer<const crolang_holder*, std::size_t> {
 public:
  using Answer::Answer;
  void located(std::span<const Holder> holders) {
    std::vector<crolang_holder> plain;
    plain.reserve(holders.size());
    for (const Holder& holder : holders) plain.push_back(raw(holder));
    answer(plain.data(), plain.size());
  }
};

/// What a registry tells the broker. Thread: any. Copy it freely.
class RegistryEvents {
 public:
  RegistryEvents(Host host, const crolang_registry_events* table)
      : host_(std::move(host)), table_(table) {}

  /// A message for a session of this broker. `answered(Status, bool taken)` is called once, on any
  /// thread, possibly at once.
  template <std::invocable<Status, bool> F>
  void on_message(Claim to, std::string_view body, F&& answered) const {
    using Function = std::decay_t<F>;
    const auto call = [](void* op, crolang_status status, bool taken, crolang_str) {
      run<Function>(op, static_cast<Status>(status), taken);
    };
    table_->on_message(table_->ctx, raw(to), raw(body), call, keep(std::forward<F>(answered)));
  }

  /// Does the session of this broker that holds the claim live? `answered(Status, int32_t verdict)`
  /// is called once, on any thread, possibly at once.
  template <std::invocable<Status, std::int32_t> F>
  void on_probe(Claim incumbent, std::chrono::milliseconds timeout, F&& answered) const {
    using Function = std::decay_t<F>;
    const auto call = [](void* op, crolang_status status, std::int32_t verdict, crolang_str) {
      run<Function>(op, static_cast<Status>(status), verdict);
    };
    table_->on_probe(table_->ctx, raw(incumbent), static_cast<std::uint32_t>(timeout.count()), call,
                     keep(std::forward<F>(answered)));
  }

  /// Another token holds the id of this claim.
  void on_lost(Claim claim) const { table_->on_lost(table_->ctx, raw(claim)); }
  void on_unavailable(std::string_view reason) const {
    table_->on_unavailable(table_->ctx, raw(reason));
  }
  void on_available() const { table_->on_available(table_->ctx); }

 private:
  template <class Function>
  struct Waiting {
    Host host;
    Function function;
  };

  template <class F>
  Waiting<std::decay_t<F>>* keep(F&& function) const {
    return new Waiting<std::decay_t<F>>{host_, std::forward<F>(function)};
  }

  template <class Function, class Value>
  static void run(void* op, Status status, Value value) noexcept {
    const std::unique_ptr<Waiting<Function>> waiting(static_cast<Waiting<Function>*>(op));
    try {
      waiting->function(status, value);
    } catch (const std::exception& error) {
      waiting->host.log(LogLevel::error, error.what());
    } catch (...) {
      waiting->host.log(LogLevel::error, "exception of unknown type");
    }
  }

  Host host_;
  const crolang_registry_events* table_;
};

/// Every function's meaning is explained in plugin.h at registry/1.
class Registry : public virtual Kind {
 public:
  /// Thread: control, once, before the others.
  virtual void bind(std::string_view instance, RegistryEvents events) = 0;
  virtual void claim(Claim claim, Claimed answer) = 0;
  virtual void replace(Claim claim, Holder expected, Claimed answer) = 0;
  virtual void announce(Claim claim, Done answer) = 0;
  virtual void release(Claim claim, Done answer) = 0;
  virtual void probe(std::string_view id, Holder incumbent, std::chrono::milliseconds timeout,
                     Verdict answer) = 0;
  virtual void lookup(const Ids& ids, Located answer) = 0;
  virtual void send(std::string_view instance, Claim to, std::string_view body, YesNo answer) = 0;
  /// The worker has asked all that it has to ask for the moment.
  virtual void flush() {}
  /// For a node that asks who is connected: everything else goes first.
  virtual void presence(const Ids& ids, Located answer) { lookup(ids, std::move(answer)); }
};

// ---- One thread at a time -----------------------------------------------------------------------

template <class K>
concept ColdKind =
    std::same_as<K, Authentication> || std::same_as<K, RtcConfig> || std::same_as<K, Validity>;

/// Derive from Serial<Authentication> instead of Authentication to have the handler run on the
/// control thread, never twice at once. For kinds that are asked rarely; it still must not block.
template <ColdKind K>
class Serial : public K {};

// ---- Glue: what CROLANG_PLUGIN writes for you ---------------------------------------------------

namespace detail {

template <class P>
struct Instance {
  static P make(const Host& host) requires std::constructible_from<P, Host> { return P(host); }
  static P make(const Host&) { return P(); }

  explicit Instance(const crolang_host* table) : host(table), plugin(make(host)) {}

  template <class K>
  K& as() noexcept {
    return plugin;
  }

  Host host;
  P plugin;
};

template <class P>
Instance<P>& instance(void* self) noexcept {
  return *static_cast<Instance<P>*>(self);
}

// Owners of what is only lent for the length of a call.
struct OwnedText {
  explicit OwnedText(std::string_view given) : text(given) {}
  std::string_view lent() const noexcept { return text; }
  std::string text;
};

struct OwnedNewcomer {
  explicit OwnedNewcomer(const Newcomer& given)
      : node(given.node), version(given.version), runtime(given.runtime), data(given.data) {}
  Newcomer lent() const noexcept { return {node, version, runtime, data}; }
  std::string node;
  std::string version;
  std::string runtime;
  std::optional<std::string> data;
};

struct OwnedIds {
  explicit OwnedIds(const Ids& given) : texts(given.begin(), given.end()) {
    for (const std::string& text : texts) ids.push_back(raw(text));
  }
  OwnedIds(OwnedIds&&) = default;
  Ids lent() const noexcept { return {ids.data(), ids.size()}; }
  std::vector<std::string> texts;
  std::vector<crolang_str> ids;
};

inline OwnedText own(std::string_view text) {
  return OwnedText(text);
}
inline OwnedNewcomer own(const Newcomer& newcomer) {
  return OwnedNewcomer(newcomer);
}
inline OwnedIds own(const Ids& ids) {
  return OwnedIds(ids);
}

template <class P, class K>
inline constexpr bool kSerial = false;
template <class P, ColdKind K>
inline constexpr bool kSerial<P, K> = std::derived_from<P, Serial<K>>;

/// Calls the handler `method` of kind K; on the control thread for a Serial kind.
template <class P, class K, auto method, class A, class... Args>
void dispatch(void* self, A answer, const Args&... args) noexcept {
  auto& to = instance<P>(self);
  if constexpr (kSerial<P, K>) {
    try {
      to.host.post(
          [&to, answer = std::move(answer), owned = std::make_tuple(own(args)...)]() mutable {
            ask(to.host.services(), std::move(answer), [&](A asked) {
              std::apply(
                  [&](const auto&... kept) {
                    (to.template as<K>().*method)(kept.lent()..., std::move(asked));
                  },
                  owned);
            });
          });
    } catch (const std::exception& error) {
      to.host.log(LogLevel::error, error.what());
    }
  } else {
    ask(to.host.services(), std::move(answer),
        [&](A asked) { (to.template as<K>().*method)(args..., std::move(asked)); });
  }
}

/// Runs what has no answer.
template <class P, class F>
void run_logged(void* self, F&& function) noexcept {
  try {
    function(instance<P>(self));
  } catch (const std::exception& error) {
    instance<P>(self).host.log(LogLevel::error, error.what());
  } catch (...) {
    instance<P>(self).host.log(LogLevel::error, "exception of unknown type");
  }
}

/// Runs what may refuse the start with a sentence.
template <class F>
crolang_status run_refusable(char* error, std::size_t error_size, F&& function) noexcept {
  const auto refuse = [&](std::string_view text) {
    if (error_size == 0) return;
    const std::size_t length = std::min(text.size(), error_size - 1);
    std::memcpy(error, text.data(), length);
    error[length] = '\0';
  };
  try {
    function();
    return CROLANG_OK;
  } catch (const std::exception& thrown) {
    refuse(thrown.what());
  } catch (...) {
    refuse("exception of unknown type");
  }
  return CROLANG_INTERNAL;
}

template <class P>
void authorize(void* self, crolang_str from, crolang_str to, std::uint32_t deadline_ms,
               crolang_yes_no answer, void* op) noexcept {
  dispatch<P, Authorization, &Authorization::authorize>(self, YesNo(answer, op, deadline_ms),
                                                        view(from), view(to));
}

template <class P>
void authenticate(void* self, crolang_str node, crolang_str version, crolang_str runtime,
                  crolang_str data, std::uint32_t deadline_ms, crolang_yes_no answer,
                  void* op) noexcept {
  Newcomer newcomer{view(node), view(version), view(runtime), std::nullopt};
  if (data.data != nullptr) newcomer.data = view(data);
  dispatch<P, Authentication, &Authentication::authenticate>(self, YesNo(answer, op, deadline_ms),
                                                             newcomer);
}

template <class P>
void resolve(void* self, crolang_str node, std::uint32_t deadline_ms, crolang_text answer,
             void* op) noexcept {
  dispatch<P, RtcConfig, &RtcConfig::resolve>(self, Text(answer, op, deadline_ms), view(node));
}

template <class P>
void check(void* self, const crolang_str* ids, std::size_t count, std::uint32_t deadline_ms,
           crolang_flags answer, void* op) noexcept {
  dispatch<P, Validity, &Validity::check>(self, Flags(answer, op, deadline_ms), Ids(ids, count));
}

template <class P>
void observe(void* self, crolang_str from, crolang_str to, bool connected) noexcept {
  run_logged<P>(self, [&](auto& to_run) {
    to_run.template as<Observer>().on_message(view(from), view(to),
                                              connected ? Receiver::connected : Receiver::absent);
  });
}

template <class P>
crolang_status bind(void* self, crolang_str name, const crolang_registry_events* events,
                    char* error, std::size_t error_size) noexcept {
  return run_refusable(error, error_size, [&] {
    auto& to = instance<P>(self);
    to.template as<Registry>().bind(view(name), RegistryEvents(to.host, events));
  });
}

template <class P>
void claim(void* self, crolang_claim wanted, std::uint32_t deadline_ms, crolang_claimed answer,
           void* op) noexcept {
  dispatch<P, Registry, &Registry::claim>(self, Claimed(answer, op, deadline_ms), view(wanted));
}

template <class P>
void replace(void* self, crolang_claim wanted, crolang_holder expected, std::uint32_t deadline_ms,
             crolang_claimed answer, void* op) noexcept {
  dispatch<P, Registry, &Registry::replace>(self, Claimed(answer, op, deadline_ms), view(wanted),
                                            view(expected));
}

template <class P>
void announce(void* self, crolang_claim held, std::uint32_t deadline_ms, crolang_done answer,
              void* op) noexcept {
  dispatch<P, Registry, &Registry::announce>(self, Done(answer, op, deadline_ms), view(held));
}

template <class P>
void release(void* self, crolang_claim held, std::uint32_t deadline_ms, crolang_done answer,
             void* op) noexcept {
  dispatch<P, Registry, &Registry::release>(self, Done(answer, op, deadline_ms), view(held));
}

template <class P>
void probe(void* self, crolang_str id, crolang_holder incumbent, std::uint32_t timeout_ms,
           std::uint32_t deadline_ms, crolang_verdict answer, void* op) noexcept {
  dispatch<P, Registry, &Registry::probe>(self, Verdict(answer, op, deadline_ms), view(id),
                                          view(incumbent), std::chrono::milliseconds(timeout_ms));
}

template <class P>
void lookup(void* self, const crolang_str* ids, std::size_t count, std::uint32_t deadline_ms,
            crolang_located answer, void* op) noexcept {
  dispatch<P, Registry, &Registry::lookup>(self, Located(answer, op, deadline_ms), Ids(ids, count));
}

template <class P>
void send(void* self, crolang_str name, crolang_claim to, crolang_str body,
          std::uint32_t deadline_ms, crolang_yes_no answer, void* op) noexcept {
  dispatch<P, Registry, &Registry::send>(self, YesNo(answer, op, deadline_ms), view(name), view(to),
                                         view(body));
}

template <class P>
void flush(void* self) noexcept {
  run_logged<P>(self, [](auto& to) { to.template as<Registry>().flush(); });
}

template <class P>
void presence(void* self, const crolang_str* ids, std::size_t count, std::uint32_t deadline_ms,
              crolang_located answer, void* op) noexcept {
  dispatch<P, Registry, &Registry::presence>(self, Located(answer, op, deadline_ms),
                                             Ids(ids, count));
}

template <class P>
crolang_status create(const crolang_host* host, void** self, char* error,
                      std::size_t error_size) noexcept {
  *self = nullptr;
  return run_refusable(error, error_size, [&] { *self = new Instance<P>(host); });
}

template <class P>
void stop(void* self, void (*stopped)(void*), void* op) noexcept {
  run_logged<P>(self, [&](auto& to) { to.template as<Kind>().stop(Stopped(stopped, op)); });
}

template <class P>
void destroy(void* self) noexcept {
  const Host host = instance<P>(self).host;
  delete &instance<P>(self);
  host.services().drop_tasks();  // they may hold copies of the host, and so themselves
}

template <class P>
void reload(void* self) noexcept {
  run_logged<P>(self, [](auto& to) { to.template as<Kind>().reload(); });
}

template <ChecksVariables P>
void check_variables(const crolang_check* to) noexcept {
  const Findings findings(to);
  try {
    P::check_variables(Variables(to->env, to->ctx), findings);
  } catch (const std::exception& error) {
    findings.fault(error.what());
  } catch (...) {
    findings.fault("exception of unknown type");
  }
}

/// nullptr: P judges its variables in its constructor only.
template <class P>
constexpr auto check_of() noexcept -> void (*)(const crolang_check*) {
  if constexpr (ChecksVariables<P>) return &check_variables<P>;
  return nullptr;
}

template <class P>
inline constexpr crolang_authorization kAuthorization{sizeof(crolang_authorization), &authorize<P>};
template <class P>
inline constexpr crolang_authentication kAuthentication{sizeof(crolang_authentication),
                                                        &authenticate<P>};
template <class P>
inline constexpr crolang_rtc_config kRtcConfig{sizeof(crolang_rtc_config), &resolve<P>};
template <class P>
inline constexpr crolang_validity kValidity{sizeof(crolang_validity), &check<P>};
template <class P>
inline constexpr crolang_observer kObserver{sizeof(crolang_observer), &observe<P>};
template <class P>
inline constexpr crolang_registry kRegistry{sizeof(crolang_registry),
                                            &bind<P>,
                                            &claim<P>,
                                            &replace<P>,
                                            &announce<P>,
                                            &release<P>,
                                            &probe<P>,
                                            &lookup<P>,
                                            &send<P>,
                                            &flush<P>,
                                            &presence<P>};

/// One crolang_module for each kind that P derives from.
template <class P>
struct Modules {
  template <class K>
  static constexpr std::size_t kHas = std::derived_from<P, K> ? 1 : 0;
  static constexpr std::size_t kCount = kHas<Authorization> + kHas<Authentication> +
                                        kHas<RtcConfig> + kHas<Validity> + kHas<Observer> +
                                        kHas<Registry>;
  static_assert(kCount > 0, "derive the plugin from at least one kind, publicly");

  static constexpr std::array<crolang_module, kCount> list() {
    std::array<crolang_module, kCount> modules{};
    std::size_t next = 0;
    if constexpr (kHas<Authorization>) {
      modules[next++] = {CROLANG_AUTHORIZATION, &kAuthorization<P>};
    }
    if constexpr (kHas<Authentication>) {
      modules[next++] = {CROLANG_AUTHENTICATION, &kAuthentication<P>};
    }
    if constexpr (kHas<RtcConfig>) modules[next++] = {CROLANG_RTC_CONFIG, &kRtcConfig<P>};
    if constexpr (kHas<Validity>) modules[next++] = {CROLANG_VALIDITY, &kValidity<P>};
    if constexpr (kHas<Observer>) modules[next++] = {CROLANG_OBSERVER, &kObserver<P>};
    if constexpr (kHas<Registry>) modules[next++] = {CROLANG_REGISTRY, &kRegistry<P>};
    return modules;
  }
};

template <class P>
inline constexpr auto kModules = Modules<P>::list();

}  // namespace detail

/// The entry of plugin class P. All strings and `env` must live for the process.
template <class P>
constexpr crolang_plugin make_entry(const char* id, const char* version, const char* description,
                                    std::span<const crolang_env> env) {
  return {CROLANG_MAGIC,
          CROLANG_ABI_MAJOR,
          0,  // nothing that came after minor 0 is used here
          sizeof(crolang_plugin),
          0,
          id,
          version,
          description,
          env.data(),
          env.size(),
          detail::kModules<P>.data(),
          detail::kModules<P>.size(),
          &detail::create<P>,
          &detail::stop<P>,
          &detail::destroy<P>,
          detail::check_of<P>(),
          &detail::reload<P>};
}

}  // namespace crolang::plugin

/// Once per plugin, outside of any namespace. `env` is a constexpr array of crolang_env, or kNoEnv.
/// The constructor of `Class` takes a Host, or nothing; see ChecksVariables for what else it may
/// have.
#define CROLANG_PLUGIN(Class, id, version, description, env) \
  constinit const crolang_plugin crolang_plugin_entry =      \
      ::crolang::plugin::make_entry<Class>(id, version, description, env);
