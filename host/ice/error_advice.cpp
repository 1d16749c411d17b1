#include "ice/advice.hpp"

namespace crolang::ice {
namespace {

std::string bad_request(const Target& target) {
  const std::string_view username = target.credentials.username;
  const bool is_odd = username.find_first_of(" \t'\"\\;`") != std::string_view::npos;
  return is_odd
             ? "coturn refuses usernames with blanks, quotes or backslashes: ids of nodes that "
               "have them need TURN_USERNAME=expiry"
             : "the server finds fault with the username or the request (coturn: with words that "
               "look like SQL; old pion/turn: with wrong credentials): its log has the reason";
}

std::string forbidden(const Outcome& outcome, const stun::Failure& failure) {
  if (failure.phase != stun::Phase::permission) {
    return "the server relays for nobody (coturn: stun-only), or not for this address: see its "
           "access lists";
  }
  const std::string relayed = outcome.relayed ? stun::text_of(*outcome.relayed) : "its own address";
  return "the server does not relay to " + relayed +
         ", which two nodes that both need the relay must be able to do (coturn: denied-peer-ip, "
         "or "
         "a loopback address without allow-loopback-peers): allow the relay's own address "
         "(allowed-peer-ip)";
}

}  // namespace

std::string advice_on_error(const Target& target, const Outcome& outcome,
                            const stun::Failure& failure, const Circumstances& where) {
  switch (failure.code) {
    case 300:
      if (failure.alternate && !outcome.is_alternate) {
        return "the server sends clients to " + stun::text_of(*failure.alternate) +
               ", which cannot be reached from where the server itself can: correct its "
               "alternate-server (coturn)";
      }
      return "the server sends clients to " +
             (failure.alternate ? stun::text_of(*failure.alternate)
                                : std::string("another one, but does not say which")) +
             ", and so did that one; not all WebRTC stacks follow: name the server in the URL "
             "itself "
             "(coturn: alternate-server)";
    case 400:
      return outcome.accepted ? advice_on_credentials(target, outcome, where) : bad_request(target);
    case 401:
      return failure.phase == stun::Phase::permission || failure.phase == stun::Phase::release
                 ? "the server took the same credentials a moment ago: they have expired "
                   "meanwhile, "
                   "or several servers behind one address do not share their secret"
                 : advice_on_credentials(target, outcome, where);
    case 403:
      return forbidden(outcome, failure);
    case 420:
      return "the server is too old for what nodes ask";
    case 437:
      return "the server holds another relay for this very connection, or has lost the one it "
             "gave: "
             "something in between (a proxy, a load balancer) mixes connections or changes servers";
    case 438:
      return "the server took none of the nonces that it had sent itself: several servers behind "
             "one "
             "address that do not share their state, or requests that reach different ones";
    case 440:
    case 443:
      return "nodes ask for no kind of address, which means IPv4: give the server a relay address "
             "of "
             "IPv4 too (coturn: relay-ip), or have it relay by the kind that nodes come by "
             "(keep-address-family)";
    case 441:
      return "the server has the relay under another user: several servers or proxies share it";
    case 442:
      return "the server does not relay UDP, which nodes need (coturn: no-udp-relay)";
    case 486:
      return "the quota is used up: too many relays of this user, or in all (coturn: user-quota, "
             "total-quota); relays of nodes that left are freed after ten minutes";
    case 500:
      return "the server failed: its log has the reason";
    case 508:
      return "the server has no free port or address for another relay: widen min-port to "
             "max-port, "
             "and see its limit of open files";
    default:  // no enum: numbers of the protocol
      return "see the server's log";
  }
}

std::string advice_on_certificate(const Target& target, const Fault& fault) {
  const auto says = [&](std::string_view part) {
    return fault.detail.find(part) != std::string::npos;
  };
  if (says("expired")) return "renew it, and have the server read it again";
  if (says("not yet valid")) {
    return "the clock of this machine is wrong, or the certificate was made for later";
  }
  if (says("is not for") || says("names no host")) {
    return "nodes refuse it too: write a host that it names into the URL, or get a certificate "
           "for " +
           target.host;
  }
  if (says("self-signed") || says("self signed")) {
    return "nodes refuse it too: get a certificate of a public authority, or have the machines of "
           "all nodes trust this one (here: SSL_CERT_FILE)";
  }
  return "the server must send the whole chain, with its intermediate certificates (coturn: "
         "cert=fullchain.pem), of an authority that nodes trust (here: SSL_CERT_FILE)";
}

}  // namespace crolang::ice
