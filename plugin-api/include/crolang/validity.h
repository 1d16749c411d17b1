/*
 * crolang/validity.h — validity/1: which of these connected nodes may stay? At most one.
 * flags[i]: ids[i] is still valid. A question names at most NODES_VALIDITY_CHECK_MAX_IDS nodes; if
 * there are more, the broker asks again for the rest.
 */
#ifndef CROLANG_VALIDITY_H
#define CROLANG_VALIDITY_H

#include "crolang/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CROLANG_VALIDITY "validity/1"
typedef struct crolang_validity {
  uint32_t size;
  /* [io, concurrent] */
  void (*check)(void* self, const crolang_str* ids, size_t count, uint32_t timeout_ms,
                crolang_flags_fn answer, void* call);
} crolang_validity;

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_VALIDITY_H */
