#pragma once
/// The addresses of a webhook's host: decides which of them is used next, and when the name is
/// looked up.
///
/// Working addresses share the load: the next question goes to the address with the fewest open
/// questions, and among equals to the least recently used. A failing address is left out for a
/// pause, then tried with a single question; each further failure doubles the pause, an answer ends
/// it. If all fail, all are tried.
///
/// The result of a lookup replaces the known addresses. A failed lookup changes nothing: stale
/// addresses are better than none.
///
/// Decides only: no socket, no thread, no clock; time is an argument. Threads: one at a time.
/// Errors: replace and order throw std::bad_alloc, and then have changed nothing.

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace crolang::webhook_common {

class AddressPool {
 public:
  using Endpoint = boost::asio::ip::tcp::endpoint;
  using TimePoint = std::chrono::steady_clock::time_point;

  // The time between the end of a lookup and the next. A changed address is picked up within
  // kIdleRefresh plus the duration of a lookup.
  static constexpr std::chrono::seconds kUrgentRefresh{1};  ///< no address works
  static constexpr std::chrono::seconds kRefresh{5};        ///< questions are asked
  static constexpr std::chrono::seconds kIdleRefresh{20};
  static constexpr std::chrono::seconds kFirstPause{1};  ///< for which an address is left out
  static constexpr std::chrono::seconds kLongestPause{30};
  static constexpr std::size_t kMaxAddresses = 64;

  class Address {
   public:
    explicit Address(const Endpoint& endpoint) noexcept : endpoint_(endpoint) {}
    const Endpoint& endpoint() const noexcept { return endpoint_; }
    /// False: the name no longer resolves to it.
    bool listed() const noexcept { return listed_; }

   private:
    friend class AddressPool;
    const Endpoint endpoint_;
    bool listed_ = true;
    std::size_t open_ = 0;        // questions
    std::uint64_t last_use_ = 0;  // number of its last question
    unsigned failures_ = 0;       // since its last answer
    TimePoint out_until_{};       // only if it has failures
  };
  using Ref = std::shared_ptr<Address>;

  /// Counts a question as open at an address for as long as it exists.
  class Share {
   public:
    Share() = default;
    explicit Share(Ref address) noexcept : address_(std::move(address)) { ++address_->open_; }
    Share(Share&& other) noexcept : address_(std::exchange(other.address_, nullptr)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(address_, other.address_);
      return *this;
    }
    ~Share() {
      if (address_) --address_->open_;
    }
    const Ref& address() const noexcept { return address_; }

   private:
    Ref address_;
  };

  bool empty() const noexcept { return addresses_.empty(); }
  std::size_t size() const noexcept { return addresses_.size(); }

  // ---- Which address ----------------------------------------------------------------------------

  /// The address to use next; null if none is known.
  const Address* best(TimePoint now) const noexcept;
  /// All addresses: the best first, those that are left out last.
  std::vector<Ref> order(TimePoint now) const;
  /// A question is being sent to it.
  Share ask(const Ref& address, TimePoint now) noexcept;

  void answered(Address& address) noexcept;
  enum class Effect { none, left_out, all_fail };
  /// It cannot be reached, closes early, or does not answer in time. left_out: it is left out from
  /// now on, and others are used; all_fail: no address works.
  Effect failed(Address& address, TimePoint now) noexcept;

  // ---- When to look the name up -----------------------------------------------------------------

  /// TimePoint::max() while a lookup is in progress, and while no address is known: then the next
  /// question starts a lookup at once.
  TimePoint look_up_due() const noexcept;
  void look_up_began() noexcept { looking_up_ = true; }
  /// Precondition: `found` is not empty. Addresses that are not in `found` are removed.
  void replace(const std::vector<Endpoint>& found);
  void look_up_ended(TimePoint now) noexcept;
  /// The lookup could not be started: the next one is due as if it had just ended.
  void put_off_look_up(TimePoint now) noexcept { looked_up_at_ = now; }
  bool looking_up() const noexcept { return looking_up_; }
  /// None of the addresses can be reached: the name may have new ones.
  void need_look_up() noexcept { urgent_ = true; }

 private:
  static bool is_out(const Address& address, TimePoint now) noexcept {
    return address.failures_ > 0 && now < address.out_until_;
  }
  static bool comes_first(const Address& a, const Address& b, TimePoint now) noexcept;
  static void leave_out(Address& address, TimePoint now) noexcept;

  std::vector<Ref> addresses_;
  std::uint64_t uses_ = 0;
  bool looking_up_ = false;
  bool urgent_ = false;
  bool asked_ = false;  // since the last lookup
  TimePoint looked_up_at_{};
};

}  // namespace crolang::webhook_common
