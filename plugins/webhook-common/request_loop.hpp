#pragma once
/// The thread of a webhook: takes questions from the inbox, gives each request a connection, an
/// address and a timeout, and answers.
///
/// A lack of memory, threads or descriptors fails one question, and leaves the state consistent for
/// the next. So everything that can throw precedes any change of state, and functions that must not
/// fail are noexcept.
/// Threads: see each public function; private functions run on the loop's own thread. Errors: the
/// constructor throws, naming the variable at fault; ask throws std::bad_alloc, and then has not
/// taken the question.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <crolang/plugin.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "webhook-common/addresses.hpp"
#include "webhook-common/connection.hpp"
#include "webhook-common/connection_pool.hpp"
#include "webhook-common/http_status.hpp"
#include "webhook-common/question_inbox.hpp"
#include "webhook-common/replies.hpp"
#include "webhook-common/request_content.hpp"
#include "webhook-common/request_head.hpp"
#include "webhook-common/request_queue.hpp"
#include "webhook-common/settings.hpp"
#include "webhook-common/tls_context.hpp"

namespace crolang::webhook_common {

struct RequestConnection final : Connection {
  using Connection::Connection;
  RequestQueue::Ref request;  // in flight, unless the connection is idle or closed
  std::uint64_t look_up = 0;  // the lookup that it waits for; 0: none
  bool opening = false;       // otherwise it waits for its first addresses
  unsigned trust = 0;         // the value of trust_ when it was opened
};

class RequestLoop final : public Connection::Owner {
 public:
  RequestLoop(const plugin::Host& host, const Settings& settings, Sharing sharing,
              Forbidden forbidden, Faults faults);
  RequestLoop(const RequestLoop&) = delete;
  RequestLoop& operator=(const RequestLoop&) = delete;
  ~RequestLoop() override { stop(); }

  /// Thread: any.
  void ask(RequestContent content, std::chrono::milliseconds limit,
           std::unique_ptr<ReplyHandler> handler);
  /// Thread: control.
  void reload();
  void stop();

 private:
  using TimePoint = Question::TimePoint;
  using Request = webhook_common::Request;
  using Ref = RequestQueue::Ref;

  // ---- The thread ----
  void run() noexcept;
  void run_context() noexcept;
  void cancel_all() noexcept;
  /// Sets the timer to the earliest deadline.
  void arm() noexcept;
  void on_timer(TimePoint now) noexcept;

  // ---- Requests ----
  void take_inbox() noexcept;
  /// Gives connections to waiting requests, up to the limit.
  void dispatch() noexcept;
  void connect(Ref request, TimePoint now) noexcept;
  void open(RequestConnection& connection, TimePoint now);
  void send(RequestConnection& connection) noexcept;
  void fail_late(TimePoint now) noexcept;
  template <class Why>
  void give_up(Ref request, plugin::Status status, Why&& why) noexcept;

  // ---- Addresses ----
  void look_up() noexcept;
  void on_looked_up(const std::string& error) noexcept;
  /// Called when a lookup has ended.
  std::shared_ptr<RequestConnection> next_that_waits() const noexcept;

  // ---- Connections ----
  void on_open(Connection& connection) noexcept override;
  void on_answer(Connection& connection, Connection::Answer answer) noexcept override;
  void on_failure(Connection& connection, std::string_view why, NoAnswer kind) noexcept override;
  void on_closed(Connection& connection) noexcept override { idle_.forget(&connection); }
  void on_bad_address(const Connection::Address& address, std::string_view why) noexcept override;
  void on_last_address(Connection& connection) noexcept override;

  const plugin::Host host_;
  const Settings settings_;
  const Forbidden forbidden_;
  Reporter reporter_;
  QuestionInbox inbox_;

  // The following members are used by the loop's thread only.
  const std::shared_ptr<boost::asio::io_context> context_ =
      std::make_shared<boost::asio::io_context>(1);
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      context_->get_executor()};
  TlsContext tls_;      // null: http
  unsigned trust_ = 0;  // number of renewals of tls_; older connections are not kept
  RequestHead head_;
  Replies replies_;
  Addresses addresses_;
  AddressPool& pool_ = addresses_.pool();
  std::string left_out_;  // logged when another address answers
  RequestQueue requests_;
  ConnectionPool<RequestConnection> idle_;
  boost::asio::steady_timer timer_;
  TimePoint armed_for_ = TimePoint::max();
  bool ending_ = false;  // later events are ignored

  std::thread thread_;
};

}  // namespace crolang::webhook_common
