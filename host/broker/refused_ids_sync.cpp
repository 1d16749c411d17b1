#include "broker/refused_ids_sync.hpp"

#include <utility>

#include "telemetry/log.hpp"

namespace crolang::broker {
namespace {

constexpr std::chrono::milliseconds kInterval{500};

// The tags of the questions.
constexpr std::uint64_t kList = 0;
constexpr std::uint64_t kSet = 1;

}  // namespace

void disconnect_refused(SharedState& shared, const std::vector<RefusedId>& refused) {
  for (const RefusedId& each : refused) {
    const auto here = shared.directory.find(each.id);
    if (!here) continue;
    shared.workers.post(here->session.worker,
                        DisconnectNode{.session = here->session,
                                       .token = here->token,
                                       .reason = session::EndReason::id_refused,
                                       .words = describe(each),
                                       .reply = {}});
  }
}

void RefusedIdsSync::tick(TimePoint now) {
  now_ = now;
  if (now < due_ || is_asking_ || is_setting_) return;
  due_ = now + kInterval;
  // Its outages are reported already.
  if (!shared_.registry_available.load(std::memory_order_relaxed)) return;
  if (to_set_.empty()) {
    ask();
  } else {
    set_next();
  }
}

RefusedIdsSync::TimePoint RefusedIdsSync::deadline() const noexcept {
  return is_asking_ || is_setting_ ? TimePoint::max() : due_;
}

void RefusedIdsSync::ask() {
  is_asking_ = true;
  const auto* const answer = clients_.list_entries({this, 0, kList}, version_);
  if (answer != nullptr) apply(*answer);
}

void RefusedIdsSync::on_answer(const modules::Waiter& waiter, const modules::Answer& answer) {
  if (waiter.tag == kList) {
    apply(answer);
  } else {
    on_set(answer);
  }
}

void RefusedIdsSync::apply(const modules::Answer& answer) {
  is_asking_ = false;
  if (!answer.could_ask() || answer.code == CROLANG_UNCHANGED) return;
  std::vector<RefusedId> refused;
  for (const modules::Entry& entry : answer.entries) {
    if (auto id = refused_id_of(entry)) refused.push_back(std::move(*id));
  }
  const WallTime now = std::chrono::system_clock::now();
  if (answer.code == CROLANG_ENTRIES_LOST) {
    auto merged = shared_.refused_ids.merge(std::move(refused), now);
    disconnect_refused(shared_, merged.added);
    if (!merged.missing.empty()) {
      telemetry::log::warning("the registry has lost refused ids, which are set again",
                              {{"ids", merged.missing.size()}});
    }
    to_set_.assign(std::make_move_iterator(merged.missing.begin()),
                   std::make_move_iterator(merged.missing.end()));
  } else {
    disconnect_refused(shared_, shared_.refused_ids.replace(std::move(refused), now));
  }
  version_ = answer.text;
  set_next();
}

/// One after the other: each takes the registry some time.
void RefusedIdsSync::set_next() {
  while (!to_set_.empty()) {
    is_setting_ = true;
    const auto* const answer = clients_.set_entry({this, 0, kSet}, entry_of(to_set_.front()));
    if (answer == nullptr) return;
    is_setting_ = false;
    // Tried again at the next tick.
    if (!answer->could_ask()) return;
    to_set_.pop_front();
  }
}

void RefusedIdsSync::on_set(const modules::Answer& answer) {
  is_setting_ = false;
  if (!answer.could_ask()) return;
  to_set_.pop_front();
  set_next();
}

}  // namespace crolang::broker
