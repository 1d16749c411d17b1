/// A broker instance around a registry, for tests: binds it, asks it, and answers its events.
/// Threads: any, once constructed.
#pragma once

#include <array>
#include <crolang/testing/contract.hpp>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>

namespace crolang::plugin::testing {

inline std::uint64_t random_token() {
  static std::mutex mutex;  // guards random
  static std::mt19937_64 random{std::random_device{}()};
  const std::lock_guard lock(mutex);
  return random() | 1;  // never 0
}

/// A broker instance around a registry: binds it, asks it, and answers its events.
class Instance {
 public:
  struct Message {
    std::string id;
    std::uint64_t token;
    std::string body;
    bool operator==(const Message&) const = default;
  };

  Instance(std::string name, std::unique_ptr<Module> module, Questions& questions)
      : name_(std::move(name)), module_(std::move(module)), questions_(questions) {
    std::array<char, 512> error{};
    crolang_status status = CROLANG_INTERNAL;
    module_->on_control(
        [&] { status = table().bind(self(), Lent(name_), &events_, error.data(), error.size()); });
    if (status != CROLANG_OK) throw std::runtime_error(error.data());
  }

  const std::string& name() const { return name_; }
  Module& module() noexcept { return *module_; }

  Question& claim(const std::string& id, std::uint64_t token) {
    Question& question = questions_.next();
    table().claim(self(), lease(Lent(id), token), kDeadline, &Question::claimed, &question);
    flush();
    return question;
  }
  Question& replace(const std::string& id, std::uint64_t token, const Outcome::Holder& expected) {
    Question& question = questions_.next();
    table().replace(self(), lease(Lent(id), token), holder(Lent(expected.instance), expected),
                    kDeadline, &Question::claimed, &question);
    flush();
    return question;
  }
  Question& announce(const std::string& id, std::uint64_t token) {
    Question& question = questions_.next();
    table().announce(self(), lease(Lent(id), token), kDeadline, &Question::done, &question);
    flush();
    return question;
  }
  Question& release(const std::string& id, std::uint64_t token) {
    Question& question = questions_.next();
    table().release(self(), lease(Lent(id), token), kDeadline, &Question::done, &question);
    flush();
    return question;
  }
  Question& probe(const std::string& id, const Outcome::Holder& incumbent) {
    Question& question = questions_.next();
    table().probe(self(), Lent(id), holder(Lent(incumbent.instance), incumbent), 500, kDeadline,
                  &Question::probed, &question);
    flush();
    return question;
  }
  /// Uses lookup if the registry has no presence function.
  Question& presence(const std::vector<std::string>& ids) {
    if (!CROLANG_HAS(&table(), presence) || table().presence == nullptr) return lookup(ids);
    Question& question = questions_.next();
    const LentList lent(ids);
    table().presence(self(), lent.data(), lent.size(), kDeadline, &Question::located, &question);
    flush();
    return question;
  }
  Question& lookup(const std::vector<std::string>& ids) {
    Question& question = questions_.next();
    const LentList lent(ids);
    table().lookup(self(), lent.data(), lent.size(), kDeadline, &Question::located, &question);
    flush();
    return question;
  }
  Question& send(const std::string& instance, const std::string& id, std::uint64_t token,
                 const std::string& body) {
    Question& question = questions_.next();
    table().send(self(), Lent(instance), lease(Lent(id), token), Lent(body), kDeadline,
                 &Question::yes_no, &question);
    flush();
    return question;
  }

  /// Whether the registry supports statuses and questions of instances.
  bool knows_instances() const {
    return CROLANG_HAS(&table(), ask) && table().set_status != nullptr &&
           table().list_instances != nullptr && table().ask != nullptr;
  }
  void set_status(const std::string& status) {
    table().set_status(self(), Lent(status));
    flush();
  }
  Question& list_instances() {
    Question& question = questions_.next();
    table().list_instances(self(), kDeadline, &Question::instances, &question);
    flush();
    return question;
  }
  Question& ask(const std::string& instance, const std::string& body,
                std::uint32_t deadline = kDeadline) {
    Question& question = questions_.next();
    table().ask(self(), Lent(instance), Lent(body), deadline, &Question::text, &question);
    flush();
    return question;
  }

  /// Whether the registry has a table that all instances share.
  bool shares_entries() const {
    return CROLANG_HAS(&table(), list_entries) && table().set_entry != nullptr &&
           table().list_entries != nullptr;
  }
  Question& set_entry(const Outcome::Entry& entry) {
    Question& question = questions_.next();
    table().set_entry(self(), {Lent(entry.name), Lent(entry.value), entry.expires_at}, kDeadline,
                      &Question::done, &question);
    flush();
    return question;
  }
  Question& list_entries(const std::string& known_version = {}) {
    Question& question = questions_.next();
    table().list_entries(self(), Lent(known_version), kDeadline, &Question::entries, &question);
    flush();
    return question;
  }

  /// Sets how this instance answers questions of others; by default CROLANG_INVALID.
  using Answerer = std::function<void(const std::string& from, const std::string& body,
                                      crolang_text_fn answer, void* call)>;
  void on_question(Answerer answerer) {
    const std::lock_guard lock(mutex_);
    answerer_ = std::move(answerer);
  }

  /// Adds a session that accepts messages, and the result of probing it.
  void live(const std::string& id, std::uint64_t token, std::int32_t result) {
    const std::lock_guard lock(mutex_);
    sessions_[{id, token}] = result;
  }

  /// Adds a session whose outbox is full.
  void live_but_full(const std::string& id, std::uint64_t token) {
    live(id, token, CROLANG_ALIVE);
    const std::lock_guard lock(mutex_);
    full_.insert(token);
  }

  std::vector<Message> received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }

  /// Tokens that the registry has reported as lost.
  std::vector<std::uint64_t> lost() const {
    const std::lock_guard lock(mutex_);
    return lost_;
  }
  /// The availability that the registry has reported last.
  bool available() const {
    const std::lock_guard lock(mutex_);
    return available_;
  }

  void stop() { module_->stop(); }

 private:
  static constexpr std::uint32_t kDeadline = 10'000;

  const crolang_registry& table() const {
    return *static_cast<const crolang_registry*>(module_->table());
  }
  void* self() const { return module_->self(); }

  /// Flushes, as a worker does after a burst of questions.
  void flush() {
    if (table().flush != nullptr) table().flush(self());
  }

  static crolang_lease lease(crolang_str id, std::uint64_t token) {
    return {id, token, session_of(token), worker_of(token)};
  }
  static crolang_holder holder(crolang_str instance, const Outcome::Holder& holder) {
    return {instance, holder.token, holder.session, holder.worker};
  }

  static Instance& of(void* ctx) { return *static_cast<Instance*>(ctx); }
  static std::string copy(crolang_str text) { return {text.data, text.size}; }

  std::optional<std::int32_t> find_session(crolang_lease claim) const {
    // The registry must also return session and worker of the lease.
    if (claim.session != session_of(claim.token) || claim.worker != worker_of(claim.token)) {
      return std::nullopt;
    }
    const auto found = sessions_.find({copy(claim.id), claim.token});
    return found == sessions_.end() ? std::nullopt : std::optional(found->second);
  }

  static void on_message(void* ctx, crolang_lease to, crolang_str body, crolang_yes_no_fn taken,
                         void* call) {
    bool take = false;
    bool full = false;
    {
      const std::lock_guard lock(of(ctx).mutex_);
      full = of(ctx).full_.contains(to.token);
      take = !full && of(ctx).find_session(to).has_value();
      if (take) of(ctx).received_.push_back({copy(to.id), to.token, copy(body)});
    }
    taken(call, full ? CROLANG_UNAVAILABLE : CROLANG_OK, take, {});
  }
  static void on_probe(void* ctx, crolang_lease incumbent, std::uint32_t, crolang_probed_fn probed,
                       void* call) {
    std::int32_t found = CROLANG_GONE;
    {
      const std::lock_guard lock(of(ctx).mutex_);
      found = of(ctx).find_session(incumbent).value_or(CROLANG_GONE);
    }
    probed(call, CROLANG_OK, found, {});
  }
  static void on_lease_lost(void* ctx, crolang_lease claim) {
    const std::lock_guard lock(of(ctx).mutex_);
    of(ctx).lost_.push_back(claim.token);
  }
  static void on_unavailable(void* ctx, crolang_str) { of(ctx).set_available(false); }
  static void on_available(void* ctx) { of(ctx).set_available(true); }
  static void on_ask(void* ctx, crolang_str from, crolang_str body, std::uint32_t,
                     crolang_text_fn answer, void* call) {
    Answerer answerer;
    {
      const std::lock_guard lock(of(ctx).mutex_);
      answerer = of(ctx).answerer_;
    }
    if (answerer) {
      answerer(copy(from), copy(body), answer, call);
    } else {
      constexpr std::string_view kText = "unknown question";
      answer(call, CROLANG_INVALID, {}, {kText.data(), kText.size()});
    }
  }

  void set_available(bool available) {
    const std::lock_guard lock(mutex_);
    available_ = available;
  }

  const crolang_registry_events events_{sizeof(crolang_registry_events),
                                        this,
                                        &on_message,
                                        &on_probe,
                                        &on_lease_lost,
                                        &on_unavailable,
                                        &on_available,
                                        &on_ask};
  const std::string name_;

  mutable std::mutex mutex_;  // guards what follows, up to available_
  std::map<std::pair<std::string, std::uint64_t>, std::int32_t> sessions_;
  std::set<std::uint64_t> full_;  // tokens
  std::vector<Message> received_;
  std::vector<std::uint64_t> lost_;
  Answerer answerer_;
  bool available_ = true;

  std::unique_ptr<Module> module_;  // destroyed first: it calls the events
  Questions& questions_;
};

}  // namespace crolang::plugin::testing
