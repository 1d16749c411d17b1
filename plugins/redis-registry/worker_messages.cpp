#include "redis-registry/worker_messages.hpp"

#include <algorithm>
#include <chrono>
#include <new>

namespace crolang::redis_registry {

using plugin::Status;

namespace {

constexpr std::string_view kLostConnection =
    "the connection to Redis was lost before the receiver's broker answered";
constexpr std::uint64_t kOnce = std::uint64_t{1} << 32;
// For how long a peer that has replied is taken to be there, and batches for it need not be
// counted.
constexpr std::chrono::milliseconds kUncountedFor{100};

std::size_t place_of(std::uint64_t request) {
  return static_cast<std::size_t>(request & (kOnce - 1)) - 1;
}

}  // namespace

// ---- To peers -----------------------------------------------------------------------------------

WorkerMessages::Peer& WorkerMessages::peer_at(std::string_view address) {
  if (last_peer_ != nullptr && last_peer_->address == address) return *last_peer_;
  auto found = peers_.find(address);
  if (found == peers_.end()) {
    found = peers_.try_emplace(std::string(address)).first;
    try {
      found->second.from = address_.from(WorkerAddress::instance_of(address));
      found->second.address = address;
    } catch (const std::bad_alloc&) {
      peers_.erase(found);
      throw;
    }
  }
  last_peer_ = &found->second;
  return *last_peer_;
}

void WorkerMessages::begin_batch(Peer& peer) {
  if (!peer.bytes.empty()) return;
  filling_.reserve(filling_.size() + 1);
  try {
    append_head(peer.bytes, peer.from, last_batch_ + 1);
  } catch (const std::bad_alloc&) {
    peer.bytes.clear();
    throw;
  }
  peer.batch = ++last_batch_;
  filling_.push_back(&peer);
}

void WorkerMessages::end_delay(Peer& peer) {
  peer.is_delayed = false;
  peer.delay.on_success();
  peer.batch = ++last_batch_;
  renumber(peer.bytes, peer.batch);
  const auto place = std::ranges::find(filling_, &peer);
  std::rotate(place, place + 1, filling_.end());
}

template <class Record>
std::size_t WorkerMessages::add(Peer& peer, const Record& record) {
  begin_batch(peer);
  const std::size_t before = peer.bytes.size();
  try {
    append(peer.bytes, record);
  } catch (const std::bad_alloc&) {
    peer.bytes.resize(before);
    throw;
  }
  is_full_ = is_full_ || peer.bytes.size() >= kFullBatch;
  return peer.bytes.size() - before;
}

bool WorkerMessages::must_be_counted(const Peer& peer, TimePoint now) {
  if (now - peer.counted >= kUncountedFor) return true;
  return peer.has_messages && now - peer.replied >= kUncountedFor;
}

void WorkerMessages::note_published(Peer& peer, TimePoint now, bool is_counted) {
  if (is_counted) {
    peer.counted = now;
    peer.counted_batch = peer.batch;
    peer.has_uncounted = false;
  } else {
    peer.has_uncounted = peer.has_uncounted || peer.has_messages;
  }
}

std::uint32_t WorkerMessages::free_place() {
  if (free_.empty()) {
    // Room for all, so that giving a place back never allocates.
    free_.reserve(std::max<std::size_t>(messages_.capacity(), messages_.size() + 1) * 2);
    messages_.emplace_back();
    free_.push_back(messages_.size());
  }
  return static_cast<std::uint32_t>(place_of(free_.back()));
}

void WorkerMessages::send(std::string_view peer, const plugin::Lease& to, std::string_view body,
                          plugin::YesNo answer, TimePoint now) {
  Peer& receiver = peer_at(peer);
  if (receiver.open_bytes > max_open_bytes_) {
    answer.fail(Status::unavailable, "the receiver's broker is too far behind");
    return;
  }
  OpenMessage& message = messages_[free_place()];
  message.id = to.id;
  const std::uint64_t request = free_.back();
  message.bytes = add(receiver, MessageRecord{request, to, body});
  receiver.delay.on_message(now);
  if (receiver.is_delayed) end_delay(receiver);
  receiver.has_messages = true;
  receiver.open_bytes += message.bytes;
  free_.pop_back();
  ++open_;
  message.request = request;
  message.token = to.token;
  message.peer = &receiver;
  message.batch = receiver.batch;
  message.deadline = now + std::min(answer.deadline(), kMessageTimeout);
  message.answer = std::move(answer);
}

void WorkerMessages::reply(std::string_view peer, const ReplyRecord& reply, TimePoint now) {
  // Anyone may choose the address that a sender states: limits the number of peers.
  if (peers_.size() >= kMaxPeers && !peers_.contains(peer)) return;
  Peer& sender = peer_at(peer);
  const bool is_first = sender.bytes.empty();
  add(sender, reply);
  sender.has_replies = true;
  if (is_first && sender.delay.may_delay(now)) {
    sender.is_delayed = true;
    sender.delayed_since = now;
  }
}

// ---- Answers ------------------------------------------------------------------------------------

WorkerMessages::Removed WorkerMessages::remove(OpenMessage& message) {
  Peer& peer = *message.peer;
  const bool was_published = peer.batch != message.batch || peer.bytes.empty();
  peer.open_bytes -= message.bytes;
  free_.push_back(std::exchange(message.request, 0) + kOnce);
  --open_;
  return {std::move(message.answer), was_published};
}

template <class Settle>
void WorkerMessages::settle(std::uint64_t request, Settle&& settle) {
  if ((request & (kOnce - 1)) == 0 || place_of(request) >= messages_.size()) return;
  OpenMessage& message = messages_[place_of(request)];
  if (message.request != request) return;
  Removed removed = remove(message);
  settle(*message.peer, removed.answer);
}

template <class Settle>
void WorkerMessages::settle_all(Settle&& settle) {
  for (OpenMessage& message : messages_) {
    if (message.request == 0) continue;
    Removed removed = remove(message);
    settle(removed);
  }
  filling_.clear();
  is_full_ = false;
  due_ = TimePoint::max();
  last_peer_ = nullptr;
  peers_.clear();
}

void WorkerMessages::on_reply(const ReplyRecord& reply, TimePoint now) {
  settle(reply.request, [&](Peer& peer, plugin::YesNo& answer) {
    peer.replied = now;
    if (reply.outcome == Outcome::cannot_accept) {
      answer.fail(Status::unavailable, "the receiver's broker could not take the message");
    } else {
      answer.decide(reply.outcome == Outcome::taken);
    }
  });
}

void WorkerMessages::on_refused(std::uint64_t batch) {
  for (OpenMessage& message : messages_) {
    if (message.request == 0 || message.batch != batch) continue;
    remove(message).answer.fail(Status::unavailable, "Redis refused the message");
  }
}

void WorkerMessages::fail_all_of(std::span<const std::uint64_t> batches, Status status,
                                 std::string_view why) {
  for (OpenMessage& message : messages_) {
    if (message.request == 0 || !std::ranges::binary_search(batches, message.batch)) continue;
    remove(message).answer.fail(status, why);
  }
}

void WorkerMessages::on_unpublished(std::span<const std::uint64_t> batches) {
  fail_all_of(batches, Status::unavailable, "the Redis server of the receiver's broker is away");
}

void WorkerMessages::on_lost(std::span<const std::uint64_t> batches) {
  fail_all_of(batches, Status::timeout, kLostConnection);
}

void WorkerMessages::on_no_subscriber(std::uint64_t request, bool is_lease_held) {
  settle(request, [&](const Peer&, plugin::YesNo& answer) {
    if (is_lease_held) {
      answer.fail(Status::unavailable, "the receiver's broker is not subscribed to its channel");
    } else {
      answer.no();
    }
  });
}

void WorkerMessages::on_nobody(std::uint64_t batch) {
  const auto found = std::ranges::find_if(
      peers_, [batch](const auto& each) { return each.second.counted_batch == batch; });
  if (found == peers_.end()) return;
  for (OpenMessage& message : messages_) {
    if (message.request == 0 || message.peer != &found->second || message.batch >= batch) continue;
    remove(message).answer.fail(Status::timeout,
                                "the receiver's broker has gone, perhaps before it answered");
  }
}

void WorkerMessages::tick(TimePoint now) {
  for (OpenMessage& message : messages_) {
    if (message.request == 0 || now < message.deadline) continue;
    remove(message).answer.fail(Status::timeout, "the receiver's broker did not answer in time");
  }
  for (auto& [address, peer] : peers_) {
    const bool is_silent = now - peer.replied >= kUncountedFor;
    if (peer.has_uncounted && peer.open_bytes != 0 && is_silent) begin_batch(peer);
  }
  std::erase_if(peers_, [this, now](const auto& each) {
    const Peer& known = each.second;
    const bool is_idle = known.open_bytes == 0 && known.bytes.empty() && known.delay.is_idle(now);
    if (is_idle && last_peer_ == &known) last_peer_ = nullptr;
    return is_idle;
  });
}

void WorkerMessages::on_connection_lost() {
  settle_all([](Removed& message) {
    if (message.was_published) {
      message.answer.fail(Status::timeout, kLostConnection);
    } else {
      message.answer.fail(Status::unavailable, "the connection to Redis was lost");
    }
  });
}

void WorkerMessages::cancel() {
  settle_all([](Removed& message) { message.answer.fail(Status::cancelled); });
}

}  // namespace crolang::redis_registry
