#include "webhook-common/request_loop.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <new>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace crolang::webhook_common {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using plugin::Status;

// How long to wait for the result of a lookup when no known address can be reached.
constexpr std::chrono::seconds kMaxWaitForAddresses{1};
// A twentieth of the broker's timeout is reserved: a question is answered before the broker's
// deadline, so that the broker gets the reason.
constexpr int kPartKept = 20;

constexpr std::string_view kStopping = "the broker is stopping";

}  // namespace

RequestLoop::RequestLoop(const plugin::Host& host, const Settings& settings, Sharing sharing,
                         Forbidden forbidden, Faults faults)
    : host_(host),
      settings_(settings),
      forbidden_(forbidden),
      reporter_(host, settings.variable + ": " + settings.url.authority, faults),
      tls_(make_tls_context(settings.url.scheme, settings.ca_file)),
      head_(settings.url, Signer(settings.signing_secrets)),
      replies_(host, inbox_, reporter_),
      addresses_(context_, settings.url.host, settings.url.port,
                 [this](const std::string& error) { on_looked_up(error); }),
      requests_(sharing),
      idle_(settings.max_connections),
      timer_(*context_) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    throw std::runtime_error(settings.variable + ": cannot start a thread: " + error.what());
  }
}

void RequestLoop::ask(RequestContent content, std::chrono::milliseconds limit,
                      std::unique_ptr<ReplyHandler> handler) {
  limit = std::min(limit - limit / kPartKept, settings_.timeout);
  Question question{std::move(content), limit, Clock::now() + limit, std::move(handler)};
  const auto wake = [this] { asio::post(*context_, [this] { take_inbox(); }); };
  switch (inbox_.put(question, wake)) {
    case QuestionInbox::Outcome::accepted:
      return;
    case QuestionInbox::Outcome::full: {
      const std::string why = reporter_.report(std::to_string(inbox_.open()) +
                                               " requests are pending, the queue is full");
      return (*question.handler)({Status::unavailable, why, reporter_});
    }
    case QuestionInbox::Outcome::stopped:
      return (*question.handler)({Status::cancelled, kStopping, reporter_});
  }
}

void RequestLoop::reload() {
  const Settings settings = read_settings(host_, settings_.variable.c_str());
  struct Renewed {
    Signer signer;
    TlsContext tls;
  };
  auto renewed = std::make_shared<Renewed>(Renewed{
      Signer(settings.signing_secrets), make_tls_context(settings.url.scheme, settings.ca_file)});
  const bool has_file = renewed->tls != nullptr && !settings.ca_file.empty();
  asio::post(*context_, [this, renewed = std::move(renewed)] {
    head_.renew(std::move(renewed->signer));
    tls_ = std::move(renewed->tls);  // running handshakes keep the old one alive
    ++trust_;
    idle_.close_all();
  });
  if (has_file) host_.log(plugin::LogLevel::info, "WEBHOOK_CA_FILE reloaded");
}

void RequestLoop::stop() {
  if (!inbox_.stop()) return;
  context_->stop();
  thread_.join();
}

// ---- The thread ---------------------------------------------------------------------------------

void RequestLoop::run() noexcept {
  run_context();  // returns after stop
  context_->restart();
  cancel_all();
  run_context();  // runs the cancelled handlers
}

void RequestLoop::run_context() noexcept {
  for (;;) {
    try {
      context_->run();
      return;
    } catch (const std::exception& error) {
      host_.log(plugin::LogLevel::error, error.what());
    }
  }
}

void RequestLoop::cancel_all() noexcept {
  ending_ = true;
  for (Question& question : inbox_.take()) {
    replies_.send(question, question.content.size(), Status::cancelled, kStopping);
  }
  idle_.close_all();
  const Reply reply(Status::cancelled, kStopping, reporter_);
  const auto [in_flight, waiting] = requests_.take_all();
  for (const auto* const requests : {&in_flight, &waiting}) {
    for (const auto& [deadline, request] : *requests) {
      if (request.connection) request.connection->close();
      replies_.send(request, reply);
    }
  }
  reporter_.report_left_out(TimePoint::max());
  timer_.cancel();
  work_.reset();
}

void RequestLoop::arm() noexcept {
  if (ending_) return;
  TimePoint next = std::min({requests_.next_deadline(), idle_.expiry(), addresses_.due()});
  if (const auto due = reporter_.due()) next = std::min(next, *due);
  if (next >= armed_for_) return;
  armed_for_ = TimePoint::max();
  try {
    timer_.expires_at(next);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      armed_for_ = TimePoint::max();
      on_timer(Clock::now());
      dispatch();
    });
    armed_for_ = next;
  } catch (const std::exception& error) {
    // The next event retries.
    host_.log(plugin::LogLevel::error, describe(error));
  }
}

void RequestLoop::on_timer(TimePoint now) noexcept {
  fail_late(now);
  idle_.close_expired(now);
  if (addresses_.due() <= now) look_up();
  reporter_.report_left_out(now);
}

// ---- Requests -----------------------------------------------------------------------------------

void RequestLoop::take_inbox() noexcept {
  for (Question& question : inbox_.take()) {
    const std::size_t bytes = question.content.size();
    try {
      // The content counts once for all questions that share the request.
      if (requests_.admit(question) == RequestQueue::Admitted::into_request) inbox_.close(0, bytes);
    } catch (const std::exception& error) {
      replies_.send(question, bytes, Status::unavailable, describe(error));
    }
  }
  dispatch();
}

void RequestLoop::dispatch() noexcept {
  while (requests_.has_waiting()) {
    const TimePoint now = Clock::now();
    if (const auto connection = idle_.take(pool_.best(now))) {
      connection->request = requests_.start_next();
      Request& request = connection->request->second;
      request.connection = connection;
      request.began = now;
      request.share = pool_.ask(connection->address(), now);
      send(*connection);
    } else if (requests_.in_flight() < settings_.max_connections) {
      idle_.make_room(requests_.in_flight());
      connect(requests_.start_next(), now);
    } else {
      break;
    }
  }
  arm();
}

void RequestLoop::connect(Ref request, TimePoint now) noexcept {
  try {
    const auto connection = std::make_shared<RequestConnection>(*context_, tls_, settings_.url.host,
                                                                settings_.max_reply_bytes, *this);
    connection->request = request;
    connection->trust = trust_;
    request->second.connection = connection;
    request->second.began = now;
    if (!pool_.empty()) return open(*connection, now);
    addresses_.look_up();
    connection->look_up = addresses_.number();
  } catch (const std::exception& error) {
    give_up(request, Status::unavailable, [&] { return describe(error); });
  }
}

void RequestLoop::open(RequestConnection& connection, TimePoint now) {
  auto addresses = pool_.order(now);
  const auto& [deadline, request] = *connection.request;
  connection.request->second.share = pool_.ask(addresses.front(), now);
  connection.opening = true;
  connection.open(std::move(addresses),
                  std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now));
}

void RequestLoop::send(RequestConnection& connection) noexcept {
  try {
    Request& request = connection.request->second;
    request.sent = true;
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    connection.ask(head_.write(request, now), request.content.body());
  } catch (const std::exception& error) {
    give_up(connection.request, Status::unavailable, [&] { return describe(error); });
  }
}

void RequestLoop::fail_late(TimePoint now) noexcept {
  const auto within = [this](const Request& request) {
    std::string words = " within " + std::to_string(request.limit.count()) + " ms";
    if (request.limit < settings_.timeout) words += " (PLUGIN_TIMEOUT_MS allows no more)";
    return words;
  };
  for (Ref late = requests_.late(now); !requests_.is_none(late); late = requests_.late(now)) {
    const Request& request = late->second;
    // The address counts as too slow, unless the request waited in the queue for most of its time.
    if (request.connection && now - request.began >= request.limit / 2) {
      request.connection->report_slow(request.sent ? "no answer in time" : "no connection in time");
      if (request.sent) idle_.close_silent(request.connection->address(), request.began);
    }
    give_up(late, Status::timeout, [&]() -> std::string {
      if (request.sent) return "no answer" + within(request);
      return (pool_.empty() ? "host name not resolved" : "no connection") + within(request);
    });
  }
  while (const auto request = requests_.take_late_waiting(now)) {
    replies_.fail(request.mapped(), Status::timeout, [&] {
      return "not sent" + within(request.mapped()) +
             ": WEBHOOK_MAX_CONCURRENCY other requests were in flight";
    });
  }
}

template <class Why>
void RequestLoop::give_up(Ref request, Status status, Why&& why) noexcept {
  const auto taken = requests_.take(request);
  if (const auto& connection = taken.mapped().connection) connection->close();
  replies_.fail(taken.mapped(), status, why);
}

// ---- Addresses ----------------------------------------------------------------------------------

void RequestLoop::look_up() noexcept {
  try {
    addresses_.look_up();
  } catch (const std::exception&) {
    // Known addresses stay in use, and the next lookup tries again.
  }
}

void RequestLoop::on_last_address(Connection& connection) noexcept {
  pool_.need_look_up();
  if (addresses_.due() <= Clock::now()) look_up();
  // The name may have new addresses.
  static_cast<RequestConnection&>(connection).look_up =
      addresses_.number() + (pool_.looking_up() ? 0 : 1);
  if (pool_.looking_up()) connection.wait_for_addresses(kMaxWaitForAddresses);
  arm();
}

void RequestLoop::on_looked_up(const std::string& error) noexcept {
  const TimePoint now = Clock::now();
  if (!error.empty() && !pool_.empty()) {
    reporter_.note_address([&] {
      return "cannot resolve the host name (" + error + "); the known addresses stay in use";
    });
  }
  idle_.close_unlisted();
  // Searched anew in each iteration, since each call may end a request and so change the container.
  while (const auto connection = next_that_waits()) {
    connection->look_up = 0;
    try {
      if (connection->opening) {
        connection->add_addresses(pool_.order(now));
      } else if (!pool_.empty()) {
        open(*connection, now);
      } else {
        connection->close();
        on_failure(*connection, "cannot resolve the host name: " + error, NoAnswer::local_fault);
      }
    } catch (const std::exception& fault) {
      give_up(connection->request, Status::unavailable, [&] { return describe(fault); });
    }
  }
  dispatch();
}

std::shared_ptr<RequestConnection> RequestLoop::next_that_waits() const noexcept {
  const std::uint64_t ended = addresses_.number() - (pool_.looking_up() ? 1 : 0);
  for (const auto& [deadline, request] : requests_.all_in_flight()) {
    const auto& connection = request.connection;
    if (connection && connection->look_up != 0 && connection->look_up <= ended) return connection;
  }
  return nullptr;
}

void RequestLoop::on_bad_address(const Connection::Address& address,
                                 std::string_view why) noexcept {
  const auto effect = pool_.failed(*address, Clock::now());
  // Then a question fails, which reports the reason.
  if (effect == AddressPool::Effect::all_fail) left_out_.clear();
  if (effect != AddressPool::Effect::left_out) return;
  try {
    const std::string separator = left_out_.empty() ? "" : "; ";
    left_out_ += separator + text_of(address->endpoint()) +
                 " failed and is skipped temporarily: " + std::string(why);
  } catch (const std::bad_alloc&) {
    // If there is no memory for a log line, it is skipped: the question must not fail because of
    // it.
  }
}

// ---- Connections --------------------------------------------------------------------------------

void RequestLoop::on_open(Connection& opened) noexcept {
  auto& connection = static_cast<RequestConnection&>(opened);
  connection.look_up = 0;
  AddressPool::Share& share = connection.request->second.share;
  if (share.address() != connection.address()) {
    share = pool_.ask(connection.address(), Clock::now());
  }
  send(connection);
}

void RequestLoop::on_answer(Connection& answered, Connection::Answer answer) noexcept {
  const auto& connection = static_cast<const RequestConnection&>(answered);
  const auto& address = connection.address();
  pool_.answered(*address);
  if (!left_out_.empty()) reporter_.note_address([&] { return std::exchange(left_out_, {}); });
  const auto request = requests_.take(connection.request);
  if (connection.reusable() && address->listed() && connection.trust == trust_) {
    idle_.keep(std::move(request.mapped().connection), Clock::now());
  } else {
    answered.close();
  }
  // Send the next request before the reply to this one is given.
  dispatch();
  const auto why = [&] { return describe_status(answer.status, settings_.url.scheme); };
  switch (meaning_of(answer.status, forbidden_)) {
    case StatusMeaning::answer:
      replies_.send(request.mapped(), {Status::ok, answer.body, reporter_, answer.status});
      break;
    case StatusMeaning::refusal:
      reporter_.note_refusal(answer.status);
      replies_.send(request.mapped(), Reply::refusal(reporter_));
      break;
    case StatusMeaning::fault:
      replies_.fail(request.mapped(), Status::invalid, why, answer.status);
      break;
    case StatusMeaning::unavailable:
      replies_.fail(request.mapped(), Status::unavailable, why, answer.status);
      break;
  }
  arm();
}

void RequestLoop::on_failure(Connection& failed, std::string_view why, NoAnswer kind) noexcept {
  const Ref request = static_cast<RequestConnection&>(failed).request;
  // RFC 9112 9.3.1: a persistent connection may be closed just when it is used again. The request
  // keeps its id, so that a server whose requests have side effects can recognise the repetition.
  if (failed.used() && kind == NoAnswer::total && !request->second.sent_again) {
    request->second.sent_again = true;
    request->second.share = {};
    return connect(request, Clock::now());
  }
  if (failed.address() && kind != NoAnswer::local_fault) on_bad_address(failed.address(), why);
  const auto taken = requests_.take(request);
  dispatch();
  replies_.fail(taken.mapped(),
                kind == NoAnswer::incomplete ? Status::invalid : Status::unavailable,
                [&] { return std::string(why); });
  arm();
}

}  // namespace crolang::webhook_common
