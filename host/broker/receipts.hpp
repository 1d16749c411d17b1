#pragma once
/// Issues receipts and redeems them at the sender's outbox, which modules/receipt.hpp calls the
/// issuer.

#include "modules/receipt.hpp"
#include "session/outbox.hpp"
#include "session/session.hpp"
#include "socketio/ack_id.hpp"

namespace crolang::broker {

/// A receipt that acknowledges the message with this acknowledgement id by `OK`. Thread: the
/// sender's owning worker.
modules::Receipt issue_receipt(const session::Session& sender, const socketio::AckId& ack);

/// Any thread. Throws std::bad_alloc.
modules::Redeemed redeem(const modules::Receipt& receipt);

/// The outbox behind the issuer of a receipt.
inline session::Outbox& outbox_of(void* issuer) {
  return *static_cast<session::Outbox*>(issuer);
}

}  // namespace crolang::broker
