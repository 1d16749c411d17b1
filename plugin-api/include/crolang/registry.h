/*
 * crolang/registry.h — registry/1: which node is connected to which broker instance, the status of
 * these instances, the questions that they ask each other, and a small table that they share. At
 * most one plugin.
 *
 * LEASES. A node id is held by at most one session in the whole grid. It is held by a lease, which
 * names the id, the instance of the broker and a token that identifies that session. Every later
 * step compares id and token, so that it can never affect a successor. The plugin keeps leases
 * alive by itself: it keeps a granted lease until it is released, and calls on_lease_lost when
 * another token holds the id.
 *
 * SESSIONS. A lease also names the session and the worker of the broker that owns it. The registry
 * stores both with the token, returns them with every holder, and passes those of `to` and
 * `incumbent` to the other instance, which finds the session by them. It must not compare them: id
 * and token alone decide whether a session is still the one that is meant.
 *
 * ENTRIES. A small table of names and values that all instances share; the broker keeps the ids in
 * it that an operator refuses. set_entry and list_entries belong together. Each may be NULL, or
 * absent from a shorter table: then ids cannot be refused.
 *
 * INSTANCES. set_status, list_instances, ask and on_ask belong together. Each may be NULL, or
 * absent from a shorter table: then the feature is disabled.
 */
#ifndef CROLANG_REGISTRY_H
#define CROLANG_REGISTRY_H

#include "crolang/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CROLANG_REGISTRY "registry/1"

typedef struct crolang_lease {
  crolang_str id;
  uint64_t token;   /* never 0; chosen by the broker at random, unique to a session */
  uint64_t session; /* identifies the session to its instance; opaque to all others */
  uint32_t worker;  /* the worker of that instance that owns the session; counted from 0 */
} crolang_lease;

#define CROLANG_MAX_INSTANCE 255u

typedef struct crolang_holder {
  crolang_str instance; /* empty: no holder; else at most CROLANG_MAX_INSTANCE bytes */
  uint64_t token;
  uint64_t session; /* as in the lease that claim or replace was granted */
  uint32_t worker;
} crolang_holder;

/* Outcome of claim and replace. */
enum {
  CROLANG_GRANTED = 0, /* the claim now holds the lease */
  CROLANG_HELD = 1     /* another token holds it: see `holder` */
};
typedef void (*crolang_claimed_fn)(void* call, crolang_status status, int32_t outcome,
                                   crolang_holder holder, crolang_str error);

/* Result of a probe: is the session that holds a lease still alive? */
enum {
  CROLANG_ALIVE = 0,   /* it responded in time */
  CROLANG_YIELDED = 1, /* it did not, and its instance has closed it */
  CROLANG_GONE = 2,    /* its instance is alive but has no such session, or the lease is absent */
  /* its instance does not answer although the lease exists, or it must not be evicted now */
  CROLANG_UNREACHABLE = 3
};
typedef void (*crolang_probed_fn)(void* call, crolang_status status, int32_t result,
                                  crolang_str error);

/* `count` holders, in the order of the ids; an empty instance: not connected, or not announced
 * yet. */
typedef void (*crolang_located_fn)(void* call, crolang_status status, const crolang_holder* holders,
                                   size_t count, crolang_str error);

/* The status of one instance: a JSON object, at most CROLANG_MAX_STATUS bytes. */
#define CROLANG_MAX_STATUS 4096u
typedef struct crolang_instance {
  crolang_str name;
  crolang_str status;
} crolang_instance;
/* Each instance at most once, in any order. */
typedef void (*crolang_instances_fn)(void* call, crolang_status status,
                                     const crolang_instance* instances, size_t count,
                                     crolang_str error);

/* The maximum size in bytes of a question between instances, and of its answer. Anything larger is
 * CROLANG_INVALID. */
#define CROLANG_MAX_ASK (UINT32_C(1) << 20)

/* One entry of the shared table. */
#define CROLANG_MAX_ENTRIES 10000u
#define CROLANG_MAX_ENTRY_NAME 1024u /* bytes */
#define CROLANG_MAX_ENTRY_VALUE 256u /* bytes */
typedef struct crolang_entry {
  crolang_str name;    /* not empty, without zero bytes; unique in the table */
  crolang_str value;   /* arbitrary bytes, perhaps none */
  uint64_t expires_at; /* milliseconds since 1970-01-01T00:00:00Z */
} crolang_entry;

/* Outcome of list_entries. */
enum {
  CROLANG_UNCHANGED = 0, /* the table is as it was at the known version; there are no entries */
  CROLANG_CHANGED = 1,   /* these are all entries */
  /* The same, but the registry has lost entries that it had at the known version: the broker sets
   * again what it knows. */
  CROLANG_ENTRIES_LOST = 2
};
/* The longest version in bytes. */
#define CROLANG_MAX_ENTRIES_VERSION 128u
/* `version` identifies the contents of the table; it is opaque, and empty before the first entry
 * was set. */
typedef void (*crolang_entries_fn)(void* call, crolang_status status, int32_t outcome,
                                   crolang_str version, const crolang_entry* entries, size_t count,
                                   crolang_str error);

/* The functions by which the plugin notifies the broker; the table lives until destroy has
 * returned. [any-thread] */
typedef struct crolang_registry_events {
  uint32_t size;
  void* ctx; /* first argument of every function below */
  /* Delivers a message from another instance to a session of this one; call it in the order sent.
   * The broker calls `taken` exactly once, possibly before this returns: yes, it is in that
   * session's outbox; no, there is no session with this id AND token; not CROLANG_OK: the session
   * exists but could not accept it (CROLANG_UNAVAILABLE: its outbox is full; CROLANG_INVALID: the
   * body is malformed). The registry must then answer `send` on the other instance with the same;
   * if it is not CROLANG_OK, the sender gets ERROR. */
  void (*on_message)(void* ctx, crolang_lease to, crolang_str body, crolang_yes_no_fn taken,
                     void* call);
  /* Another instance asks whether the session that holds this lease is alive. The broker answers
   * exactly once, within about timeout_ms. */
  void (*on_probe)(void* ctx, crolang_lease incumbent, uint32_t timeout_ms,
                   crolang_probed_fn probed, void* call);
  /* Another token holds the id of this claim: the broker closes the session, if it still has it. */
  void (*on_lease_lost)(void* ctx, crolang_lease claim);
  /* The registry cannot be reached (`reason` is for the log); it can be reached again. Initially it
   * counts as available. */
  void (*on_unavailable)(void* ctx, crolang_str reason);
  void (*on_available)(void* ctx);
  /* Instance `from` asks this one a question. The broker answers exactly once, possibly before this
   * returns, within about timeout_ms. `body` and the answer are arbitrary bytes. CROLANG_INVALID:
   * this broker does not know the question. */
  void (*on_ask)(void* ctx, crolang_str from, crolang_str body, uint32_t timeout_ms,
                 crolang_text_fn answer, void* call);
} crolang_registry_events;

/* Every function without another tag is [io, concurrent]. */
typedef struct crolang_registry {
  uint32_t size;
  /* [control] Once, after create and before any other function: sets this broker's instance id and
   * the receiver of events. Not CROLANG_OK: the broker does not start. */
  crolang_status (*bind)(void* self, crolang_str instance, const crolang_registry_events* events,
                         char* error, size_t error_size);
  /* Takes the lease if no session holds it. */
  void (*claim)(void* self, crolang_lease claim, uint32_t timeout_ms, crolang_claimed_fn answer,
                void* call);
  /* Takes the lease if `expected` or no session holds it: compare-and-swap on the token, after a
   * probe has returned CROLANG_YIELDED or CROLANG_GONE. */
  void (*replace)(void* self, crolang_lease claim, crolang_holder expected, uint32_t timeout_ms,
                  crolang_claimed_fn answer, void* call);
  /* Makes the lease visible to lookup on every instance, from the answer on; before that lookup
   * must not return it. The broker tells the node that it is connected after the answer, whatever
   * the answer is. So a registry that cannot announce the lease now must still answer, and announce
   * it as soon as it can. */
  void (*announce)(void* self, crolang_lease claim, uint32_t timeout_ms, crolang_done_fn answer,
                   void* call);
  /* Releases the lease if this token still holds it; else does nothing. Also withdraws a claim that
   * is in progress. */
  void (*release)(void* self, crolang_lease claim, uint32_t timeout_ms, crolang_done_fn answer,
                  void* call);
  /* Asks the instance of `incumbent` whether its session responds within node_timeout_ms.
   * Never called for sessions of the calling instance. */
  void (*probe)(void* self, crolang_str id, crolang_holder incumbent, uint32_t node_timeout_ms,
                uint32_t timeout_ms, crolang_probed_fn answer, void* call);
  /* Finds the holders of these ids. A message waits for the answer. */
  void (*lookup)(void* self, const crolang_str* ids, size_t count, uint32_t timeout_ms,
                 crolang_located_fn answer, void* call);
  /* Sends `body` to the session `to` on `instance`. Several sends may be open: those to one session
   * by one thread must arrive in the order of the calls, even if some fail. yes: that instance has
   * accepted it; no: it certainly has not, since the session no longer exists: the broker looks up
   * the receiver and sends once more; not CROLANG_OK: the session could not accept it, or the
   * outcome is unknown (CROLANG_TIMEOUT): the sender gets ERROR, and the broker does not send it
   * again. */
  void (*send)(void* self, crolang_str instance, crolang_lease to, crolang_str body,
               uint32_t timeout_ms, crolang_yes_no_fn answer, void* call);
  /* May be NULL. Called by a worker after every burst of questions, on the thread that asked them,
   * possibly when all of them are already answered, and after callbacks of io/1 have run on it.
   * No more questions follow for the moment, so a registry can batch what it sends. Must not
   * block. */
  void (*flush)(void* self);
  /* May be NULL, and absent from a shorter table: then lookup is called. Like lookup, for a node's
   * presence query, which may name a thousand ids: it has a low priority, so leases, messages
   * and their lookups must go first, whatever the load here. */
  void (*presence)(void* self, const crolang_str* ids, size_t count, uint32_t timeout_ms,
                   crolang_located_fn answer, void* call);
  /* Sets the status of this instance. Called from time to time; there is no answer. The registry
   * shows the last status to all instances while this one is alive, and removes it at once when the
   * plugin is stopped, or about a lease's lifetime after the instance has vanished. */
  void (*set_status)(void* self, crolang_str status);
  /* Lists all instances that have a status, including this one. */
  void (*list_instances)(void* self, uint32_t timeout_ms, crolang_instances_fn answer, void* call);
  /* Asks another instance a question: calls its on_ask and returns the answer, including status and
   * error text. CROLANG_UNAVAILABLE: there is no such instance, or it cannot be reached;
   * CROLANG_TIMEOUT: it may have received the question, but did not answer. The registry must not
   * repeat the question. An instance may ask itself. */
  void (*ask)(void* self, crolang_str instance, crolang_str body, uint32_t timeout_ms,
              crolang_text_fn answer, void* call);
  /* Adds the entry to the table that all instances share, or replaces the one with its name; with
   * expires_at 0, removes it. From the answer on list_entries returns that on every instance. The
   * entry outlives this instance, and disappears some time after it has expired.
   * CROLANG_INVALID: the name or the value is too long, or there are CROLANG_MAX_ENTRIES others. */
  void (*set_entry)(void* self, crolang_entry entry, uint32_t timeout_ms, crolang_done_fn answer,
                    void* call);
  /* Lists all entries, in any order, perhaps expired ones too; CROLANG_UNCHANGED if the table still
   * has `known_version`, which an earlier answer gave (empty: none). The broker asks about twice a
   * second, so that must be cheap. */
  void (*list_entries)(void* self, crolang_str known_version, uint32_t timeout_ms,
                       crolang_entries_fn answer, void* call);
} crolang_registry;

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_REGISTRY_H */
