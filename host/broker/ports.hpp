#pragma once
/// Interfaces that the broker needs from the rest of the host: net/ implements them, tests replace
/// them.

#include <cstdint>
#include <functional>
#include <optional>

#include "broker/command.hpp"
#include "broker/events.hpp"
#include "broker/rtc_configuration.hpp"
#include "client_address/address.hpp"
#include "session/handle.hpp"
#include "session/outbox.hpp"

namespace crolang::broker {

class Node;

/// The sessions of one worker. Owning worker only.
class LocalSessions {
 public:
  /// nullptr: the session has ended.
  virtual Node* find(session::SessionHandle handle) = 0;
  /// Calls `use` for each node that has joined in the next `count` slots, from `slot` on. Returns
  /// the slot that follows them; nullopt: there are no more.
  virtual std::optional<std::uint32_t> visit_joined(
      std::uint32_t slot, std::uint32_t count, const std::function<void(const Node&)>& use) = 0;
  /// The session's next deadline may have changed, or it is closing.
  virtual void deadline_changed(Node& node) = 0;
  /// The node exceeds its rate limit: reading from it pauses briefly, so that TCP slows it down.
  virtual void pause_reading(Node& node) = 0;
  /// The result of an admission before the 101: the worker sends the 101, or answers 503.
  virtual void open_transport(Node& node) = 0;
  virtual void refuse_transport(Node& node, TemporaryFailure failure) = 0;
  /// Why this instance has no capacity for the node, which is already counted; std::nullopt: it has
  /// capacity.
  virtual std::optional<TemporaryFailure> capacity_failure(Node& node) = 0;
  /// The address of the node's client; all zero if it is unknown.
  virtual client_address::Address client_of(const Node& node) = 0;
  /// The number of bytes that the peer's TCP has acknowledged so far, if bytes are still queued;
  /// else std::nullopt. While bytes are queued the number grows only if the node reads.
  virtual std::optional<std::uint64_t> bytes_acked_while_queued(Node& node) = 0;

 protected:
  ~LocalSessions() = default;
};

/// Any thread.
class Workers {
 public:
  /// Has the broker of that worker execute `command`, in the order of posting. Throws
  /// std::bad_alloc.
  virtual void post(std::uint16_t worker, Command command) = 0;
  /// Sends data that was written to these outboxes outside a worker's loop.
  virtual void flush(session::DirtyList& dirty) = 0;
  /// What the calling thread has written to and sends at the end of its loop iteration; nullptr: it
  /// is not one of these workers.
  virtual session::DirtyList* dirty_here() = 0;
  virtual std::uint16_t count() const = 0;

 protected:
  ~Workers() = default;
};

}  // namespace crolang::broker
