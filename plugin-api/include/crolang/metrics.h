/*
 * crolang/metrics.h — metrics/1, an optional service of the broker: counters and gauges of a plugin
 * at the broker's /metrics.
 *
 *   const crolang_metrics* metrics = host->service(host->ctx, CROLANG_METRICS);
 *
 * NULL: this broker has no such service. Then the plugin must work all the same.
 *
 * NAMES. A metric is shown as crolang_PREFIX_NAME, a counter as crolang_PREFIX_NAME_total. PREFIX
 * is what follows the last dot of the plugin's id, in lower case, with '-' as '_': that of
 * org.example.team-rules is team_rules, and its counter `refusals` is
 * crolang_team_rules_refusals_total. The broker's own metrics begin with crolang_broker_, so a
 * plugin whose prefix is broker, or begins with broker_, gets no metrics. No two metrics of all
 * plugins may have one name.
 *
 * LIMITS. A plugin has at most 64 metrics and 64 series at a time. What exceeds a limit, has a bad
 * name, or is there already, is refused: the function returns NULL, and the log says why, with the
 * plugin's id. Functions that get NULL for a metric or a series do nothing, so a plugin need not
 * check. Labels are for what has few values, such as the outcome of an operation: never for ids of
 * nodes, which are many, and which not everybody who reads metrics should know.
 *
 * THREADS. Each function is [any-thread]. add and set are atomic operations without a lock, for hot
 * paths; declare, series and remove take a lock and may allocate.
 *
 * LIFE CYCLE. The service is available from create on. Metrics are shown until the broker ends,
 * with the values that they had last.
 */
#ifndef CROLANG_METRICS_H
#define CROLANG_METRICS_H

#include "crolang/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CROLANG_METRICS "metrics/1"

#define CROLANG_MAX_PLUGIN_METRICS 64u /* of one plugin; and as many series */
#define CROLANG_MAX_METRIC_NAME 64u    /* bytes of a name, or of a label */
#define CROLANG_MAX_METRIC_TEXT 512u   /* bytes of a help text, or of a label's value */

enum {
  CROLANG_COUNTER = 0, /* only grows */
  CROLANG_GAUGE = 1
};

/* A name, and one of its values. Both live until destroy has returned. */
typedef struct crolang_metric crolang_metric;
typedef struct crolang_series crolang_series;

/* The table lives until destroy has returned. */
typedef struct crolang_metrics {
  uint32_t size;
  void* ctx; /* first argument of every function below */
  /* Declares a metric, which is shown once it has a series. `name`: lower-case letters, digits and
   * '_', beginning with a letter, without crolang_PREFIX_; with its unit, which is seconds or bytes
   * rather than a multiple of them. It does not end with _total, _count, _sum or _bucket. `help`:
   * one sentence. `label`: the name of the label by which the series differ, such as "outcome",
   * written like `name`; not instance, job, le or quantile. NULL: the metric has one series. */
  crolang_metric* (*declare)(void* ctx, int32_t type, const char* name, const char* help,
                             const char* label);
  /* The series with this value of the metric's label, which is made with the value 0 if it is not
   * there yet. `label_value` is escaped where it is shown; for a metric without a label it is
   * empty. */
  crolang_series* (*series)(void* ctx, crolang_metric* metric, crolang_str label_value);
  /* Adds to the series. A counter ignores what is negative, infinite or not a number. */
  void (*add)(void* ctx, crolang_series* series, double amount);
  /* Sets a gauge; ignored for a counter. */
  void (*set)(void* ctx, crolang_series* series, double value);
  /* From now on the series is not shown, does not count to the limit, and must not be used: it may
   * become another one of the same plugin. For gauges whose label names a thing that is gone. */
  void (*remove)(void* ctx, crolang_series* series);
} crolang_metrics;

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_METRICS_H */
