/* Loaded into a program by LD_PRELOAD: its clock is CLOCK_SHIFT seconds ahead. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

typedef time_t time_function(time_t*);

time_t time(time_t* result) {
  const char* const shift = getenv("CLOCK_SHIFT");
  time_function* real = NULL;
  /* As dlsym(3) has it, since ISO C knows no pointer to a function in a void*. */
  *(void**)&real = dlsym(RTLD_NEXT, "time");
  const time_t now = real(NULL) + (shift == NULL ? 0 : atol(shift));
  if (result != NULL) *result = now;
  return now;
}
