/*
 * crolang/base.h — what all kinds of modules have in common, ABI major 1.
 *
 * A plugin is a shared object that exports exactly one data symbol, `crolang_plugin_entry`. The
 * broker reads it before it runs any function of the plugin, so an incompatible plugin is refused
 * with an error message instead of a crash.
 *
 * OWNERSHIP. Every pointer passed in either direction is borrowed until the call that carries it
 * returns; copy the data to keep it longer. Nothing allocated on one side is freed on the other. A
 * `call` belongs to the broker and stays valid until it is answered. Tables and strings reachable
 * from `crolang_plugin_entry` live as long as the process.
 *
 * THREADS. Every function has one of three tags, beside it or at the top of its table:
 *   [control]         one thread of the broker, the same for all plugins: check, create, reload,
 *                     stop, destroy, posted functions, timers. For one plugin these never run at
 *                     the same time.
 *   [io, concurrent]  any worker thread of the broker, several at once. Must not block; may answer
 *                     before it returns. The broker logs the plugin's id and the function when one
 *                     takes longer than 5 ms.
 *   [any-thread]      may be called from any thread, also from threads of the plugin.
 * The broker never holds a lock while it calls a plugin.
 *
 * ANSWERS. A question carries an answer function and a `call`. The plugin calls the answer
 * function exactly once, from any thread, possibly before the question returns. `status` says
 * whether the question could be answered at all; the value beside it counts only with CROLANG_OK.
 * "No" is a value, "could not answer" is a status: do not confuse the two, since the broker refuses
 * a node for the first and asks it to retry for the second. A second answer to one call is a defect
 * of the plugin: the broker ignores it, logs it with the plugin's id and counts it.
 *
 * TIME. `timeout_ms` is relative to the call, in milliseconds. The broker enforces it: at the
 * deadline it continues as if CROLANG_TIMEOUT had been answered, and drops a later answer (a claim
 * that is granted late is released).
 *
 * ERRORS. No exception may cross this boundary. `error` texts are for the log: one line of UTF-8
 * without secrets, of which the broker keeps 512 bytes.
 *
 * THE END. The broker calls stop after the last question, and destroy after the plugin has called
 * stopped. In between it waits until every call is answered and every posted and blocking function
 * has returned. Timers that are still set at destroy are dropped.
 *
 * Plugins must not install signal handlers, fork, or change the locale or the environment. They are
 * never unloaded.
 *
 * GROWTH. Within major 1 structs only grow at their end, and `size` is the size that the other side
 * was compiled with: check CROLANG_HAS before reading a field added after minor 0. A kind whose
 * meaning changes gets a new revision ("registry/2").
 */
#ifndef CROLANG_BASE_H
#define CROLANG_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CROLANG_ABI_MAJOR 1u /* another major does not load */
#define CROLANG_ABI_MINOR 0u /* something was appended; a plugin states the minor that it NEEDS */
#define CROLANG_MAGIC UINT64_C(0x31474e414c4f5243) /* "CROLANG1" in memory */
#define CROLANG_EXPORT __attribute__((visibility("default")))

/* Whether the table that the other side filled has this field. */
#define CROLANG_HAS(table, field) \
  ((table)->size >= offsetof(__typeof__(*(table)), field) + sizeof((table)->field))

/* UTF-8 bytes, not NUL-terminated. `data` is NULL only where a function documents what that means;
 * an empty text has a size of 0. */
typedef struct crolang_str {
  const char* data;
  size_t size;
} crolang_str;

/* Whether the question could be answered. */
typedef int32_t crolang_status;
enum {
  CROLANG_OK = 0,
  CROLANG_UNAVAILABLE = 1, /* backend unavailable or overloaded */
  CROLANG_TIMEOUT = 2,     /* no answer within the deadline */
  CROLANG_CANCELLED = 3,   /* the plugin is being stopped */
  CROLANG_INVALID = 4,     /* the backend's answer is invalid */
  CROLANG_INTERNAL = 5     /* a defect inside the plugin */
};

enum { CROLANG_LOG_DEBUG = 0, CROLANG_LOG_INFO = 1, CROLANG_LOG_WARN = 2, CROLANG_LOG_ERROR = 3 };

/* ---- Answers [any-thread], exactly once for each call ------------------------------------------
 */
typedef void (*crolang_done_fn)(void* call, crolang_status status, crolang_str error);
/* With CROLANG_OK and a "no", `error` may give the reason, for the broker's log: "the token expired
 * 312 s ago". It is not sent to the node. */
typedef void (*crolang_yes_no_fn)(void* call, crolang_status status, bool yes, crolang_str error);
typedef void (*crolang_text_fn)(void* call, crolang_status status, crolang_str text,
                                crolang_str error);
/* `count` must be the number of things asked about, in the order asked; anything else counts as
 * CROLANG_INVALID. */
typedef void (*crolang_flags_fn)(void* call, crolang_status status, const bool* flags, size_t count,
                                 crolang_str error);

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_BASE_H */
