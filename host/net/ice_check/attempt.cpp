#include "net/ice_check/attempt.hpp"

#include <sys/random.h>

#include <algorithm>

namespace crolang::net {
namespace {

using Clock = ServerConnection::Clock;

constexpr std::chrono::milliseconds kFirstRepeat{500};

}  // namespace

stun::TransactionId new_transaction() {
  stun::TransactionId id;
  while (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
  }
  return id;
}

std::optional<ice::Fault> converse(ServerConnection& connection, stun::Exchange& exchange,
                                   Clock::time_point until, const std::function<void()>& on_step) {
  stun::Bytes message;
  std::chrono::milliseconds pause = kFirstRepeat;
  Clock::time_point repeat;
  const auto send = [&] {
    repeat = Clock::now() + pause;
    return connection.send(exchange.request(), until);
  };
  if (!send()) return connection.fault();
  for (;;) {
    switch (connection.receive(message, std::min(until, repeat))) {
      case ServerConnection::Received::fault:
        return connection.fault();
      case ServerConnection::Received::nothing:
        if (connection.was_stopped() || Clock::now() >= until) {
          return ice::Fault{ice::Fault::Kind::timed_out};
        }
        pause *= 2;
        if (connection.repeats_by_itself()) {
          repeat = until;
        } else if (!send()) {
          return connection.fault();
        }
        break;
      case ServerConnection::Received::message: {
        const stun::Exchange::Step step = exchange.on_message(message);
        if (step == stun::Exchange::Step::ignored) break;
        on_step();
        if (step == stun::Exchange::Step::ended) return std::nullopt;
        pause = kFirstRepeat;
        if (!send()) return connection.fault();
        break;
      }
    }
  }
}

}  // namespace crolang::net
