#include "negotiation/diagnosis.hpp"

#include <utility>
#include <vector>

#include "negotiation/shortening.hpp"

namespace crolang::negotiation {
namespace {

constexpr std::size_t kMostFindings = 3;
constexpr std::string_view kTurnFails = "the TURN server is unreachable or refuses the credentials";

std::string seconds_of(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

/// What to make of a message that was not delivered.
std::string consequence(Ack ack, const std::string& sender, const std::string& receiver,
                        std::string_view failure) {
  switch (ack) {
    case Ack::not_connected:
      return receiver + " was not connected any more";
    case Ack::unauthorized:
      return sender + " is not authorized to send to " + receiver;
    case Ack::error:
      return failure.empty() ? std::string("it was acknowledged ERROR") : std::string(failure);
    case Ack::pending:
    case Ack::ok:
      break;
  }
  return {};
}

class Findings {
 public:
  Findings(const Record& record, const Circumstances& circumstances)
      : record_(record),
        circumstances_(circumstances),
        initiator_(shown(record.initiator())),
        responder_(shown(record.responder())) {}

  Diagnosis diagnosis() &&;

 private:
  void add(std::string sentence) {
    if (sentences_.size() < kMostFindings) sentences_.push_back(std::move(sentence));
  }
  const std::string& name(Side side) const {
    return side == Side::initiator ? initiator_ : responder_;
  }
  const Candidates& candidates(Side side) const { return record_.party(side).candidates; }
  /// Of a node of another instance they are taken to be those of the other side.
  const IceServers& servers(Side side) const {
    const IceServers& own = record_.party(side).servers;
    return own.known ? own : record_.party(other(side)).servers;
  }
  Presence presence(Side side) const {
    return side == Side::initiator ? circumstances_.initiator : circumstances_.responder;
  }
  /// Not all that it sent is known.
  bool is_unknown(Side side) const { return record_.party(side).is_kept_elsewhere; }
  bool is_settled() const { return circumstances_.now - record_.last_message >= kSettled; }

  // The attempt.
  void judge_undelivered_attempt(Ack ack);
  void judge_silence();
  // The answer.
  void judge_answer_time();
  void judge_answer_delivery();
  void judge_losses(Side side);
  // The candidates.
  bool lacks_relay(Side side) const;
  bool has_only_hosts(Side side) const;
  void judge_candidates();
  void judge_relays();
  void judge_missing();
  void judge_hosts();
  void judge_nats();
  void judge_transports(Side side);
  void judge_relay_only(Side side);
  void judge_families();
  void add_unknown(std::string& nothing_unusual) const;

  const Record& record_;
  const Circumstances& circumstances_;
  const std::string initiator_;
  const std::string responder_;
  std::vector<std::string> sentences_;
};

// ---- The attempt --------------------------------------------------------------------------------

void Findings::judge_undelivered_attempt(Ack ack) {
  if (ack != Ack::not_connected) {
    add("the attempt was not delivered: " +
        consequence(ack, initiator_, responder_, record_.failure));
    return;
  }
  add(responder_ + " was not connected" +
      (presence(Side::responder) == Presence::connected ? " then, but is now" : ""));
}

void Findings::judge_silence() {
  const std::string start = "no answer after " + seconds_of(kAnswerTime) + ": ";
  if (record_.attempt_ack == Ack::pending) {
    add(start + "the attempt is not acknowledged yet, so " + responder_ +
        " may not have it; authorization or registry are slow, or " + initiator_ + " has left");
    return;
  }
  switch (presence(Side::responder)) {
    case Presence::connected:
      add(start + responder_ + " is connected but silent");
      break;
    case Presence::not_connected:
      add(start + responder_ + " got the attempt and is not connected any more");
      break;
    case Presence::unknown:
      add(start + responder_ + " got the attempt and is silent");
      break;
  }
}

// ---- The answer ---------------------------------------------------------------------------------

void Findings::judge_answer_time() {
  const auto after = record_.answered_after.value_or(std::chrono::milliseconds(0));
  if (after < kLateAnswer) return;
  add("answer after " + seconds_of(after) + ": later than " +
      (after < kAnswerTime ? "most stacks wait" : "nodes wait"));
}

void Findings::judge_answer_delivery() {
  const std::string why = consequence(record_.answer_ack, responder_, initiator_, record_.failure);
  if (!why.empty()) add("the answer was not delivered: " + why);
}

void Findings::judge_losses(Side side) {
  const Party& party = record_.party(side);
  if (party.lost == 0) return;
  const std::string why =
      consequence(party.last_loss, name(side), name(other(side)), record_.failure);
  add("candidates stopped after the answer: " + std::to_string(party.lost) + " of " + name(side) +
      (party.lost == 1 ? " was" : " were") + " not delivered: " + why);
}

// ---- The candidates -----------------------------------------------------------------------------

bool Findings::lacks_relay(Side side) const {
  if (is_unknown(side)) return false;
  if (!servers(side).turn || candidates(side).of(CandidateType::relay) != 0) return false;
  // A node that sent nothing may have been cut off, unless it may send nothing else.
  return !candidates(side).none() || servers(side).relay_only;
}

/// And should have others. Servers see nodes with addresses of the internet as they see themselves.
bool Findings::has_only_hosts(Side side) const {
  return !is_unknown(side) && servers(side).stun && candidates(side).only_hosts() &&
         !candidates(side).has_public_host();
}

void Findings::judge_candidates() {
  judge_missing();
  judge_relays();
  judge_hosts();
  judge_nats();
  for (const Side side : {Side::initiator, Side::responder}) {
    judge_transports(side);
    judge_relay_only(side);
  }
  judge_families();
}

void Findings::judge_missing() {
  const auto is_missing = [&](Side side) {
    return !is_unknown(side) && candidates(side).none() &&
           !(servers(side).relay_only && servers(side).turn);
  };
  const bool initiator = is_missing(Side::initiator);
  const bool responder = is_missing(Side::responder);
  if (!initiator && !responder) return;
  const std::string start = "candidates stopped after the answer: ";
  if (initiator && responder) {
    add(start + "neither side sent one");
    return;
  }
  const Side side = initiator ? Side::initiator : Side::responder;
  add(start + name(side) + " sent none" +
      (presence(side) == Presence::not_connected ? " and is not connected any more" : ""));
}

void Findings::judge_relays() {
  const bool initiator = lacks_relay(Side::initiator);
  const bool responder = lacks_relay(Side::responder);
  if (initiator && responder) {
    add(std::string("neither side has a relay candidate: ").append(kTurnFails));
  } else if (initiator || responder) {
    const Side side = initiator ? Side::initiator : Side::responder;
    add(name(side) + " has no relay candidate: for it " + std::string(kTurnFails));
  }
}

void Findings::judge_hosts() {
  const auto judge = [&](Side side) {
    // The missing relay says it already.
    return has_only_hosts(side) && !lacks_relay(side);
  };
  const bool initiator = judge(Side::initiator);
  const bool responder = judge(Side::responder);
  if (initiator && responder) {
    add("both sides sent only host candidates: none of their ICE servers answered");
  } else if (initiator || responder) {
    add(name(initiator ? Side::initiator : Side::responder) +
        " sent only host candidates: none of its ICE servers answered");
  }
}

void Findings::judge_nats() {
  // It may have a relay or an address of the internet.
  if (is_unknown(Side::initiator) || is_unknown(Side::responder)) return;
  if (candidates(Side::initiator).of(CandidateType::relay) != 0 ||
      candidates(Side::responder).of(CandidateType::relay) != 0) {
    return;
  }
  // The missing relay says it already.
  if (servers(Side::initiator).turn || servers(Side::responder).turn) return;
  // A NAT that gives each server another port does not keep its node from an address of the
  // internet.
  if (candidates(Side::initiator).has_public_host() ||
      candidates(Side::responder).has_public_host()) {
    return;
  }
  const bool initiator = candidates(Side::initiator).behind_symmetric_nat();
  const bool responder = candidates(Side::responder).behind_symmetric_nat();
  if (!initiator && !responder) return;
  const std::string who = initiator && responder
                              ? "both sides are"
                              : name(initiator ? Side::initiator : Side::responder) + " is";
  add(who + " behind a symmetric NAT: they need a TURN server, and were given none");
}

void Findings::judge_transports(Side side) {
  if (is_unknown(side)) return;
  if (candidates(side).udp() != 0 || candidates(side).tcp() == 0) return;
  add(name(side) + " sent only TCP candidates: UDP is blocked or switched off for it");
}

/// Its relay may not reach private addresses.
void Findings::judge_relay_only(Side side) {
  const Side far = other(side);
  if (is_unknown(far)) return;
  if (!record_.party(side).servers.relay_only || record_.party(far).servers.relay_only) return;
  if (candidates(side).of(CandidateType::relay) == 0 || !candidates(far).only_hosts() ||
      candidates(far).has_public_host() || lacks_relay(far)) {
    return;
  }
  add(name(side) + " may use only its relay, and " + name(far) +
      " sent only private host candidates, which a relay elsewhere cannot reach");
}

void Findings::judge_families() {
  if (is_unknown(Side::initiator) || is_unknown(Side::responder)) return;
  const Candidates& a = candidates(Side::initiator);
  const Candidates& b = candidates(Side::responder);
  const auto differ = [](const Candidates& one, const Candidates& two) {
    return one.only_ipv4() && two.only_ipv6();
  };
  if (differ(a, b)) add(initiator_ + " has only IPv4 candidates, " + responder_ + " only IPv6");
  if (differ(b, a)) add(responder_ + " has only IPv4 candidates, " + initiator_ + " only IPv6");
}

/// `nothing_unusual`: what is said if there is no finding.
void Findings::add_unknown(std::string& nothing_unusual) const {
  for (const Side side : {Side::initiator, Side::responder}) {
    if (!is_unknown(side)) continue;
    nothing_unusual +=
        " here; what " + name(side) + " sent is not known: another instance keeps it";
    return;
  }
}

Diagnosis Findings::diagnosis() && {
  std::string so_far = "nothing unusual";
  const State state = record_.state_at(circumstances_.now);
  switch (state) {
    case State::attempting:
      if (presence(Side::responder) == Presence::not_connected && record_.attempt_ack == Ack::ok) {
        add(responder_ + " got the attempt and is not connected any more");
      }
      so_far += " so far: " + responder_ + " has not answered yet";
      break;
    case State::unanswered:
      judge_silence();
      break;
    case State::not_connected:
    case State::unauthorized:
    case State::failed:
      judge_undelivered_attempt(record_.attempt_ack);
      break;
    case State::refused:
      add(responder_ + " refused");
      judge_answer_delivery();
      break;
    case State::not_allowed:
      add(responder_ + " takes no incoming connections");
      judge_answer_delivery();
      break;
    case State::answered:
      judge_answer_delivery();
      judge_losses(Side::initiator);
      judge_losses(Side::responder);
      // What follows from these is not said as well.
      if (sentences_.empty() && is_settled()) judge_candidates();
      judge_answer_time();
      if (is_settled()) {
        add_unknown(so_far);
      } else {
        so_far += " so far: candidates are being exchanged";
      }
      break;
  }
  if (sentences_.empty()) return {std::move(so_far), true};
  std::string words;
  for (const std::string& each : sentences_) {
    if (!words.empty()) words += "; ";
    words += each;
  }
  return {std::move(words), false};
}

}  // namespace

Diagnosis diagnose(const Record& record, const Circumstances& circumstances) {
  return Findings(record, circumstances).diagnosis();
}

}  // namespace crolang::negotiation
