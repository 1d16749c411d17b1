#include "broker/validity_check.hpp"

#include <algorithm>
#include <string_view>

namespace crolang::broker {

void ValidityCheck::tick(TimePoint now) {
  last_tick_ = now;
  if (now >= due_) {
    due_ = now + interval_;
    // Unless the previous check is still in progress.
    if (!open_ && next_ >= nodes_.size()) {
      page_ = next_ = 0;
      nodes_ = shared_.directory.all();
    }
  }
  // One page per loop iteration, so that a module which answers at once does not hold up the
  // worker.
  if (has_page()) ask_page();
}

void ValidityCheck::ask_page() {
  page_ = next_;
  // Advance before asking: if there is no memory for the question, this page is skipped.
  next_ = std::min(nodes_.size(), page_ + shared_.policy.max_validity_ids);
  std::vector<std::string_view> ids;
  ids.reserve(next_ - page_);
  for (std::size_t i = page_; i < next_; ++i) ids.push_back(nodes_[i].id);
  const auto* const answer = clients_.check_validity({this, 0, 0}, ids);
  open_ = answer == nullptr;
  if (answer != nullptr) apply(*answer);
}

void ValidityCheck::on_answer(const modules::Waiter&, const modules::Answer& answer) {
  open_ = false;
  apply(answer);
}

void ValidityCheck::apply(const modules::Answer& answer) {
  for (std::size_t i = page_; i < next_ && answer.succeeded(); ++i) {
    if (answer.flags[i - page_] != 0) continue;
    const SessionHandle session = nodes_[i].session;
    shared_.workers.post(session.worker,
                         DisconnectSession{session, session::EndReason::invalid_node});
  }
  if (next_ == nodes_.size()) nodes_ = {};
}

}  // namespace crolang::broker
