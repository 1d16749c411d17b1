/*
 * crolang/host.h — the services that the broker offers to a plugin.
 */
#ifndef CROLANG_HOST_H
#define CROLANG_HOST_H

#include "crolang/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The table lives until destroy has returned. */
typedef struct crolang_host {
  uint32_t size;
  uint32_t abi_minor;
  void* ctx; /* first argument of every function below */
  /* [any-thread] Writes one line to the broker's log, with the plugin's id as plugin=… behind the
   * text. `level`: CROLANG_LOG_DEBUG (shown from LOG_LEVEL=3 on), or _INFO, _WARN or _ERROR (always
   * shown); any other counts as _ERROR. Control characters are escaped. */
  void (*log)(void* ctx, int32_t level, crolang_str text);
  /* [any-thread] Gets the value of a variable that the plugin declares, or its default. false: not
   * set and no default, or not declared (logged as an error). Only values of CROLANG_RELOADABLE
   * variables change, just before reload; each value stays valid until destroy has returned. */
  bool (*env)(void* ctx, const char* name, crolang_str* value);
  /* [any-thread] Runs fn(arg) on the control thread, as soon as possible, in the order of the
   * posts. */
  void (*post)(void* ctx, void (*fn)(void* arg), void* arg);
  /* [any-thread] Runs fn(arg) on the control thread after `ms` milliseconds. Returns a timer
   * number, never 0. */
  uint64_t (*post_after)(void* ctx, uint32_t ms, void (*fn)(void* arg), void* arg);
  /* [control] true: the timer's function will not run. false: it ran already, or there is no such
   * timer. */
  bool (*cancel)(void* ctx, uint64_t timer);
  /* [any-thread] Runs fn(arg) on a bounded pool of threads that may block, with a quota for each
   * plugin. false: the quota is used up, or the system has no thread left, and fn will not run;
   * answer CROLANG_UNAVAILABLE. */
  bool (*run_blocking)(void* ctx, void (*fn)(void* arg), void* arg);
  /* [any-thread] Returns an optional service by name and revision ("name/1"); NULL: this broker
   * does not have it. */
  const void* (*service)(void* ctx, const char* name_and_revision);
} crolang_host;

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_HOST_H */
