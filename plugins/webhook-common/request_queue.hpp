#pragma once
/// The requests of a webhook: those that wait for a connection, and those in flight. Decides which
/// questions share a request, and knows the next deadline.
///
/// No socket, no thread, no clock; time is an argument. Threads: one at a time.
/// Errors: admit throws std::bad_alloc, and then has changed nothing. No other function allocates.

#include <chrono>
#include <crolang/keyed_hash.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "webhook-common/address_pool.hpp"
#include "webhook-common/question.hpp"

namespace crolang::webhook_common {

struct RequestConnection;

struct Request {
  RequestContent content;
  std::chrono::milliseconds limit{};
  std::string id;  // empty unless requests are signed
  std::vector<std::unique_ptr<ReplyHandler>> handlers;

  // In flight:
  std::shared_ptr<RequestConnection> connection;
  AddressPool::Share share;
  Question::TimePoint began{};
  bool sent = false;
  bool sent_again = false;
};

class RequestQueue {
 public:
  using TimePoint = Question::TimePoint;
  // By deadline. Map nodes move from map to map, so that a request keeps its address and moving it
  // does not allocate.
  using Requests = std::multimap<TimePoint, Request>;
  using Ref = Requests::iterator;
  using Owned = Requests::node_type;

  explicit RequestQueue(Sharing sharing) noexcept : sharing_(sharing) {}

  enum class Admitted { as_request, into_request };
  /// into_request: the question waits for the reply of another question's request, and its own
  /// content was freed.
  Admitted admit(Question& question);

  bool has_waiting() const noexcept { return !waiting_.empty(); }
  std::size_t in_flight() const noexcept { return in_flight_.size(); }
  const Requests& all_in_flight() const noexcept { return in_flight_; }

  /// Moves the waiting request with the earliest deadline to those in flight. Precondition:
  /// has_waiting().
  Ref start_next() noexcept { return in_flight_.insert(waiting_.extract(waiting_.begin())); }

  /// The request is finished: no other question will share it.
  Owned take(Ref request) noexcept;

  /// The earliest deadline; TimePoint::max(): there is none.
  TimePoint next_deadline() const noexcept;
  /// A request in flight after its deadline; all_in_flight().end() if there is none.
  Ref late(TimePoint now) noexcept;
  bool is_none(Ref request) const noexcept { return request == in_flight_.end(); }
  /// A request that waits after its deadline; empty if there is none.
  Owned take_late_waiting(TimePoint now) noexcept;

  /// Requests in flight, then those that wait.
  std::pair<Requests, Requests> take_all() noexcept;

 private:
  void forget_content(const Request& request) noexcept {
    if (sharing_ == Sharing::one_request_for_all) by_content_.erase(request.content.whole());
  }

  const Sharing sharing_;
  Requests waiting_;
  Requests in_flight_;
  // Requests of both maps, if questions share requests. The keys are in the requests' own contents.
  std::unordered_map<std::string_view, Request*, KeyedHash, std::equal_to<>> by_content_;
};

}  // namespace crolang::webhook_common
