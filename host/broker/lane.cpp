#include "broker/lane.hpp"

#include <algorithm>
#include <iterator>

namespace crolang::broker {

using Stage = Parcel::Stage;

Lane::Lane(std::uint32_t number, std::string_view receiver, const modules::Holder* holder)
    : number_(number), receiver_(receiver) {
  if (holder != nullptr) holder_ = *holder;
}

void Lane::append(Parcels& from) {
  parcels_.splice(parcels_.end(), from, from.begin());
}

Lane::Next Lane::next() {
  if (parcels_.empty()) return {Step::close};
  if (parcels_.front().stage == Stage::settled) return {Step::finish, &parcels_.front()};
  if (!holder_) return {in_flight_ == 0 && !locating_ ? Step::locate : Step::wait};
  const Head window(parcels_, kWindow);
  const auto parcel = std::find_if(window.begin(), window.end(),
                                   [](const Parcel& each) { return each.stage == Stage::cleared; });
  if (parcel == window.end()) return {Step::wait};
  return {Step::hand_over, &*parcel};
}

void Lane::begin_hand_over(Parcel& parcel) {
  parcel.stage = Stage::sent;
  ++in_flight_;
}

void Lane::end_hand_over(Parcel& parcel, HandOver handed) {
  --in_flight_;
  if (handed == HandOver::taken) {
    parcel.settle(Outcome::delivered);
  } else {
    holder_.reset();
    if (handed == HandOver::unknown) {
      parcel.settle(Outcome::not_taken);
    } else if (std::exchange(parcel.refused, true)) {
      parcel.settle(Outcome::not_connected);
    } else {
      parcel.stage = Stage::cleared;
    }
  }
  if (!holder_ && in_flight_ == 0) give_up_overtaken();
}

// A registry that has just lost its memory may refuse a message and take the next one for the same
// session: the refused one must not follow it.
void Lane::give_up_overtaken() {
  const auto is_taken = [](const Parcel& parcel) {
    return parcel.stage == Stage::settled && parcel.outcome == Outcome::delivered;
  };
  auto parcel = std::find_if(parcels_.rbegin(), parcels_.rend(), is_taken);
  for (; parcel != parcels_.rend(); ++parcel) {
    if (parcel->stage == Stage::cleared) parcel->settle(Outcome::overtaken);
  }
}

Parcel* Lane::find_sent(std::uint32_t parcel_number) {
  // None beyond the window was ever sent.
  for (Parcel& parcel : Head(parcels_, kWindow)) {
    if (parcel.number == parcel_number) return parcel.stage == Stage::sent ? &parcel : nullptr;
  }
  return nullptr;
}

void Lane::begin_lookup() {
  locating_ = true;
  located_for_ = parcels_.size();
}

void Lane::aim(const modules::Holder& holder) {
  locating_ = false;
  holder_ = holder;
}

void Lane::fail(Outcome outcome) {
  locating_ = false;
  for (Parcel& parcel : Head(parcels_, located_for_)) {
    if (parcel.stage == Stage::cleared) parcel.settle(outcome);
  }
}

}  // namespace crolang::broker
