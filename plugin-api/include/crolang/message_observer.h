/*
 * crolang/message_observer.h — message-observer/1: notified of each authorized SOCKET_MSG_EXCHANGE.
 * Any number. The broker does not wait for a result.
 */
#ifndef CROLANG_MESSAGE_OBSERVER_H
#define CROLANG_MESSAGE_OBSERVER_H

#include "crolang/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CROLANG_OBSERVER "message-observer/1"
typedef struct crolang_observer {
  uint32_t size;
  /* [io, concurrent] receiver_connected: the sender was answered OK, not NOT_CONNECTED. */
  void (*on_message)(void* self, crolang_str from, crolang_str to, bool receiver_connected);
} crolang_observer;

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_MESSAGE_OBSERVER_H */
