#include "broker/session_expiry.hpp"

#include <cmath>

namespace crolang::broker {

using session::SessionHandle;

void SessionExpiry::set(SessionHandle session, TimePoint when, session::EndReason reason) {
  if (session.slot >= places_.size()) places_.resize(session.slot + std::size_t{1});
  if (places_[session.slot] == 0) {
    heap_.push_back({});
    places_[session.slot] = static_cast<std::uint32_t>(heap_.size());
  }
  sift(places_[session.slot] - 1, {when, session, reason});
}

void SessionExpiry::erase(SessionHandle session) noexcept {
  if (session.slot >= places_.size() || places_[session.slot] == 0) return;
  const std::size_t place = places_[session.slot] - 1;
  if (heap_[place].session == session) remove(place);
}

std::optional<SessionExpiry::Expired> SessionExpiry::take_due(TimePoint now) noexcept {
  if (deadline() > now || heap_.empty()) return std::nullopt;
  const Expired expired{heap_[0].session, heap_[0].reason};
  remove(0);
  return expired;
}

void SessionExpiry::put(std::size_t place, const Entry& entry) noexcept {
  heap_[place] = entry;
  places_[entry.session.slot] = static_cast<std::uint32_t>(place + 1);
}

void SessionExpiry::sift(std::size_t place, const Entry& entry) noexcept {
  while (place != 0) {
    const std::size_t parent = (place - 1) / 2;
    if (heap_[parent].when <= entry.when) break;
    put(place, heap_[parent]);
    place = parent;
  }
  while (true) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].when < heap_[child].when) ++child;
    if (heap_[child].when >= entry.when) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, entry);
}

void SessionExpiry::remove(std::size_t place) noexcept {
  places_[heap_[place].session.slot] = 0;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (place != heap_.size()) sift(place, last);
}

SessionExpiry::TimePoint some_time_before(SessionExpiry::TimePoint until,
                                          SessionExpiry::TimePoint from, int share,
                                          std::uint64_t random) noexcept {
  if (until <= from) return until;
  const double most = static_cast<double>((until - from).count()) / share;
  // 0 to 1.
  const double part = std::ldexp(static_cast<double>(random), -64);
  return until - SessionExpiry::TimePoint::duration(
                     static_cast<SessionExpiry::TimePoint::rep>(most * part));
}

}  // namespace crolang::broker
