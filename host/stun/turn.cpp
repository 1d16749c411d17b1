#include "stun/turn.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "stun/integrity.hpp"
#include "stun/writer.hpp"

namespace crolang::stun {
namespace {

// RFC 8656 18.8: a protocol number, and three bytes for later.
constexpr std::array<std::uint8_t, 4> kRelayUdp{17, 0, 0, 0};
constexpr int kUnauthenticated = 401;
constexpr int kStaleNonce = 438;
constexpr int kMaxStaleNonces = 3;
// RFC 8489 14.9, 14.10; both go into every request.
constexpr std::size_t kMaxText = 763;

Method method_of(Phase phase) {
  switch (phase) {
    case Phase::binding:
      return Method::binding;
    case Phase::challenge:
    case Phase::allocate:
      return Method::allocate;
    case Phase::permission:
      return Method::create_permission;
    case Phase::release:
      return Method::refresh;
  }
  return Method::binding;
}

bool has_lifetime(const Message& answer) {
  const Attribute* const found = answer.find(Type::lifetime);
  return found != nullptr && found->value.size() == 4 &&
         std::ranges::any_of(found->value, [](std::uint8_t byte) { return byte != 0; });
}

}  // namespace

Turn::Turn(Credentials credentials, NewTransaction new_transaction)
    : credentials_(std::move(credentials)), new_transaction_(std::move(new_transaction)) {
  ask(Phase::challenge);
}

void Turn::release() {
  ask(Phase::release);
}

void Turn::ask(Phase phase) {
  phase_ = phase;
  transaction_ = new_transaction_();
  Writer writer(Class::request, method_of(phase), transaction_);
  switch (phase) {
    case Phase::binding:
      break;
    case Phase::challenge:
    case Phase::allocate:
      writer.add(Type::requested_transport, kRelayUdp);
      break;
    case Phase::permission:
      writer.add_address(Type::xor_peer_address, *relayed_);
      break;
    case Phase::release:
      writer.add_u32(Type::lifetime, 0);
      break;
  }
  if (!key_.empty()) {
    writer.add(Type::username, credentials_.username);
    writer.add(Type::realm, realm_);
    writer.add(Type::nonce, nonce_);
    writer.add_integrity(key_);
  }
  request_ = writer.bytes();
}

Exchange::Step Turn::on_message(ByteView bytes) {
  const auto message = parse(bytes);
  if (!message || message->method != method_of(phase_) || message->transaction != transaction_) {
    return Step::ignored;
  }
  if (software_.empty()) software_ = message->text(Type::software);
  switch (message->message_class) {
    case Class::request:
    case Class::indication:
      break;
    case Class::success:
      return on_success(*message);
    case Class::error:
      return on_error(*message);
  }
  return Step::ignored;
}

Exchange::Step Turn::on_success(const Message& answer) {
  if (!key_.empty() && !has_integrity(answer, key_)) {
    // Whoever has answered: there may be a relay now.
    if (phase_ == Phase::allocate) holds_relay_ = true;
    return fail({Failure::Kind::integrity, phase_});
  }
  switch (phase_) {
    case Phase::binding:
      break;
    case Phase::challenge:
    case Phase::allocate:
      holds_relay_ = true;
      is_open_relay_ = phase_ == Phase::challenge;
      // RFC 8656 7.3 wants all three; WebRTC stacks drop an answer that lacks one.
      mapped_ = answer.address(Type::xor_mapped_address);
      relayed_ = answer.address(Type::xor_relayed_address);
      if (mapped_ && !is_usable(*mapped_)) mapped_.reset();
      if (relayed_ && !is_usable(*relayed_)) relayed_.reset();
      if (!mapped_ || !relayed_) return fail({Failure::Kind::no_address, phase_});
      if (!has_lifetime(answer)) return fail({Failure::Kind::no_lifetime, phase_});
      ask(Phase::permission);
      return Step::proceeds;
    case Phase::permission:
      ask(Phase::release);
      return Step::proceeds;
    case Phase::release:
      holds_relay_ = false;
      break;
  }
  return Step::ended;
}

Exchange::Step Turn::on_error(const Message& answer) {
  const ErrorCode error = answer.error_code().value_or(ErrorCode{});
  if (error.code == kUnauthenticated && phase_ == Phase::challenge) {
    if (!take_challenge(answer)) return fail({Failure::Kind::no_challenge, phase_, error.code});
    ask(Phase::allocate);
    return Step::proceeds;
  }
  if (error.code == kStaleNonce && !key_.empty() && ++stale_nonces_ <= kMaxStaleNonces &&
      take_challenge(answer)) {
    ask(phase_);
    return Step::proceeds;
  }
  return fail({Failure::Kind::error_response, phase_, error.code, std::string(error.reason),
               answer.address(Type::alternate_server)});
}

bool Turn::take_challenge(const Message& answer) {
  const std::string_view realm = answer.text(Type::realm);
  const std::string_view nonce = answer.text(Type::nonce);
  if (realm.empty() || nonce.empty()) return false;
  if (realm.size() > kMaxText || nonce.size() > kMaxText) return false;
  realm_ = realm;
  nonce_ = nonce;
  key_ = long_term_key(credentials_.username, realm_, credentials_.password);
  return true;
}

Exchange::Step Turn::fail(Failure failure) {
  const Phase failed = phase_;
  // The first one is the cause of the others.
  if (!failure_) failure_ = std::move(failure);
  if (!holds_relay_ || failed == Phase::release) return Step::ended;
  ask(Phase::release);
  return Step::proceeds;
}

}  // namespace crolang::stun
