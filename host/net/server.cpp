#include "net/server.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "crolang/until_memory.hpp"
#include "net/drain.hpp"
#include "net/tls_scratch.hpp"
#include "net/transport.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "websocket/handshake.hpp"

namespace crolang::net {
namespace {

// An accepted socket is passed to another worker only if their loads differ by more than this,
// since passing it on costs a wake-up.
constexpr std::uint32_t kSlack = 16;
// How many nodes beyond the limit may claim ids that are held here at a time.
constexpr std::uint64_t kHolders = 64;
constexpr auto kSlice = std::chrono::milliseconds(50);
constexpr auto kShortestDrain = std::chrono::milliseconds(200);

HttpPolicy http_policy(const ServerOptions& options) {
  HttpPolicy policy = node_listener_policy();
  if (options.allowed_origins) policy.origins = &*options.allowed_origins;
  return policy;
}

client_address::Policy without_proxy_header(client_address::Policy clients) {
  clients.proxy_protocol = client_address::ProxyProtocol::refused;
  return clients;
}

AcceptPolicy::Rules accept_rules(const ServerOptions& options,
                                 std::optional<AddressLimits>& address_limits) {
  const std::uint64_t share = (options.max_handshakes + options.workers - 1) / options.workers;
  return {.max_sockets = options.max_sockets,
          .max_handshakes = static_cast<std::uint32_t>(share),
          .addresses = address_limits ? &*address_limits : nullptr,
          .trusted_proxies = &options.clients.trusted_proxies};
}

}  // namespace

Server::Server(const ServerOptions& options, std::string instance,
               const modules::ModuleTable& modules, PluginIo& plugin_io, Listeners listeners)
    : options_(options),
      http_(http_policy(options_)),
      plain_clients_(without_proxy_header(options_.clients)),
      listener_policies_{{http_, options_.clients, options_.tls}, {http_, plain_clients_}},
      memory_(options.max_memory_bytes),
      listeners_(std::move(listeners)),
      outboxes_(options.workers),
      shared_(options.policy, std::move(instance), modules, outboxes_, *this,
              {options.version, std::chrono::system_clock::now()}) {
  if (options.per_address.is_set()) {
    address_limits_.emplace(options.per_address, options.max_sockets);
  }
  // The first call makes OpenSSL allocate; do that while there is memory.
  websocket::accept_key({});
  // Throws if this OpenSSL does not have what TLS needs.
  if (options_.tls != nullptr) TlsScratch::of_this_thread();
  for (std::uint16_t i = 0; i < options.workers; ++i) {
    const WorkerOptions worker{
        .index = i,
        .nodes_listener = listeners_.nodes.get(),
        .plain_listener = listeners_.plain.get(),
        .listeners = listener_policies_,
        .accept = accept_rules(options_, address_limits_),
        .limits = options_.limits,
        .plugin_timeout = options_.plugin_timeout,
    };
    workers_.push_back(std::make_unique<Worker>(worker, shared_, *this, plugin_io.loop(i)));
  }
}

Server::~Server() {
  stop();
}

void Server::start() {
  workers_.front()->start_validity_checks(options_.validity_check_interval);
  workers_.front()->start_status_reports();
  for (const auto& worker : workers_) {
    threads_.emplace_back([w = worker.get()] { w->run(); });
  }
}

std::vector<const telemetry::Counters*> Server::counters() const {
  std::vector<const telemetry::Counters*> all{&shared_.counters};
  for (const auto& worker : workers_) {
    all.push_back(&worker->counters());
    all.push_back(&worker->plugin_faults());
  }
  return all;
}

void Server::watch_latencies(process::Control& control) {
  std::function<void()> again;
  until_there_is_memory([&] {
    latency_window_.sample(std::chrono::steady_clock::now(), telemetry::latency_counts(counters()));
    again = [this, &control] { watch_latencies(control); };
  });
  control.post_after(telemetry::LatencyWindow::kInterval, std::move(again));
}

void Server::stop() {
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    workers_[i]->post(Worker::Stop{});
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Server::drain(process::Control& control, std::chrono::milliseconds duration,
                   std::function<void()> finished) {
  shared_.draining.store(true);
  Drain drain;
  // The last fifth of the duration is left for the slowest nodes to close their side.
  drain.slices = std::max<std::size_t>(static_cast<std::size_t>(duration * 4 / 5 / kSlice), 1);
  drain.nodes = total(&Worker::nodes);
  // Even with a duration of 0 there is time to send the last bytes and to close the TCP
  // connections.
  drain.deadline = std::chrono::steady_clock::now() +
                   std::max<std::chrono::milliseconds>(duration, kShortestDrain);
  drain.finished = std::move(finished);
  drain.number = current_drain_ = ++last_drain_;
  drain_slice(control, std::move(drain));
}

Server::DrainCancelled Server::cancel_drain() {
  if (current_drain_ == 0) return DrainCancelled::there_was_none;
  current_drain_ = 0;
  shared_.draining.store(false);
  return DrainCancelled::yes;
}

void Server::drain_slice(process::Control& control, Drain drain) {
  if (drain.number != current_drain_) return;
  if (total(&Worker::sessions) == 0 || std::chrono::steady_clock::now() >= drain.deadline) {
    current_drain_ = 0;
    drain.finished();
    return;
  }
  try {
    post_drain_commands(drain);
    ++drain.slice;
  } catch (const std::bad_alloc&) {
    // The next slice disconnects these nodes as well.
  }
  std::function<void()> go_on;
  until_there_is_memory([&] { go_on = [this, &control, drain] { drain_slice(control, drain); }; });
  control.post_after(kSlice, std::move(go_on));
}

void Server::post_drain_commands(const Drain& drain) {
  std::vector<std::size_t> nodes;
  for (const auto& worker : workers_) nodes.push_back(worker->nodes());
  const auto left = stay_on(nodes, may_stay(drain.nodes, drain.slice, drain.slices));
  // Posts how many may stay, not how many are to leave: a worker that is late must not disconnect
  // the nodes of two slices at once.
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post(Worker::Drain{left[i]});
  }
}

void Server::post(std::uint16_t worker, broker::Command command) {
  workers_[worker]->post(std::move(command));
}

void Server::flush(session::DirtyList& dirty) {
  shared_.counters.add(telemetry::Counter::bytes_sent, flush_all(dirty, kNoEpoll));
}

session::DirtyList* Server::dirty_here() {
  Worker* const worker = Worker::current();
  return worker != nullptr && worker->serves(shared_) ? &worker->dirty() : nullptr;
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
  const bool is_balanced_better = workers_[least]->load() + kSlack < workers_[accepted_by]->load();
  return is_balanced_better ? least : accepted_by;
}

WorkerHost::Room Server::room() const {
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

std::uint64_t Server::open_connections() const {
  return total(&Worker::load);
}

void Server::pass_socket(AcceptedSocket accepted, std::uint16_t worker) {
  workers_[worker]->receive(std::move(accepted));
}

Response Server::render(PageRequest request) {
  const bool draining = shared_.draining.load();
  const std::size_t nodes = shared_.directory.size();
  switch (request.page) {
    case Page::root:
      return make_response(200, request.after,
                           {"text/plain; charset=utf-8",
                            "crolang-broker " + options_.version +
                                ": nodes connect by Socket.IO (WebSocket) at /socket.io/\n"});
    case Page::health:
    case Page::readiness: {
      const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
          std::chrono::steady_clock::now() - up_since_);
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
  return make_response(200, request.after, {telemetry::kMetricsContentType, metrics_page()});
}

std::string Server::metrics_page() {
  telemetry::Gauges gauges;
  gauges.version = options_.version;
  gauges.started = started_;
  gauges.workers = workers_.size();
  gauges.connections = total(&Worker::load);
  gauges.nodes = shared_.directory.size();
  gauges.nodes_limit = options_.max_connections;
  gauges.handshakes = total(&Worker::handshakes);
  gauges.inbound_bytes = total(&Worker::inbound_bytes);
  for (std::uint16_t i = 0; i < count(); ++i) gauges.outbox_bytes += outboxes_.table(i).waiting();
  memory_.measure();
  gauges.memory_bytes = memory_.used();
  gauges.memory_limit_bytes = memory_.limit();
  gauges.log_lines_dropped = telemetry::log::dropped();
  gauges.draining = shared_.draining.load();
  if (options_.tls != nullptr) gauges.certificate_expiry = options_.tls->get()->end_of_validity();
  std::string page = telemetry::render(counters(), gauges);
  if (options_.plugin_metrics != nullptr) page += options_.plugin_metrics->text();
  return page;
}

}  // namespace crolang::net
