#pragma once
/// The modules as one worker sees them: a function for each question, with the deadline and
/// late-answer guard of its CallDesk around it. Every function returns the answer if it came at
/// once (valid until the next question), else nullptr and the waiter's sink gets it later on the
/// same worker.
///
/// Threads: owning worker only.

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "modules/clients/call_desk.hpp"
#include "modules/module_table.hpp"

namespace crolang::modules {

struct NodeFacts {
  std::string_view id;
  std::string_view version;
  std::string_view runtime;
  std::optional<std::string_view> data;
};

class Clients {
 public:
  Clients(const ModuleTable& modules, CallDesk& desk, std::chrono::milliseconds timeout)
      : modules_(modules), desk_(desk), timeout_(timeout) {}

  using Claim = CallDesk::Claim;

  const Answer* authenticate(const Waiter& waiter, const NodeFacts& node);
  const Answer* claim(const Waiter& waiter, const Claim& claim);
  const Answer* replace(const Waiter& waiter, const Claim& claim, const Holder& expected);
  const Answer* announce(const Waiter& waiter, const Claim& claim);
  void release(const Claim& claim);
  const Answer* probe(const Waiter& waiter, std::string_view id, const Holder& incumbent,
                      std::chrono::milliseconds patience);
  /// The incumbent is of this instance: `ask(op)` sees to it that CallDesk::on_verdict is called.
  template <class Ask>
  const Answer* probe_here(const Waiter& waiter, std::chrono::milliseconds patience, Ask&& ask) {
    static const std::string kNoPlugin;
    return desk_.ask(Question::probe, kNoPlugin, waiter, timeout_ + patience, 0, {},
                     static_cast<Ask&&>(ask));
  }
  const Answer* lookup(const Waiter& waiter, std::span<const std::string_view> ids);
  /// As lookup, for a node that asks who is connected: everything else goes first.
  const Answer* presence(const Waiter& waiter, std::span<const std::string_view> ids);
  const Answer* send(const Waiter& waiter, std::string_view instance, const Claim& to,
                     std::string_view body, const Receipt& receipt);
  const Answer* resolve_rtc(const Waiter& waiter, std::string_view node);
  // Hot: per message.
  const Answer* authorize(const Waiter& waiter, std::string_view from, std::string_view to);
  const Answer* check_validity(const Waiter& waiter, std::span<const std::string_view> ids);
  void observe(std::string_view from, std::string_view to, bool receiver_connected);

  /// What was asked so far is all for now. At the end of each turn of the worker.
  void flush();
  /// Questions to the registry since then.
  std::size_t unflushed() const noexcept { return unflushed_; }

  CallDesk& desk() noexcept { return desk_; }

 private:
  template <class Call>
  const Answer* ask_registry(Question question, const Waiter& waiter,
                             std::chrono::milliseconds timeout, std::size_t expected,
                             const Claim& claim, Call&& call, const Receipt& receipt = kNoReceipt);

  const ModuleTable& modules_;
  CallDesk& desk_;
  const std::chrono::milliseconds timeout_;
  std::size_t unflushed_ = 0;
};

}  // namespace crolang::modules
