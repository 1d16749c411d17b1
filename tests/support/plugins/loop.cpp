/// loop: authentication whose answers come from the loop of the worker that asked, by io/1. Each
/// worker has a socket pair there: a question is written into one end, heard at the other, and
/// answered yes by a timer a moment later; no, if anything of that happens on another thread.
///
/// Says at stop whether all callbacks had ended by then.
#include <crolang/io.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <crolang/plugin.hpp>
#include <deque>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

using crolang::plugin::Authenticated;
using crolang::plugin::ConnectingNode;
using crolang::plugin::Host;
using crolang::plugin::LogLevel;

constexpr std::uint32_t kDelayMs = 5;

/// What the questions of one worker pass through. Threads: that worker, once constructed.
class Pipe {
 public:
  Pipe(const crolang_io* io, std::uint32_t worker) : io_(io), worker_(worker) {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()) != 0) {
      throw std::runtime_error("no socket pair");
    }
    watch_ = io_->watch(io_->ctx, worker_, ends_[0], CROLANG_READABLE, &Pipe::on_ready, this);
    if (watch_ == 0) throw std::runtime_error("cannot watch a socket");
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    for (const int end : ends_) ::close(end);
  }

  void ask(Authenticated answer) {
    asked_.push_back(std::move(answer));
    const char byte = 'x';
    if (::write(ends_[1], &byte, 1) != 1) throw std::runtime_error("the socket pair is full");
  }

  /// Once the workers have ended: true if the loop says so, too.
  bool end() {
    bool told = false;
    const bool ended = io_->unwatch(
        io_->ctx, watch_, [](void* told_at) { *static_cast<bool*>(told_at) = true; }, &told);
    return ended && told &&
           !io_->post(
               io_->ctx, worker_, [](void*) {}, nullptr);
  }

 private:
  bool is_here() const { return io_->current_worker(io_->ctx) == worker_; }

  static void on_ready(void* self, std::uint32_t events) {
    auto& pipe = *static_cast<Pipe*>(self);
    std::array<char, 64> bytes{};
    const ssize_t count = ::read(pipe.ends_[0], bytes.data(), bytes.size());
    const bool fine = pipe.is_here() && events == CROLANG_READABLE;
    for (ssize_t i = 0; i < count; ++i) {
      Authenticated answer = std::move(pipe.asked_.front());
      pipe.asked_.pop_front();
      if (!fine) {
        answer.no("a callback on another thread, or for another reason");
        continue;
      }
      pipe.received_.push_back(std::move(answer));
      if (pipe.io_->set_timer(pipe.io_->ctx, pipe.worker_, kDelayMs, &Pipe::on_time, self) == 0) {
        pipe.received_.back().no("no timer");
        pipe.received_.pop_back();
      }
    }
  }

  // Timers of one length come in their order.
  static void on_time(void* self) {
    auto& pipe = *static_cast<Pipe*>(self);
    Authenticated answer = std::move(pipe.received_.front());
    pipe.received_.pop_front();
    pipe.is_here() ? answer.yes() : answer.no("a timer on another thread");
  }

  const crolang_io* const io_;
  const std::uint32_t worker_;
  std::array<int, 2> ends_{-1, -1};
  std::uint64_t watch_ = 0;
  std::deque<Authenticated> asked_;
  std::deque<Authenticated> received_;
};

class Loop final : public crolang::plugin::Authentication {
 public:
  explicit Loop(Host host) : host_(std::move(host)), io_(host_.service<crolang_io>(CROLANG_IO)) {
    if (io_ == nullptr) throw std::runtime_error("this broker has no io/1");
    for (std::uint32_t worker = 0; worker < io_->worker_count; ++worker) {
      pipes_.push_back(std::make_unique<Pipe>(io_, worker));
      io_->post(
          io_->ctx, worker,
          [](void* self) {
            const auto& loop = *static_cast<Loop*>(self);
            const std::uint32_t here = loop.io_->current_worker(loop.io_->ctx);
            loop.host_.log(LogLevel::info, "runs on worker " + std::to_string(here));
          },
          this);
    }
    if (io_->watch(
            io_->ctx, io_->worker_count, 0, 0, [](void*, std::uint32_t) {}, nullptr) != 0) {
      throw std::runtime_error("there is a worker too many");
    }
  }

  void authenticate(const ConnectingNode&, Authenticated answer) override {
    const std::uint32_t worker = io_->current_worker(io_->ctx);
    if (worker < pipes_.size()) {
      pipes_[worker]->ask(std::move(answer));
    } else {
      answer.no("asked on no worker's thread");
    }
  }

  void stop(crolang::plugin::Stopped stopped) override {
    bool ended = io_->current_worker(io_->ctx) == CROLANG_NO_WORKER;
    for (const auto& pipe : pipes_) ended = pipe->end() && ended;
    host_.log(LogLevel::info, ended ? "all callbacks have ended" : "a loop goes on");
    pipes_.clear();
    stopped();
  }

 private:
  const Host host_;
  const crolang_io* const io_;
  std::vector<std::unique_ptr<Pipe>> pipes_;
};

}  // namespace

CROLANG_PLUGIN(Loop, "org.crolang.test.loop", "1.0.0", "answers on the loop that asked",
               crolang::plugin::kNoEnv)
