#pragma once
/// A relayed message: as views while it goes straight through, as an owner once it has to wait.
/// Threads: values. Errors: none.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <string>
#include <string_view>

#include "broker/events.hpp"
#include "broker/outcome.hpp"
#include "socketio/ack_id.hpp"
#include "socketio/writer.hpp"

namespace crolang::broker {

struct Message {
  Relayed type;
  const socketio::AckId& ack;
  std::string_view to;
  std::string_view literal;
};

struct Parcel {
  enum class Stage : std::uint8_t {
    arrived,  ///< nobody was asked yet
    asked,    ///< its authorization is awaited
    cleared,  ///< it may be delivered
    sent,     ///< another instance was given it and has not answered yet
    settled,  ///< its acknowledgement is known and waits for its turn
  };

  Parcel(std::uint32_t parcel_number, const Message& message, Stage first_stage);

  /// Valid as long as the parcel.
  Message message() const;
  /// What an authorization says: delivered, as far as it is concerned, or why not.
  void decide(Outcome verdict);
  void settle(Outcome final_outcome);

  /// What a message costs while it waits.
  static std::size_t bytes(const Message& message);
  std::size_t bytes() const { return bytes(message()); }

  std::uint32_t number;
  Relayed type;
  Stage stage;
  Outcome outcome = Outcome::delivered;  ///< once it is settled
  bool refused = false;                  ///< by the instance that was to have it
  bool receipted = false;                ///< the sender has its acknowledgement
  socketio::AckId ack;
  std::string to;
  std::string event;  ///< as the receiver gets it
};

/// Parcels are moved from list to list, and are named by address meanwhile.
using Parcels = std::list<Parcel>;

/// The first so many of them, or all there are. What std::views::take is for, but clang 14 cannot
/// compile libstdc++'s.
struct Head {
  Head(Parcels& parcels, std::size_t count)
      : first(parcels.begin()),
        last(std::next(first, static_cast<std::ptrdiff_t>(std::min(count, parcels.size())))) {}
  Parcels::iterator begin() const { return first; }
  Parcels::iterator end() const { return last; }
  Parcels::iterator first;
  Parcels::iterator last;
};

}  // namespace crolang::broker
