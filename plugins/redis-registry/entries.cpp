#include "redis-registry/entries.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {

using plugin::Status;

namespace {

/// `epoch.changes.number`, as the script writes it.
struct Version {
  std::string_view epoch;
  std::uint64_t changes = 0;
};

std::optional<Version> parse_version(std::string_view text) {
  const std::size_t first = text.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  Version version{text.substr(0, first)};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + first + 1, end, version.changes);
  if (error != std::errc() || stop == end || *stop != '.') return std::nullopt;
  return version;
}

/// The version in a member of the set; nullopt: it is an entry.
std::optional<std::string_view> version_of(std::string_view member) {
  if (member.empty() || member.front() != '\0') return std::nullopt;
  return member.substr(1);
}

/// Tells changes apart; need not be secret.
std::string random_number() {
  static std::random_device device;
  const std::uint64_t number = std::uint64_t{device()} << 32 | device();
  return std::to_string(number);
}

/// Members and scores in turns. What no broker has written is left out.
struct Table {
  std::string_view version;
  std::vector<plugin::Entry> entries;
};

Table read_table(std::span<redisReply* const> elements) {
  Table table;
  for (std::size_t i = 0; i + 1 < elements.size(); i += 2) {
    const std::string_view member = text_of(*elements[i]);
    if (const auto version = version_of(member)) {
      if (version->size() <= CROLANG_MAX_ENTRIES_VERSION) table.version = *version;
      continue;
    }
    const std::size_t zero = member.find('\0');
    const std::string score(text_of(*elements[i + 1]));
    const double expires_at = std::strtod(score.c_str(), nullptr);
    const bool is_time = std::isfinite(expires_at) && expires_at > 0 && expires_at < 1e15;
    if (zero == std::string_view::npos || !is_time) continue;
    const plugin::Entry entry{member.substr(0, zero), member.substr(zero + 1),
                              static_cast<std::uint64_t>(expires_at)};
    if (!Entries::is_allowed(entry) || table.entries.size() == CROLANG_MAX_ENTRIES) continue;
    table.entries.push_back(entry);
  }
  return table;
}

}  // namespace

VersionChange compare_versions(std::string_view known, std::string_view now) {
  if (known == now) return VersionChange::none;
  if (known.empty()) return VersionChange::changed;
  const auto before = parse_version(known);
  const auto after = parse_version(now);
  if (!before || !after || before->epoch != after->epoch) return VersionChange::lost;
  return after->changes > before->changes ? VersionChange::changed : VersionChange::lost;
}

Entries::Entries(ServiceContext& context, Shards& shards)
    : context_(context), shards_(shards), key_(context.options.key_prefix + "entries") {}

bool Entries::is_allowed(const plugin::Entry& entry) {
  return !entry.name.empty() && entry.name.size() <= CROLANG_MAX_ENTRY_NAME &&
         entry.name.find('\0') == std::string_view::npos &&
         entry.value.size() <= CROLANG_MAX_ENTRY_VALUE;
}

void Entries::set(SetEntry& change) {
  std::string name = std::move(change.name);
  name.push_back('\0');
  send({std::move(name), std::move(change.value),
        change.expires_at == 0 ? std::string() : std::to_string(change.expires_at),
        std::move(change.answer)},
       Attempt::first);
}

void Entries::send(Change change, Attempt attempt) {
  const Shard& shard = shards_.of_key(key_);
  if (!shard.is_up()) {
    change.answer.fail(Status::unavailable, shard.gate().reason());
    return;
  }
  const auto kept = std::make_shared<Change>(std::move(change));
  const std::string_view digest = shard.connection().digest(Script::set_entry);
  const std::string number = random_number();
  shards_.command(key_,
                  std::array<std::string_view, 8>{"EVALSHA", digest, "1", key_, kept->name,
                                                  kept->value, kept->expires_at, number},
                  [this, kept, attempt](const redisReply* reply) {
                    if (!has_failed(reply)) {
                      if (reply->type == REDIS_REPLY_INTEGER && reply->integer == 0) {
                        kept->answer.fail(Status::invalid, "there are 10000 entries already");
                      } else {
                        kept->answer.done();
                      }
                      return;
                    }
                    const bool is_unknown =
                        reply != nullptr && text_of(*reply).starts_with("NOSCRIPT");
                    if (is_unknown) shards_.of_key(key_).leases().on_unknown_script(*reply);
                    if (is_unknown && attempt == Attempt::first) {
                      // The scripts are being loaded again, before what is sent now.
                      send(std::move(*kept), Attempt::last);
                    } else {
                      kept->answer.fail(Status::unavailable, failure_of(reply));
                    }
                  });
}

void Entries::list(ListEntries& list) {
  const Shard& shard = shards_.of_key(key_);
  if (!shard.is_up()) {
    list.answer.fail(Status::unavailable, shard.gate().reason());
    return;
  }
  const auto kept = std::make_shared<ListEntries>(std::move(list));
  // The version is the last one, since it never expires.
  shards_.command(key_, std::array<std::string_view, 4>{"ZRANGE", key_, "-1", "-1"},
                  [this, kept](const redisReply* reply) {
                    if (has_failed(reply)) {
                      kept->answer.fail(Status::unavailable, failure_of(reply));
                      return;
                    }
                    std::string_view version;
                    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1) {
                      version = version_of(text_of(*reply->element[0])).value_or("");
                    }
                    if (version == kept->known_version) {
                      kept->answer.unchanged(version);
                    } else {
                      read(std::move(*kept));
                    }
                  });
}

void Entries::read(ListEntries list) {
  const auto kept = std::make_shared<ListEntries>(std::move(list));
  shards_.command(key_, std::array<std::string_view, 5>{"ZRANGE", key_, "0", "-1", "WITHSCORES"},
                  [kept](const redisReply* reply) {
                    if (has_failed(reply) || reply->type != REDIS_REPLY_ARRAY) {
                      kept->answer.fail(Status::unavailable, failure_of(reply));
                      return;
                    }
                    const Table table = read_table({reply->element, reply->elements});
                    switch (compare_versions(kept->known_version, table.version)) {
                      case VersionChange::none:
                        kept->answer.unchanged(table.version);
                        break;
                      case VersionChange::changed:
                        kept->answer.changed(table.version, table.entries);
                        break;
                      case VersionChange::lost:
                        kept->answer.lost(table.version, table.entries);
                        break;
                    }
                  });
}

}  // namespace crolang::redis_registry
