#include "webhook-common/webhook.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <crolang/keyed_hash.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <unordered_map>
#include <vector>

#include "webhook-common/addresses.hpp"
#include "webhook-common/connection.hpp"
#include "webhook-common/json.hpp"
#include "webhook-common/reporter.hpp"
#include "webhook-common/signer.hpp"

namespace crolang::webhook_common {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using plugin::Status;

constexpr std::size_t kMaxOpen = 10'000;
// Shorter than what routers remember of a silent connection.
constexpr std::chrono::seconds kMaxIdle{30};

std::unique_ptr<asio::ssl::context> make_tls(const Settings& settings) {
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  tls->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  tls->set_verify_mode(asio::ssl::verify_peer);
  boost::system::error_code error;
  if (settings.ca_file.empty()) {
    tls->set_default_verify_paths(error);
  } else if (tls->load_verify_file(settings.ca_file, error)) {
    throw std::invalid_argument("WEBHOOK_CA_FILE=" + settings.ca_file +
                                ": cannot be read, or holds no certificate in PEM");
  }
  return settings.url.scheme == Url::Scheme::https ? std::move(tls) : nullptr;
}

/// All of a request's header that is always the same.
std::string head_of(const Url& url) {
  std::string head = "POST " + url.target + " HTTP/1.1\r\nHost: " + url.authority +
                     "\r\nUser-Agent: crolang-broker\r\nAccept: application/json\r\n"
                     "Content-Type: application/json\r\n";
  if (!url.authorization.empty()) head += "Authorization: " + url.authorization + "\r\n";
  return head;
}

}  // namespace

class Webhook::Loop final : public Connection::Owner {
 public:
  Loop(const plugin::Host& host, const Settings& settings, Sharing sharing, Forbidden forbidden)
      : host_(host),
        settings_(settings),
        sharing_(sharing),
        forbidden_(forbidden),
        tls_(make_tls(settings)),
        head_(head_of(settings.url)),
        reporter_(host, settings.variable),
        signer_(settings.signing_secrets),
        addresses_(context_, settings.url.host, settings.url.port),
        timer_(*context_),
        thread_([this] { run(); }) {}
  ~Loop() override { stop(); }

  void ask(std::string body, std::chrono::milliseconds limit, std::unique_ptr<Asker> asker) {
    limit = std::min(limit, settings_.timeout);
    bool wake = false;
    std::optional<Reply> refusal;
    std::string why;
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) {
        refusal.emplace(Status::cancelled, "the broker is stopping", reporter_);
      } else if (open_ < kMaxOpen) {
        ++open_;
        wake = inbox_.empty();
        inbox_.push_back({std::move(body), limit, Clock::now() + limit, std::move(asker)});
      }
    }
    if (wake) asio::post(*context_, [this] { take_inbox(); });
    if (!asker) return;
    if (!refusal) {
      why = reporter_.report(std::to_string(kMaxOpen) + " questions are waiting, no room for more");
      refusal.emplace(Status::unavailable, why, reporter_);
    }
    (*asker)(*refusal);
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(stopped_, true)) return;
    }
    asio::post(*context_, [this] { cancel_all(); });
    thread_.join();
  }

 private:
  struct Question {
    std::string body;
    std::chrono::milliseconds limit;
    TimePoint deadline;
    std::unique_ptr<Asker> asker;
  };

  struct Request {
    std::string body;
    std::chrono::milliseconds limit{};
    std::string id;  // empty unless requests are signed
    std::vector<std::unique_ptr<Asker>> askers;
    Connection* connection = nullptr;
    bool sent = false;
    bool sent_again = false;
  };
  // By deadline. Nodes wander from map to map, so that a request keeps its address.
  using Requests = std::multimap<TimePoint, Request>;

  struct Busy {
    std::shared_ptr<Connection> connection;
    Requests::iterator request;
  };
  struct Idle {
    std::shared_ptr<Connection> connection;
    TimePoint since;
  };

  void run() {
    while (true) {
      try {
        context_->run();
        return;
      } catch (const std::exception& error) {
        host_.log(plugin::LogLevel::error, error.what());
      }
    }
  }

  void take_inbox() {
    std::vector<Question> questions;
    {
      const std::lock_guard lock(mutex_);
      questions.swap(inbox_);
    }
    for (Question& question : questions) {
      if (sharing_ == Sharing::one_request_for_all) {
        const auto open = by_body_.find(question.body);
        if (open != by_body_.end()) {
          open->second->askers.push_back(std::move(question.asker));
          continue;
        }
      }
      Request request;
      request.body = std::move(question.body);
      request.limit = question.limit;
      request.askers.push_back(std::move(question.asker));
      const auto added = waiting_.emplace(question.deadline, std::move(request));
      if (sharing_ == Sharing::one_request_for_all) {
        by_body_.emplace(added->second.body, &added->second);
      }
    }
    go_on();
  }

  /// Asks what can be asked now.
  void go_on() {
    while (!waiting_.empty()) {
      if (!idle_.empty()) {
        const auto connection = std::move(idle_.back().connection);
        idle_.pop_back();
        send(*give(connection, waiting_.extract(waiting_.begin())));
      } else if (busy_.size() < settings_.max_connections) {
        open_for(waiting_.extract(waiting_.begin()));
      } else {
        break;
      }
    }
    arm();
  }

  Connection* give(const std::shared_ptr<Connection>& connection, Requests::node_type request) {
    const auto asked = asked_.insert(std::move(request));
    asked->second.connection = connection.get();
    busy_.insert_or_assign(connection.get(), Busy{connection, asked});
    return connection.get();
  }

  void open_for(Requests::node_type request) {
    const auto connection = std::make_shared<Connection>(*context_, tls_.get(), settings_.url.host,
                                                         settings_.max_reply_bytes, *this);
    give(connection, std::move(request));
    addresses_.find([this, weak = std::weak_ptr(connection)](const Addresses::List& list) {
      const auto still = weak.lock();
      if (!still || !busy_.contains(still.get())) return;
      if (list.empty()) {
        still->close();
        return on_failure(*still, "the host's name is not known", Silence::total);
      }
      still->open(list, settings_.timeout / list.size());
    });
  }

  void send(Connection& connection) {
    Request& request = busy_.at(&connection).request->second;
    request.sent = true;
    std::string head = head_;
    if (!signer_.empty()) {
      if (request.id.empty()) request.id = ids_.next();
      const std::string now =
          std::to_string(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
      head.append("webhook-id: ").append(request.id).append("\r\nwebhook-timestamp: ").append(now);
      head.append("\r\nwebhook-signature: ")
          .append(signer_.signature(request.id, now, request.body))
          .append("\r\n");
    }
    head.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n\r\n");
    connection.ask(std::move(head), request.body);
  }

  void on_open(Connection& connection, const Connection::Endpoint& address) override {
    addresses_.prefer(address);
    send(connection);
  }

  void on_answer(Connection& connection, Connection::Answer answer) override {
    const auto request = take(connection);
    if (connection.reusable()) idle_.push_back({connection.shared_from_this(), Clock::now()});
    // The next question is on its way before anybody is told of this one.
    go_on();
    if (answer.status >= 200 && answer.status < 300) {
      tell(request.mapped(), {Status::ok, answer.body, reporter_});
    } else if (forbidden_ == Forbidden::is_a_no && (answer.status == 401 || answer.status == 403)) {
      reporter_.note_refusal(answer.status);
      tell(request.mapped(), Reply::refusal(reporter_));
    } else {
      const Status status = answer.status >= 500 ? Status::unavailable : Status::invalid;
      tell(request.mapped(), status, reporter_.report("answered " + std::to_string(answer.status)));
    }
    arm();
  }

  void on_failure(Connection& connection, std::string_view why, Silence silence) override {
    auto request = take(connection, Shared::still);
    // RFC 9112 9.3.1: a kept connection may end just when it is used again. The request keeps its
    // id, so that a server that acts upon requests can see that it knows it.
    if (connection.used() && silence == Silence::total && !request.mapped().sent_again) {
      request.mapped().sent_again = true;
      open_for(std::move(request));
      return;
    }
    if (!connection.used() && silence == Silence::total) addresses_.forget();
    forget_body(request.mapped());
    go_on();
    tell(request.mapped(), silence == Silence::total ? Status::unavailable : Status::invalid,
         reporter_.report(why));
    arm();
  }

  void on_closed(Connection& connection) override {
    std::erase_if(idle_, [&](const Idle& idle) { return idle.connection.get() == &connection; });
  }

  enum class Shared { still, no_more };
  Requests::node_type take(Connection& connection, Shared shared = Shared::no_more) {
    auto request = asked_.extract(busy_.extract(&connection).mapped().request);
    if (shared == Shared::no_more) forget_body(request.mapped());
    return request;
  }

  void forget_body(const Request& request) {
    if (sharing_ == Sharing::one_request_for_all) by_body_.erase(request.body);
  }

  void tell(const Request& request, Status status, std::string_view text) {
    tell(request, {status, text, reporter_});
  }

  void tell(const Request& request, const Reply& reply) {
    open_ -= request.askers.size();
    for (const auto& asker : request.askers) (*asker)(reply);
  }

  /// Sets the timer to what comes first.
  void arm() {
    TimePoint next = TimePoint::max();
    if (!waiting_.empty()) next = waiting_.begin()->first;
    if (!asked_.empty()) next = std::min(next, asked_.begin()->first);
    if (!idle_.empty()) next = std::min(next, idle_.front().since + kMaxIdle);
    if (const auto due = reporter_.due()) next = std::min(next, *due);
    if (next >= armed_for_) return;
    armed_for_ = next;
    timer_.expires_at(next);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      armed_for_ = TimePoint::max();
      tick(Clock::now());
      go_on();
    });
  }

  void tick(TimePoint now) {
    const auto within = [](const Request& request) {
      return " within " + std::to_string(request.limit.count()) + " ms";
    };
    while (!asked_.empty() && asked_.begin()->first <= now) {
      Connection& connection = *asked_.begin()->second.connection;
      const auto kept = connection.shared_from_this();
      const auto request = take(connection);
      connection.close();
      tell(request.mapped(), Status::timeout,
           reporter_.report((request.mapped().sent ? "no answer" : "no connection") +
                            within(request.mapped())));
    }
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
      forget_body(waiting_.begin()->second);
      const auto request = waiting_.extract(waiting_.begin());
      tell(request.mapped(), Status::timeout,
           reporter_.report("not asked" + within(request.mapped()) +
                            ", since WEBHOOK_MAX_CONCURRENCY others were"));
    }
    while (!idle_.empty() && idle_.front().since + kMaxIdle <= now) {
      idle_.front().connection->close();
      idle_.erase(idle_.begin());
    }
    reporter_.report_left_out(now);
  }

  void cancel_all() {
    take_inbox();
    for (const auto& [connection, busy] : busy_) busy.connection->close();
    for (const Idle& idle : idle_) idle.connection->close();
    busy_.clear();
    idle_.clear();
    by_body_.clear();
    const Requests asked = std::exchange(asked_, {});
    const Requests waiting = std::exchange(waiting_, {});
    for (const Requests* const requests : {&asked, &waiting}) {
      for (const auto& [deadline, request] : *requests) {
        tell(request, Status::cancelled, "the broker is stopping");
      }
    }
    reporter_.report_left_out(TimePoint::max());
    timer_.cancel();
    work_.reset();
  }

  const plugin::Host host_;
  const Settings settings_;
  const Sharing sharing_;
  const Forbidden forbidden_;
  const std::unique_ptr<asio::ssl::context> tls_;  // null: http
  const std::string head_;
  Reporter reporter_;
  std::atomic<std::size_t> open_{0};  // questions without an answer

  std::mutex mutex_;  // guards what follows
  std::vector<Question> inbox_;
  bool stopped_ = false;

  // The rest is the loop's.
  const std::shared_ptr<asio::io_context> context_ = std::make_shared<asio::io_context>(1);
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_->get_executor()};
  Signer signer_;
  RequestIds ids_;
  Addresses addresses_;
  Requests waiting_;
  Requests asked_;
  // Of those in waiting_ and asked_.
  std::unordered_map<std::string_view, Request*, KeyedHash, std::equal_to<>> by_body_;
  std::unordered_map<Connection*, Busy> busy_;
  std::vector<Idle> idle_;  // the one used last at the end
  asio::steady_timer timer_;
  TimePoint armed_for_ = TimePoint::max();

  std::thread thread_;
};

std::string Reply::senseless(std::string_view why) const {
  return reporter_.report(why);
}

Webhook::Webhook(const plugin::Host& host, const Settings& settings, Sharing sharing,
                 Forbidden forbidden)
    : loop_(std::make_unique<Loop>(host, settings, sharing, forbidden)) {}

Webhook::~Webhook() = default;

void Webhook::ask(std::string body, std::chrono::milliseconds limit, std::unique_ptr<Asker> asker) {
  loop_->ask(std::move(body), limit, std::move(asker));
}

void Webhook::stop() {
  loop_->stop();
}

std::optional<bool> read_or_fail(const Reply& reply, std::string_view member,
                                 plugin::YesNo& answer) {
  if (!reply.ok()) {
    answer.fail(reply.status(), reply.text());
    return std::nullopt;
  }
  if (reply.refused()) return false;
  const auto said = read_bool(reply.text(), member);
  if (!said) {
    answer.fail(Status::invalid, reply.senseless("the answer has no \"" + std::string(member) +
                                                 "\" that is true or false"));
  }
  return said;
}

}  // namespace crolang::webhook_common
