#include "layout.h"

#include <type_traits>

// Where a function stands says nothing of what it is called with, which is as frozen.
#define TAKES(type, field, ...)                                     \
  static_assert(std::is_same_v<decltype(type::field), __VA_ARGS__>, \
                #type "." #field " is called with something else")
#define IS(type, ...) static_assert(std::is_same_v<type, __VA_ARGS__>, #type " is something else")

IS(crolang_done_fn, void (*)(void*, crolang_status, crolang_str));
IS(crolang_yes_no_fn, void (*)(void*, crolang_status, bool, crolang_str));
IS(crolang_authenticated_fn, void (*)(void*, crolang_status, bool, uint64_t, crolang_str));
IS(crolang_text_fn, void (*)(void*, crolang_status, crolang_str, crolang_str));
IS(crolang_flags_fn, void (*)(void*, crolang_status, const bool*, size_t, crolang_str));
IS(crolang_claimed_fn, void (*)(void*, crolang_status, int32_t, crolang_holder, crolang_str));
IS(crolang_probed_fn, void (*)(void*, crolang_status, int32_t, crolang_str));
IS(crolang_located_fn, void (*)(void*, crolang_status, const crolang_holder*, size_t, crolang_str));

IS(crolang_instances_fn,
   void (*)(void*, crolang_status, const crolang_instance*, size_t, crolang_str));
IS(crolang_entries_fn, void (*)(void*, crolang_status, int32_t, crolang_str, const crolang_entry*,
                                size_t, crolang_str));
IS(crolang_io_fn, void (*)(void*, uint32_t));

TAKES(crolang_host, log, void (*)(void*, int32_t, crolang_str));
TAKES(crolang_host, env, bool (*)(void*, const char*, crolang_str*));
TAKES(crolang_host, post, void (*)(void*, void (*)(void*), void*));
TAKES(crolang_host, post_after, uint64_t (*)(void*, uint32_t, void (*)(void*), void*));
TAKES(crolang_host, cancel, bool (*)(void*, uint64_t));
TAKES(crolang_host, run_blocking, bool (*)(void*, void (*)(void*), void*));
TAKES(crolang_host, service, const void* (*)(void*, const char*));

TAKES(crolang_check, env, bool (*)(void*, const char*, crolang_str*));
TAKES(crolang_check, fault, void (*)(void*, crolang_str));
TAKES(crolang_check, warning, void (*)(void*, crolang_str));

TAKES(crolang_plugin, create, crolang_status (*)(const crolang_host*, void**, char*, size_t));
TAKES(crolang_plugin, stop, void (*)(void*, void (*)(void*), void*));
TAKES(crolang_plugin, destroy, void (*)(void*));
TAKES(crolang_plugin, check, void (*)(const crolang_check*));
TAKES(crolang_plugin, reload, void (*)(void*));

TAKES(crolang_connecting_node, header, bool (*)(const void*, const char*, crolang_str*));
TAKES(crolang_connecting_node, header_at,
      bool (*)(const void*, size_t, crolang_str*, crolang_str*));
TAKES(crolang_authentication, authenticate,
      void (*)(void*, const crolang_connecting_node*, uint32_t, crolang_authenticated_fn, void*));
TAKES(crolang_authentication, headers, crolang_str (*)(void*));
TAKES(crolang_authorization, authorize,
      void (*)(void*, crolang_str, crolang_str, uint32_t, crolang_yes_no_fn, void*));
TAKES(crolang_rtc_config, resolve, void (*)(void*, crolang_str, uint32_t, crolang_text_fn, void*));
TAKES(crolang_validity, check,
      void (*)(void*, const crolang_str*, size_t, uint32_t, crolang_flags_fn, void*));
TAKES(crolang_observer, on_message, void (*)(void*, crolang_str, crolang_str, bool));

TAKES(crolang_registry_events, on_message,
      void (*)(void*, crolang_lease, crolang_str, crolang_yes_no_fn, void*));
TAKES(crolang_registry_events, on_probe,
      void (*)(void*, crolang_lease, uint32_t, crolang_probed_fn, void*));
TAKES(crolang_registry_events, on_lease_lost, void (*)(void*, crolang_lease));
TAKES(crolang_registry_events, on_unavailable, void (*)(void*, crolang_str));
TAKES(crolang_registry_events, on_available, void (*)(void*));
TAKES(crolang_registry_events, on_ask,
      void (*)(void*, crolang_str, crolang_str, uint32_t, crolang_text_fn, void*));

TAKES(crolang_registry, bind,
      crolang_status (*)(void*, crolang_str, const crolang_registry_events*, char*, size_t));
TAKES(crolang_registry, claim, void (*)(void*, crolang_lease, uint32_t, crolang_claimed_fn, void*));
TAKES(crolang_registry, replace,
      void (*)(void*, crolang_lease, crolang_holder, uint32_t, crolang_claimed_fn, void*));
TAKES(crolang_registry, announce, void (*)(void*, crolang_lease, uint32_t, crolang_done_fn, void*));
TAKES(crolang_registry, release, void (*)(void*, crolang_lease, uint32_t, crolang_done_fn, void*));
TAKES(crolang_registry, probe,
      void (*)(void*, crolang_str, crolang_holder, uint32_t, uint32_t, crolang_probed_fn, void*));
TAKES(crolang_registry, lookup,
      void (*)(void*, const crolang_str*, size_t, uint32_t, crolang_located_fn, void*));
TAKES(crolang_registry, send,
      void (*)(void*, crolang_str, crolang_lease, crolang_str, uint32_t, crolang_yes_no_fn, void*));
TAKES(crolang_registry, flush, void (*)(void*));
TAKES(crolang_registry, presence,
      void (*)(void*, const crolang_str*, size_t, uint32_t, crolang_located_fn, void*));
TAKES(crolang_registry, set_status, void (*)(void*, crolang_str));
TAKES(crolang_registry, list_instances, void (*)(void*, uint32_t, crolang_instances_fn, void*));
TAKES(crolang_registry, ask,
      void (*)(void*, crolang_str, crolang_str, uint32_t, crolang_text_fn, void*));
TAKES(crolang_registry, set_entry,
      void (*)(void*, crolang_entry, uint32_t, crolang_done_fn, void*));
TAKES(crolang_registry, list_entries,
      void (*)(void*, crolang_str, uint32_t, crolang_entries_fn, void*));

TAKES(crolang_io, current_worker, uint32_t (*)(void*));
TAKES(crolang_io, watch, uint64_t (*)(void*, uint32_t, int32_t, uint32_t, crolang_io_fn, void*));
TAKES(crolang_io, modify, bool (*)(void*, uint64_t, uint32_t));
TAKES(crolang_io, unwatch, bool (*)(void*, uint64_t, void (*)(void*), void*));
TAKES(crolang_io, set_timer, uint64_t (*)(void*, uint32_t, uint32_t, void (*)(void*), void*));
TAKES(crolang_io, cancel_timer, bool (*)(void*, uint64_t));
TAKES(crolang_io, post, bool (*)(void*, uint32_t, void (*)(void*), void*));

TAKES(crolang_metrics, declare,
      crolang_metric* (*)(void*, int32_t, const char*, const char*, const char*));
TAKES(crolang_metrics, series, crolang_series* (*)(void*, crolang_metric*, crolang_str));
TAKES(crolang_metrics, add, void (*)(void*, crolang_series*, double));
TAKES(crolang_metrics, set, void (*)(void*, crolang_series*, double));
TAKES(crolang_metrics, remove, void (*)(void*, crolang_series*));
