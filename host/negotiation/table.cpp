#include "negotiation/table.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "crolang/enum_count.hpp"
#include "negotiation/secret_hash.hpp"
#include "negotiation/shortening.hpp"

namespace crolang::negotiation {
namespace {

using std::chrono::milliseconds;

// Records are not looked through more often than this.
constexpr std::chrono::seconds kSweepInterval{1};

/// Two different keys with one hash are as unlikely as a broken memory.
template <class Named>
std::uint64_t hash_of(const Named& named) {
  return secret_hash(named.session, secret_hash(named.responder, secret_hash(named.initiator)));
}

/// Which shard. The high bits, since the buckets use the low ones.
std::uint8_t shard_index(std::uint64_t hash) {
  return static_cast<std::uint8_t>(hash >> 60);
}

std::uint32_t milliseconds_between(TimePoint start, TimePoint end) {
  const auto passed = std::chrono::duration_cast<milliseconds>(end - start).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(passed, 0, 0xFFFFFFFF));
}

std::optional<State> state_after(MessageKind kind) {
  switch (kind) {
    case MessageKind::acceptance:
      return State::answered;
    case MessageKind::refusal:
      return State::refused;
    case MessageKind::not_allowed:
      return State::not_allowed;
    case MessageKind::attempt:
    case MessageKind::candidates:
      break;
  }
  return std::nullopt;
}

std::optional<State> state_after(Ack ack_of_attempt) {
  switch (ack_of_attempt) {
    case Ack::error:
      return State::failed;
    case Ack::unauthorized:
      return State::unauthorized;
    case Ack::not_connected:
      return State::not_connected;
    case Ack::ok:
    case Ack::pending:
      break;
  }
  return std::nullopt;
}

/// The record comes to this state.
Change change(Record& record, std::uint16_t slot, State state) {
  record.state = state;
  const bool is_first = !std::exchange(record.is_counted, true);
  return {.number = record.number,
          .slot = slot,
          .state = state,
          .initiator_is_local = record.initiator_is_local,
          .is_outcome = is_first && record.initiator_is_local,
          .answered_after = record.answered_after};
}

/// Whether an attempt with the same names is another negotiation: nodes that use one session's id
/// for all.
bool is_over(const Record& record, TimePoint now) {
  return record.state_at(now) != State::attempting;
}

// A ticket's event is the index of an event, or kMaxEvents and more: one that was left out, of
// which only what it was and from whom is known.
constexpr std::size_t kSides = enum_count<Side>();

constexpr std::uint8_t left_out(MessageKind kind, Side from) {
  return static_cast<std::uint8_t>(Record::kMaxEvents + static_cast<std::size_t>(kind) * kSides +
                                   static_cast<std::size_t>(from));
}
static_assert(left_out(MessageKind::candidates, Side::responder) <= 0xFF - 1);

/// What the ticket says of the event.
std::uint8_t append_event(Record& record, const Message& message) {
  if (record.event_count == Record::kMaxEvents) {
    ++record.events_left_out;
    if (message.is_copy) ++record.copies_left_out;
    return left_out(message.kind, message.from);
  }
  record.events[record.event_count] = {milliseconds_between(record.started, message.at),
                                       message.kind, message.from, Ack::pending, message.is_copy};
  return record.event_count++;
}

/// `index`: as append_event returned it.
std::optional<Change> acknowledge_event(Record& record, std::uint16_t slot, std::uint8_t index,
                                        const Acknowledged& known) {
  MessageKind kind{};
  Side from{};
  if (index < Record::kMaxEvents) {
    Event& event = record.events[index];
    event.ack = known.ack;
    kind = event.kind;
    from = event.from;
  } else {
    kind = static_cast<MessageKind>((index - Record::kMaxEvents) / kSides);
    from = static_cast<Side>((index - Record::kMaxEvents) % kSides);
  }
  if (known.ack == Ack::error) record.failure = known.why;
  switch (kind) {
    case MessageKind::attempt: {
      record.attempt_ack = known.ack;
      const auto state = state_after(known.ack);
      if (state && record.state == State::attempting) return change(record, slot, *state);
      break;
    }
    case MessageKind::acceptance:
    case MessageKind::refusal:
    case MessageKind::not_allowed:
      record.answer_ack = known.ack;
      break;
    case MessageKind::candidates:
      if (known.ack != Ack::ok) {
        Party& sender = record.party(from);
        if (sender.lost != 0xFFFF) ++sender.lost;
        sender.last_loss = known.ack;
      }
      break;
  }
  return std::nullopt;
}

}  // namespace

// ---- One shard ----------------------------------------------------------------------------------

Record* Table::Shard::find(std::uint64_t hash, std::uint16_t& slot) {
  const auto short_hash = static_cast<std::uint32_t>(hash);
  for (slot = buckets[short_hash % kBuckets]; slot != kNone; slot = next[slot]) {
    if (short_hashes[slot] == short_hash && records[slot].hash == hash) return &records[slot];
  }
  return nullptr;
}

Record& Table::Shard::allocate(std::uint16_t& slot) {
  if (records.size() < kPerShard) {
    slot = static_cast<std::uint16_t>(records.size());
    records.emplace_back();
  } else {
    slot = static_cast<std::uint16_t>(oldest);
    oldest = (oldest + 1) % kPerShard;
    if (records[slot].number != 0) {
      unlink(slot);
      --used;
    }
  }
  return records[slot];
}

void Table::Shard::link(std::uint16_t slot) {
  short_hashes[slot] = static_cast<std::uint32_t>(records[slot].hash);
  std::uint16_t& first = buckets[short_hashes[slot] % kBuckets];
  next[slot] = first;
  first = slot;
  ++used;
}

void Table::Shard::unlink(std::uint16_t slot) {
  std::uint16_t* at = &buckets[short_hashes[slot] % kBuckets];
  while (*at != slot) at = &next[*at];
  *at = next[slot];
  records[slot].number = 0;
}

void Table::Shard::release(std::uint16_t slot) {
  unlink(slot);
  records[slot].clear_names();
  --used;
}

// ---- All ----------------------------------------------------------------------------------------

Table::Table() : sweep_due_(TimePoint::max().time_since_epoch().count()) {}

Table::Noted Table::note(const Message& message, std::optional<Acknowledged> known) noexcept {
  const std::uint64_t hash = hash_of(message);
  const std::uint8_t index = shard_index(hash);
  try {
    return note_in(shards_[index], index, hash, message, known);
  } catch (const std::bad_alloc&) {
    return {};
  }
}

Table::Noted Table::note_in(Shard& shard, std::uint8_t index, std::uint64_t hash,
                            const Message& message, std::optional<Acknowledged> known) {
  Noted noted;
  const std::lock_guard lock(shard.mutex);
  std::uint16_t slot = kNone;
  Record* record = shard.find(hash, slot);
  if (message.kind == MessageKind::attempt && (record == nullptr || is_over(*record, message.at))) {
    record = &shard.allocate(slot);
    record->reset();
    try {
      record->set_names(message.initiator, message.responder, message.session);
    } catch (const std::bad_alloc&) {
      // The slot stays free until its turn comes again.
      return {};
    }
    record->number = ++last_number_ * kShards + index;
    record->hash = hash;
    record->started = message.at;
    record->initiator_is_local = message.sender_is_local;
    shard.link(slot);
    schedule_sweep(message.at + kAnswerTime);
    noted.change = Change{.number = record->number,
                          .slot = slot,
                          .state = State::attempting,
                          .initiator_is_local = record->initiator_is_local};
  }
  if (record == nullptr) return {};

  record->last_message = message.at;
  Party& sender = record->party(message.from);
  (message.is_copy ? sender.is_kept_elsewhere : sender.is_kept_here) = true;
  if (message.servers.known) sender.servers = message.servers;
  sender.candidates.add(message.candidates);
  // A second answer changes nothing.
  if (const auto state = state_after(message.kind); state && !record->answered_after) {
    // Messages of other instances have a time that is newer than a worker's.
    record->answered_after = milliseconds(milliseconds_between(record->started, message.at));
    noted.change = change(*record, slot, *state);
  }
  noted.is_recorded = true;
  const std::uint8_t event = append_event(*record, message);
  if (known) {
    if (const auto failed = acknowledge_event(*record, slot, event, *known)) noted.change = failed;
  } else {
    noted.ticket = {static_cast<std::uint32_t>(record->number), slot, index, event};
  }
  return noted;
}

std::optional<Change> Table::acknowledge(Ticket ticket, const Acknowledged& known) noexcept {
  if (!ticket.is_valid()) return std::nullopt;
  Shard& shard = shards_[ticket.shard];
  const std::lock_guard lock(shard.mutex);
  Record& record = shard.records[ticket.slot];
  if (static_cast<std::uint32_t>(record.number) != ticket.number) return std::nullopt;
  return acknowledge_event(record, ticket.slot, ticket.event, known);
}

void Table::schedule_sweep(TimePoint due) noexcept {
  const TimePoint::rep wanted = due.time_since_epoch().count();
  TimePoint::rep known = sweep_due_.load(std::memory_order_relaxed);
  while (wanted < known &&
         !sweep_due_.compare_exchange_weak(known, wanted, std::memory_order_relaxed)) {
  }
}

std::vector<Change> Table::sweep(TimePoint now) {
  std::vector<Change> changes;
  constexpr TimePoint::rep kNever = TimePoint::max().time_since_epoch().count();
  TimePoint::rep due = sweep_due_.load(std::memory_order_relaxed);
  if (due > now.time_since_epoch().count() ||
      !sweep_due_.compare_exchange_strong(due, kNever, std::memory_order_relaxed)) {
    return changes;
  }
  TimePoint next = TimePoint::max();
  try {
    for (Shard& shard : shards_) next = std::min(next, sweep_shard(shard, now, changes));
  } catch (const std::bad_alloc&) {
    schedule_sweep(now + kSweepInterval);
    throw;
  }
  if (next != TimePoint::max()) schedule_sweep(std::max(next, now + kSweepInterval));
  return changes;
}

/// When the shard has to be swept again.
TimePoint Table::sweep_shard(Shard& shard, TimePoint now, std::vector<Change>& changes) {
  TimePoint next = TimePoint::max();
  const std::lock_guard lock(shard.mutex);
  for (std::size_t i = 0; i < shard.records.size(); ++i) {
    Record& record = shard.records[i];
    if (record.number == 0) continue;
    if (now - record.last_message >= kRetention) {
      shard.release(static_cast<std::uint16_t>(i));
      continue;
    }
    if (record.state == State::attempting && record.state_at(now) == State::unanswered) {
      // The change is not lost if there is no memory for it.
      if (changes.size() == changes.capacity()) changes.reserve(2 * changes.size() + 16);
      changes.push_back(change(record, static_cast<std::uint16_t>(i), State::unanswered));
    }
    const bool is_open = record.state == State::attempting;
    next =
        std::min(next, is_open ? record.started + kAnswerTime : record.last_message + kRetention);
  }
  return next;
}

std::vector<Record> Table::newest(const Filter& filter, std::size_t limit, TimePoint now) const {
  struct Found {
    std::uint64_t number;
    std::uint16_t slot;
  };
  const std::string node = bounded(filter.node, kLongestId);
  const auto matches = [&](const Record& record) {
    return record.number != 0 && now - record.last_message < kRetention &&
           (node.empty() || record.initiator() == node || record.responder() == node) &&
           (!filter.state || record.state_at(now) == *filter.state);
  };
  std::vector<Found> found;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (std::size_t i = 0; i < shard.records.size(); ++i) {
      const Record& record = shard.records[i];
      if (matches(record)) found.push_back({record.number, static_cast<std::uint16_t>(i)});
    }
  }
  std::ranges::sort(found, [](const Found& a, const Found& b) {
    return a.number / kShards > b.number / kShards;
  });
  found.resize(std::min({found.size(), limit, kMaxRecords}));
  std::vector<Record> records;
  records.reserve(found.size());
  for (const Found& each : found) {
    const Shard& shard = shards_[shard_of(each.number)];
    const std::lock_guard lock(shard.mutex);
    const Record& record = shard.records[each.slot];
    if (record.number == each.number) records.push_back(record);
  }
  return records;
}

std::optional<Record> Table::find(std::uint64_t number, TimePoint now) const {
  const Shard& shard = shards_[shard_of(number)];
  const std::lock_guard lock(shard.mutex);
  for (const Record& record : shard.records) {
    if (number != 0 && record.number == number && now - record.last_message < kRetention) {
      return record;
    }
  }
  return std::nullopt;
}

std::optional<Table::Closest> Table::find(const Names& names, TimePoint began,
                                          TimePoint::duration most, TimePoint now) const {
  const std::uint64_t hash = hash_of(names);
  const Shard& shard = shards_[shard_index(hash)];
  const std::lock_guard lock(shard.mutex);
  const auto distance = [](TimePoint a, TimePoint b) { return a < b ? b - a : a - b; };
  const auto for_each = [&](const auto& use) {
    for (std::uint16_t slot = shard.buckets[static_cast<std::uint32_t>(hash) % kBuckets];
         slot != kNone; slot = shard.next[slot]) {
      const Record& record = shard.records[slot];
      if (record.hash == hash && now - record.last_message < kRetention) use(record);
    }
  };
  const Record* closest = nullptr;
  for_each([&](const Record& record) {
    const bool is_closer =
        closest == nullptr || distance(record.started, began) < distance(closest->started, began);
    if (is_closer) closest = &record;
  });
  if (closest == nullptr || distance(closest->started, began) > most) return std::nullopt;
  Closest found{*closest};
  for_each([&](const Record& record) {
    if (&record == closest) return;
    const auto apart = distance(record.started, closest->started);
    found.to_next = std::min(apart, found.to_next.value_or(apart));
  });
  return found;
}

std::optional<Record> Table::find(const Change& change) const {
  const Shard& shard = shards_[shard_of(change.number)];
  const std::lock_guard lock(shard.mutex);
  const Record& record = shard.records[change.slot];
  return record.number == change.number ? std::optional(record) : std::nullopt;
}

std::size_t Table::size() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.used;
  }
  return sum;
}

}  // namespace crolang::negotiation
