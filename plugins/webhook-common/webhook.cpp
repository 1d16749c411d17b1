#include "webhook-common/webhook.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <crolang/keyed_hash.hpp>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
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
// Of their bodies, in which nodes write what they like. One question may be longer.
constexpr std::size_t kMaxOpenBytes = std::size_t{32} << 20;
// Shorter than what routers remember of a silent connection.
constexpr std::chrono::seconds kMaxIdle{30};
// For what a look-up says, once no address that is known can be reached.
constexpr std::chrono::seconds kMaxWaitForAddresses{1};
// Of the time that the broker gives a question.
constexpr int kPartKept = 20;

/// A pipe would hold up whoever opens it, and a device may never end.
bool is_file(const std::string& name) {
  std::error_code error;
  return std::filesystem::is_regular_file(name, error);
}

/// And what to look at, where the status tells.
std::string about_status(unsigned status, Url::Scheme scheme) {
  const std::string answered = "answered " + std::to_string(status);
  if (status >= 300 && status < 400)
    return answered + ", a redirect, which is not followed: give the URL that it leads to";
  switch (status) {
    case 400:
      return answered +
             (scheme == Url::Scheme::https ? ": is " : ": does that port want https, or is ") +
             "WEBHOOK_SIGNING_SECRET another one there?";
    case 401:
    case 403:
      return answered +
             ": does it want a user and password in the URL, or another WEBHOOK_SIGNING_SECRET?";
    case 404:
      return answered + ": is the path of the URL right?";
    case 405:
      return answered + ": it is asked by POST";
    default:
      return answered;
  }
}

std::string why_no_certificates(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return ": is a folder, not a file";
  if (std::filesystem::exists(file, error) && !is_file(file)) return ": is not a file";
  if (::access(file.c_str(), R_OK) == 0) return ": holds no certificate in PEM";
  return std::string(": cannot be read: ") + std::strerror(errno);
}

std::unique_ptr<asio::ssl::context> make_tls(const Settings& settings) {
  // Reading the system's certificates takes some 50 ms.
  if (settings.url.scheme == Url::Scheme::http && settings.ca_file.empty()) return nullptr;
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  tls->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  tls->set_verify_mode(asio::ssl::verify_peer);
  // Whoever stands in the list is trusted, also one that is itself signed by somebody else.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls->native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
  boost::system::error_code error;
  if (settings.ca_file.empty()) {
    tls->set_default_verify_paths(error);
  } else if (!is_file(settings.ca_file) || tls->load_verify_file(settings.ca_file, error)) {
    throw std::invalid_argument("WEBHOOK_CA_FILE=" + settings.ca_file +
                                why_no_certificates(settings.ca_file));
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
  Loop(const plugin::Host& host, const Settings& settings, Sharing sharing, Forbidden forbidden,
       Faults faults)
      : host_(host),
        settings_(settings),
        sharing_(sharing),
        forbidden_(forbidden),
        head_(head_of(settings.url)),
        reporter_(host, settings.variable + ": " + settings.url.authority, faults),
        tls_(make_tls(settings)),
        signer_(settings.signing_secrets),
        addresses_(context_, settings.url.host, settings.url.port,
                   [this](const std::string& error) { on_looked_up(error); }),
        timer_(*context_) {
    idle_.reserve(settings_.max_connections);
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
      throw std::runtime_error(settings.variable + ": cannot start a thread: " + error.what());
    }
  }
  ~Loop() override { stop(); }

  /// What it throws concerns this question only.
  void ask(std::string body, std::chrono::milliseconds limit, std::unique_ptr<Asker> asker) {
    // Before the broker gives the question up, so that it hears why.
    limit = std::min(limit - limit / kPartKept, settings_.timeout);
    std::optional<Reply> refusal;
    std::string why;
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) {
        refusal.emplace(Status::cancelled, "the broker is stopping", reporter_);
      } else if (open_ < kMaxOpen &&
                 (open_bytes_ == 0 || open_bytes_ + body.size() <= kMaxOpenBytes)) {
        // First, since it may fail: a question that is there is never left without a wake-up.
        if (inbox_.empty()) asio::post(*context_, [this] { take_inbox(); });
        const std::size_t bytes = body.size();
        inbox_.push_back({std::move(body), limit, Clock::now() + limit, std::move(asker)});
        ++open_;
        open_bytes_ += bytes;
      }
    }
    if (!asker) return;
    if (!refusal) {
      why = reporter_.report(std::to_string(open_) + " questions are waiting, no room for more");
      refusal.emplace(Status::unavailable, why, reporter_);
    }
    (*asker)(*refusal);
  }

  void reload() {
    const Settings settings = read_settings(host_, settings_.variable.c_str());
    struct Renewed {
      Signer signer;
      std::unique_ptr<asio::ssl::context> tls;
    };
    auto renewed =
        std::make_shared<Renewed>(Renewed{Signer(settings.signing_secrets), make_tls(settings)});
    const bool has_file = renewed->tls != nullptr && !settings.ca_file.empty();
    asio::post(*context_, [this, renewed = std::move(renewed)] {
      signer_ = std::move(renewed->signer);
      tls_ = std::move(renewed->tls);  // handshakes keep what they need of the old
      // Those that are in use are not kept either.
      ++reloads_;
      for (const Idle& idle : idle_) idle.line->close();
      idle_.clear();
    });
    if (has_file) host_.log(plugin::LogLevel::info, "WEBHOOK_CA_FILE was read again");
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(stopped_, true)) return;
    }
    context_->stop();
    thread_.join();
  }

 private:
  // What has no memory, thread or file left fails its question, and leaves everything as the next
  // one needs it. So all that can throw comes before what it would leave half done, and what must
  // not fail is noexcept.

  struct Line;

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
    std::shared_ptr<Line> line;  // of those in asked_
    AddressPool::Share share;    // likewise
    TimePoint began{};           // likewise
    bool sent = false;
    bool sent_again = false;
  };
  // By deadline. Nodes wander from map to map, so that a request keeps its address and its way
  // takes no memory.
  using Requests = std::multimap<TimePoint, Request>;

  struct Line final : Connection {
    using Connection::Connection;
    Requests::iterator request;  // in asked_, unless it is idle or closed
    std::uint64_t look_up = 0;   // whose end it waits for; 0: none
    bool opening = false;        // else it waits for its first addresses
    unsigned reloads = 0;        // before it
  };
  struct Idle {
    std::shared_ptr<Line> line;
    TimePoint since;
  };

  void run() noexcept {
    run_context();  // until stop
    context_->restart();
    cancel_all();
    run_context();  // what was cancelled
  }

  void run_context() noexcept {
    for (;;) {
      try {
        context_->run();
        return;
      } catch (const std::exception& error) {
        host_.log(plugin::LogLevel::error, error.what());
      }
    }
  }

  void take_inbox() noexcept {
    std::vector<Question> questions;
    {
      const std::lock_guard lock(mutex_);
      questions.swap(inbox_);
    }
    for (Question& question : questions) {
      const std::size_t bytes = question.body.size();
      try {
        admit(question);
      } catch (const std::exception& error) {
        --open_;
        open_bytes_ -= bytes;
        tell(*question.asker, {Status::unavailable, words_of(error), reporter_});
      }
    }
    go_on();
  }

  /// If it throws, the question is as it was.
  void admit(Question& question) {
    if (sharing_ == Sharing::one_request_for_all) {
      const auto open = by_body_.find(question.body);
      if (open != by_body_.end()) {
        open->second->askers.push_back(std::move(question.asker));
        open_bytes_ -= question.body.size();
        return;
      }
    }
    const auto added = waiting_.emplace(question.deadline, Request{});
    Request& request = added->second;
    try {
      request.askers.reserve(1);
      request.body = std::move(question.body);
      request.limit = question.limit;
      if (sharing_ == Sharing::one_request_for_all) by_body_.emplace(request.body, &request);
    } catch (...) {
      waiting_.erase(added);
      throw;
    }
    request.askers.push_back(std::move(question.asker));
  }

  /// Asks what can be asked now.
  void go_on() noexcept {
    while (!waiting_.empty()) {
      const TimePoint now = Clock::now();
      if (const auto line = take_idle(now)) {
        line->request = asked_.insert(waiting_.extract(waiting_.begin()));
        Request& request = line->request->second;
        request.line = line;
        request.began = now;
        request.share = pool_.ask(line->address(), now);
        send(*line);
      } else if (asked_.size() < settings_.max_connections) {
        make_room();
        open_for(waiting_.extract(waiting_.begin()), now);
      } else {
        break;
      }
    }
    arm();
  }

  /// A connection that is kept to the address whose turn it is.
  std::shared_ptr<Line> take_idle(TimePoint now) noexcept {
    if (idle_.empty()) return nullptr;
    const auto* const best = pool_.best(now);
    for (;;) {
      // The one used last, so that those that are not needed grow old.
      const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const Idle& idle) {
        return idle.line->address().get() == best;
      });
      if (found == idle_.rend()) return nullptr;
      auto line = std::move(found->line);
      idle_.erase(std::next(found).base());
      if (!line->has_spoken()) return line;
      line->close();
    }
  }

  /// For one more connection: the kept one of another address that has been idle for longest goes.
  void make_room() noexcept {
    if (idle_.empty() || asked_.size() + idle_.size() < settings_.max_connections) return;
    idle_.front().line->close();
    idle_.erase(idle_.begin());
  }

  void open_for(Requests::node_type request, TimePoint now) noexcept {
    const auto asked = asked_.insert(std::move(request));
    try {
      const auto line = std::make_shared<Line>(*context_, tls_, settings_.url.host,
                                               settings_.max_reply_bytes, *this);
      line->request = asked;
      line->reloads = reloads_;
      asked->second.line = line;
      asked->second.began = now;
      if (!pool_.empty()) return open(*line, now);
      addresses_.look_up();
      line->look_up = addresses_.number();
    } catch (const std::exception& error) {
      give_up(asked, Status::unavailable, [&] { return words_of(error); });
    }
  }

  void open(Line& line, TimePoint now) {
    auto addresses = pool_.order(now);
    Request& request = line.request->second;
    request.share = pool_.ask(addresses.front(), now);
    line.opening = true;
    line.open(std::move(addresses),
              std::chrono::duration_cast<std::chrono::milliseconds>(line.request->first - now));
  }

  // ---- Addresses ----

  void look_up() noexcept {
    try {
      addresses_.look_up();
    } catch (const std::exception&) {
      // What is known stays in use, and the next one tries again.
    }
  }

  void on_last_address(Connection& connection) noexcept override {
    pool_.need_look_up();
    if (addresses_.due() <= Clock::now()) look_up();
    // Perhaps the name has moved.
    static_cast<Line&>(connection).look_up = addresses_.number() + (pool_.looking_up() ? 0 : 1);
    if (pool_.looking_up()) connection.wait_for_addresses(kMaxWaitForAddresses);
    arm();
  }

  void on_looked_up(const std::string& error) noexcept {
    const TimePoint now = Clock::now();
    if (!error.empty() && !pool_.empty()) {
      reporter_.note_address([&] {
        return "the host's name cannot be looked up (" + error +
               "), so the addresses known before stay in use";
      });
    }
    std::erase_if(idle_, [](const Idle& idle) {
      if (idle.line->address()->listed()) return false;
      idle.line->close();
      return true;
    });
    // Each may end its question, and so change what is walked through.
    while (const auto line = next_that_waits()) {
      line->look_up = 0;
      try {
        if (line->opening) {
          line->add_addresses(pool_.order(now));
        } else if (!pool_.empty()) {
          open(*line, now);
        } else {
          line->close();
          on_failure(*line, "the host's name is not known: " + error, Silence::ours);
        }
      } catch (const std::exception& fault) {
        give_up(line->request, Status::unavailable, [&] { return words_of(fault); });
      }
    }
    go_on();
  }

  /// For a look-up that has ended.
  std::shared_ptr<Line> next_that_waits() const noexcept {
    const std::uint64_t ended = addresses_.number() - (pool_.looking_up() ? 1 : 0);
    for (const auto& [deadline, request] : asked_) {
      const auto& line = request.line;
      if (line && line->look_up != 0 && line->look_up <= ended) return line;
    }
    return nullptr;
  }

  void on_bad_address(const Connection::Address& address, std::string_view why) noexcept override {
    const auto effect = pool_.failed(*address, Clock::now());
    // Then a question fails, which says why.
    if (effect == AddressPool::Effect::all_fail) left_out_.clear();
    if (effect != AddressPool::Effect::left_out) return;
    try {
      const std::string separator = left_out_.empty() ? "" : "; ";
      left_out_ += separator + text_of(address->endpoint()) +
                   " is left out for a while: " + std::string(why);
    } catch (const std::bad_alloc&) {
      // A line for which there is no memory is not worth a question.
    }
  }

  void send(Line& line) noexcept {
    try {
      Request& request = line.request->second;
      request.sent = true;
      std::string head = head_;
      if (!signer_.empty()) sign(request, head);
      head.append("Content-Length: ")
          .append(std::to_string(request.body.size()))
          .append("\r\n\r\n");
      line.ask(std::move(head), request.body);
    } catch (const std::exception& error) {
      give_up(line.request, Status::unavailable, [&] { return words_of(error); });
    }
  }

  void sign(Request& request, std::string& head) {
    if (request.id.empty()) request.id = ids_.next();
    const std::string now =
        std::to_string(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
    head.append("webhook-id: ").append(request.id).append("\r\nwebhook-timestamp: ").append(now);
    head.append("\r\nwebhook-signature: ")
        .append(signer_.signature(request.id, now, request.body))
        .append("\r\n");
  }

  void on_open(Connection& connection) noexcept override {
    auto& line = static_cast<Line&>(connection);
    line.look_up = 0;
    AddressPool::Share& share = line.request->second.share;
    if (share.address() != line.address()) share = pool_.ask(line.address(), Clock::now());
    send(line);
  }

  void on_answer(Connection& connection, Connection::Answer answer) noexcept override {
    const auto& address = connection.address();
    pool_.answered(*address);
    if (!left_out_.empty()) reporter_.note_address([&] { return std::exchange(left_out_, {}); });
    const auto& line = static_cast<const Line&>(connection);
    const auto request = take(line.request);
    if (line.reusable() && address->listed() && line.reloads == reloads_) {
      // There is room for all of them.
      idle_.push_back({std::move(request.mapped().line), Clock::now()});
    } else {
      connection.close();
    }
    // The next question is on its way before anybody is told of this one.
    go_on();
    if (answer.status >= 200 && answer.status < 300) {
      tell(request.mapped(), {Status::ok, answer.body, reporter_, answer.status});
    } else if (forbidden_ == Forbidden::is_a_no && (answer.status == 401 || answer.status == 403)) {
      reporter_.note_refusal(answer.status);
      tell(request.mapped(), Reply::refusal(reporter_));
    } else {
      fail(
          request.mapped(), answer.status >= 500 ? Status::unavailable : Status::invalid,
          [&] { return about_status(answer.status, settings_.url.scheme); }, answer.status);
    }
    arm();
  }

  void on_failure(Connection& connection, std::string_view why, Silence silence) noexcept override {
    const auto asked = static_cast<Line&>(connection).request;
    // RFC 9112 9.3.1: a kept connection may end just when it is used again. The request keeps its
    // id, so that a server that acts upon requests can see that it knows it.
    if (connection.used() && silence == Silence::total && !asked->second.sent_again) {
      asked->second.sent_again = true;
      asked->second.share = {};
      open_for(asked_.extract(asked), Clock::now());
      return;
    }
    if (connection.address() && silence != Silence::ours) {
      on_bad_address(connection.address(), why);
    }
    const auto request = take(asked);
    go_on();
    fail(request.mapped(), silence == Silence::broken ? Status::invalid : Status::unavailable,
         [&] { return std::string(why); });
    arm();
  }

  void on_closed(Connection& connection) noexcept override {
    std::erase_if(idle_, [&](const Idle& idle) { return idle.line.get() == &connection; });
  }

  /// No other question will share it from now on.
  Requests::node_type take(Requests::iterator asked) noexcept {
    if (sharing_ == Sharing::one_request_for_all) by_body_.erase(asked->second.body);
    asked->second.share = {};
    return asked_.extract(asked);
  }

  template <class Why>
  void give_up(Requests::iterator asked, Status status, Why&& why) noexcept {
    const auto request = take(asked);
    if (const auto& line = request.mapped().line) line->close();
    fail(request.mapped(), status, why);
  }

  /// If there is no memory to say why, at least that.
  template <class Why>
  void fail(const Request& request, Status status, Why&& why, unsigned http_status = 0) noexcept {
    try {
      const std::string line = reporter_.report(why());
      tell(request, {status, line, reporter_, http_status});
    } catch (const std::exception& error) {
      tell(request, {status, words_of(error), reporter_});
    }
  }

  void tell(const Request& request, const Reply& reply) noexcept {
    open_ -= request.askers.size();
    open_bytes_ -= request.body.size();
    for (const auto& asker : request.askers) tell(*asker, reply);
  }

  void tell(Asker& asker, const Reply& reply) noexcept {
    try {
      asker(reply);
    } catch (const std::exception& error) {
      // It could not read the reply. That it could not takes nothing.
      try {
        asker({Status::unavailable, words_of(error), reporter_});
      } catch (const std::exception& again) {
        host_.log(plugin::LogLevel::error, again.what());
      }
    }
  }

  static const char* words_of(const std::exception& error) noexcept {
    const bool memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
    return memory ? "no memory left" : error.what();
  }

  /// Sets the timer to what comes first.
  void arm() noexcept {
    if (ending_) return;
    TimePoint next = TimePoint::max();
    if (!waiting_.empty()) next = waiting_.begin()->first;
    if (!asked_.empty()) next = std::min(next, asked_.begin()->first);
    if (!idle_.empty()) next = std::min(next, idle_.front().since + kMaxIdle);
    if (const auto due = reporter_.due()) next = std::min(next, *due);
    next = std::min(next, addresses_.due());
    if (next >= armed_for_) return;
    armed_for_ = TimePoint::max();
    try {
      timer_.expires_at(next);
      timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        armed_for_ = TimePoint::max();
        tick(Clock::now());
        go_on();
      });
      armed_for_ = next;
    } catch (const std::exception& error) {
      // Whatever happens next tries again.
      host_.log(plugin::LogLevel::error, words_of(error));
    }
  }

  std::string what_lacks(const Request& request) const {
    if (request.sent) return "no answer";
    return pool_.empty() ? "no address of the host" : "no connection";
  }

  /// Kept connections to it of which nothing was heard since then: a router that has forgotten one
  /// has forgotten all of them, and each would cost a question.
  void close_idle(const AddressPool::Ref& address, TimePoint since) noexcept {
    std::erase_if(idle_, [&](const Idle& idle) {
      if (idle.line->address() != address || idle.since >= since) return false;
      idle.line->close();
      return true;
    });
  }

  void tick(TimePoint now) noexcept {
    const auto within = [this](const Request& request) {
      std::string words = " within " + std::to_string(request.limit.count()) + " ms";
      if (request.limit < settings_.timeout) words += " (PLUGIN_TIMEOUT_MS allows no more)";
      return words;
    };
    while (!asked_.empty() && asked_.begin()->first <= now) {
      const Request& request = asked_.begin()->second;
      // Unless it waited in the queue for most of its time.
      if (request.line && now - request.began >= request.limit / 2) {
        request.line->blame(request.sent ? "no answer in time" : "no connection in time");
        if (request.sent) close_idle(request.line->address(), request.began);
      }
      give_up(asked_.begin(), Status::timeout,
              [&] { return what_lacks(request) + within(request); });
    }
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
      const auto late = waiting_.begin();
      if (sharing_ == Sharing::one_request_for_all) by_body_.erase(late->second.body);
      const auto request = waiting_.extract(late);
      fail(request.mapped(), Status::timeout, [&] {
        return "not asked" + within(request.mapped()) +
               ", since WEBHOOK_MAX_CONCURRENCY others were";
      });
    }
    while (!idle_.empty() && idle_.front().since + kMaxIdle <= now) {
      idle_.front().line->close();
      idle_.erase(idle_.begin());
    }
    if (addresses_.due() <= now) look_up();
    reporter_.report_left_out(now);
  }

  void cancel_all() noexcept {
    ending_ = true;
    std::vector<Question> questions;
    {
      const std::lock_guard lock(mutex_);
      questions.swap(inbox_);
    }
    const Reply reply(Status::cancelled, "the broker is stopping", reporter_);
    for (const Question& question : questions) tell(*question.asker, reply);
    for (const Idle& idle : idle_) idle.line->close();
    idle_.clear();
    by_body_.clear();
    const Requests asked = std::exchange(asked_, {});
    const Requests waiting = std::exchange(waiting_, {});
    for (const Requests* const requests : {&asked, &waiting}) {
      for (const auto& [deadline, request] : *requests) {
        if (request.line) request.line->close();
        tell(request, reply);
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
  const std::string head_;
  Reporter reporter_;
  std::atomic<std::size_t> open_{0};        // questions without an answer
  std::atomic<std::size_t> open_bytes_{0};  // of their bodies, each once

  std::mutex mutex_;  // guards what follows
  std::vector<Question> inbox_;
  bool stopped_ = false;

  // The rest is the loop's.
  const std::shared_ptr<asio::io_context> context_ = std::make_shared<asio::io_context>(1);
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_->get_executor()};
  Connection::TlsContext tls_;  // null: http
  unsigned reloads_ = 0;
  Signer signer_;
  RequestIds ids_;
  Addresses addresses_;
  AddressPool& pool_ = addresses_.pool();
  std::string left_out_;  // to be said of an address once another answers
  Requests waiting_;
  Requests asked_;  // each on a line of its own
  // Of those in waiting_ and asked_.
  std::unordered_map<std::string_view, Request*, KeyedHash, std::equal_to<>> by_body_;
  std::vector<Idle> idle_;  // the one used last at the end
  asio::steady_timer timer_;
  TimePoint armed_for_ = TimePoint::max();
  bool ending_ = false;  // what still comes changes nothing

  std::thread thread_;
};

std::string Reply::senseless(std::string_view why) const {
  return reporter_.report(why);
}

Webhook::Webhook(const plugin::Host& host, const Settings& settings, Sharing sharing,
                 Forbidden forbidden, Faults faults)
    : loop_(std::make_unique<Loop>(host, settings, sharing, forbidden, faults)) {}

Webhook::~Webhook() = default;

void Webhook::ask(std::string body, std::chrono::milliseconds limit, std::unique_ptr<Asker> asker) {
  loop_->ask(std::move(body), limit, std::move(asker));
}

void Webhook::reload() {
  loop_->reload();
}

void Webhook::stop() {
  loop_->stop();
}

void check_ca_file(const std::string& ca_file) {
  Settings settings;
  settings.ca_file = ca_file;
  make_tls(settings);
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
                                                 "\" that is true or false: " +
                                                 why_unreadable(reply.text(), member)));
  }
  return said;
}

}  // namespace crolang::webhook_common
