#include "broker/refused_ids_sync.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <string_view>
#include <utility>

#include "crolang/keyed_hash.hpp"
#include "telemetry/log.hpp"

namespace crolang::broker {
namespace {

constexpr std::chrono::milliseconds kInterval{500};
// Until the registry is asked again whether it has room.
constexpr std::chrono::minutes kNoRoomPause{1};

// The tags of the questions.
constexpr std::uint64_t kList = 0;
constexpr std::uint64_t kSet = 1;

/// Another number for each instance, most probably.
std::uint32_t order_of_instance(std::string_view name) {
  return static_cast<std::uint32_t>(HashedText(name).hash | 1U);
}

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
  if (shared_.registry_available.load(std::memory_order_relaxed)) ask();
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
  if (!answer.succeeded()) return;
  if (answer.code != CROLANG_UNCHANGED) {
    std::vector<RefusedId> refused;
    for (const modules::Entry& entry : answer.entries) {
      if (auto id = refused_id_of(entry)) refused.push_back(std::move(*id));
    }
    if (answer.code == CROLANG_ENTRIES_LOST) {
      restore(std::move(refused));
    } else {
      replace(std::move(refused));
    }
    version_ = answer.text;
  }
  set_next();
}

/// What is to be set again stays refused until it is.
void RefusedIdsSync::replace(std::vector<RefusedId> refused) {
  if (!to_set_.empty()) {
    std::set<std::string_view> there;
    for (const RefusedId& each : refused) there.insert(each.id);
    // Other instances set them, too.
    std::erase_if(to_set_, [&](const RefusedId& each) { return there.contains(each.id); });
    there.clear();
    refused.insert(refused.end(), to_set_.begin(), to_set_.end());
  }
  const WallTime now = std::chrono::system_clock::now();
  disconnect_refused(shared_, shared_.refused_ids.replace(std::move(refused), now));
}

void RefusedIdsSync::restore(std::vector<RefusedId> refused) {
  const WallTime now = std::chrono::system_clock::now();
  auto merged = shared_.refused_ids.merge(std::move(refused), now);
  disconnect_refused(shared_, merged.added);
  if (!merged.missing.empty()) {
    telemetry::log::warning("the registry has lost refused ids, which are set again",
                            {{"ids", merged.missing.size()}});
  }
  // In an order of its own, so that the instances share the work.
  std::ranges::shuffle(merged.missing, std::minstd_rand(order_of_instance(shared_.instance)));
  to_set_.assign(std::make_move_iterator(merged.missing.begin()),
                 std::make_move_iterator(merged.missing.end()));
}

/// One after the other, since each takes the registry some time. Meanwhile what others change is
/// asked for as often as ever.
void RefusedIdsSync::set_next() {
  while (!to_set_.empty() && now_ >= set_at_) {
    // It may have been lifted here, or have expired.
    if (!shared_.refused_ids.find(to_set_.front().id, std::chrono::system_clock::now())) {
      to_set_.pop_front();
      continue;
    }
    // First, since there may be no memory for it.
    const modules::Entry entry = entry_of(to_set_.front());
    is_setting_ = true;
    const auto* const answer = clients_.set_entry({this, 0, kSet}, entry);
    if (answer == nullptr) return;
    is_setting_ = false;
    if (!is_settled(*answer)) return;
  }
}

void RefusedIdsSync::on_set(const modules::Answer& answer) {
  is_setting_ = false;
  // At least one follows each question for changes.
  if (is_settled(answer) && now_ < due_) set_next();
}

/// Of the first id that is to be set. False: it is tried again after the next question for changes.
bool RefusedIdsSync::is_settled(const modules::Answer& answer) {
  if (answer.status == CROLANG_INVALID) {
    // There is no room for it. It stays refused here.
    telemetry::log::warning(
        "the registry does not take a refused id that it has lost: other instances may admit it",
        {{"node", to_set_.front().id}, {"error", answer.error}, {"ids", to_set_.size()}});
    set_at_ = now_ + kNoRoomPause;
    to_set_.push_back(to_set_.front());
    to_set_.pop_front();
    return false;
  }
  if (!answer.succeeded()) return false;
  to_set_.pop_front();
  return true;
}

}  // namespace crolang::broker
