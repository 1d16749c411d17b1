#include "redis-registry/server_search.hpp"

#include <utility>
#include <vector>

namespace crolang::redis_registry {
namespace {

constexpr std::size_t kLongestFault = 1000;

}  // namespace

ServerSearch::ServerSearch(const Endpoint& endpoint, Login sentinel, TlsContext tls,
                           Traffic of_sentinels)
    : hosts_(endpoint.hosts),
      name_(endpoint.master),
      sentinel_login_(std::move(sentinel)),
      tls_(std::move(tls)),
      sentinel_traffic_(of_sentinels),
      dialer_(hosts_),
      place_(endpoint.name()) {
  // Otherwise the server says what it is.
  if (endpoint.is_unix()) return;
  if (!name_.empty() || !sentinel_login_.password.empty()) turn_to_sentinels();
}

void ServerSearch::turn_to_sentinels() {
  sentinels_.emplace(hosts_, name_, sentinel_login_, tls_, sentinel_traffic_);
}

void ServerSearch::lead_to(HostPort master) {
  sentinels_.reset();
  if (master_ != master) named_at_.reset();
  master_ = std::move(master);
}

void ServerSearch::begin_round(TimePoint now) {
  faults_.clear();
  is_asking_ = sentinels_.has_value();
  if (is_asking_) {
    asked_since_ = now;
    sentinels_->ask(now);
    return;
  }
  if (master_ && !dialer_.is_only(*master_)) dialer_ = Dialer(std::vector<HostPort>{*master_});
  dialer_.begin_round();
}

ServerSearch::State ServerSearch::next(TimePoint now) {
  if (!is_asking_) return dial(now);
  if (sentinels_->answered_at() >= asked_since_) {
    is_asking_ = false;
    dialer_ = Dialer(std::vector<HostPort>{*sentinels_->primary()});
    dialer_.begin_round();
    return dial(now);
  }
  if (sentinels_->failed_at() < asked_since_) return State::asking;
  faults_ = sentinels_->fault();
  return State::exhausted;
}

ServerSearch::State ServerSearch::dial(TimePoint now) {
  while (true) {
    switch (dialer_.next(now)) {
      case Dialer::State::resolving:
        return State::resolving;
      case Dialer::State::found:
        place_ = target().host.name();
        if (sentinels_) place_ += " (master " + sentinels_->master() + ")";
        if (master_) place_ += " (cluster)";
        return State::found;
      case Dialer::State::failed:
        note_fault(dialer_.fault());
        break;
      case Dialer::State::exhausted:
        return State::exhausted;
    }
  }
}

void ServerSearch::note_fault(std::string_view why) {
  // The addresses of one host often have the same.
  if (faults_.size() > kLongestFault || faults_.find(why) != std::string::npos) return;
  if (!faults_.empty()) faults_ += "; ";
  faults_ += why;
}

std::string ServerSearch::why_left() const {
  if (master_ && *master_ != target().host) {
    return "its slots are served by " + master_->name() + " now";
  }
  if (sentinels_ && sentinels_->primary() && *sentinels_->primary() != target().host) {
    return "the primary is " + sentinels_->primary()->name() + " now, according to the Sentinels";
  }
  return {};
}

ReplicaWatch::Sentinels ServerSearch::sentinels() const {
  if (master_) return {true, *master_ == target().host ? named_at_ : std::nullopt};
  if (!sentinels_) return {};
  const bool is_named = sentinels_->primary() == target().host;
  return {true, is_named ? std::optional(sentinels_->asked_at()) : std::nullopt};
}

void ServerSearch::change_sentinel_access(Login login, TlsContext tls) {
  // With TLS the files may have changed.
  const bool is_new = login != sentinel_login_ || tls != tls_;
  sentinel_login_ = std::move(login);
  tls_ = std::move(tls);
  if (sentinels_ && is_new) sentinels_->change_access(sentinel_login_, tls_);
}

pollfd ServerSearch::poll_entry(TimePoint now) const {
  return sentinels_ ? sentinels_->poll_entry(now) : pollfd{-1, 0, 0};
}

void ServerSearch::on_poll(short events, TimePoint now) {
  if (sentinels_) sentinels_->on_poll(events, now);
}

void ServerSearch::tick(TimePoint now) {
  if (sentinels_) sentinels_->tick(now);
}

void ServerSearch::restart_clocks(TimePoint now) {
  if (sentinels_) sentinels_->restart_clocks(now);
}

void ServerSearch::close() {
  if (sentinels_) sentinels_->close();
}

}  // namespace crolang::redis_registry
