#include "broker/receipts.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/events.hpp"
#include "socketio/writer.hpp"
#include "websocket/frame_writer.hpp"

namespace crolang::broker {
namespace {

constexpr std::size_t frame_size(std::size_t payload) {
  return websocket::header_size(payload) + payload;
}

constexpr std::size_t kLongestArguments = [] {
  std::size_t longest = 0;
  for (std::size_t i = 0; i < enum_count<AckStatus>(); ++i)
    longest = std::max(longest, arguments_of(static_cast<AckStatus>(i)).size());
  return longest;
}();
static_assert(frame_size(socketio::longest_ack_size(kLongestArguments)) <=
              modules::Receipt::kMaxBytes);

}  // namespace

modules::Receipt issue_receipt(const session::Session& sender, const socketio::AckId& ack) {
  modules::Receipt receipt;
  receipt.issuer = &sender.outbox();
  receipt.generation = sender.handle().generation;
  receipt.number = sender.outbox().issue_receipt();
  if (!ack.present()) return receipt;
  constexpr std::string_view kOk = arguments_of(AckStatus::ok);
  const std::size_t size = socketio::ack_size(ack, kOk);
  receipt.size = static_cast<std::uint8_t>(frame_size(size));
  char* out = receipt.bytes.data();
  out += websocket::write_header(out, websocket::Opcode::text, size);
  socketio::write_ack(out, ack, kOk);
  return receipt;
}

modules::Redeemed redeem(const modules::Receipt& receipt) {
  session::DirtyList dirty;
  if (!outbox_of(receipt.issuer)
           .redeem(receipt.generation, receipt.number, {receipt.bytes.data(), receipt.size},
                   dirty)) {
    return modules::Redeemed::no;
  }
  return dirty.outboxes.empty() ? modules::Redeemed::yes : modules::Redeemed::unsent;
}

}  // namespace crolang::broker
