#include "redis-registry/worker_link.hpp"

#include <algorithm>
#include <charconv>
#include <exception>
#include <new>
#include <utility>

#include "redis-registry/worker_address.hpp"

namespace crolang::redis_registry {

using plugin::Status;
using std::chrono::milliseconds;

namespace {

using Clock = std::chrono::steady_clock;

constexpr milliseconds kTick{100};
constexpr milliseconds kIdleTick{1000};
constexpr milliseconds kBetweenWarnings{5000};
// A shorter outage of a worker link is not logged.
constexpr milliseconds kTimeout{1000};

// All worker links together may be as far ahead of another broker as one was; but no worker link
// less than this.
constexpr std::size_t kLeastOpenBytes = std::size_t{1} << 20;

static_assert(WorkerMessages::kUncounted == WorkerPubSub::kNoNumber);

std::vector<std::string> channels(const std::string& prefix, const WorkerAddress& address) {
  std::vector<std::string> names = address.all();
  for (std::string& each : names) each.insert(0, prefix);
  return names;
}

std::string heartbeat(const WorkerAddress& address) {
  std::string batch;
  append_head(batch, address.own());
  return batch;
}

}  // namespace

/// Ends the watch before the descriptor is closed.
class WorkerLink::WatchedTransport final : public Transport {
 public:
  WatchedTransport(std::unique_ptr<Transport> inner, WorkerLink& worker_link, std::size_t link)
      : inner_(std::move(inner)), worker_link_(worker_link), link_(link) {}
  WatchedTransport(const WatchedTransport&) = delete;
  WatchedTransport& operator=(const WatchedTransport&) = delete;
  ~WatchedTransport() override { worker_link_.unwatch(link_); }

  int descriptor() const override { return inner_->descriptor(); }
  Status connect() override { return inner_->connect(); }
  Moved read(std::span<char> into) override { return inner_->read(into); }
  Moved write(std::string_view bytes) override { return inner_->write(bytes); }
  bool has_more() const override { return inner_->has_more(); }
  std::string fault() const override { return inner_->fault(); }
  std::string silence() const override { return inner_->silence(); }
  void abort() override { inner_->abort(); }

 private:
  const std::unique_ptr<Transport> inner_;
  WorkerLink& worker_link_;
  const std::size_t link_;
};

WorkerLink::WorkerLink(Place place, plugin::Host host, plugin::RegistryEvents events,
                       Supervisor& supervisor)
    : place_(std::move(place)),
      host_(std::move(host)),
      events_(std::move(events)),
      supervisor_(supervisor),
      address_(place_.instance, place_.worker, place_.workers),
      messages_(address_, std::max(kMaxOpenBytes / place_.workers, kLeastOpenBytes)),
      single_(channels(place_.prefix, address_), heartbeat(address_), *this, place_.traffic),
      cluster_(channels(place_.prefix, address_), heartbeat(address_), *this, place_.traffic) {}

WorkerLink::~WorkerLink() = default;

template <class F>
void WorkerLink::or_drop(F&& function) noexcept {
  try {
    try {
      function();
    } catch (const std::bad_alloc&) {
      pubsub_->drop("out of memory", now_);
    }
  } catch (const std::bad_alloc&) {
    // All is answered. The next tick goes on.
  }
}

// ---- To other brokers ---------------------------------------------------------------------------

std::string_view WorkerLink::address_of(std::string_view instance) {
  if (instance != peer_instance_) {
    peer_address_ = address_.towards(instance);
    peer_instance_ = instance;
  }
  return peer_address_;
}

void WorkerLink::note_message() {
  last_message_.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
}

// Hot: per message.
void WorkerLink::send(std::string_view instance, const plugin::Lease& to, std::string_view body,
                      plugin::YesNo answer) {
  if (!pubsub_->is_up()) {
    answer.fail(Status::unavailable, reason_);
    return;
  }
  now_ = Clock::now();
  note_message();
  messages_.send(address_of(instance), to, body, std::move(answer), now_);
  if (messages_.is_full()) or_drop([this] { publish_due(); });
}

void WorkerLink::publish_due() {
  messages_.take_due(
      now_,
      [this](std::string_view peer, std::string_view batch, std::uint64_t number,
             WorkerMessages::Content content) { publish(peer, batch, number, content); },
      pubsub_->may_mute() ? WorkerMessages::Uncounted::some : WorkerMessages::Uncounted::none);
}

void WorkerLink::publish(std::string_view peer, std::string_view batch, std::uint64_t number,
                         WorkerMessages::Content content) {
  const auto receiver = content == WorkerMessages::Content::replies
                            ? WorkerPubSub::Receiver::alive
                            : WorkerPubSub::Receiver::unknown;
  channel_.assign(place_.prefix).append(peer);
  place_.traffic.publications.add();
  pubsub_->publish(channel_, batch, number, receiver, now_);
}

void WorkerLink::on_published(std::uint64_t batch, long long subscribers,
                              std::string_view refusal) {
  if (!refusal.empty()) {
    messages_.on_refused(batch);
    warn("Redis refuses to publish: " + std::string(refusal));
    return;
  }
  if (subscribers != 0) return;
  std::vector<Unreached> unreached;
  messages_.for_each_of(batch,
                        [&](std::uint64_t request, std::string_view id, std::uint64_t token) {
                          unreached.push_back({request, std::string(id), token});
                        });
  if (!unreached.empty()) supervisor_.look_up(place_.worker, std::move(unreached));
  messages_.on_nobody(batch);
}

// ---- From other brokers -------------------------------------------------------------------------

void WorkerLink::on_link_batch(std::string_view batch, WorkerPubSub::Order order) {
  BatchReader reader(batch);
  bool is_malformed = !reader.has_head();
  while (const auto record = reader.next()) {
    if (const auto* const message = std::get_if<MessageRecord>(&*record)) {
      if (order == WorkerPubSub::Order::late) {
        // Its sender may have given it up, or have published it again and wait for an answer.
        reply(reader.sender(), {message->request, Outcome::cannot_accept});
        continue;
      }
      try {
        deliver(reader.sender(), *message);
      } catch (const std::bad_alloc&) {
        // The sender gets no answer, and its request times out.
        warn("out of memory: dropped a message of another broker");
      }
    } else if (const auto* const reply = std::get_if<ReplyRecord>(&*record)) {
      messages_.on_reply(*reply, now_);
    } else {
      is_malformed = true;
    }
  }
  if (is_malformed || reader.is_malformed()) {
    warn("ignored malformed message on a channel of this broker");
  }
}

void WorkerLink::deliver(std::string_view sender, const MessageRecord& message) {
  if (free_deliveries_.empty()) {
    // Room for all, so that giving one back never allocates.
    free_deliveries_.reserve(deliveries_.size() + 1);
    deliveries_.push_back({this, 0, {}, Outcome::refused});
    free_deliveries_.push_back(&deliveries_.back());
  }
  Delivery& delivery = *free_deliveries_.back();
  delivery.sender = sender;
  delivery.request = message.request;
  free_deliveries_.pop_back();
  note_message();
  events_.on_message(message.to, message.body, &WorkerLink::on_taken, &delivery);
}

void WorkerLink::on_taken(void* call, crolang_status status, bool taken, crolang_str) noexcept {
  auto& delivery = *static_cast<Delivery*>(call);
  WorkerLink& worker_link = *delivery.worker_link;
  delivery.outcome = status != CROLANG_OK ? Outcome::cannot_accept
                     : taken              ? Outcome::taken
                                          : Outcome::refused;
  if (worker_link.place_.io.current_worker(worker_link.place_.io.ctx) ==
      worker_link.place_.worker) {
    worker_link.reply(delivery);
    return;
  }
  {
    const std::lock_guard lock(worker_link.mutex_);
    try {
      worker_link.late_.push_back(&delivery);
    } catch (const std::bad_alloc&) {
      // The sender gets no answer.
    }
  }
  worker_link.post();
}

void WorkerLink::reply(Delivery& delivery) {
  reply(delivery.sender, {delivery.request, delivery.outcome});
  free_deliveries_.push_back(&delivery);
}

void WorkerLink::reply(std::string_view sender, const ReplyRecord& reply) {
  try {
    if (pubsub_->may_publish()) messages_.reply(sender, reply, now_);
  } catch (const std::bad_alloc&) {
    // The sender gets no answer.
  }
}

// ---- The connection -----------------------------------------------------------------------------

std::unique_ptr<Transport> WorkerLink::connect(const RedisTarget& target, std::size_t link) {
  return std::make_unique<WatchedTransport>(target.connect(), *this, link);
}

std::unique_ptr<Transport> WorkerLink::connect(const RedisTarget& target,
                                               const Dialer::Target& master, std::size_t link) {
  return std::make_unique<WatchedTransport>(target.connect(master), *this, link);
}

void WorkerLink::on_master_away(const HostPort& master, std::string_view why) {
  warn("worker " + std::to_string(place_.worker) +
       " cannot send messages to brokers whose channels are at " + master.name() + ": " +
       std::string(why));
}

void WorkerLink::on_unsubscribe_refused(std::string_view why) {
  warn("REDIS_URL: messages of other brokers may be lost when slots move (" + std::string(why) +
       "): give the user +sunsubscribe");
}

void WorkerLink::on_subscription_cut() {
  warn("Redis closed the subscription of worker " + std::to_string(place_.worker) +
       " and no other connection: perhaps more waited in it than client-output-buffer-limit pubsub "
       "allows; raise that limit in Redis, or lower MAX_PAYLOAD_BYTES");
}

void WorkerLink::on_link_up() {
  down_since_ = {};
}

void WorkerLink::on_link_down(std::string_view why) {
  messages_.on_connection_lost();
  reason_ = why;
  if (down_since_ == TimePoint{}) down_since_ = now_;
  // If the service is not connected either, it says so itself.
  if (!pubsub_->has_target() || now_ - down_since_ < kTimeout) return;
  warn("worker " + std::to_string(place_.worker) +
       " cannot send messages to other brokers: " + std::string(why));
}

void WorkerLink::warn(std::string_view text) {
  if (now_ - last_warning_ < kBetweenWarnings) return;
  last_warning_ = now_;
  host_.log(plugin::LogLevel::warn, text);
}

void WorkerLink::flush() {
  or_drop([this] {
    now_ = Clock::now();
    publish_due();
    pubsub_->flush(now_);
    const auto entries = pubsub_->poll_entries(now_);
    for (std::size_t link = 0; link < entries.size(); ++link) {
      if (watch(link, entries[link])) continue;
      pubsub_->drop("the system refuses to watch its descriptor", now_);
      return;
    }
  });
  arm();
}

bool WorkerLink::watch(std::size_t link, const pollfd& entry) {
  if (entry.fd < 0) return true;
  while (watched_.size() <= link) watched_.push_back({this, watched_.size()});
  Watched& watched = watched_[link];
  std::uint32_t events = 0;
  if ((entry.events & POLLIN) != 0) events |= CROLANG_READABLE;
  if ((entry.events & POLLOUT) != 0) events |= CROLANG_WRITABLE;
  const crolang_io& io = place_.io;
  if (watched.number == 0) {
    watched.number =
        io.watch(io.ctx, place_.worker, entry.fd, events, &WorkerLink::on_event, &watched);
  } else if (events != watched.events) {
    io.modify(io.ctx, watched.number, events);
  }
  watched.events = events;
  return watched.number != 0;
}

void WorkerLink::unwatch(std::size_t link) noexcept {
  if (link >= watched_.size()) return;
  const std::uint64_t number = std::exchange(watched_[link].number, 0);
  if (number != 0) place_.io.unwatch(place_.io.ctx, number, nullptr, nullptr);
}

void WorkerLink::arm() {
  TimePoint due = std::min(messages_.due(), pubsub_->due());
  due = std::min(due, last_tick_ + (messages_.open() > 0 ? kTick : kIdleTick));
  if (timer_ != 0 && timer_due_ == due) return;
  const crolang_io& io = place_.io;
  if (timer_ != 0) io.cancel_timer(io.ctx, timer_);
  const auto left = std::chrono::ceil<milliseconds>(due - now_);
  const auto wait = static_cast<std::uint32_t>(std::max(left, milliseconds(0)).count());
  timer_ = io.set_timer(io.ctx, place_.worker, wait, &WorkerLink::on_timer, this);
  timer_due_ = due;
}

void WorkerLink::tick() {
  if (now_ >= last_tick_ + kTick) {
    last_tick_ = now_;
    messages_.tick(now_);
  }
  if (now_ >= pubsub_->due()) pubsub_->tick(now_);
}

void WorkerLink::on_event(void* arg, std::uint32_t events) noexcept {
  const auto& watched = *static_cast<const Watched*>(arg);
  WorkerLink& worker_link = *watched.worker_link;
  worker_link.now_ = Clock::now();
  const int ready = ((events & CROLANG_READABLE) != 0 ? POLLIN : 0) |
                    ((events & CROLANG_WRITABLE) != 0 ? POLLOUT : 0) |
                    ((events & CROLANG_HANGUP) != 0 ? POLLHUP : 0);
  worker_link.or_drop([&] {
    worker_link.pubsub_->on_poll(watched.link, static_cast<short>(ready), worker_link.now_);
  });
}

void WorkerLink::on_timer(void* arg) noexcept {
  WorkerLink& worker_link = *static_cast<WorkerLink*>(arg);
  worker_link.timer_ = 0;
  worker_link.now_ = Clock::now();
  worker_link.or_drop([&] {
    worker_link.run_commands();
    worker_link.tick();
  });
}

// ---- What other threads tell --------------------------------------------------------------------

void WorkerLink::put(Command command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  post();
}

void WorkerLink::post() {
  // If there is no memory, the next tick works it off.
  place_.io.post(place_.io.ctx, place_.worker, &WorkerLink::on_post, this);
}

void WorkerLink::on_post(void* arg) noexcept {
  WorkerLink& worker_link = *static_cast<WorkerLink*>(arg);
  worker_link.or_drop([&] { worker_link.run_commands(); });
}

void WorkerLink::run_commands() {
  now_ = Clock::now();
  std::vector<Command> command;
  std::vector<Delivery*> late;
  {
    const std::lock_guard lock(mutex_);
    command.swap(commands_);
    late.swap(late_);
  }
  for (Delivery* const delivery : late) reply(*delivery);
  for (Command& each : command) {
    or_drop([&] { std::visit([this](auto& told) { handle(told); }, each); });
  }
}

void WorkerLink::handle(Serve& command) {
  if ((command.target.slots != nullptr) != is_in_cluster()) {
    pubsub_->leave("the service is connected to another kind of server", now_);
    pubsub_ = is_in_cluster() ? static_cast<WorkerPubSub*>(&single_) : &cluster_;
  }
  pubsub_->serve(std::move(command.target), now_);
}

void WorkerLink::handle(Leave& command) {
  pubsub_->leave(command.why, now_);
}

void WorkerLink::handle(ChangeTarget& command) {
  if ((command.target.slots != nullptr) != is_in_cluster()) return;
  pubsub_->change_target(std::move(command.target), now_);
}

void WorkerLink::handle(Moved& command) {
  if (command.target.slots == nullptr || !is_in_cluster()) return;
  pubsub_->change_target(std::move(command.target), now_);
}

void WorkerLink::handle(std::vector<Located>& command) {
  for (const Located& each : command) messages_.on_no_subscriber(each.request, each.is_lease_held);
}

// ---- Without a loop -----------------------------------------------------------------------------

std::span<const pollfd> WorkerLink::poll_entries() {
  now_ = Clock::now();
  pubsub_->flush(now_);
  return pubsub_->poll_entries(now_);
}

void WorkerLink::on_poll(std::span<const pollfd> entries) {
  now_ = Clock::now();
  or_drop([&] {
    for (std::size_t link = 0; link < entries.size(); ++link) {
      pubsub_->on_poll(link, entries[link].revents, now_);
    }
    tick();
  });
}

void WorkerLink::stop() {
  now_ = Clock::now();
  messages_.cancel();
  or_drop([this] { pubsub_->leave("the broker is stopping", now_); });
}

}  // namespace crolang::redis_registry
