#pragma once
/// What the broker needs of the rest of the host: narrow interfaces that net/ implements, and that
/// tests replace.

#include <cstdint>
#include <functional>
#include <optional>

#include "broker/events.hpp"
#include "broker/rtc_configuration.hpp"
#include "session/handle.hpp"
#include "session/outlet.hpp"

namespace crolang::session {
class Session;
}

namespace crolang::broker {

class Broker;

/// The sessions of one worker. Owning worker only.
class LocalSessions {
 public:
  /// nullptr: it has ended.
  virtual session::Session* find(session::SessionHandle handle) = 0;
  /// The session's next deadline may have changed, or it is closing.
  virtual void touched(session::Session& session) = 0;
  /// It asks for more than it is answered: nothing is read from it for a moment, so that its own
  /// side of TCP holds it back.
  virtual void rest(session::Session& session) = 0;
  /// Outcome of an admission that runs before the 101: the transport opens it, or answers 503.
  virtual void open_transport(session::Session& session) = 0;
  virtual void refuse_transport(session::Session& session, Trouble trouble) = 0;
  /// What this instance has too little of for one more node; nothing: there is room. This one is to
  /// count already.
  virtual std::optional<Trouble> lack(session::Session& newcomer) = 0;
  /// How many bytes the other side's TCP has taken so far, if ours has a backlog for it; else
  /// nothing. While there is a backlog the number grows only because the node reads.
  virtual std::optional<std::uint64_t> backlog_progress(session::Session& session) = 0;

 protected:
  ~LocalSessions() = default;
};

/// Any thread.
class Workers {
 public:
  /// Runs `task` on that worker, in the order of posting.
  virtual void post(std::uint16_t worker, std::function<void(Broker&)> task) = 0;
  /// Sends what was written outside a worker's turn.
  virtual void flush(session::DirtyList& dirty) = 0;
  virtual std::uint16_t count() const = 0;

 protected:
  ~Workers() = default;
};

}  // namespace crolang::broker
