#pragma once
/// Lets nodes in: check the query → authenticate → claim the id → (probe and replace a silent
/// holder) → resolve the RTC configuration. All of it runs before the 101; a later CONNECT on the
/// open transport runs it again.
///
/// "No" ends in a refusal, which nodes take as final; "could not ask" ends in trouble, upon which
/// they come again.
///
/// Threads: one Admissions per worker, owning worker only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/events.hpp"
#include "broker/grid.hpp"
#include "broker/rtc_configuration.hpp"
#include "modules/clients/clients.hpp"
#include "session/identity.hpp"

namespace crolang::broker {

class AdmissionOutcomes {
 public:
  virtual void on_admitted(SessionHandle session, std::uint64_t token, RtcLiteral rtc) = 0;
  /// `reason`: more than the node is told, for the log; may be empty. It dies with the call.
  virtual void on_refused(SessionHandle session, Refusal refusal, std::string_view reason) = 0;
  virtual void on_trouble(SessionHandle session, Trouble trouble) = 0;

 protected:
  ~AdmissionOutcomes() = default;
};

class Admissions final : public modules::AnswerSink {
 public:
  Admissions(Grid& grid, modules::Clients& clients, AdmissionOutcomes& outcomes);

  /// The outcome comes exactly once, perhaps before this returns, unless cancelled. `identity` must
  /// live until then.
  void start(SessionHandle session, const session::Identity& identity);
  /// The node has gone: whatever was claimed is released. Nothing happens if no admission runs.
  void cancel(SessionHandle session);
  /// Another session holds the id that an admission has claimed with this token: the node is told
  /// to come again. False: no such admission runs.
  bool lose(SessionHandle session, std::uint64_t token);
  /// The lease of a session is given back.
  void release(std::string_view id, std::uint64_t token);

  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  enum class Step : std::uint8_t { authenticate, claim, probe, replace, resolve_rtc };

  struct Admission {
    SessionHandle session;
    const session::Identity* identity = nullptr;
    std::uint64_t tag = 0;
    std::uint64_t token = 0;  // 0: nothing claimed yet
    modules::Holder incumbent;
    Step step = Step::authenticate;
    bool finished = false;
  };

  std::optional<Refusal> check(const session::Identity& identity) const;
  std::string reason_of(Refusal refusal, const session::Identity& identity) const;
  void run(Admission& admission, const modules::Answer* answer);
  const modules::Answer* advance(Admission& admission, const modules::Answer& answer);
  const modules::Answer* claim(Admission& admission);
  const modules::Answer* probe(Admission& admission, const modules::Holder& incumbent);
  const modules::Answer* on_verdict(Admission& admission, std::int32_t verdict);
  const modules::Answer* resolve(Admission& admission);
  void admit(Admission& admission, const modules::Answer& answer);
  void report(const Admission& admission, const RtcNormaliser::Configuration& configuration);
  void refuse(Admission& admission, Refusal refusal, std::string_view reason = {});
  void trouble(Admission& admission, Trouble trouble);
  void withdraw(Admission& admission);
  modules::Waiter waiter(const Admission& admission);

  Grid& grid_;
  modules::Clients& clients_;
  AdmissionOutcomes& outcomes_;
  RtcNormaliser rtc_;
  std::unordered_map<std::uint32_t, Admission>
      running_;  // by slot; only those that wait for an answer
  std::uint64_t last_tag_ = 0;
};

}  // namespace crolang::broker
