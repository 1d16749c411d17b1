#pragma once
/// Module tables that answer as a test says: at once, when the test lets them, or never. Threads:
/// one.

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/clients/pending_calls.hpp"
#include "modules/module_table.hpp"
#include "session/handle.hpp"

namespace crolang::broker::testing {

using modules::Holder;
using modules::Question;

/// One question as the module saw it, and the means to answer it.
struct Asked {
  Question question{};
  std::string id;  ///< the node; the sender in an authorization, the receiver in a send
  std::string to;  ///< of an authorization
  std::string version;
  std::string runtime;
  std::optional<std::string> data;
  std::string client_address;
  std::optional<std::string> team;  ///< the request's header X-Team
  std::string body;                 ///< of a send, and of a question to another instance
  std::vector<std::string> ids;     ///< of a lookup and a validity check
  modules::Entry entry;             ///< that is set
  std::string known_version;        ///< of the entries
  std::uint64_t token = 0;
  session::SessionHandle session;  ///< that wants a lease or has it
  Holder holder;  ///< whom a replace expects, a probe is about, a send or a question goes to
  void* call = nullptr;

  void yes() const;
  /// Of an authentication.
  void yes_for(std::chrono::milliseconds time) const;
  void no(std::string_view why = {}) const;
  void done() const;
  void text(std::string_view text) const;
  void granted() const;
  void held_by(const Holder& holder) const;
  void probed(std::int32_t result) const;
  void located(const std::vector<Holder>& holders) const;
  void instances(const std::vector<modules::InstanceStatus>& instances) const;
  void entries(std::int32_t outcome, std::string_view now,
               const std::vector<modules::Entry>& entries) const;
  void flags(const std::vector<bool>& flags) const;
  void fail(crolang_status status) const;
};

struct Observed {
  std::string from;
  std::string to;
  bool connected = false;
  bool operator==(const Observed&) const = default;
};

class ScriptedModules {
 public:
  using Script = std::function<void(const Asked&)>;

  /// Friendly: everybody may do everything, every id is free, and nobody is elsewhere.
  ScriptedModules();
  ScriptedModules(const ScriptedModules&) = delete;
  ScriptedModules& operator=(const ScriptedModules&) = delete;

  void on(Question question, Script script) { scripts_[index(question)] = std::move(script); }
  /// The test answers itself.
  void keep(Question question) {
    on(question, [](const Asked&) {});
  }
  /// From now on scripts run only in answer_one.
  void delay_answers() { delayed_ = true; }
  /// False: no question waits for its script.
  bool answer_one();

  const std::deque<Asked>& asked() const { return asked_; }
  std::vector<Asked> asked(Question question) const;
  std::size_t count(Question question) const { return asked(question).size(); }
  /// The latest; there must be one.
  const Asked& last(Question question) const;

  void on_asked(Asked asked);

  modules::ModuleTable table;
  std::vector<Observed> observed;
  std::vector<std::string> statuses;  ///< that the instance has set

 private:
  static std::size_t index(Question question) { return static_cast<std::size_t>(question); }

  std::array<Script, modules::kQuestions> scripts_;
  std::deque<Asked> asked_;
  std::deque<Asked> waiting_;
  bool delayed_ = false;
};

}  // namespace crolang::broker::testing
