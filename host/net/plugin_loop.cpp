#include "net/plugin_loop.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <array>
#include <new>
#include <string>

#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {
namespace {

// Ready descriptors per loop iteration; the rest is left for the next one.
constexpr int kMaxEvents = 64;
constexpr std::uint64_t kEventKey = 0;  // no watch has this number
constexpr std::uint64_t kTimerKey = ~std::uint64_t{0};
constexpr unsigned kWorkerBits = 16;
constexpr unsigned kCountBits = 64 - kWorkerBits;

// Set in the key of a watch, never in that of a connection, whose lower half is a slot and a
// worker.
constexpr std::uint64_t kWatchBit = std::uint64_t{1} << 31;

/// The count of a number, around that bit.
std::uint64_t key_of(std::uint64_t number) {
  const std::uint64_t count = number & ((std::uint64_t{1} << kCountBits) - 1);
  return (count & (kWatchBit - 1)) | kWatchBit | (count >> 31) << 32;
}

std::uint64_t count_of(std::uint64_t key) {
  return (key & (kWatchBit - 1)) | (key >> 32) << 31;
}

thread_local std::uint32_t t_worker = CROLANG_NO_WORKER;

std::uint32_t to_epoll(std::uint32_t events) {
  std::uint32_t interest = EPOLLRDHUP;
  if ((events & CROLANG_READABLE) != 0) interest |= EPOLLIN;
  if ((events & CROLANG_WRITABLE) != 0) interest |= EPOLLOUT;
  return interest;
}

std::uint32_t from_epoll(std::uint32_t ready) {
  std::uint32_t events = 0;
  if ((ready & EPOLLIN) != 0) events |= CROLANG_READABLE;
  if ((ready & EPOLLOUT) != 0) events |= CROLANG_WRITABLE;
  if ((ready & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) events |= CROLANG_HANGUP;
  return events;
}

}  // namespace

PluginLoop::PluginLoop(std::uint16_t worker)
    : worker_(worker),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_(checked(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
                     "timerfd_create")) {
  for (const auto& [fd, key] : {std::pair{event_.get(), kEventKey}, {timer_.get(), kTimerKey}}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = key;
    checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }
}

std::uint32_t PluginLoop::current_worker() noexcept {
  return t_worker;
}

std::uint32_t PluginLoop::worker_of(std::uint64_t number) noexcept {
  return static_cast<std::uint32_t>(number >> kCountBits);
}

std::uint64_t PluginLoop::next_number() noexcept {
  return std::uint64_t{worker_} << kCountBits | ++last_number_;
}

bool PluginLoop::is_key(std::uint64_t key) noexcept {
  // The worker has other keys with this bit, from the highest number downwards.
  return (key & kWatchBit) != 0 && count_of(key) >> kCountBits == 0;
}

void PluginLoop::enter(int epoll) noexcept {
  t_worker = worker_;
  const std::lock_guard lock(mutex_);
  thread_ = std::this_thread::get_id();
  worker_epoll_ = epoll;
  if (epoll < 0) return;
  for (auto& [number, watch] : watches_) {
    const int before = watch.epoll;
    if (place(number, watch)) ::epoll_ctl(before, EPOLL_CTL_DEL, watch.fd, nullptr);
  }
}

void PluginLoop::leave() noexcept {
  t_worker = CROLANG_NO_WORKER;
  {
    const std::lock_guard lock(mutex_);
    thread_ = {};
    left_ = true;
    for (auto& [number, watch] : watches_) {
      ::epoll_ctl(watch.epoll, EPOLL_CTL_DEL, watch.fd, nullptr);
      watch.epoll = epoll_.get();
    }
    worker_epoll_ = -1;
    timers_.clear();
    timer_due_.clear();
    note_next_timer();
    running_.swap(posted_);
  }
  for (const Call& call : running_) {
    if (call.ends_watch) call.fn(call.arg);
  }
  running_.clear();
}

void PluginLoop::run() noexcept {
  std::array<epoll_event, kMaxEvents> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kEventKey) {
      run_posted();
    } else if (event.data.u64 == kTimerKey) {
      reset_counter(timer_.get());
      run_timers();
    } else {
      run_watch(event.data.u64, from_epoll(event.events));
    }
  }
}

void PluginLoop::serve(std::uint64_t key, std::uint32_t events) noexcept {
  run_watch(std::uint64_t{worker_} << kCountBits | count_of(key), from_epoll(events));
}

// ---- Watches ------------------------------------------------------------------------------------

bool PluginLoop::control(int operation, std::uint64_t number, const Watch& watch) const noexcept {
  epoll_event event{};
  event.events = to_epoll(watch.events);
  event.data.u64 = watch.epoll == epoll_.get() ? number : key_of(number);
  return ::epoll_ctl(watch.epoll, operation, watch.fd, &event) == 0;
}

bool PluginLoop::place(std::uint64_t number, Watch& watch) const noexcept {
  const int before = watch.epoll;
  watch.epoll = worker_epoll_ >= 0 ? worker_epoll_ : epoll_.get();
  if (control(EPOLL_CTL_ADD, number, watch)) return true;
  watch.epoll = before;
  return false;
}

std::uint64_t PluginLoop::watch(const char* plugin, int fd, std::uint32_t events, crolang_io_fn fn,
                                void* arg) noexcept {
  const std::lock_guard lock(mutex_);
  if (left_) return 0;
  const std::uint64_t number = next_number();
  try {
    const auto added =
        watches_.emplace(number, Watch{plugin, fd, events | CROLANG_HANGUP, fn, arg, -1}).first;
    if (place(number, added->second)) return number;
  } catch (const std::bad_alloc&) {
    return 0;
  }
  watches_.erase(number);
  return 0;
}

bool PluginLoop::modify(std::uint64_t watch, std::uint32_t events) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return false;
  found->second.events = events | CROLANG_HANGUP;
  return control(EPOLL_CTL_MOD, watch, found->second);
}

bool PluginLoop::unwatch(std::uint64_t watch, Function done, void* arg) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto found = watches_.find(watch);
    if (found == watches_.end()) return false;
    // Its callback may be running on the worker.
    const bool at_once = thread_ == std::thread::id{} || thread_ == std::this_thread::get_id();
    if (!at_once && done != nullptr) {
      try {
        posted_.push_back({found->second.plugin, done, arg, true});
      } catch (const std::bad_alloc&) {
        return false;
      }
      done = nullptr;
      event_.signal();
    }
    ::epoll_ctl(found->second.epoll, EPOLL_CTL_DEL, found->second.fd, nullptr);
    watches_.erase(found);
  }
  if (done != nullptr) done(arg);
  return true;
}

void PluginLoop::run_watch(std::uint64_t number, std::uint32_t ready) noexcept {
  Watch watch{};
  {
    const std::lock_guard lock(mutex_);
    const auto found = watches_.find(number);
    // The watch has ended since epoll_wait returned.
    if (found == watches_.end()) return;
    watch = found->second;
  }
  // Perhaps another callback has changed what it is watched for since then.
  ready &= watch.events;
  if (ready == 0) return;
  time(watch.plugin, [&] { watch.fn(watch.arg, ready); });
}

// ---- Timers -------------------------------------------------------------------------------------

std::uint64_t PluginLoop::set_timer(const char* plugin, std::chrono::milliseconds delay,
                                    Function fn, void* arg) noexcept {
  const TimePoint due = std::chrono::steady_clock::now() + delay;
  const std::lock_guard lock(mutex_);
  if (left_) return 0;
  const std::uint64_t number = next_number();
  try {
    add_timer(due, number, Call{plugin, fn, arg, false});
  } catch (const std::bad_alloc&) {
    return 0;
  }
  if (timers_.begin()->first.second != number) return number;
  note_next_timer();
  // Its worker looks at next_timer before it sleeps.
  const bool is_noticed = worker_epoll_ >= 0 && thread_ == std::this_thread::get_id();
  if (!is_noticed) arm(due);
  return number;
}

bool PluginLoop::cancel_timer(std::uint64_t timer) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = timer_due_.find(timer);
  if (found == timer_due_.end()) return false;
  // If the timer descriptor is armed for it, the loop wakes up once unnecessarily.
  remove_timer(timers_.find({found->second, timer}));
  return true;
}

/// Requires the lock, as the following ones do.
void PluginLoop::add_timer(TimePoint due, std::uint64_t number, const Call& call) {
  if (spare_due_.empty()) {
    timer_due_.emplace(number, due);
  } else {
    spare_due_.key() = number;
    spare_due_.mapped() = due;
    timer_due_.insert(std::move(spare_due_));
  }
  try {
    if (spare_timer_.empty()) {
      timers_.emplace(std::pair(due, number), call);
    } else {
      spare_timer_.key() = {due, number};
      spare_timer_.mapped() = call;
      timers_.insert(std::move(spare_timer_));
    }
  } catch (const std::bad_alloc&) {
    timer_due_.erase(number);
    throw;
  }
}

void PluginLoop::remove_timer(Timers::iterator timer) noexcept {
  spare_due_ = timer_due_.extract(timer->first.second);
  spare_timer_ = timers_.extract(timer);
  note_next_timer();
}

void PluginLoop::note_next_timer() noexcept {
  const TimePoint next = timers_.empty() ? TimePoint::max() : timers_.begin()->first.first;
  next_timer_.store(next.time_since_epoch().count(), std::memory_order_relaxed);
}

void PluginLoop::arm(TimePoint due) noexcept {
  const auto since_boot = due.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  itimerspec spec{};
  spec.it_value.tv_sec = static_cast<time_t>(seconds.count());
  spec.it_value.tv_nsec = static_cast<long>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_boot - seconds).count());
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void PluginLoop::run_timers() noexcept {
  const TimePoint now = std::chrono::steady_clock::now();
  // Timers that are set by a timer's function wait for the next loop iteration.
  std::uint64_t last = 0;
  for (bool first = true;; first = false) {
    Call call{};
    {
      const std::lock_guard lock(mutex_);
      if (first) last = last_number_;
      const auto next = timers_.begin();
      if (next == timers_.end()) return;
      const auto [due, number] = next->first;
      const bool is_new = (number & ((std::uint64_t{1} << kCountBits) - 1)) > last;
      if (due > now || is_new) {
        if (worker_epoll_ < 0) arm(due);
        return;
      }
      call = next->second;
      remove_timer(next);
    }
    time(call.plugin, [&] { call.fn(call.arg); });
  }
}

// ---- Posts --------------------------------------------------------------------------------------

bool PluginLoop::post(const char* plugin, Function fn, void* arg) noexcept {
  const std::lock_guard lock(mutex_);
  if (left_) return false;
  try {
    posted_.push_back({plugin, fn, arg, false});
  } catch (const std::bad_alloc&) {
    return false;
  }
  if (posted_.size() == 1) event_.signal();
  return true;
}

void PluginLoop::run_posted() noexcept {
  event_.reset();
  {
    const std::lock_guard lock(mutex_);
    running_.swap(posted_);
  }
  for (const Call& call : running_) {
    time(call.plugin, [&] { call.fn(call.arg); });
  }
  running_.clear();
}

// ---- Slow callbacks -----------------------------------------------------------------------------

template <class Invoke>
void PluginLoop::time(const char* plugin, Invoke&& invoke) noexcept {
  const TimePoint before = std::chrono::steady_clock::now();
  own_time_.before_call(before);
  invoke();
  const TimePoint after = std::chrono::steady_clock::now();
  if (after - before >= modules::OwnTime::kSlow) log_slow(plugin, before, after);
}

void PluginLoop::log_slow(const char* plugin, TimePoint before, TimePoint after) noexcept {
  const auto blocked = own_time_.blocked_for(before, after);
  if (!blocked) return;
  static telemetry::Throttle throttle{10};
  const auto suppressed = throttle.admit(after);
  if (!suppressed) return;
  try {
    telemetry::log::error("a plugin blocked a worker for more than 5 ms",
                          {{"plugin", plugin},
                           {"question", "callback"},
                           {"detail", std::to_string(blocked->count()) + " ms"},
                           {"suppressed", *suppressed}});
  } catch (const std::bad_alloc&) {
    // The next one is logged.
  }
}

}  // namespace crolang::net
