#include "redis-registry/holder_queries.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {

using plugin::Status;

namespace {

// If there was no message for so long, a large batch does not delay any.
constexpr std::chrono::milliseconds kQuiet{50};

}  // namespace

HolderQueries::HolderQueries(ServiceContext& context, Shards& shards)
    : context_(context), shards_(shards) {}

/// The holders that are being read for one query.
struct HolderQueries::Reading {
  struct Found {
    Holding holding;  // without its instance, which is a part of `instances`
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  std::vector<plugin::Holder> holders() const {
    std::vector<plugin::Holder> all;
    all.reserve(found.size());
    for (Found each : found) {
      each.holding.instance = std::string_view(instances).substr(each.begin, each.end - each.begin);
      all.push_back(each.holding.token == 0 ? plugin::Holder{} : each.holding.holder());
    }
    return all;
  }
  void fail(std::size_t at, std::string_view reason) {
    if (failed.empty()) {
      failed.resize(found.size());
      why = reason;
    }
    failed[at] = true;
  }

  std::vector<Found> found;  // in the order of the ids
  std::string instances;     // their names, one after the other
  std::size_t open = 0;      // replies to come
  std::vector<bool> failed;  // by id; empty: none has
  std::string why;           // the first has
  UniqueFunction<const Reading&> done;
};

template <class F>
void HolderQueries::find_holders(std::span<const std::string_view> ids, F done) {
  const auto reading = std::make_shared<Reading>();
  reading->done = std::move(done);
  reading->found.resize(ids.size());
  reading->open = ids.size();
  // Pipelined: one key for each command, since the keys may be on several servers.
  for (std::size_t at = 0; at < ids.size(); ++at) {
    const std::string key = context_.key(ids[at]);
    const Slot slot = shards_.slot(key);
    shards_.command(slot, std::array<std::string_view, 2>{"GET", key},
                    [this, reading, at, slot](const redisReply* reply) {
                      on_holder(*reading, at, slot, reply);
                      if (--reading->open == 0) reading->done(*reading);
                    });
  }
}

void HolderQueries::on_holder(Reading& reading, std::size_t at, Slot slot,
                              const redisReply* reply) {
  // A key of another type was not written by a broker: nobody holds it.
  const bool is_foreign = reply != nullptr && text_of(*reply).starts_with("WRONGTYPE");
  if (has_failed(reply) && !is_foreign) {
    reading.fail(at, failure_of(reply));
    return;
  }
  const auto holding = is_foreign ? std::nullopt : parse_value(text_of(*reply));
  Reading::Found& found = reading.found[at];
  if (!holding && !shards_.of_slot(slot).gate().missing_lease_means_free(context_.now)) {
    reading.fail(at, "brokers are still restoring their leases");
    return;
  }
  if (holding && holding->announced) {
    found.holding = *holding;
    found.begin = reading.instances.size();
    reading.instances += holding->instance;
    found.end = reading.instances.size();
  }
}

void HolderQueries::look_up(Lookup& lookup) {
  if (!shards_.is_any_up()) {
    lookup.answer.fail(Status::unavailable, shards_.reason());
    return;
  }
  if (lookup.ids.empty()) {
    lookup.answer.located({});
    return;
  }
  const std::vector<std::string_view> ids(lookup.ids.begin(), lookup.ids.end());
  find_holders(ids, [answer = std::move(lookup.answer)](const Reading& reading) mutable {
    reading.failed.empty() ? answer.located(reading.holders())
                           : answer.fail(Status::unavailable, reading.why);
  });
}

void HolderQueries::look_up(PresenceLookup& lookup) {
  if (shards_.is_any_up()) {
    presence_.add(std::move(lookup.question), context_.now);
  } else {
    lookup.question.answer.fail(Status::unavailable, shards_.reason());
  }
}

void HolderQueries::send_presence(TimePoint last_message) {
  while (shards_.is_any_up()) {
    const bool is_quiet = context_.now - last_message > kQuiet;
    PresenceQueue::Batch batch =
        presence_.take(context_.now, is_quiet ? kIdsPerBatchWhenQuiet : kIdsPerBatch);
    if (batch.empty()) return;
    const std::vector<std::string_view> ids = batch.ids();
    find_holders(ids, [this, asked = std::move(batch)](const Reading& reading) {
      presence_.settle(asked, reading.holders(), reading.failed, reading.why);
    });
  }
}

}  // namespace crolang::redis_registry
