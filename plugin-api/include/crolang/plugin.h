/*
 * crolang/plugin.h — the interface between crolang-broker and its plugins, ABI major 1.
 *
 * A plugin is a shared object that exports exactly one data symbol, `crolang_plugin_entry`. The
 * broker reads it before it runs any function of the plugin, so a plugin that does not fit is
 * refused with a sentence instead of a crash.
 *
 * OWNERSHIP. Every pointer handed over, in either direction, is borrowed until the call that
 * carries it returns; who wants it longer copies it. Nothing allocated on one side is freed on the
 * other. An `op` belongs to the broker and stays valid until it is answered. Tables and strings
 * reachable from `crolang_plugin_entry` live as long as the process.
 *
 * THREADS. Every function carries one of three tags:
 *   [control]         one thread of the broker, the same for all plugins: check, create, reload,
 *                     stop, destroy, posted functions, timers. For one plugin these never run at
 *                     the same time.
 *   [io, concurrent]  any worker thread of the broker, several at once. Must not block; may answer
 *                     before it returns. The broker logs the plugin's id and the function when one
 *                     takes longer than 5 ms.
 *   [any-thread]      may be called from any thread, also from threads of the plugin.
 * The broker never holds a lock while it calls a plugin.
 *
 * ANSWERS. A question carries an answer function and an `op`. The plugin calls the answer function
 * exactly once, from any thread, possibly before the question returns. `status` says whether the
 * question could be answered at all; the value beside it counts only with CROLANG_OK. "No" is a
 * value, "could not ask" is a status: never mix the two up, since the broker refuses a node for the
 * first and asks it to come again for the second. A second answer to one op is a defect of the
 * plugin: the broker ignores it, logs it with the plugin's id and counts it.
 *
 * TIME. `deadline_ms` is relative to the call, in milliseconds. The broker keeps it too: at the
 * deadline the session goes on as if CROLANG_TIMEOUT had been answered, and the late answer is
 * dropped (a claim that is granted late is released).
 *
 * ERRORS. No exception may cross this boundary. `error` texts are for the log: one line of UTF-8, of
 * which the broker keeps 512 bytes, no secrets.
 *
 * THE END. stop comes after the last question, destroy after stopped. In between the broker waits
 * until every op is answered and every posted and blocking function has returned. Timers that are
 * still set at destroy are dropped.
 *
 * Plugins install no signal handlers, do not fork, do not change the locale or the environment, and
 * are never unloaded.
 *
 * GROWTH. Within major 1 structs only grow at their end and `size` tells how far they reach: check
 * CROLANG_HAS before reading a field added after minor 0. A kind whose meaning changes gets a new
 * revision ("registry/2").
 */
#ifndef CROLANG_PLUGIN_H
#define CROLANG_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CROLANG_ABI_MAJOR 1u /* another major does not load */
#define CROLANG_ABI_MINOR 0u /* something was appended; a plugin states the minor that it NEEDS */
#define CROLANG_MAGIC UINT64_C(0x31504b4f52424b42)
#define CROLANG_EXPORT __attribute__((visibility("default")))

/* Does the table that the other side filled reach this field? */
#define CROLANG_HAS(table, field) \
  ((table)->size >= offsetof(__typeof__(*(table)), field) + sizeof((table)->field))

/* UTF-8 bytes, not NUL-terminated. `data` is NULL only where a function says what that means, else
 * size may be 0. */
typedef struct crolang_str {
  const char* data;
  size_t size;
} crolang_str;

/* Could the question be answered? */
typedef int32_t crolang_status;
enum {
  CROLANG_OK = 0,
  CROLANG_UNAVAILABLE = 1, /* whom the plugin asks is away, or too busy */
  CROLANG_TIMEOUT = 2,     /* no answer within the deadline */
  CROLANG_CANCELLED = 3,   /* the plugin is being stopped */
  CROLANG_INVALID = 4,     /* an answer came, but it makes no sense */
  CROLANG_INTERNAL = 5     /* a defect inside the plugin */
};

enum { CROLANG_LOG_DEBUG = 0, CROLANG_LOG_INFO = 1, CROLANG_LOG_WARN = 2, CROLANG_LOG_ERROR = 3 };

/* ---- Environment variables that a plugin reads -----------------------------------------------
 * Static data: the broker prints it (`crolang-broker plugins`, --help) and validates values without
 * creating the plugin. */
enum {
  CROLANG_STRING = 0,
  CROLANG_URL = 1,  /* scheme://…; the plugin judges the scheme */
  CROLANG_UINT = 2, /* decimal, fits into 64 bits */
  CROLANG_BOOL = 3  /* exactly true or false */
};
enum {
  CROLANG_REQUIRED = 1u, /* must be set when the plugin is used */
  /* masked wherever it is printed; NAME_FILE may name a file that holds the value */
  CROLANG_SECRET = 2u,
  /* a value that has changed is taken over by reload, without a restart */
  CROLANG_RELOADABLE = 4u
};
typedef struct crolang_env {
  const char* name;
  uint32_t type;  /* CROLANG_STRING … */
  uint32_t flags; /* CROLANG_REQUIRED | … */
  /* NULL: none. The default lives here, not in code: env() hands it out */
  const char* default_value;
  const char* help; /* one line */
} crolang_env;

/* ---- Services of the broker; the table lives until destroy has returned ---------------------- */
typedef struct crolang_host {
  uint32_t size;
  uint32_t abi_minor;
  void* ctx; /* first argument of every function below */
  /* [any-thread] Writes one line to the broker's log, prefixed by the plugin's id. Control
   * characters are escaped. */
  void (*log)(void* ctx, int32_t level, crolang_str text);
  /* [any-thread] The value of a variable that the plugin declares, or its default. false: not set
   * and no default, or not declared (logged as an error). Only values of CROLANG_RELOADABLE
   * variables change, just before reload; each value lives until destroy has returned. */
  bool (*env)(void* ctx, const char* name, crolang_str* value);
  /* [any-thread] Runs fn(arg) on the control thread, soon, in the order of the posts. */
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
  /* [any-thread] An optional service by name and revision ("name/1"); NULL: this broker has none of
   * that name. */
  const void* (*service)(void* ctx, const char* name_and_revision);
} crolang_host;

/* ---- What check is given; the table lives until check has returned. All [control] --------------
 */
typedef struct crolang_check {
  uint32_t size;
  void* ctx; /* first argument of every function below */
  /* As env of crolang_host, with the values that are to be judged. A value that the broker has
   * refused itself, since it is not of the variable's type, is not shown: its default is. */
  bool (*env)(void* ctx, const char* name, crolang_str* value);
  /* The plugin could not be used with these values. The sentence names the variable and says what
   * to do; the operator reads all of them at once. No secrets. */
  void (*fault)(void* ctx, crolang_str sentence);
  /* It could, but they are hardly what was meant. */
  void (*warning)(void* ctx, crolang_str sentence);
} crolang_check;

/* ---- Answers [any-thread], exactly once for each op ------------------------------------------ */
typedef void (*crolang_done)(void* op, crolang_status status, crolang_str error);
/* With CROLANG_OK and a "no" the `error` may say why, for the broker's log: "the token expired 312 s
 * ago". The node is not told. */
typedef void (*crolang_yes_no)(void* op, crolang_status status, bool yes, crolang_str error);
typedef void (*crolang_text)(void* op, crolang_status status, crolang_str text, crolang_str error);
/* `count` must be the number of things asked about, in the order asked; anything else counts as
 * CROLANG_INVALID. */
typedef void (*crolang_flags)(void* op, crolang_status status, const bool* flags, size_t count,
                              crolang_str error);

/* ==== Module kinds. All functions are [io, concurrent] unless tagged otherwise ================ */

/* ---- registry/1: which node is connected to which broker instance. At most one. --------------
 * A node id is held by at most one session in the whole grid. The hold is a lease: it names the id,
 * the instance of the broker and a token that stands for that very session. Every later step
 * compares the token, so that it can never hit a successor. How leases are kept alive is the
 * plugin's business: it remembers what it granted until it is released, and says on_lost when
 * another token holds the id. */
#define CROLANG_REGISTRY "registry/1"

typedef struct crolang_claim {
  crolang_str id;
  uint64_t token; /* never 0; chosen by the broker at random, unique to a session */
} crolang_claim;

#define CROLANG_MAX_INSTANCE 255u

typedef struct crolang_holder {
  crolang_str instance; /* empty: nobody; else at most CROLANG_MAX_INSTANCE bytes */
  uint64_t token;
} crolang_holder;

/* Outcome of claim and replace. */
enum {
  CROLANG_GRANTED = 0, /* the lease is the claim's */
  CROLANG_HELD = 1     /* another token holds it: `holder` says who */
};
typedef void (*crolang_claimed)(void* op, crolang_status status, int32_t outcome,
                                crolang_holder holder, crolang_str error);

/* Outcome of a probe: does the session that holds a lease still live? */
enum {
  CROLANG_ALIVE = 0,   /* it showed a sign of life within the time given */
  CROLANG_YIELDED = 1, /* it was silent; its instance has closed it */
  CROLANG_GONE = 2,    /* its instance lives, but knows no such session; or the lease is absent */
  /* nobody answers for it while its lease stands, or it must not be evicted now */
  CROLANG_UNREACHABLE = 3
};
typedef void (*crolang_verdict)(void* op, crolang_status status, int32_t verdict,
                                crolang_str error);

/* `count` holders in the order asked; an empty instance: not connected, or not announced yet. */
typedef void (*crolang_located)(void* op, crolang_status status, const crolang_holder* holders,
                                size_t count, crolang_str error);

/* What the plugin tells the broker; the table lives until destroy has returned. [any-thread] */
typedef struct crolang_registry_events {
  uint32_t size;
  void* ctx; /* first argument of every function below */
  /* A message from another instance for a session of this one, in the order sent. The broker
   * answers `taken` exactly once, possibly before this returns: yes, it is in that session's
   * outbox; no, there is no session with this id AND token; not CROLANG_OK: the session is here but
   * could not take it (CROLANG_UNAVAILABLE: its outbox is full; CROLANG_INVALID: no broker sends
   * such a body). `send` answers the same on the other side, and the sender gets ERROR. */
  void (*on_message)(void* ctx, crolang_claim to, crolang_str body, crolang_yes_no taken, void* op);
  /* Another instance asks whether the holder of this claim lives. Answered exactly once, within
   * about timeout_ms. */
  void (*on_probe)(void* ctx, crolang_claim incumbent, uint32_t timeout_ms, crolang_verdict verdict,
                   void* op);
  /* Another token holds the id of this claim: the broker closes the session, if it still has it. */
  void (*on_lost)(void* ctx, crolang_claim claim);
  /* The registry cannot be reached, with a reason for the log / can be reached again. Bound
   * registries start available. */
  void (*on_unavailable)(void* ctx, crolang_str reason);
  void (*on_available)(void* ctx);
} crolang_registry_events;

typedef struct crolang_registry {
  uint32_t size;
  /* [control] Once, after create and before any other function: this broker's instance id, and
   * where events go. Not CROLANG_OK: the broker does not start. */
  crolang_status (*bind)(void* self, crolang_str instance, const crolang_registry_events* events,
                         char* error, size_t error_size);
  /* Takes the lease if nobody holds it. */
  void (*claim)(void* self, crolang_claim claim, uint32_t deadline_ms, crolang_claimed answer,
                void* op);
  /* Takes the lease if `expected` holds it, or nobody: compare-and-swap on the token, after a probe
   * said yielded or gone. */
  void (*replace)(void* self, crolang_claim claim, crolang_holder expected, uint32_t deadline_ms,
                  crolang_claimed answer, void* op);
  /* The session joins: from the answer on lookup finds it on every instance, and only then the node
   * is told that it is connected. A lease that was not announced is invisible to lookup. A registry
   * that cannot announce now answers all the same, and does so as soon as it can: the node joins
   * whatever the answer is. */
  void (*announce)(void* self, crolang_claim claim, uint32_t deadline_ms, crolang_done answer,
                   void* op);
  /* Gives the lease up if its token is still the claim's; else does nothing. Also withdraws a claim
   * that is under way. */
  void (*release)(void* self, crolang_claim claim, uint32_t deadline_ms, crolang_done answer,
                  void* op);
  /* Asks the instance of `incumbent` for a sign of life of its session within timeout_ms. Never
   * asked for own sessions. */
  void (*probe)(void* self, crolang_str id, crolang_holder incumbent, uint32_t timeout_ms,
                uint32_t deadline_ms, crolang_verdict answer, void* op);
  /* Where are these nodes? A message waits for the answer. */
  void (*lookup)(void* self, const crolang_str* ids, size_t count, uint32_t deadline_ms,
                 crolang_located answer, void* op);
  /* Hands `body` to the session `to` on `instance`. Several may be open: sends to one session by
   * one thread arrive in the order of the calls, whatever becomes of each. yes: that instance took
   * it; no: it certainly did not, that session is not there any more: the broker looks up again and
   * sends once more; not CROLANG_OK: it could not take it, or nobody knows (CROLANG_TIMEOUT): the
   * sender gets ERROR, and the broker never sends it again. */
  void (*send)(void* self, crolang_str instance, crolang_claim to, crolang_str body,
               uint32_t deadline_ms, crolang_yes_no answer, void* op);
  /* May be NULL. The worker that calls it has asked all that it has to ask for the moment, so that
   * a registry may send together what came together, and need not guess whether more comes. It
   * follows every burst of questions, on the thread that asked them, perhaps with nothing open any
   * more. Must not block. */
  void (*flush)(void* self);
  /* May be NULL, and absent from a shorter table: then lookup is asked. The same for a node that
   * asks who is connected, perhaps about a thousand ids: nobody else waits for it, so leases,
   * messages and their look-ups go first, however much is asked here. */
  void (*presence)(void* self, const crolang_str* ids, size_t count, uint32_t deadline_ms,
                   crolang_located answer, void* op);
} crolang_registry;

/* ---- rtc-config/1: the RTC configuration of a node. At most one. -----------------------------
 * The answer is JSON:
 * `{"iceServers":[{"urls":"…" or ["…"],"username"?,"password" or "credential"?}…],…}`, or the same
 * under `rtcConfiguration`. The broker normalises it (urls to arrays, password and credential both
 * set), leaves out servers that a WebRTC stack would refuse (crolang/ice_url.hpp), and sends it to
 * the node. Could not ask, or no server is left: the node is told to come again. */
#define CROLANG_RTC_CONFIG "rtc-config/1"
typedef struct crolang_rtc_config {
  uint32_t size;
  void (*resolve)(void* self, crolang_str node, uint32_t deadline_ms, crolang_text answer,
                  void* op);
} crolang_rtc_config;

/* ---- authentication/1: may this node connect? At most one. -----------------------------------
 * `data` is what the node gave as `data` in its query, decoded but otherwise as it is;
 * data.data == NULL: not given. */
#define CROLANG_AUTHENTICATION "authentication/1"
typedef struct crolang_authentication {
  uint32_t size;
  void (*authenticate)(void* self, crolang_str node, crolang_str version, crolang_str runtime,
                       crolang_str data, uint32_t deadline_ms, crolang_yes_no answer, void* op);
} crolang_authentication;

/* ---- authorization/1: may `from` send to `to`? At most one. ----------------------------------
 * Asked for each relayed message: keep it cheap. */
#define CROLANG_AUTHORIZATION "authorization/1"
typedef struct crolang_authorization {
  uint32_t size;
  void (*authorize)(void* self, crolang_str from, crolang_str to, uint32_t deadline_ms,
                    crolang_yes_no answer, void* op);
} crolang_authorization;

/* ---- validity/1: which of these connected nodes may stay? At most one. -----------------------
 * flags[i]: ids[i] is still valid. Asked about NODES_VALIDITY_CHECK_MAX_IDS nodes at most; if there
 * are more, again for the next ones. */
#define CROLANG_VALIDITY "validity/1"
typedef struct crolang_validity {
  uint32_t size;
  void (*check)(void* self, const crolang_str* ids, size_t count, uint32_t deadline_ms,
                crolang_flags answer, void* op);
} crolang_validity;

/* ---- message-observer/1: told of each authorized SOCKET_MSG_EXCHANGE. Any number. ------------
 * Fire and forget. */
#define CROLANG_OBSERVER "message-observer/1"
typedef struct crolang_observer {
  uint32_t size;
  void (*on_message)(void* self, crolang_str from, crolang_str to, bool receiver_connected);
} crolang_observer;

/* ==== The entry =============================================================================== */
typedef struct crolang_module {
  const char* kind;  /* CROLANG_REGISTRY … */
  const void* table; /* the kind's struct; its first member is its size */
} crolang_module;

typedef struct crolang_plugin {
  uint64_t magic;     /* CROLANG_MAGIC */
  uint32_t abi_major; /* CROLANG_ABI_MAJOR */
  uint32_t abi_minor; /* the lowest minor that the plugin can live with */
  uint32_t size;      /* sizeof(crolang_plugin) */
  uint32_t reserved;  /* 0 */
  const char* id;     /* reverse domain name, "org.example.deny" */
  const char* version;
  const char* description; /* one line */
  const crolang_env* env;
  size_t env_count;
  const crolang_module* modules;
  size_t module_count;
  /* [control] Once. On failure returns another status than CROLANG_OK, leaves *self NULL and writes
   * a sentence into `error` (NUL-terminated, at most error_size bytes); the broker then does not
   * start. */
  crolang_status (*create)(const crolang_host* host, void** self, char* error, size_t error_size);
  /* [control] Answers everything open with CROLANG_CANCELLED, ends its threads, then calls
   * stopped(op), from any thread. No question is asked after stop. The broker waits 5 s, then ends
   * without the plugin. */
  void (*stop)(void* self, void (*stopped)(void* op), void* op);
  /* [control] After stopped: see THE END. */
  void (*destroy)(void* self);
  /* What follows may be NULL, and absent from a shorter entry. */
  /* [control] Judges the values of the plugin's variables: once before create, and before each
   * reload. Starts nothing (no thread, no connection), but may read files that variables name. It
   * is all that `crolang-broker --check-config` runs of a plugin; with faults the broker does not
   * start, or goes on with the values that it has. create may still refuse. */
  void (*check)(const crolang_check* to);
  /* [control] The operator has had the configuration read again (SIGHUP), and check found no fault:
   * env() gives the new values, and files that variables name may have changed, even if no variable
   * has. Questions may be under way on other threads. What cannot be taken over is logged, and goes
   * on as it was. Without it, changes of CROLANG_RELOADABLE variables need a restart, too. */
  void (*reload)(void* self);
} crolang_plugin;

/* Defined and exported by every plugin:
 * `const crolang_plugin crolang_plugin_entry = {CROLANG_MAGIC, …};` */
CROLANG_EXPORT extern const crolang_plugin crolang_plugin_entry;

#ifdef __cplusplus
}
#endif
#endif
