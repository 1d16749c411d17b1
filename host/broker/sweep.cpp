#include "broker/sweep.hpp"

#include <algorithm>
#include <string_view>

#include "broker/broker.hpp"

namespace crolang::broker {

void Sweep::tick(TimePoint now) {
  if (now >= due_) {
    due_ = now + interval_;
    // Else the last check is still under way.
    if (!open_ && next_ >= nodes_.size()) {
      page_ = next_ = 0;
      nodes_ = grid_.directory.all();
    }
  }
  // One in a turn, so that a module which answers at once does not hold up the worker for all.
  if (has_page()) ask_page();
}

void Sweep::ask_page() {
  page_ = next_;
  // First, since what follows may fail: then this page is left out.
  next_ = std::min(nodes_.size(), page_ + grid_.policy.max_validity_ids);
  std::vector<std::string_view> ids;
  ids.reserve(next_ - page_);
  for (std::size_t i = page_; i < next_; ++i) ids.push_back(nodes_[i].id);
  const auto* const answer = clients_.check_validity({this, {}, 0}, ids);
  open_ = answer == nullptr;
  if (answer != nullptr) apply(*answer);
}

void Sweep::on_answer(const modules::Waiter&, const modules::Answer& answer) {
  open_ = false;
  apply(answer);
}

void Sweep::apply(const modules::Answer& answer) {
  for (std::size_t i = page_; i < next_ && answer.could_ask(); ++i) {
    if (answer.flags[i - page_] != 0) continue;
    const SessionHandle session = nodes_[i].session;
    grid_.workers.post(session.worker, [session](Broker& broker) {
      broker.expel(session, session::EndReason::invalid_node);
    });
  }
  if (next_ == nodes_.size()) nodes_ = {};
}

}  // namespace crolang::broker
