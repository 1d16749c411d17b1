#include "telemetry/log.hpp"

#include <poll.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>

namespace crolang::telemetry::log {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kWaitingLines = 4096;
constexpr std::size_t kBatchBytes = 64 * 1024;
constexpr std::chrono::milliseconds kPoll{20};

// A pipe that poll reports as writable takes at least PIPE_BUF bytes without blocking (pipe(7)).
enum class Written { all, failed, too_late };

template <typename TooLate>
Written write_unless(int descriptor, std::string_view bytes, TooLate too_late) {
  while (!bytes.empty()) {
    pollfd ready{descriptor, POLLOUT, 0};
    const int found = ::poll(&ready, 1, static_cast<int>(kPoll.count()));
    if (found < 0 && errno != EINTR) return Written::failed;
    if (found <= 0) {
      if (too_late()) return Written::too_late;
      continue;
    }
    const ssize_t size =
        ::write(descriptor, bytes.data(), std::min(bytes.size(), std::size_t{PIPE_BUF}));
    if (size < 0 && errno != EINTR && errno != EAGAIN) return Written::failed;
    if (size > 0) bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return Written::all;
}

/// Collects the lines of a burst and writes them together. Only the pool's thread calls log and
/// flush.
class DescriptorSink final : public spdlog::sinks::sink {
 public:
  explicit DescriptorSink(const Options& options)
      : descriptor_(options.descriptor), format_(options.format) {}

  void watch(spdlog::details::thread_pool& pool) { pool_ = &pool; }
  void give_up_at(Clock::time_point time) { give_up_ = time.time_since_epoch(); }
  std::uint64_t unwritten() const { return unwritten_; }
  Format format() const { return format_; }

  void log(const spdlog::details::log_msg& line) override {
    try {
      report_overruns();
      append({line.payload.data(), line.payload.size()});
    } catch (const std::bad_alloc&) {
      ++unwritten_;
    }
    if (batch_.size() >= kBatchBytes || pool_->queue_size() == 0) flush();
  }

  void flush() override {
    const auto too_late = [this] { return Clock::now().time_since_epoch() >= give_up_.load(); };
    if (write_unless(descriptor_, batch_, too_late) != Written::all) unwritten_ += lines_;
    batch_.clear();
    lines_ = 0;
  }

  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  void report_overruns() {
    const std::size_t overruns = pool_->overrun_counter();
    if (overruns == reported_) return;
    append(format_line(format_, std::chrono::system_clock::now(), "warning", "log lines dropped",
                       {{"count", overruns - reported_}}));
    reported_ = overruns;
  }

  void append(std::string_view line) {
    batch_.reserve(batch_.size() + line.size() + 1);
    batch_.append(line).push_back('\n');
    ++lines_;
  }

  const int descriptor_;
  const Format format_;
  spdlog::details::thread_pool* pool_ = nullptr;
  std::string batch_;
  std::uint64_t lines_ = 0;
  std::size_t reported_ = 0;
  std::atomic<Clock::duration> give_up_{Clock::duration::max()};
  std::atomic<std::uint64_t> unwritten_{0};
};

// Signals are handled by other threads, and a closed standard output must not end the process.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

/// Members are destroyed in reverse order: the pool joins its thread while sink and logger still
/// exist.
struct Backend {
  explicit Backend(const Options& options) : sink(std::make_shared<DescriptorSink>(options)) {
    // The last batch ends with the pool's terminate message, so the sink does not see an empty
    // queue and has to be flushed here.
    const auto at_end = [last = sink.get()] { last->flush(); };
    pool = std::make_shared<spdlog::details::thread_pool>(kWaitingLines, 1, block_signals, at_end);
    sink->watch(*pool);
    logger = std::make_shared<spdlog::async_logger>("", sink, pool,
                                                    spdlog::async_overflow_policy::overrun_oldest);
  }

  std::shared_ptr<DescriptorSink> sink;
  std::shared_ptr<spdlog::async_logger> logger;
  std::shared_ptr<spdlog::details::thread_pool> pool;
};

std::atomic<std::uint64_t> g_unformatted{0};  // lines for which there was no memory
std::mutex g_mutex;                           // guards g_backend, not what it points to
std::shared_ptr<Backend> g_backend;

std::shared_ptr<Backend> exchange_backend(std::shared_ptr<Backend> next) {
  const std::lock_guard lock(g_mutex);
  return std::exchange(g_backend, std::move(next));
}

std::shared_ptr<Backend> backend() {
  const std::lock_guard lock(g_mutex);
  return g_backend;
}

}  // namespace

void start(const Options& options) {
  stop();
  exchange_backend(std::make_shared<Backend>(options));
  g_unformatted = 0;
  detail::g_level.store(static_cast<int>(options.level), std::memory_order_relaxed);
}

void stop(std::chrono::milliseconds timeout) {
  detail::g_level.store(static_cast<int>(Level::essentials), std::memory_order_relaxed);
  if (const auto last = exchange_backend(nullptr)) last->sink->give_up_at(Clock::now() + timeout);
}

std::uint64_t dropped() {
  const auto running = backend();
  return running ? running->pool->overrun_counter() + running->sink->unwritten() + g_unformatted
                 : 0;
}

void detail::write(std::string_view level, std::string_view message, Fields fields) noexcept try {
  const auto now = std::chrono::system_clock::now();
  if (const auto running = backend()) {
    const std::string line = format_line(running->sink->format(), now, level, message, fields);
    running->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
    return;
  }
  write_unless(STDOUT_FILENO, format_line(Format::text, now, level, message, fields) + '\n',
               [] { return true; });
} catch (const std::exception&) {
  ++g_unformatted;
}

}  // namespace crolang::telemetry::log
