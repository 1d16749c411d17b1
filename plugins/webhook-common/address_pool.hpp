#pragma once
/// The addresses of a webhook's host: which of them is asked next, and when the name is looked up.
///
/// Those that work share the questions: next is the one with the fewest open, and of several the
/// one whose turn is longest ago. One that fails is left out for a while, then tried with a single
/// question; each further failure doubles the while, an answer ends it. If all fail, all are tried.
///
/// What a look-up finds replaces what was known. One that fails changes nothing: stale addresses
/// are better than none.
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

  // Between the end of a look-up and the next. A name that moves is followed within kIdleRefresh
  // and the time that a look-up takes, in any case.
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
    /// False: the name no longer leads to it.
    bool listed() const noexcept { return listed_; }

   private:
    friend class AddressPool;
    const Endpoint endpoint_;
    bool listed_ = true;
    std::size_t open_ = 0;    // questions
    std::uint64_t turn_ = 0;  // of its last question
    unsigned failures_ = 0;   // since its last answer
    TimePoint out_until_{};   // if it has failures
  };
  using Ref = std::shared_ptr<Address>;

  /// One question's share of an address's work, for as long as it lives.
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

  /// The one whose turn it is; null if none is known.
  const Address* best(TimePoint now) const noexcept;
  /// All of them: the best first, those that are left out last.
  std::vector<Ref> order(TimePoint now) const;
  /// A question is on its way to it.
  Share ask(const Ref& address, TimePoint now) noexcept;

  void answered(Address& address) noexcept;
  enum class Effect { none, left_out, all_fail };
  /// It cannot be reached, or breaks off, or does not answer in time. left_out: from now on, while
  /// others serve; all_fail: none does.
  Effect failed(Address& address, TimePoint now) noexcept;

  // ---- When to look the name up -----------------------------------------------------------------

  /// TimePoint::max() while a look-up is under way, and while nothing is known: then whoever asks
  /// needs one at once.
  TimePoint look_up_due() const noexcept;
  void look_up_began() noexcept { looking_up_ = true; }
  /// `found` is not empty. What is no longer among it is not listed any more.
  void replace(const std::vector<Endpoint>& found);
  void look_up_ended(TimePoint now) noexcept;
  /// It could not even begin: the next try is due as if it had just ended.
  void put_off_look_up(TimePoint now) noexcept { looked_up_at_ = now; }
  bool looking_up() const noexcept { return looking_up_; }
  /// None of the addresses can be reached: perhaps the name has moved.
  void need_look_up() noexcept { urgent_ = true; }

 private:
  static bool is_out(const Address& address, TimePoint now) noexcept {
    return address.failures_ > 0 && now < address.out_until_;
  }
  static bool comes_first(const Address& a, const Address& b, TimePoint now) noexcept;
  static void leave_out(Address& address, TimePoint now) noexcept;

  std::vector<Ref> addresses_;
  std::uint64_t turns_ = 0;
  bool looking_up_ = false;
  bool urgent_ = false;
  bool asked_ = false;  // since the last look-up
  TimePoint looked_up_at_{};
};

}  // namespace crolang::webhook_common
