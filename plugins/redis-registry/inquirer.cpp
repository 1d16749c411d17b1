#include "redis-registry/inquirer.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;

// Short, so that a failover is noticed within a second or two.
constexpr milliseconds kTimeout{600};
constexpr milliseconds kPause{200};  // after all have failed
constexpr std::size_t kMostServers = 48;
constexpr std::size_t kLongestFault = 1000;

}  // namespace

Inquirer::Inquirer(const std::vector<HostPort>& seeds, std::string what, std::size_t max_reply,
                   Login login, TlsContext tls, Traffic traffic, Owner& owner)
    : seeds_(seeds),
      what_(std::move(what)),
      servers_(seeds),
      login_(std::move(login)),
      tls_(std::move(tls)),
      owner_(owner),
      dialer_(seeds),
      link_(max_reply, traffic) {}

void Inquirer::change_access(Login login, TlsContext tls) {
  login_ = std::move(login);
  tls_ = std::move(tls);
  link_.close();
  state_ = State::waiting;
  dial_at_ = {};
}

void Inquirer::note_answer() {
  fault_.clear();
  faults_.clear();
  dialer_.renew(servers_);
}

void Inquirer::renew(const std::vector<HostPort>& others) {
  servers_ = seeds_;
  for (const HostPort& each : others) {
    if (servers_.size() == kMostServers) break;
    if (std::ranges::find(servers_, each) == servers_.end()) servers_.push_back(each);
  }
  dialer_.renew(servers_);
}

void Inquirer::tick(TimePoint now) {
  switch (state_) {
    case State::waiting:
      if (now < dial_at_) break;
      dialer_.begin_round();
      faults_.clear();
      state_ = State::dialing;
      [[fallthrough]];
    case State::dialing:
      dial(now);
      break;
    case State::connected:
      watch(now);
      break;
  }
}

void Inquirer::dial(TimePoint now) {
  while (state_ == State::dialing) {
    switch (dialer_.next(now)) {
      case Dialer::State::resolving:
        return;
      case Dialer::State::found:
        open(now);
        return;
      case Dialer::State::failed:
        if (faults_.size() < kLongestFault) {
          faults_.append(faults_.empty() ? "" : "; ").append(dialer_.fault());
        }
        break;
      case Dialer::State::exhausted:
        fault_ = faults_;
        failed_at_ = now;
        state_ = State::waiting;
        dial_at_ = now + kPause;
        return;
    }
  }
}

void Inquirer::open(TimePoint now) {
  const Dialer::Target& target = dialer_.target();
  refusal_.clear();
  ask_at_.reset();
  Socket socket = Socket::to_tcp(target.address, target.host.port);
  std::unique_ptr<Transport> transport;
  if (tls_ == nullptr) {
    transport = std::make_unique<SocketTransport>(std::move(socket));
  } else {
    transport = std::make_unique<TlsTransport>(std::move(socket), tls_, target.host.host);
  }
  state_ = State::connected;
  link_.open(std::move(transport), now);
  if (!login_.password.empty()) {
    question(login_.command(), now, [this](const redisReply& reply) {
      if (is_error(reply)) refusal_ = owner_.describe_login_refusal(text_of(reply));
    });
  }
  owner_.on_open(now);
  link_.flush();
}

void Inquirer::watch(TimePoint now) {
  if (!refusal_.empty()) return lose(refusal_, now);
  if (!link_.is_open()) return lose(link_.fault(), now);
  const auto waiting = link_.waiting_since();
  if (waiting && now - std::max(*waiting, link_.last_progress()) > kTimeout) {
    return lose(link_.silence(), now);
  }
  if (ask_at_ && now >= *ask_at_) owner_.on_due(now);
  link_.flush();
}

void Inquirer::lose(std::string_view why, TimePoint now) {
  if (faults_.size() < kLongestFault) {
    const bool is_sentence = !refusal_.empty();
    faults_.append(faults_.empty() ? "" : "; ")
        .append(what_ + " at ")
        .append(host().name())
        .append(is_sentence ? " " : ": ")
        .append(why);
  }
  turn_to_next(now);
}

void Inquirer::turn_to_next(TimePoint now) {
  link_.close();
  ask_at_.reset();
  state_ = State::dialing;
  dial(now);
}

}  // namespace crolang::redis_registry
