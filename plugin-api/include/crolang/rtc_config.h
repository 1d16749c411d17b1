/*
 * crolang/rtc_config.h — rtc-config/1: the RTC configuration of a node. At most one.
 * The answer is JSON:
 * `{"iceServers":[{"urls":"…" or ["…"],"username"?,"password" or "credential"?}…],…}`, or the same
 * under `rtcConfiguration`. The broker normalises it (urls to arrays, password and credential both
 * set), leaves out servers that a WebRTC stack would refuse (crolang/ice_url.hpp), and sends it to
 * the node. If the status is not CROLANG_OK, or no server is left, the node is asked to retry.
 */
#ifndef CROLANG_RTC_CONFIG_H
#define CROLANG_RTC_CONFIG_H

#include "crolang/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CROLANG_RTC_CONFIG "rtc-config/1"
typedef struct crolang_rtc_config {
  uint32_t size;
  /* [io, concurrent] */
  void (*resolve)(void* self, crolang_str node, uint32_t timeout_ms, crolang_text_fn answer,
                  void* call);
} crolang_rtc_config;

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_RTC_CONFIG_H */
