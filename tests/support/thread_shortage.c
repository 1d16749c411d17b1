/* Loaded into a program by LD_PRELOAD: a machine that has no thread left, while a test says so.
 *   THREAD_SHORTAGE_FILE=path  as long as this file exists, no thread can be started
 *   THREADS_AT_MOST=n          the first n can, the others cannot
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

typedef int create_function(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);

static atomic_long started;

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*function)(void*),
                   void* argument) {
  const char* const file = getenv("THREAD_SHORTAGE_FILE");
  const char* const most = getenv("THREADS_AT_MOST");
  if (file != NULL && access(file, F_OK) == 0) return EAGAIN;
  if (most != NULL && atomic_fetch_add(&started, 1) >= atol(most)) return EAGAIN;
  create_function* real = NULL;
  /* As dlsym(3) has it, since ISO C knows no pointer to a function in a void*. */
  *(void**)&real = dlsym(RTLD_NEXT, "pthread_create");
  return real(thread, attributes, function, argument);
}
