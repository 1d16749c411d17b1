#pragma once
/// Descriptors, timers and functions of plugins on the loop of one worker: what io/1 offers, for
/// that worker. While the worker runs, descriptors are registered in the worker's own epoll, among
/// those of nodes: one that is always ready is served once per loop iteration, as any of theirs;
/// and the worker asks when the next timer is due. Posts, timers that other threads set, and what
/// was watched before the worker ran, are in an epoll of this object, which the worker's epoll
/// waits for like for any descriptor. So it costs nothing while it is not used.
///
/// Threads: enter, run, serve and leave are the worker's; everything else may be called by any
/// thread, also in a callback. No callback runs with the lock held. Errors: functions return 0 or
/// false for lack of memory; only the constructor throws.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "crolang/io.h"
#include "modules/clients/own_time.hpp"
#include "net/descriptor.hpp"
#include "net/event_descriptor.hpp"

namespace crolang::net {

class PluginLoop {
 public:
  using Function = void (*)(void* arg);
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Throws std::system_error if the system has no descriptor left.
  explicit PluginLoop(std::uint16_t worker);
  PluginLoop(const PluginLoop&) = delete;
  PluginLoop& operator=(const PluginLoop&) = delete;

  /// Readable when run has something to do.
  int descriptor() const noexcept { return epoll_.get(); }

  /// The worker's thread calls this before run. `epoll`: of the worker, which reports watched
  /// descriptors by keys for which is_key is true, for serve; -1: run finds them.
  void enter(int epoll = -1) noexcept;
  static bool is_key(std::uint64_t key) noexcept;
  /// Runs the callback of a descriptor that the worker's epoll has reported with these events.
  void serve(std::uint64_t key, std::uint32_t events) noexcept;
  /// Runs the callbacks of ready descriptors and due timers, and the functions posted before the
  /// call.
  void run() noexcept;
  /// When run_timers has to be called at the latest; TimePoint::max(): no timer is set.
  TimePoint next_timer() const noexcept {
    return TimePoint(TimePoint::duration(next_timer_.load(std::memory_order_relaxed)));
  }
  void run_timers() noexcept;
  /// From now on no callback runs except those that wait for the end of a watch.
  void leave() noexcept;

  /// CROLANG_NO_WORKER: the calling thread is not a worker's.
  static std::uint32_t current_worker() noexcept;

  // As in crolang/io.h; `plugin` is the id of the plugin that owns the function, and lives for the
  // process.
  std::uint64_t watch(const char* plugin, int fd, std::uint32_t events, crolang_io_fn fn,
                      void* arg) noexcept;
  bool modify(std::uint64_t watch, std::uint32_t events) noexcept;
  bool unwatch(std::uint64_t watch, Function done, void* arg) noexcept;
  std::uint64_t set_timer(const char* plugin, std::chrono::milliseconds delay, Function fn,
                          void* arg) noexcept;
  bool cancel_timer(std::uint64_t timer) noexcept;
  bool post(const char* plugin, Function fn, void* arg) noexcept;

  /// The worker that a number of a watch or a timer belongs to.
  static std::uint32_t worker_of(std::uint64_t number) noexcept;

 private:
  struct Watch {
    const char* plugin;
    int fd;
    std::uint32_t events;  // that are reported: as requested, and CROLANG_HANGUP
    crolang_io_fn fn;
    void* arg;
    int epoll;  // in which the descriptor is registered
  };
  struct Call {
    const char* plugin;
    Function fn;
    void* arg;
    bool ends_watch;  // it is always called, even after leave
  };
  using Timers = std::map<std::pair<TimePoint, std::uint64_t>, Call>;
  using TimerTimes = std::unordered_map<std::uint64_t, TimePoint>;

  std::uint64_t next_number() noexcept;
  /// Registers it in the epoll that is the place for it now. False: the system refuses.
  bool place(std::uint64_t number, Watch& watch) const noexcept;
  /// With the operation EPOLL_CTL_ADD or EPOLL_CTL_MOD.
  bool control(int operation, std::uint64_t number, const Watch& watch) const noexcept;
  void add_timer(TimePoint due, std::uint64_t number, const Call& call);
  void remove_timer(Timers::iterator timer) noexcept;
  void note_next_timer() noexcept;
  void arm(TimePoint due) noexcept;
  void run_watch(std::uint64_t number, std::uint32_t ready) noexcept;
  void run_posted() noexcept;
  template <class Invoke>
  void time(const char* plugin, Invoke&& invoke) noexcept;
  void log_slow(const char* plugin, TimePoint before, TimePoint after) noexcept;

  const std::uint16_t worker_;
  const Descriptor epoll_;
  const EventDescriptor event_;
  const Descriptor timer_;
  modules::OwnTime own_time_;  // the worker's

  std::atomic<TimePoint::rep> next_timer_{TimePoint::max().time_since_epoch().count()};

  std::mutex mutex_;          // guards what follows
  std::thread::id thread_{};  // the worker's, from enter to leave
  int worker_epoll_ = -1;     // from enter to leave
  bool left_ = false;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::uint64_t, Watch> watches_;
  Timers timers_;
  TimerTimes timer_due_;  // of each in timers_
  // Of a timer that has ended: whoever sets one again and again allocates nothing.
  Timers::node_type spare_timer_;
  TimerTimes::node_type spare_due_;
  std::vector<Call> posted_;
  std::vector<Call> running_;  // scratch; the worker's
};

}  // namespace crolang::net
