#include "redis-registry/disputes.hpp"

#include <algorithm>
#include <utility>

namespace crolang::redis_registry {

Disputes::Step Disputes::on_found(std::uint64_t token, std::string_view value, TimePoint now) {
  const auto holding = parse_value(value);
  // A value that no broker wrote names no broker that could be asked.
  if (!holding) return Step::give_up;
  Rival rival{holding->token, holding->address, std::string(holding->instance)};
  const auto [found, is_new] = disputes_.try_emplace(token);
  Dispute& dispute = found->second;
  if (is_new) dispute.latest = now + kTimeout;
  // The reply to what was sent before the dispute began.
  if (dispute.stage != Stage::writing) return Step::none;
  dispute.rival = std::move(rival);
  if (!is_new && now >= dispute.latest) return Step::give_up;
  if (dispute.rival.instance == instance_) {
    // Leases are known here from before they are requested until their sessions have left.
    return leases_.find(dispute.rival.token) == nullptr ? Step::write : Step::give_up;
  }
  if (open_questions_ >= kMostQuestions) return wait_or_give_up(dispute, now);
  ++open_questions_;
  dispute.stage = Stage::asking;
  dispute.question = ++last_question_;
  return Step::ask;
}

void Disputes::on_answer(std::uint64_t token, std::uint64_t question, Answer answer) noexcept {
  if (question <= forgotten_) return;
  --open_questions_;
  const auto found = disputes_.find(token);
  if (found == disputes_.end()) return;
  Dispute& dispute = found->second;
  if (dispute.stage != Stage::asking || dispute.question != question) return;
  dispute.stage = Stage::answered;
  dispute.answer = answer;
  due_ = {};
}

std::vector<Disputes::Due> Disputes::take_due(TimePoint now) {
  std::vector<Due> due;
  if (now < due_) return due;
  due_ = TimePoint::max();
  due.reserve(disputes_.size());
  for (auto& [token, dispute] : disputes_) {
    const Step step = next_step(dispute, now);
    if (step != Step::none) due.push_back({token, step});
  }
  return due;
}

Disputes::Step Disputes::next_step(Dispute& dispute, TimePoint now) {
  switch (dispute.stage) {
    case Stage::writing:
    case Stage::asking:
      return Step::none;
    case Stage::waiting:
      if (now < dispute.again_at) {
        due_ = std::min(due_, dispute.again_at);
        return Step::none;
      }
      // The rival may have been released meanwhile, or replaced.
      dispute.rival.token = 0;
      dispute.stage = Stage::writing;
      return Step::write;
    case Stage::answered:
      break;
  }
  switch (dispute.answer) {
    case Answer::alive:
      return Step::give_up;
    case Answer::gone:
      dispute.stage = Stage::writing;
      return Step::write;
    case Answer::unknown:
      break;
  }
  return wait_or_give_up(dispute, now);
}

Disputes::Step Disputes::wait_or_give_up(Dispute& dispute, TimePoint now) {
  if (now >= dispute.latest) return Step::give_up;
  dispute.stage = Stage::waiting;
  dispute.again_at = now + kPause;
  due_ = std::min(due_, dispute.again_at);
  return Step::none;
}

bool Disputes::await(std::uint64_t token) {
  const auto found = disputes_.find(token);
  return found != disputes_.end() && !std::exchange(found->second.is_awaited, true);
}

Disputes::Ended Disputes::end(std::uint64_t token) {
  const auto found = disputes_.find(token);
  if (found == disputes_.end()) return {};
  const Ended ended{true, found->second.is_awaited};
  disputes_.erase(found);
  return ended;
}

}  // namespace crolang::redis_registry
