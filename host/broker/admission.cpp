#include "broker/admission.hpp"

#include <sys/random.h>

#include <algorithm>
#include <new>
#include <utility>

#include "broker/broker.hpp"
#include "broker/lease.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::broker {
namespace {

// Tokens are compared across instances, so they must be unique everywhere. They need not be secret.
std::uint64_t make_token() {
  thread_local std::array<std::uint64_t, 32> block;
  thread_local std::size_t left = 0;
  std::uint64_t token = 0;
  while (token == 0) {
    if (left == 0) {
      // Once the system has booted, requests of up to 256 bytes are neither interrupted nor short
      // (getrandom(2)).
      while (::getrandom(block.data(), sizeof block, 0) != static_cast<ssize_t>(sizeof block)) {
      }
      left = block.size();
    }
    token = block[--left];
  }
  return token;
}

/// Limits the time so that no sum overflows; no node stays connected for ten years.
std::chrono::milliseconds bounded(std::uint64_t ms) {
  constexpr std::uint64_t kTenYears = 315'360'000'000;
  return std::chrono::milliseconds(std::min(ms, kTenYears));
}

}  // namespace

Admissions::Admissions(SharedState& shared, modules::Clients& clients, AdmissionOutcomes& outcomes,
                       telemetry::WorkerCounters& counters)
    : shared_(shared), clients_(clients), outcomes_(outcomes), counters_(counters) {}

std::optional<Refusal> Admissions::check(const Identity& identity) const {
  if (const auto missing = identity.first_missing_field()) {
    switch (*missing) {
      case Identity::Field::version:
        return Refusal::missing_version;
      case Identity::Field::runtime:
        return Refusal::missing_runtime;
      case Identity::Field::id:
      case Identity::Field::data:  // is not required
        return Refusal::missing_id;
    }
  }
  if (check_id(identity.id(), shared_.policy.max_node_id_bytes) != IdFault::none) {
    return Refusal::invalid_id;
  }
  return std::nullopt;
}

/// What is wrong with the identity, for the log.
std::string Admissions::reason_of(Refusal refusal, const Identity& identity) const {
  if (refusal == Refusal::missing_id || refusal == Refusal::missing_version ||
      refusal == Refusal::missing_runtime)
    return "the URL's query must contain it once: use the option query of io(), not auth";
  if (refusal != Refusal::invalid_id) return {};
  const std::size_t most = shared_.policy.max_node_id_bytes;
  switch (check_id(identity.id(), most)) {
    case IdFault::none:
      break;
    case IdFault::empty:
      return "it is empty";
    case IdFault::too_long:
      return "it has " + std::to_string(identity.id().size()) + " bytes, MAX_NODE_ID_BYTES is " +
             std::to_string(most);
    case IdFault::not_utf8:
      return "it is not UTF-8";
    case IdFault::control_character:
      return "it has a control character";
    case IdFault::whitespace_at_edge:
      return "it begins or ends with white space";
  }
  return {};
}

void Admissions::start(SessionHandle session, const Identity& identity,
                       const client_address::Address& client) {
  if (shared_.draining.load(std::memory_order_relaxed)) {
    outcomes_.on_failure(session, TemporaryFailure::draining);
    return;
  }
  if (const auto refusal = check(identity)) {
    outcomes_.on_refused(session, *refusal, reason_of(*refusal, identity));
    return;
  }
  if (const auto refused =
          shared_.refused_ids.find(identity.id(), std::chrono::system_clock::now())) {
    outcomes_.on_refused(session, Refusal::refused_by_operator, describe(*refused));
    return;
  }
  using Field = Identity::Field;
  Admission admission;
  admission.session = session;
  admission.identity = &identity;
  admission.tag = ++last_tag_;
  admission.started = now_;
  const std::string client_text = text_of(client);
  const modules::NodeFacts facts{identity.id(),
                                 *identity.field(Field::version),
                                 *identity.field(Field::runtime),
                                 identity.field(Field::data),
                                 client_text,
                                 identity.tls_client_subject(),
                                 identity.header_lines()};
  const modules::Answer* answer = clients_.authenticate(waiter(admission), facts);
  run(admission, answer);
}

void Admissions::cancel(SessionHandle session) {
  const auto found = running_.find(session.slot);
  if (found == running_.end() || found->second.session != session) return;
  Admission admission = std::move(found->second);
  running_.erase(found);
  withdraw(admission);
}

bool Admissions::lose(SessionHandle session, std::uint64_t token) {
  const auto found = running_.find(session.slot);
  if (found == running_.end() || found->second.session != session || found->second.token != token) {
    return false;
  }
  Admission admission = std::move(found->second);
  running_.erase(found);
  failure(admission, TemporaryFailure::probing);
  return true;
}

void Admissions::release(std::string_view id, std::uint64_t token) {
  clients_.release({.id = id, .token = token});
  // Only after the release: until then a probe of this token must not report the holder as gone.
  shared_.claims.erase(token);
}

void Admissions::on_answer(const modules::Waiter& waiter, const modules::Answer& answer) {
  const auto found = running_.find(SessionHandle::unpacked(waiter.asker).slot);
  // If it was cancelled meanwhile, cancel() has released the claim by its token, which covers a
  // grant that arrives later.
  if (found == running_.end() || found->second.tag != waiter.tag) return;
  Admission admission = std::move(found->second);
  running_.erase(found);
  run(admission, &answer);
}

modules::Waiter Admissions::waiter(const Admission& admission) {
  return {this, admission.session.packed(), admission.tag};
}

modules::Lease Admissions::lease_of(const Admission& admission) {
  return broker::lease_of(admission.identity->id(), admission.token, admission.session);
}

void Admissions::run(Admission& admission, const modules::Answer* answer) {
  try {
    while (answer != nullptr && !admission.finished) answer = advance(admission, *answer);
    if (!admission.finished) {
      running_.insert_or_assign(admission.session.slot, std::move(admission));
    }
  } catch (const std::bad_alloc&) {
    if (admission.finished) throw;
    // Even without memory the claim must be released and the node must get an answer.
    failure(admission, TemporaryFailure::memory);
  }
}

/// In the order in which they are asked; an admission begins with the first.
enum class Admissions::Step : std::uint8_t { authenticate, claim, probe, replace, resolve_rtc };

const modules::Answer* Admissions::advance(Admission& admission, const modules::Answer& answer) {
  switch (admission.step) {
    case Step::authenticate:
      if (!answer.succeeded()) {
        failure(admission, TemporaryFailure::authentication);
      } else if (!answer.yes) {
        refuse(admission, Refusal::authentication_failed, answer.error);
      } else {
        if (answer.valid_for_ms != 0) admission.until = now_ + bounded(answer.valid_for_ms);
        return claim(admission);
      }
      return nullptr;
    case Step::claim:
      if (!answer.succeeded()) {
        failure(admission, TemporaryFailure::registry);
        return nullptr;
      }
      if (answer.code == CROLANG_GRANTED) return resolve(admission);
      return probe(admission, answer.holders.front());
    case Step::probe:
      return on_probed(admission, answer.succeeded() ? answer.code : CROLANG_UNREACHABLE);
    case Step::replace:
      if (!answer.succeeded()) {
        failure(admission, TemporaryFailure::registry);
        return nullptr;
      }
      if (answer.code == CROLANG_GRANTED) return resolve(admission);
      // Another connecting node has taken the id first.
      failure(admission, TemporaryFailure::probing);
      return nullptr;
    case Step::resolve_rtc:
      admit(admission, answer);
      return nullptr;
  }
  return nullptr;
}

const modules::Answer* Admissions::claim(Admission& admission) {
  admission.step = Step::claim;
  admission.token = make_token();
  // Before the registry is asked: an instance that finds the lease there and probes it must not be
  // told that its holder is gone.
  shared_.claims.insert(admission.token, {admission.session, Claims::Stage::claiming});
  return clients_.claim(waiter(admission), lease_of(admission));
}

const modules::Answer* Admissions::probe(Admission& admission, const modules::Holder& incumbent) {
  if (shared_.policy.probe_timeout.count() == 0) {
    refuse(admission, Refusal::already_connected,
           "its holder was not probed: DUPLICATE_ID_PROBE_TIMEOUT_MS is 0");
    return nullptr;
  }
  admission.step = Step::probe;
  admission.incumbent = incumbent;
  if (incumbent.instance != shared_.instance) {
    return clients_.probe(waiter(admission), admission.identity->id(), admission.incumbent,
                          shared_.policy.probe_timeout);
  }
  return clients_.probe_here(waiter(admission), shared_.policy.probe_timeout, [&](void* call) {
    try {
      shared_.probe(incumbent.token, shared_.policy.probe_timeout, [call](std::int32_t result) {
        modules::PendingCalls::on_probed(call, CROLANG_OK, result, {nullptr, 0});
      });
    } catch (const std::bad_alloc&) {
      modules::PendingCalls::on_probed(call, CROLANG_UNAVAILABLE, CROLANG_UNREACHABLE,
                                       {nullptr, 0});
    }
  });
}

const modules::Answer* Admissions::on_probed(Admission& admission, std::int32_t result) {
  switch (result) {
    case CROLANG_ALIVE:
      refuse(admission, Refusal::already_connected, "the connection that holds this id is alive");
      return nullptr;
    case CROLANG_YIELDED:
    case CROLANG_GONE:
      admission.step = Step::replace;
      return clients_.replace(waiter(admission), lease_of(admission), admission.incumbent);
    default:  // no enum: the plugin API's numbers
      failure(admission, TemporaryFailure::probing);
      return nullptr;
  }
}

const modules::Answer* Admissions::resolve(Admission& admission) {
  admission.step = Step::resolve_rtc;
  return clients_.resolve_rtc(waiter(admission), admission.identity->id());
}

void Admissions::admit(Admission& admission, const modules::Answer& answer) {
  if (!answer.succeeded()) {
    failure(admission, TemporaryFailure::rtc);
    return;
  }
  auto normalised = rtc_.normalise(answer.text);
  if (const auto* fault = std::get_if<RtcNormaliser::Fault>(&normalised)) {
    shared_.counters.add(telemetry::Counter::rtc_configurations_refused);
    static telemetry::Throttle throttle{5};
    if (const auto suppressed = throttle.admit(std::chrono::steady_clock::now())) {
      telemetry::log::error("the RTC configuration cannot be used",
                            {{"why", fault->text},
                             {"node", admission.identity->id()},
                             {"variable", shared_.modules.of<modules::Kind::rtc_config>().variable},
                             {"suppressed", *suppressed}});
    }
    failure(admission, TemporaryFailure::rtc);
    return;
  }
  auto& configuration = std::get<RtcNormaliser::Configuration>(normalised);
  report(admission, configuration);
  finish(admission);
  shared_.claims.set_stage(admission.token, Claims::Stage::open);
  outcomes_.on_admitted(admission.session, admission.token, std::move(configuration.literal),
                        admission.until);
}

/// Logs defects of a configuration that is sent to the node nevertheless.
void Admissions::report(const Admission& admission,
                        const RtcNormaliser::Configuration& configuration) {
  const auto now = [] { return std::chrono::steady_clock::now(); };
  if (configuration.left_out != 0) {
    shared_.counters.add(telemetry::Counter::rtc_urls_left_out, configuration.left_out);
    static telemetry::Throttle throttle{1};
    if (const auto suppressed = throttle.admit(now())) {
      telemetry::log::warning(
          "ICE servers that no node could use were left out",
          {{"urls", configuration.left_out},
           {"why", configuration.why_left_out},
           {"node", admission.identity->id()},
           {"variable", shared_.modules.of<modules::Kind::rtc_config>().variable},
           {"suppressed", *suppressed}});
    }
  }
  if (configuration.turn_urls > kMaxTurnUrls) {
    static telemetry::Throttle throttle{1};
    if (const auto suppressed = throttle.admit(now())) {
      telemetry::log::warning(
          "more TURN URLs than browsers use: they take the first 32",
          {{"urls", configuration.turn_urls},
           {"node", admission.identity->id()},
           {"variable", shared_.modules.of<modules::Kind::rtc_config>().variable},
           {"suppressed", *suppressed}});
    }
  }
}

void Admissions::refuse(Admission& admission, Refusal refusal, std::string_view reason) {
  finish(admission);
  withdraw(admission);
  outcomes_.on_refused(admission.session, refusal, reason);
}

void Admissions::failure(Admission& admission, TemporaryFailure failure) {
  finish(admission);
  withdraw(admission);
  outcomes_.on_failure(admission.session, failure);
}

void Admissions::finish(Admission& admission) {
  admission.finished = true;
  counters_.observe(telemetry::Latency::admission,
                    std::chrono::steady_clock::now() - admission.started);
}

void Admissions::withdraw(Admission& admission) {
  if (admission.token == 0) return;
  // Even if the registry reported another holder or did not answer: releasing by token does no
  // harm, and a grant whose answer was lost must not outlive this admission.
  release(admission.identity->id(), admission.token);
  admission.token = 0;
}

}  // namespace crolang::broker
