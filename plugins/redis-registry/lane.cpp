#include "redis-registry/lane.hpp"

#include <algorithm>
#include <charconv>
#include <exception>
#include <new>
#include <utility>

#include "redis-registry/lane_address.hpp"

namespace crolang::redis_registry {

using plugin::Status;
using std::chrono::milliseconds;

namespace {

using Clock = std::chrono::steady_clock;

constexpr milliseconds kTick{100};
constexpr milliseconds kIdleTick{1000};
constexpr milliseconds kBetweenWarnings{5000};
// A lane that has been down for less is not worth a line.
constexpr milliseconds kPatience{1000};

// All lanes together may be as far ahead of another broker as one was; but no lane less than this.
constexpr std::size_t kLeastOpenBytes = std::size_t{1} << 20;

static_assert(LaneMessages::kUncounted == LaneWay::kNoNumber);

std::vector<std::string> channels(const std::string& prefix, const LaneAddress& address) {
  std::vector<std::string> names = address.all();
  for (std::string& each : names) each.insert(0, prefix);
  return names;
}

std::string heartbeat(const LaneAddress& address) {
  std::string batch;
  append_head(batch, address.own());
  return batch;
}

}  // namespace

/// Ends the watch before the descriptor is closed.
class Lane::WatchedTransport final : public Transport {
 public:
  WatchedTransport(std::unique_ptr<Transport> inner, Lane& lane, std::size_t link)
      : inner_(std::move(inner)), lane_(lane), link_(link) {}
  WatchedTransport(const WatchedTransport&) = delete;
  WatchedTransport& operator=(const WatchedTransport&) = delete;
  ~WatchedTransport() override { lane_.unwatch(link_); }

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
  Lane& lane_;
  const std::size_t link_;
};

Lane::Lane(Place place, plugin::Host host, plugin::RegistryEvents events, Superior& superior)
    : place_(std::move(place)),
      host_(std::move(host)),
      events_(std::move(events)),
      superior_(superior),
      address_(place_.instance, place_.worker, place_.workers),
      messages_(address_, std::max(kMaxOpenBytes / place_.workers, kLeastOpenBytes)),
      single_(channels(place_.prefix, address_), heartbeat(address_), *this, place_.traffic),
      cluster_(channels(place_.prefix, address_), heartbeat(address_), *this, place_.traffic) {}

Lane::~Lane() = default;

template <class F>
void Lane::or_drop(F&& function) noexcept {
  try {
    try {
      function();
    } catch (const std::bad_alloc&) {
      way_->drop("no memory left", now_);
    }
  } catch (const std::bad_alloc&) {
    // All is answered. The next tick goes on.
  }
}

// ---- To other brokers ---------------------------------------------------------------------------

std::string_view Lane::address_of(std::string_view instance) {
  if (instance != peer_instance_) {
    peer_address_ = address_.towards(instance);
    peer_instance_ = instance;
  }
  return peer_address_;
}

void Lane::note_message() {
  last_message_.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
}

// Hot: per message.
void Lane::send(std::string_view instance, const plugin::Lease& to, std::string_view body,
                plugin::YesNo answer) {
  if (!way_->is_up()) {
    answer.fail(Status::unavailable, reason_);
    return;
  }
  now_ = Clock::now();
  note_message();
  messages_.send(address_of(instance), to, body, std::move(answer), now_);
  if (messages_.is_full()) or_drop([this] { publish_due(); });
}

void Lane::publish_due() {
  messages_.take_due(
      now_,
      [this](std::string_view peer, std::string_view batch, std::uint64_t number,
             LaneMessages::Content content) { publish(peer, batch, number, content); },
      way_->may_mute() ? LaneMessages::Uncounted::some : LaneMessages::Uncounted::none);
}

void Lane::publish(std::string_view peer, std::string_view batch, std::uint64_t number,
                   LaneMessages::Content content) {
  const auto receiver = content == LaneMessages::Content::replies ? LaneWay::Receiver::alive
                                                                  : LaneWay::Receiver::unknown;
  channel_.assign(place_.prefix).append(peer);
  place_.traffic.publications.add();
  way_->publish(channel_, batch, number, receiver, now_);
}

void Lane::on_published(std::uint64_t batch, long long subscribers, std::string_view refusal) {
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
  if (!unreached.empty()) superior_.look_up(place_.worker, std::move(unreached));
  messages_.on_nobody(batch);
}

// ---- From other brokers -------------------------------------------------------------------------

void Lane::on_lane_batch(std::string_view batch, LaneWay::Order order) {
  BatchReader reader(batch);
  bool is_malformed = !reader.has_head();
  while (const auto record = reader.next()) {
    if (const auto* const message = std::get_if<MessageRecord>(&*record)) {
      if (order == LaneWay::Order::late) continue;
      try {
        deliver(reader.sender(), *message);
      } catch (const std::bad_alloc&) {
        // The sender gets no answer, and its request times out.
        warn("no memory left: dropped a message of another broker");
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

void Lane::deliver(std::string_view sender, const MessageRecord& message) {
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
  events_.on_message(message.to, message.body, &Lane::on_taken, &delivery);
}

void Lane::on_taken(void* call, crolang_status status, bool taken, crolang_str) noexcept {
  auto& delivery = *static_cast<Delivery*>(call);
  Lane& lane = *delivery.lane;
  delivery.outcome = status != CROLANG_OK ? Outcome::cannot_accept
                     : taken              ? Outcome::taken
                                          : Outcome::refused;
  if (lane.place_.io.current_worker(lane.place_.io.ctx) == lane.place_.worker) {
    lane.reply(delivery);
    return;
  }
  {
    const std::lock_guard lock(lane.mutex_);
    try {
      lane.late_.push_back(&delivery);
    } catch (const std::bad_alloc&) {
      // The sender gets no answer.
    }
  }
  lane.post();
}

void Lane::reply(Delivery& delivery) {
  try {
    if (way_->may_publish()) {
      messages_.reply(delivery.sender, {delivery.request, delivery.outcome}, now_);
    }
  } catch (const std::bad_alloc&) {
    // The sender gets no answer.
  }
  free_deliveries_.push_back(&delivery);
}

// ---- The connection -----------------------------------------------------------------------------

std::unique_ptr<Transport> Lane::connect(const LaneTarget& target, std::size_t link) {
  return std::make_unique<WatchedTransport>(target.connect(), *this, link);
}

std::unique_ptr<Transport> Lane::connect(const LaneTarget& target, const Dialer::Target& master,
                                         std::size_t link) {
  return std::make_unique<WatchedTransport>(target.connect(master), *this, link);
}

void Lane::on_master_away(const HostPort& master, std::string_view why) {
  warn("worker " + std::to_string(place_.worker) +
       " cannot carry messages to brokers whose channels are at " + master.name() + ": " +
       std::string(why));
}

void Lane::on_subscription_cut() {
  warn("Redis closed the subscription of worker " + std::to_string(place_.worker) +
       " and no other connection: perhaps more waited in it than client-output-buffer-limit pubsub "
       "allows; raise that limit in Redis, or lower MAX_PAYLOAD_BYTES");
}

void Lane::on_lane_up() {
  down_since_ = {};
}

void Lane::on_lane_down(std::string_view why) {
  messages_.on_connection_lost();
  reason_ = why;
  if (down_since_ == TimePoint{}) down_since_ = now_;
  // If the service is not connected either, it says so itself.
  if (!way_->has_target() || now_ - down_since_ < kPatience) return;
  warn("worker " + std::to_string(place_.worker) +
       " cannot carry messages to other brokers: " + std::string(why));
}

void Lane::warn(std::string_view text) {
  if (now_ - last_warning_ < kBetweenWarnings) return;
  last_warning_ = now_;
  host_.log(plugin::LogLevel::warn, text);
}

void Lane::flush() {
  or_drop([this] {
    now_ = Clock::now();
    publish_due();
    way_->flush(now_);
    const auto entries = way_->poll_entries(now_);
    for (std::size_t link = 0; link < entries.size(); ++link) {
      if (watch(link, entries[link])) continue;
      way_->drop("the system refuses to watch its descriptor", now_);
      return;
    }
  });
  arm();
}

bool Lane::watch(std::size_t link, const pollfd& entry) {
  if (entry.fd < 0) return true;
  while (watched_.size() <= link) watched_.push_back({this, watched_.size()});
  Watched& watched = watched_[link];
  std::uint32_t events = 0;
  if ((entry.events & POLLIN) != 0) events |= CROLANG_READABLE;
  if ((entry.events & POLLOUT) != 0) events |= CROLANG_WRITABLE;
  const crolang_io& io = place_.io;
  if (watched.number == 0) {
    watched.number = io.watch(io.ctx, place_.worker, entry.fd, events, &Lane::on_event, &watched);
  } else if (events != watched.events) {
    io.modify(io.ctx, watched.number, events);
  }
  watched.events = events;
  return watched.number != 0;
}

void Lane::unwatch(std::size_t link) noexcept {
  if (link >= watched_.size()) return;
  const std::uint64_t number = std::exchange(watched_[link].number, 0);
  if (number != 0) place_.io.unwatch(place_.io.ctx, number, nullptr, nullptr);
}

void Lane::arm() {
  TimePoint due = std::min(messages_.due(), way_->due());
  due = std::min(due, last_tick_ + (messages_.open() > 0 ? kTick : kIdleTick));
  if (timer_ != 0 && timer_due_ == due) return;
  const crolang_io& io = place_.io;
  if (timer_ != 0) io.cancel_timer(io.ctx, timer_);
  const auto left = std::chrono::ceil<milliseconds>(due - now_);
  const auto wait = static_cast<std::uint32_t>(std::max(left, milliseconds(0)).count());
  timer_ = io.set_timer(io.ctx, place_.worker, wait, &Lane::on_timer, this);
  timer_due_ = due;
}

void Lane::tick() {
  if (now_ >= last_tick_ + kTick) {
    last_tick_ = now_;
    messages_.tick(now_);
  }
  if (now_ >= way_->due()) way_->tick(now_);
}

void Lane::on_event(void* arg, std::uint32_t events) noexcept {
  const auto& watched = *static_cast<const Watched*>(arg);
  Lane& lane = *watched.lane;
  lane.now_ = Clock::now();
  const int ready = ((events & CROLANG_READABLE) != 0 ? POLLIN : 0) |
                    ((events & CROLANG_WRITABLE) != 0 ? POLLOUT : 0) |
                    ((events & CROLANG_HANGUP) != 0 ? POLLHUP : 0);
  lane.or_drop([&] { lane.way_->on_poll(watched.link, static_cast<short>(ready), lane.now_); });
}

void Lane::on_timer(void* arg) noexcept {
  Lane& lane = *static_cast<Lane*>(arg);
  lane.timer_ = 0;
  lane.now_ = Clock::now();
  lane.or_drop([&] {
    lane.work_off();
    lane.tick();
  });
}

// ---- What other threads tell --------------------------------------------------------------------

void Lane::tell(News news) {
  {
    const std::lock_guard lock(mutex_);
    news_.push_back(std::move(news));
  }
  post();
}

void Lane::post() {
  // If there is no memory, the next tick works it off.
  place_.io.post(place_.io.ctx, place_.worker, &Lane::on_post, this);
}

void Lane::on_post(void* arg) noexcept {
  Lane& lane = *static_cast<Lane*>(arg);
  lane.or_drop([&] { lane.work_off(); });
}

void Lane::work_off() {
  now_ = Clock::now();
  std::vector<News> news;
  std::vector<Delivery*> late;
  {
    const std::lock_guard lock(mutex_);
    news.swap(news_);
    late.swap(late_);
  }
  for (Delivery* const delivery : late) reply(*delivery);
  for (News& each : news) {
    or_drop([&] { std::visit([this](auto& told) { handle(told); }, each); });
  }
}

void Lane::handle(Serve& news) {
  if ((news.target.slots != nullptr) != is_in_cluster()) {
    way_->leave("the service is connected to another kind of server", now_);
    way_ = is_in_cluster() ? static_cast<LaneWay*>(&single_) : &cluster_;
  }
  way_->serve(std::move(news.target), now_);
}

void Lane::handle(Leave& news) {
  way_->leave(news.why, now_);
}

void Lane::handle(ChangeTarget& news) {
  if ((news.target.slots != nullptr) != is_in_cluster()) return;
  way_->change_target(std::move(news.target), now_);
}

void Lane::handle(Moved& news) {
  if (news.target.slots == nullptr || !is_in_cluster()) return;
  way_->change_target(std::move(news.target), now_);
}

void Lane::handle(std::vector<Located>& news) {
  for (const Located& each : news) messages_.on_no_subscriber(each.request, each.lease_stands);
}

// ---- Without a loop -----------------------------------------------------------------------------

std::span<const pollfd> Lane::poll_entries() {
  now_ = Clock::now();
  way_->flush(now_);
  return way_->poll_entries(now_);
}

void Lane::on_poll(std::span<const pollfd> entries) {
  now_ = Clock::now();
  or_drop([&] {
    for (std::size_t link = 0; link < entries.size(); ++link) {
      way_->on_poll(link, entries[link].revents, now_);
    }
    tick();
  });
}

void Lane::stop() {
  now_ = Clock::now();
  messages_.cancel();
  or_drop([this] { way_->leave("the broker is stopping", now_); });
}

}  // namespace crolang::redis_registry
