#pragma once
/// What one sender has under way to one receiver that is not here: look-up, hand-over and retry are
/// one queue, so that no message overtakes an earlier one. Says what is to be done next; the relay
/// does it and tells the lane how it went.
///
/// Up to kWindow messages are handed over before the first is answered. That keeps their order as
/// long as they go to one session, so the session is changed only while none is on its way: as
/// soon as one was not taken, nothing more is sent until all are answered; then the receiver is
/// looked up once for all that are left.
///
/// Threads: owning worker only. Errors: none.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/parcel.hpp"
#include "modules/answer.hpp"

namespace crolang::broker {

class Lane {
 public:
  static constexpr std::size_t kWindow = 16;

  /// `holder`: where the receiver is believed to be; nullptr: to be looked up.
  Lane(std::uint32_t number, std::string_view receiver, const modules::Holder* holder);

  std::uint32_t number() const noexcept { return number_; }
  std::string_view receiver() const noexcept { return receiver_; }
  /// The session that gets what is sent now.
  const std::optional<modules::Holder>& holder() const noexcept { return holder_; }
  bool is_locating() const noexcept { return locating_; }
  bool has_one_parcel() const noexcept { return parcels_.size() == 1; }

  /// Takes the first of these.
  void append(Parcels& from);

  enum class Step : std::uint8_t {
    wait,       ///< for an answer
    finish,     ///< acknowledge the parcel, then remove_front
    hand_over,  ///< the parcel to the holder
    locate,     ///< the receiver: begin_lookup, or deliver if it has come here
    close,      ///< nothing is left
  };
  struct Next {
    Step step;
    Parcel* parcel = nullptr;
  };
  Next next();

  void remove_front() { parcels_.pop_front(); }

  void begin_hand_over(Parcel& parcel);
  enum class HandOver : std::uint8_t { taken, refused, unknown };
  void end_hand_over(Parcel& parcel, HandOver handed);
  /// nullptr: it is not on its way.
  Parcel* find_sent(std::uint32_t parcel_number);

  void begin_lookup();
  // How it ended:
  void aim(const modules::Holder& holder);
  /// Nobody to send to. Who came after the question was asked gets one of its own.
  void fail(Outcome outcome);
  /// The receiver is here: `hand(parcel)` delivers, and returns how it went.
  template <class Hand>
  void deliver(Hand&& hand) {
    locating_ = false;
    for (Parcel& parcel : parcels_) {
      if (parcel.stage == Parcel::Stage::cleared) parcel.settle(hand(std::as_const(parcel)));
    }
  }

 private:
  void give_up_overtaken();

  std::uint32_t number_;
  bool locating_ = false;
  std::string receiver_;
  std::optional<modules::Holder> holder_;
  Parcels parcels_;
  std::size_t in_flight_ = 0;
  std::size_t located_for_ = 0;  // how many were there when the look-up began
};

}  // namespace crolang::broker
