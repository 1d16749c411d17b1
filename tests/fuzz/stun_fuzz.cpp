/// The codec of STUN and the client of TURN, which read what any server sends.
///
/// Input: bytes as one message, as a stream, and, cut into pieces, as the attributes of answers to
/// the requests of a Binding and of a Turn.
///
/// - Attributes lie within the message. An address that is read is written and read the same.
/// - A stream gives the same messages however it is cut.
/// - Whatever a server answers, requests are messages of at most 4 KiB, and a conversation ends or
///   goes on; what is said of its end is printable and has no password.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ice/diagnosis.hpp"
#include "stun/binding.hpp"
#include "stun/integrity.hpp"
#include "stun/stream.hpp"
#include "stun/turn.hpp"
#include "stun/writer.hpp"

namespace {

using namespace crolang;
using stun::Bytes;
using stun::ByteView;
using stun::Exchange;

constexpr std::size_t kLargestRequest = 4096;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

stun::TransactionId new_transaction() {
  static std::uint8_t last = 0;
  return {++last};
}

void check_message(ByteView bytes) {
  const auto message = stun::parse(bytes);
  if (!message) return;
  for (const stun::Attribute& each : message->attributes) {
    require(each.value.data() >= bytes.data() &&
                each.value.data() + each.value.size() <= bytes.data() + bytes.size(),
            "an attribute lies outside of the message");
  }
  stun::has_integrity(*message, stun::short_term_key("key"));
  stun::has_fingerprint(*message);
  if (const auto error = message->error_code()) {
    require(error->code >= 300 && error->code <= 699, "an error code is none");
  }
  if (const auto address = message->address(stun::Type::xor_mapped_address)) {
    const Bytes again = stun::Writer(message->message_class, message->method, message->transaction)
                            .add_address(stun::Type::xor_mapped_address, *address)
                            .bytes();
    const auto read = stun::parse(again);
    require(read && read->address(stun::Type::xor_mapped_address) == address,
            "an address is not read as it was written");
  }
}

std::vector<Bytes> messages_in(ByteView bytes, std::size_t piece) {
  stun::StreamReader stream;
  std::vector<Bytes> all;
  Bytes message;
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece, bytes.size());
    stream.append(bytes.first(size));
    bytes = bytes.subspan(size);
    stun::StreamReader::Next next;
    while ((next = stream.take(message)) == stun::StreamReader::Next::message) {
      all.push_back(message);
    }
    if (next == stun::StreamReader::Next::not_stun) break;
  }
  return all;
}

/// An answer to the request: its first byte says which, the others are attributes.
Bytes answer_to(const Bytes& request, ByteView piece) {
  Bytes answer = request;
  answer.resize(stun::kHeaderSize);
  const std::uint8_t kind = piece.empty() ? 0 : piece[0];
  const unsigned class_bits = (kind & 1) != 0 ? 0x0110 : 0x0100;
  answer[0] = static_cast<std::uint8_t>(answer[0] | class_bits >> 8);
  answer[1] = static_cast<std::uint8_t>(answer[1] | (class_bits & 0xFF));
  if (!piece.empty()) answer.insert(answer.end(), piece.begin() + 1, piece.end());
  answer.resize((answer.size() + 3) & ~std::size_t{3});
  const std::size_t size = answer.size() - stun::kHeaderSize;
  answer[2] = static_cast<std::uint8_t>(size >> 8);
  answer[3] = static_cast<std::uint8_t>(size);
  return answer;
}

void check_request(const Exchange& exchange) {
  require(exchange.request().size() <= kLargestRequest, "a request is large");
  require(stun::parse(exchange.request()).has_value(), "a request is no message");
}

/// Returns whether the conversation has ended.
bool converse(Exchange& exchange, ByteView input) {
  check_request(exchange);
  while (!input.empty()) {
    const std::size_t size = std::min<std::size_t>(input[0], input.size() - 1);
    const Exchange::Step step =
        exchange.on_message(answer_to(exchange.request(), input.subspan(1, size)));
    check_request(exchange);
    if (step == Exchange::Step::ended) return true;
    input = input.subspan(1 + size);
  }
  return false;
}

void check_words(const stun::Failure& failure, const stun::Turn* turn, ByteView input) {
  ice::Target target;
  target.url = "turn:h";
  target.service = ice::Service::turn;
  target.host = "h";
  target.credentials = {"1700000000:user", "geheim"};
  ice::Outcome outcome;
  outcome.fault = ice::Fault{ice::Fault::Kind::stun};
  outcome.fault->failure = failure;
  if (turn != nullptr) outcome.realm = turn->realm();
  const ice::Diagnosis words = ice::diagnose(target, outcome, {});
  const std::string all = words.error + words.cause;
  // A server that says it itself may be quoted.
  const std::string_view sent(reinterpret_cast<const char*>(input.data()), input.size());
  require(all.find("geheim") == std::string::npos || sent.find("geheim") != std::string_view::npos,
          "a password is shown");
  require(std::ranges::all_of(all, [](char c) { return c >= ' ' && c < '\x7f'; }),
          "what a server has sent is shown as it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  check_message(input);
  require(messages_in(input, 1) == messages_in(input, size), "a stream depends on how it is cut");
  stun::Binding binding(new_transaction);
  if (converse(binding, input) && binding.failure())
    check_words(*binding.failure(), nullptr, input);
  stun::Turn turn({"1700000000:user", "geheim"}, new_transaction);
  if (converse(turn, input)) {
    require(turn.failure() || (turn.relayed() && !turn.may_hold_relay()), "nothing was released");
    if (turn.failure()) check_words(*turn.failure(), &turn, input);
  }
  return 0;
}
