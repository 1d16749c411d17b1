#include "redis-registry/links.hpp"

#include <algorithm>

namespace crolang::redis_registry {

void Links::open(const std::function<std::unique_ptr<Transport>()>& new_transport, TimePoint now,
                 Kind kind) {
  kind_ = kind;
  for (Link* const link : all()) {
    if (is_used(link)) link->open(new_transport(), now);
  }
}

void Links::close() {
  for (Link* const link : all()) link->close();
}

const Link* Links::first_closed() const {
  const auto links = all();
  const auto closed = std::ranges::find_if(
      links, [this](const Link* link) { return is_used(link) && !link->is_open(); });
  return closed == links.end() ? nullptr : *closed;
}

TimePoint Links::last_progress() const {
  TimePoint last{};
  for (const Link* const link : all()) last = std::max(last, link->last_progress());
  return last;
}

std::optional<TimePoint> Links::waiting_since() const {
  std::optional<TimePoint> first;
  for (const Link* const link : all()) {
    const auto since = link->waiting_since();
    if (since && (!first || *since < *first)) first = since;
  }
  return first;
}

std::string Links::silence() const {
  const Link* quietest = &commands;
  for (const Link* const link : all()) {
    if (is_used(link) && link->last_progress() < quietest->last_progress()) quietest = link;
  }
  return quietest->silence();
}

void Links::restart_clocks(TimePoint now) {
  for (Link* const link : all()) link->restart_clocks(now);
}

std::array<pollfd, Links::kCount> Links::poll_entries(TimePoint now) const {
  std::array<pollfd, kCount> entries{};
  std::ranges::transform(all(), entries.begin(),
                         [now](const Link* link) { return link->poll_entry(now); });
  return entries;
}

void Links::on_poll(const std::array<pollfd, kCount>& entries, TimePoint now) {
  const auto links = all();
  for (std::size_t i = 0; i < kCount; ++i) links[i]->on_poll(entries[i].revents, now);
}

void Links::flush() {
  for (Link* const link : all()) link->flush();
}

}  // namespace crolang::redis_registry
