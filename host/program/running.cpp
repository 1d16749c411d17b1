#include "program/running.hpp"

#include <unistd.h>

#include <csignal>
#include <new>
#include <utility>

#include "config/admin_check.hpp"
#include "telemetry/log.hpp"

namespace crolang::program {

namespace log = telemetry::log;

void Running::run() {
  control_.on_signal([this](int signal) { on_signal(signal); });
  control_.run();
  phase_ = Phase::ended;
}

void Running::on_signal(int signal) {
  switch (signal) {
    case SIGHUP:
      if (phase_ != Phase::serving) {
        log::info("SIGHUP ignored: the broker is shutting down");
      } else {
        reload::log(apply_reload());
      }
      break;
    case SIGUSR1:
    case SIGUSR2:
      log::info("signal ignored", {{"signal", signal}});
      break;
    default:  // no enum: signals
      end(signal);
  }
}

void Running::end(int signal) {
  if (has_signal_) {
    log::info("second signal: exiting at once");
    log::stop();
    ::_exit(128 + signal);
  }
  has_signal_ = true;
  log::info("draining", {{"signal", signal}, {"duration_ms", drain_duration_.count()}});
  if (phase_ == Phase::serving) begin_drain();
}

void Running::begin_drain() {
  phase_ = Phase::draining;
  try {
    server_.drain(control_, drain_duration_, [this] { control_.stop(); });
  } catch (const std::bad_alloc&) {
    log::error("no memory to disconnect the nodes one after the other");
    control_.stop();
  }
}

reload::Outcome Running::apply_reload() {
  reload::Outcome outcome = reloader_.reload(renewal_);
  if (outcome.faults.empty() && admin_ != nullptr) {
    const std::string token = reloader_.in_use().find("ADMIN_TOKEN").value_or("");
    // A configuration without ADMIN_PORT is valid whatever the token is, but the interface is there
    // until the restart.
    const bool is_usable = config::is_usable_admin_token(token);
    admin_->set_token(is_usable ? token : std::string());
    if (!is_usable) {
      outcome.warnings.emplace_back(
          "ADMIN_TOKEN: there is none that can be used any more. ADMIN_PORT stays open until the "
          "broker is restarted, but nobody is let in");
    }
  }
  return outcome;
}

Running::Drain Running::drain(std::string_view client) {
  if (phase_ != Phase::serving) return Drain::already_draining;
  log::info("draining", {{"admin", client}, {"duration_ms", drain_duration_.count()}});
  begin_drain();
  return Drain::begun;
}

Running::Cancel Running::cancel_drain(std::string_view client) {
  if (has_signal_) return Cancel::ended_by_signal;
  if (phase_ != Phase::draining) return Cancel::not_draining;
  switch (server_.cancel_drain()) {
    case net::Server::DrainCancelled::yes:
      phase_ = Phase::serving;
      log::info("drain cancelled", {{"admin", client}});
      return Cancel::cancelled;
    case net::Server::DrainCancelled::there_was_none:
      break;
  }
  return Cancel::not_draining;
}

Running::Reload Running::reload_configuration(std::string_view client) {
  if (phase_ != Phase::serving) return {{"the broker is shutting down"}, {}, {}};
  log::info("reload asked for", {{"admin", client}});
  reload::Outcome outcome = apply_reload();
  reload::log(outcome);
  return {std::move(outcome.faults), std::move(outcome.taken_over),
          std::move(outcome.need_restart)};
}

}  // namespace crolang::program
