/*
 * crolang/authorization.h — authorization/1: may `from` send to `to`? At most one.
 * Asked for each relayed message: keep it cheap.
 */
#ifndef CROLANG_AUTHORIZATION_H
#define CROLANG_AUTHORIZATION_H

#include "crolang/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CROLANG_AUTHORIZATION "authorization/1"
typedef struct crolang_authorization {
  uint32_t size;
  /* [io, concurrent] */
  void (*authorize)(void* self, crolang_str from, crolang_str to, uint32_t timeout_ms,
                    crolang_yes_no_fn answer, void* call);
} crolang_authorization;

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_AUTHORIZATION_H */
