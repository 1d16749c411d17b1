#include "broker/admission.hpp"

#include <sys/random.h>

#include <new>
#include <utility>

#include "broker/broker.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::broker {
namespace {

// Tokens are compared across instances, so they must not repeat anywhere; nobody has to guess them.
std::uint64_t make_token() {
  thread_local std::array<std::uint64_t, 32> block;
  thread_local std::size_t left = 0;
  std::uint64_t token = 0;
  while (token == 0) {
    if (left == 0) {
      // Blocks of at most 256 bytes are never interrupted nor short once the system has booted
      // (getrandom(2)).
      while (::getrandom(block.data(), sizeof block, 0) != static_cast<ssize_t>(sizeof block)) {
      }
      left = block.size();
    }
    token = block[--left];
  }
  return token;
}

}  // namespace

Admissions::Admissions(Grid& grid, modules::Clients& clients, AdmissionOutcomes& outcomes)
    : grid_(grid), clients_(clients), outcomes_(outcomes) {}

std::optional<Refusal> Admissions::check(const session::Identity& identity) const {
  if (const auto missing = identity.missing()) {
    switch (*missing) {
      case session::Identity::Field::version:
        return Refusal::missing_version;
      case session::Identity::Field::runtime:
        return Refusal::missing_runtime;
      default:
        return Refusal::missing_id;
    }
  }
  if (session::check_id(identity.id(), grid_.policy.max_node_id_bytes) != session::IdFault::none) {
    return Refusal::invalid_id;
  }
  return std::nullopt;
}

/// What is wrong with what a node says of itself.
std::string Admissions::reason_of(Refusal refusal, const session::Identity& identity) const {
  if (refusal == Refusal::missing_id || refusal == Refusal::missing_version ||
      refusal == Refusal::missing_runtime)
    return "the URL's query has to hold it once: the option query of io(), not auth";
  if (refusal != Refusal::invalid_id) return {};
  const std::size_t most = grid_.policy.max_node_id_bytes;
  switch (session::check_id(identity.id(), most)) {
    case session::IdFault::none:
      break;
    case session::IdFault::empty:
      return "it is empty";
    case session::IdFault::too_long:
      return "it has " + std::to_string(identity.id().size()) + " bytes, MAX_NODE_ID_BYTES is " +
             std::to_string(most);
    case session::IdFault::not_utf8:
      return "it is not UTF-8";
    case session::IdFault::control_character:
      return "it has a control character";
    case session::IdFault::blank_at_edge:
      return "it begins or ends with white space";
  }
  return {};
}

void Admissions::start(SessionHandle session, const session::Identity& identity) {
  if (grid_.draining.load(std::memory_order_relaxed)) {
    outcomes_.on_trouble(session, Trouble::draining);
    return;
  }
  if (const auto refusal = check(identity)) {
    outcomes_.on_refused(session, *refusal, reason_of(*refusal, identity));
    return;
  }
  using Field = session::Identity::Field;
  Admission admission;
  admission.session = session;
  admission.identity = &identity;
  admission.tag = ++last_tag_;
  const modules::NodeFacts facts{identity.id(), *identity.field(Field::version),
                                 *identity.field(Field::runtime), identity.field(Field::data)};
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
  trouble(admission, Trouble::probing);
  return true;
}

void Admissions::release(std::string_view id, std::uint64_t token) {
  clients_.release({id, token});
  // After the release: until then a probe of this token must not say "gone" of a lease that stands.
  grid_.claims.erase(token);
}

void Admissions::on_answer(const modules::Waiter& waiter, const modules::Answer& answer) {
  const auto found = running_.find(waiter.session.slot);
  // Cancelled meanwhile: cancel() has released the claim by its token, and does so for a grant that
  // is still under way.
  if (found == running_.end() || found->second.tag != waiter.tag) return;
  Admission admission = std::move(found->second);
  running_.erase(found);
  run(admission, &answer);
}

modules::Waiter Admissions::waiter(const Admission& admission) {
  return {this, admission.session, admission.tag};
}

void Admissions::run(Admission& admission, const modules::Answer* answer) {
  try {
    while (answer != nullptr && !admission.finished) answer = advance(admission, *answer);
    if (!admission.finished) {
      running_.insert_or_assign(admission.session.slot, std::move(admission));
    }
  } catch (const std::bad_alloc&) {
    if (admission.finished) throw;
    // What has been claimed must not stay so, and the node must hear something.
    trouble(admission, Trouble::memory);
  }
}

const modules::Answer* Admissions::advance(Admission& admission, const modules::Answer& answer) {
  switch (admission.step) {
    case Step::authenticate:
      if (!answer.could_ask()) {
        trouble(admission, Trouble::authentication);
      } else if (!answer.yes) {
        refuse(admission, Refusal::authentication_failed, answer.error);
      } else {
        return claim(admission);
      }
      return nullptr;
    case Step::claim:
      if (!answer.could_ask()) {
        trouble(admission, Trouble::registry);
        return nullptr;
      }
      if (answer.code == CROLANG_GRANTED) return resolve(admission);
      return probe(admission, answer.holders.front());
    case Step::probe:
      return on_verdict(admission, answer.could_ask() ? answer.code : CROLANG_UNREACHABLE);
    case Step::replace:
      if (!answer.could_ask()) {
        trouble(admission, Trouble::registry);
        return nullptr;
      }
      if (answer.code == CROLANG_GRANTED) return resolve(admission);
      // Another newcomer was faster.
      trouble(admission, Trouble::probing);
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
  // Known before it is claimed: who meets the lease and asks about it must not be told "gone".
  grid_.claims.insert(admission.token, {admission.session, Claims::Stage::claiming});
  return clients_.claim(waiter(admission), {admission.identity->id(), admission.token});
}

const modules::Answer* Admissions::probe(Admission& admission, const modules::Holder& incumbent) {
  if (grid_.policy.probe_timeout.count() == 0) {
    refuse(admission, Refusal::already_connected,
           "nobody asks its holder: DUPLICATE_ID_PROBE_TIMEOUT_MS is 0");
    return nullptr;
  }
  admission.step = Step::probe;
  admission.incumbent = incumbent;
  if (incumbent.instance != grid_.instance) {
    return clients_.probe(waiter(admission), admission.identity->id(), admission.incumbent,
                          grid_.policy.probe_timeout);
  }
  return clients_.probe_here(waiter(admission), grid_.policy.probe_timeout, [&](void* op) {
    try {
      grid_.probe(incumbent.token, grid_.policy.probe_timeout, [op](std::int32_t verdict) {
        modules::CallDesk::on_verdict(op, CROLANG_OK, verdict, {nullptr, 0});
      });
    } catch (const std::bad_alloc&) {
      modules::CallDesk::on_verdict(op, CROLANG_UNAVAILABLE, CROLANG_UNREACHABLE, {nullptr, 0});
    }
  });
}

const modules::Answer* Admissions::on_verdict(Admission& admission, std::int32_t verdict) {
  switch (verdict) {
    case CROLANG_ALIVE:
      refuse(admission, Refusal::already_connected, "its holder is alive");
      return nullptr;
    case CROLANG_YIELDED:
    case CROLANG_GONE:
      admission.step = Step::replace;
      return clients_.replace(waiter(admission), {admission.identity->id(), admission.token},
                              admission.incumbent);
    default:
      trouble(admission, Trouble::probing);
      return nullptr;
  }
}

const modules::Answer* Admissions::resolve(Admission& admission) {
  admission.step = Step::resolve_rtc;
  return clients_.resolve_rtc(waiter(admission), admission.identity->id());
}

void Admissions::admit(Admission& admission, const modules::Answer& answer) {
  if (!answer.could_ask()) {
    trouble(admission, Trouble::rtc);
    return;
  }
  auto normalised = rtc_.normalise(answer.text);
  if (const auto* fault = std::get_if<RtcNormaliser::Fault>(&normalised)) {
    grid_.counters.add(telemetry::Counter::rtc_configurations_refused);
    static telemetry::Throttle throttle{5};
    if (const auto suppressed = throttle.admit(std::chrono::steady_clock::now())) {
      telemetry::log::fault("the RTC configuration cannot be used",
                            {{"why", fault->text},
                             {"node", admission.identity->id()},
                             {"variable", grid_.modules.rtc_config.variable},
                             {"suppressed", *suppressed}});
    }
    trouble(admission, Trouble::rtc);
    return;
  }
  auto& configuration = std::get<RtcNormaliser::Configuration>(normalised);
  report(admission, configuration);
  admission.finished = true;
  grid_.claims.set_stage(admission.token, Claims::Stage::open);
  outcomes_.on_admitted(admission.session, admission.token, std::move(configuration.literal));
}

/// What an operator should know of a configuration that is given to the node all the same.
void Admissions::report(const Admission& admission,
                        const RtcNormaliser::Configuration& configuration) {
  const auto now = [] { return std::chrono::steady_clock::now(); };
  if (configuration.left_out != 0) {
    grid_.counters.add(telemetry::Counter::rtc_urls_left_out, configuration.left_out);
    static telemetry::Throttle throttle{1};
    if (const auto suppressed = throttle.admit(now())) {
      telemetry::log::warning("ICE servers that no node could use were left out",
                              {{"urls", configuration.left_out},
                               {"why", configuration.why_left_out},
                               {"node", admission.identity->id()},
                               {"variable", grid_.modules.rtc_config.variable},
                               {"suppressed", *suppressed}});
    }
  }
  if (configuration.turn_urls > kMaxTurnUrls) {
    static telemetry::Throttle throttle{1};
    if (const auto suppressed = throttle.admit(now())) {
      telemetry::log::warning("more TURN URLs than browsers use: they take the first 32",
                              {{"urls", configuration.turn_urls},
                               {"node", admission.identity->id()},
                               {"variable", grid_.modules.rtc_config.variable},
                               {"suppressed", *suppressed}});
    }
  }
}

void Admissions::refuse(Admission& admission, Refusal refusal, std::string_view reason) {
  admission.finished = true;
  withdraw(admission);
  outcomes_.on_refused(admission.session, refusal, reason);
}

void Admissions::trouble(Admission& admission, Trouble trouble) {
  admission.finished = true;
  withdraw(admission);
  outcomes_.on_trouble(admission.session, trouble);
}

void Admissions::withdraw(Admission& admission) {
  if (admission.token == 0) return;
  // Also when the registry said that somebody else holds it, or said nothing: the token makes it
  // harmless, and a grant whose answer got lost must not outlive this admission.
  release(admission.identity->id(), admission.token);
  admission.token = 0;
}

}  // namespace crolang::broker
