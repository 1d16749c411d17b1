#include "net/server.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "net/drain.hpp"
#include "net/wire.hpp"
#include "plugin_host/until_memory.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "websocket/handshake.hpp"

namespace crolang::net {
namespace {

// A connection is handed to another worker only if that evens out more than this: the hand-over
// costs a wake-up.
constexpr std::uint32_t kSlack = 16;
// Who claims ids that are held here while there is no room: so many at a time.
constexpr std::uint64_t kHolders = 64;
constexpr auto kSlice = std::chrono::milliseconds(50);
constexpr auto kShortestDrain = std::chrono::milliseconds(200);

}  // namespace

Server::Server(const ServerOptions& options, std::string instance,
               const modules::ModuleTable& modules, Descriptor listener)
    : options_(options),
      memory_(options.max_memory_bytes),
      listener_(std::move(listener)),
      outlets_(options.workers),
      grid_(options.policy, std::move(instance), modules, outlets_, *this) {
  // Now, while there is memory for what OpenSSL needs once.
  websocket::accept_key({});
  for (std::uint16_t i = 0; i < options.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, grid_, *this, options_.limits,
                                                options.plugin_timeout, listener_.get()));
  }
}

Server::~Server() {
  stop();
}

void Server::start() {
  workers_.front()->start_sweeping(options_.sweep_interval);
  for (const auto& worker : workers_) {
    threads_.emplace_back([w = worker.get()] { w->run(); });
  }
}

void Server::stop() {
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    workers_[i]->post([](Worker& worker) { worker.stop(); });
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Server::drain(Control& control, std::chrono::milliseconds duration,
                   std::function<void()> finished) {
  grid_.draining.store(true);
  Drain drain;
  // The last fifth is left for the slowest to end their side.
  drain.slices = std::max<std::size_t>(static_cast<std::size_t>(duration * 4 / 5 / kSlice), 1);
  drain.nodes = total(&Worker::nodes);
  // Even with no time to spare the last bytes go out, and the end of TCP after them.
  drain.deadline = std::chrono::steady_clock::now() +
                   std::max<std::chrono::milliseconds>(duration, kShortestDrain);
  drain.finished = std::move(finished);
  drain_slice(control, std::move(drain));
}

void Server::drain_slice(Control& control, Drain drain) {
  if (total(&Worker::sessions) == 0 || std::chrono::steady_clock::now() >= drain.deadline) {
    drain.finished();
    return;
  }
  try {
    send_away(drain);
    ++drain.slice;
  } catch (const std::bad_alloc&) {
    // The next slice makes up for it.
  }
  std::function<void()> go_on;
  plugin_host::until_there_is_memory(
      [&] { go_on = [this, &control, drain] { drain_slice(control, drain); }; });
  control.post_after(kSlice, std::move(go_on));
}

void Server::send_away(const Drain& drain) {
  std::vector<std::size_t> nodes;
  for (const auto& worker : workers_) nodes.push_back(worker->nodes());
  const auto left = stay_on(nodes, may_stay(drain.nodes, drain.slice, drain.slices));
  // Not how many are to leave: a worker that is late must not send away what two slices ask for.
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([most = left[i]](Worker& w) { w.drain(most); });
  }
}

void Server::post(std::uint16_t worker, std::function<void(broker::Broker&)> task) {
  workers_[worker]->post([run = std::move(task)](Worker& w) { run(w.broker()); });
}

void Server::flush(session::DirtyList& dirty) {
  std::size_t sent = 0;
  for (session::Outlet* outlet : dirty.outlets) sent += net::flush(*outlet);
  grid_.counters.add(telemetry::Counter::bytes_sent, sent);
  dirty.outlets.clear();
  dirty.bytes = 0;
}

template <class Figure>
std::uint64_t Server::total(Figure (Worker::*figure)() const noexcept) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += (*worker.*figure)();
  return sum;
}

std::uint16_t Server::choose_worker(std::uint16_t accepted_by) {
  std::uint16_t least = accepted_by;
  for (std::uint16_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i]->load() < workers_[least]->load()) least = i;
  }
  const bool worth_it = workers_[least]->load() + kSlack < workers_[accepted_by]->load();
  return worth_it ? least : accepted_by;
}

Pages::Room Server::room() const {
  const std::uint64_t most = options_.max_connections;
  const std::uint64_t nodes = total(&Worker::nodes);
  if (most == 0 || nodes <= most) return Room::plenty;
  return nodes <= most + kHolders ? Room::for_holders : Room::none;
}

std::size_t Server::largest_holding() const {
  std::size_t largest = 0;
  for (const auto& worker : workers_) largest = std::max(largest, worker->largest_holding());
  return largest;
}

bool Server::is_overfull() const {
  return options_.max_sockets != 0 && total(&Worker::load) >= options_.max_sockets;
}

void Server::hand_over(Descriptor socket, std::uint16_t worker) {
  workers_[worker]->receive(std::move(socket));
}

Response Server::render(PageRequest request) {
  const bool draining = grid_.draining.load();
  const std::size_t nodes = grid_.directory.size();
  switch (request.page) {
    case Page::root:
      return make_response(200, request.after,
                           {"text/plain; charset=utf-8",
                            "crolang-broker " + options_.version +
                                ": nodes connect by Socket.IO (WebSocket) at /socket.io/\n"});
    case Page::health:
    case Page::readiness: {
      const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
          std::chrono::steady_clock::now() - born_);
      std::string body = R"({"status":")";
      body += draining ? "draining" : "ok";
      body += R"(","version":")" + options_.version + R"(","uptimeSeconds":)" +
              std::to_string(uptime.count()) + R"(,"nodes":)" + std::to_string(nodes) + "}";
      // A broker that drains is alive, but not ready.
      const unsigned status = request.page == Page::readiness && draining ? 503 : 200;
      return make_response(status, request.after, {"application/json", body},
                           "Cache-Control: no-store\r\n");
    }
    case Page::metrics:
      break;
  }
  if (!options_.metrics) return make_response(404, request.after);
  std::vector<const telemetry::Counters*> counters{&grid_.counters};
  for (const auto& worker : workers_) {
    counters.push_back(&worker->counters());
    counters.push_back(&worker->plugin_faults());
  }
  telemetry::Gauges gauges;
  gauges.version = options_.version;
  gauges.started = started_;
  gauges.workers = workers_.size();
  gauges.connections = total(&Worker::load);
  gauges.nodes = nodes;
  gauges.inbound_bytes = total(&Worker::inbound_bytes);
  for (std::uint16_t i = 0; i < count(); ++i) gauges.outbox_bytes += outlets_.table(i).waiting();
  memory_.measure();
  gauges.memory_bytes = memory_.used();
  gauges.memory_limit_bytes = memory_.limit();
  gauges.log_lines_dropped = telemetry::log::dropped();
  gauges.draining = draining;
  return make_response(200, request.after,
                       {telemetry::kMetricsContentType, telemetry::render(counters, gauges)});
}

}  // namespace crolang::net
