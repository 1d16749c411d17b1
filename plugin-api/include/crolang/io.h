/*
 * crolang/io.h — io/1, an optional service of the broker: descriptors, timers and functions of a
 * plugin on the loop of a worker.
 *
 *   const crolang_io* io = host->service(host->ctx, CROLANG_IO); // NULL: this broker has none
 *
 * For a plugin that has network connections, and wants neither a thread of its own nor the cost of
 * waking it: with one connection for each worker, data is read and written on the thread that asks
 * the questions.
 *
 * THREADS. Each function of the table is [any-thread]. Every callback runs on the thread of the
 * worker it was asked for, in that worker's loop, between the messages of nodes. Callbacks of one
 * worker never run at the same time, those of different workers may. The rules for [io, concurrent]
 * functions apply: a callback must not block, and the broker logs the plugin's id when one takes
 * longer than 5 ms. It may call every function of this table and of crolang_host, and answer
 * questions.
 *
 * LIFE CYCLE. The service is available from create on. Watches, timers and posts made before the
 * workers run take effect when the workers start. Workers end before the plugin's stop is called:
 * timers and posts that have not run by then are dropped, and watch, set_timer and post fail.
 * unwatch still works.
 */
#ifndef CROLANG_IO_H
#define CROLANG_IO_H

#include "crolang/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CROLANG_IO "io/1"

/* Events of a descriptor. Level-triggered: as long as the condition holds, the callback is called
 * again in each iteration of the loop. */
enum {
  CROLANG_READABLE = 1u,
  CROLANG_WRITABLE = 2u,
  /* Reported without being requested: the peer has closed the connection, wholly or for writing,
   * or there is an error. Data sent before may still be unread: then CROLANG_READABLE is set as
   * well, so read until 0 or an error before ending the watch. CROLANG_HANGUP may also come alone.
   * Reported in each iteration until the watch is ended. */
  CROLANG_HANGUP = 4u
};

#define CROLANG_NO_WORKER UINT32_MAX

typedef void (*crolang_io_fn)(void* arg, uint32_t events);

/* The table lives until destroy has returned. */
typedef struct crolang_io {
  uint32_t size;
  uint32_t worker_count; /* workers are counted from 0 */
  void* ctx;             /* first argument of every function below */
  /* The worker that the calling thread belongs to; CROLANG_NO_WORKER: none. */
  uint32_t (*current_worker)(void* ctx);
  /* Calls fn(arg, events) when the descriptor is ready for one of `events`, CROLANG_READABLE | …,
   * which may be 0: then only CROLANG_HANGUP is reported. The plugin keeps ownership of the
   * descriptor, must keep it open until the watch has ended, and must set it non-blocking. Returns
   * a watch number, which is never reused; 0: there is no such worker, the workers have ended, or
   * the system refuses (a regular file, a descriptor that is already watched, no memory). */
  uint64_t (*watch)(void* ctx, uint32_t worker, int32_t fd, uint32_t events, crolang_io_fn fn,
                    void* arg);
  /* Changes the events of a watch. false: there is no such watch. */
  bool (*modify)(void* ctx, uint64_t watch, uint32_t events);
  /* Ends the watch, then calls done(arg), after which the callback does not run and the descriptor
   * may be closed. If called on the worker's own thread, or while no workers run, done is called
   * before this returns; else later, on the worker's thread. `done` may be NULL. false: there is no
   * such watch, or no memory to end it from another thread; done is not called. */
  bool (*unwatch)(void* ctx, uint64_t watch, void (*done)(void* arg), void* arg);
  /* Calls fn(arg) once, after `ms` milliseconds. Returns a timer number; 0: there is no such
   * worker, the workers have ended, or there is no memory. */
  uint64_t (*set_timer)(void* ctx, uint32_t worker, uint32_t ms, void (*fn)(void* arg), void* arg);
  /* true: the timer's function will not run. false: it has run, or is running on the worker's
   * thread, or there is no such timer. */
  bool (*cancel_timer)(void* ctx, uint64_t timer);
  /* Calls fn(arg) in the next iteration of the worker's loop, in the order of the posts. false:
   * there is no such worker, the workers have ended, or there is no memory; fn will not run. */
  bool (*post)(void* ctx, uint32_t worker, void (*fn)(void* arg), void* arg);
} crolang_io;

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_IO_H */
