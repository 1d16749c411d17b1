#pragma once
/// Admits nodes: check the query → authenticate → claim the id → (probe and replace a silent
/// holder) → resolve the RTC configuration. All of it runs before the 101; a later CONNECT on the
/// open transport runs it again.
///
/// If a module answers no, the node is refused and does not retry. If a module could not answer,
/// the failure is temporary and the node is asked to retry.
///
/// Threads: one Admissions per worker, owning worker only.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/events.hpp"
#include "broker/identity.hpp"
#include "broker/rtc_configuration.hpp"
#include "broker/shared_state.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::broker {

using TimePoint = std::chrono::steady_clock::time_point;

class AdmissionOutcomes {
 public:
  /// `until`: when the authentication expires; std::nullopt: never.
  virtual void on_admitted(SessionHandle session, std::uint64_t token, RtcLiteral rtc,
                           std::optional<TimePoint> until) = 0;
  /// `reason`: details for the log that are not sent to the node; may be empty. Valid during the
  /// call only.
  virtual void on_refused(SessionHandle session, Refusal refusal, std::string_view reason) = 0;
  virtual void on_failure(SessionHandle session, TemporaryFailure failure) = 0;

 protected:
  ~AdmissionOutcomes() = default;
};

class Admissions final : public modules::AnswerSink {
 public:
  Admissions(SharedState& shared, modules::Clients& clients, AdmissionOutcomes& outcomes,
             telemetry::WorkerCounters& counters);

  /// At the start of each iteration of the worker's loop.
  void set_now(TimePoint now) { now_ = now; }

  /// Reports exactly one result, possibly before this returns, unless cancelled. `identity` must
  /// live until then.
  void start(SessionHandle session, const Identity& identity,
             const client_address::Address& client);
  /// The node has disconnected: releases its claim. Does nothing if no admission is in progress.
  void cancel(SessionHandle session);
  /// The lease that an admission claimed with this token was lost to another session: the node is
  /// asked to retry. False: no such admission is in progress.
  bool lose(SessionHandle session, std::uint64_t token);
  /// Releases the lease of a session.
  void release(std::string_view id, std::uint64_t token);

  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  enum class Step : std::uint8_t { authenticate, claim, probe, replace, resolve_rtc };

  struct Admission {
    SessionHandle session;
    const Identity* identity = nullptr;
    std::uint64_t tag = 0;
    std::uint64_t token = 0;  // 0: nothing claimed yet
    modules::Holder incumbent;
    std::optional<TimePoint> until;  // the authentication expires
    TimePoint started;
    Step step = Step::authenticate;
    bool finished = false;
  };

  std::optional<Refusal> check(const Identity& identity) const;
  std::string reason_of(Refusal refusal, const Identity& identity) const;
  void run(Admission& admission, const modules::Answer* answer);
  const modules::Answer* advance(Admission& admission, const modules::Answer& answer);
  const modules::Answer* claim(Admission& admission);
  const modules::Answer* probe(Admission& admission, const modules::Holder& incumbent);
  const modules::Answer* on_probed(Admission& admission, std::int32_t result);
  const modules::Answer* resolve(Admission& admission);
  void admit(Admission& admission, const modules::Answer& answer);
  void report(const Admission& admission, const RtcNormaliser::Configuration& configuration);
  void refuse(Admission& admission, Refusal refusal, std::string_view reason = {});
  void failure(Admission& admission, TemporaryFailure failure);
  void withdraw(Admission& admission);
  /// Marks the admission as finished and measures it.
  void finish(Admission& admission);
  modules::Waiter waiter(const Admission& admission);
  static modules::Lease lease_of(const Admission& admission);

  SharedState& shared_;
  modules::Clients& clients_;
  AdmissionOutcomes& outcomes_;
  telemetry::WorkerCounters& counters_;
  RtcNormaliser rtc_;
  std::unordered_map<std::uint32_t, Admission>
      running_;  // by slot; admissions that wait for an answer
  std::uint64_t last_tag_ = 0;
  TimePoint now_;
};

}  // namespace crolang::broker
