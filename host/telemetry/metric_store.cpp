#include "telemetry/metric_store.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "telemetry/escape.hpp"

namespace crolang::telemetry {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct MetricStore::Owner {
  std::string plugin_id;
  std::string prefix;  // of its metrics, with the last '_'
  std::size_t metrics = 0;
  std::deque<Series> series{};  // removed ones included
};

struct MetricStore::Metric {
  Owner& owner;
  Type type;
  std::string name;  // as it is shown
  std::string help;  // the same
  std::string label;
};

namespace {

constexpr std::string_view kAll = "crolang_";
constexpr std::string_view kOfBroker = "broker_";
// Those of counters, and of what histograms and summaries consist of.
constexpr std::array<std::string_view, 4> kSuffixes{"_total", "_count", "_sum", "_bucket"};
// Those that Prometheus sets, and those of histograms and summaries.
constexpr std::array<std::string_view, 4> kLabels{"instance", "job", "le", "quantile"};

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= MetricStore::kLongestName && is_lower(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
}

/// What follows the last dot, with the characters that names of metrics have.
std::string prefix_of(std::string_view plugin_id) {
  std::string prefix;
  for (const char c : plugin_id.substr(plugin_id.rfind('.') + 1)) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    if (is_upper) {
      prefix += static_cast<char>(c - 'A' + 'a');
    } else {
      prefix += is_lower(c) || is_digit(c) ? c : '_';
    }
  }
  return prefix + '_';
}

std::string on_one_line(std::string_view text) {
  std::string line;
  append_escaped(line, text, Escape::bare, MetricStore::kLongestText);
  return line;
}

/// The serializer escapes values of labels, but no help.
std::string help_of(std::string_view text) {
  std::string help;
  for (const char c : on_one_line(text)) help.append(c == '\\' ? 2 : 1, c);
  return help;
}

std::string why_not(const MetricStore::Declaration& declaration) {
  const std::string longest = std::to_string(MetricStore::kLongestName);
  if (!is_name(declaration.name)) {
    return "its name must be lower-case letters, digits and '_', begin with a letter, and have at "
           "most " +
           longest + " characters";
  }
  for (const std::string_view suffix : kSuffixes) {
    if (declaration.name.ends_with(suffix)) {
      return "its name must not end with " + std::string(suffix);
    }
  }
  if (declaration.help.empty() || declaration.help.size() > MetricStore::kLongestText) {
    return "its help must have 1 to " + std::to_string(MetricStore::kLongestText) + " bytes";
  }
  if (declaration.label.empty()) return {};
  if (!is_name(declaration.label)) {
    return "its label " + in_quotes(declaration.label.substr(0, MetricStore::kLongestName)) +
           " must be lower-case letters, digits and '_', begin with a letter, and have at most " +
           longest + " characters";
  }
  if (std::ranges::find(kLabels, declaration.label) != kLabels.end()) {
    return "its label must not be " + std::string(declaration.label);
  }
  return {};
}

}  // namespace

// ---- Values -------------------------------------------------------------------------------------

void MetricStore::Series::add(double amount) noexcept {
  const bool is_counter = type_.load(std::memory_order_relaxed) == Type::counter;
  if (is_counter && !(amount >= 0 && std::isfinite(amount))) return;
  value_.fetch_add(amount, std::memory_order_relaxed);
}

void MetricStore::Series::set(double value) noexcept {
  if (type_.load(std::memory_order_relaxed) == Type::counter) return;
  value_.store(value, std::memory_order_relaxed);
}

// ---- Metrics ------------------------------------------------------------------------------------

MetricStore::MetricStore() = default;
MetricStore::~MetricStore() = default;

MetricStore::Made<MetricStore::Owner> MetricStore::add_owner(std::string_view plugin_id) {
  std::string prefix = prefix_of(plugin_id);
  if (prefix == "_") return {nullptr, "the plugin's id ends with a dot"};
  if (prefix.starts_with(kOfBroker)) {
    return {nullptr, "crolang_broker_ is what the broker's own metrics begin with"};
  }
  const std::lock_guard lock(mutex_);
  return {&owners_.emplace_back(Owner{std::string(plugin_id), std::move(prefix)})};
}

MetricStore::Made<MetricStore::Metric> MetricStore::declare(Owner& owner,
                                                            const Declaration& declaration) {
  if (std::string refusal = why_not(declaration); !refusal.empty()) return {nullptr, refusal};
  std::string name = std::string(kAll).append(owner.prefix).append(declaration.name);
  if (declaration.type == Type::counter) name += "_total";
  const std::lock_guard lock(mutex_);
  const auto same = std::ranges::find(metrics_, name, &Metric::name);
  if (same != metrics_.end()) {
    return {nullptr, name + " is declared already, by " + same->owner.plugin_id};
  }
  if (owner.metrics == kMostMetrics) {
    return {nullptr, "the plugin has " + std::to_string(kMostMetrics) + " metrics already"};
  }
  Metric& made =
      metrics_.emplace_back(Metric{owner, declaration.type, std::move(name),
                                   help_of(declaration.help), std::string(declaration.label)});
  ++owner.metrics;
  return {&made};
}

MetricStore::Made<MetricStore::Series> MetricStore::series(Metric& metric,
                                                           std::string_view label_value) {
  if (label_value.size() > kLongestText) {
    return {nullptr, metric.name + ": the value of a label has more than " +
                         std::to_string(kLongestText) + " bytes"};
  }
  if (metric.label.empty() && !label_value.empty()) {
    return {nullptr, metric.name + " has no label"};
  }
  std::string shown = on_one_line(label_value);
  const std::lock_guard lock(mutex_);
  Owner& owner = metric.owner;
  Series* unused = nullptr;
  for (Series& each : owner.series) {
    if (each.metric_ == &metric && each.label_value_ == shown) return {&each};
    if (each.metric_ == nullptr) unused = &each;
  }
  if (unused == nullptr) {
    if (owner.series.size() == kMostSeries) {
      return {nullptr,
              metric.name + ": the plugin has " + std::to_string(kMostSeries) + " series already"};
    }
    unused = &owner.series.emplace_back();
  }
  unused->metric_ = &metric;
  unused->label_value_ = std::move(shown);
  unused->type_.store(metric.type, std::memory_order_relaxed);
  unused->value_.store(0, std::memory_order_relaxed);
  return {unused};
}

void MetricStore::remove(Series& series) noexcept {
  const std::lock_guard lock(mutex_);
  series.metric_ = nullptr;
}

std::string MetricStore::text() const {
  std::vector<MetricFamily> families;
  {
    const std::lock_guard lock(mutex_);
    for (const Metric& metric : metrics_) {
      const bool is_counter = metric.type == Type::counter;
      MetricFamily family{
          metric.name, metric.help, is_counter ? MetricType::Counter : MetricType::Gauge, {}};
      for (const Series& each : metric.owner.series) {
        if (each.metric_ != &metric) continue;
        ClientMetric& shown = family.metric.emplace_back();
        if (!metric.label.empty()) shown.label.push_back({metric.label, each.label_value_});
        const double value = each.value_.load(std::memory_order_relaxed);
        shown.counter.value = value;
        shown.gauge.value = value;
      }
      if (!family.metric.empty()) families.push_back(std::move(family));
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace crolang::telemetry
