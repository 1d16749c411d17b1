/* The binary layout of ABI major 1, frozen: included by a C and a C++ source, so that both agree.
 * A failing line here means that existing plugins would be called wrongly. Append, never edit. */
#pragma once

#include <assert.h>
#include <crolang/plugin.h>
#include <stddef.h>

#define AT(type, field, offset) \
  static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, size) static_assert(sizeof(type) == (size), #type " has another size")

static_assert(CROLANG_MAGIC == 0x31474e414c4f5243, "magic");
static_assert(CROLANG_ABI_MAJOR == 1, "major");

static_assert(CROLANG_OK == 0 && CROLANG_UNAVAILABLE == 1 && CROLANG_TIMEOUT == 2, "status");
static_assert(CROLANG_CANCELLED == 3 && CROLANG_INVALID == 4 && CROLANG_INTERNAL == 5, "status");
static_assert(CROLANG_LOG_DEBUG == 0 && CROLANG_LOG_INFO == 1, "log level");
static_assert(CROLANG_LOG_WARN == 2 && CROLANG_LOG_ERROR == 3, "log level");
static_assert(CROLANG_STRING == 0 && CROLANG_URL == 1 && CROLANG_UINT == 2, "variable type");
static_assert(CROLANG_BOOL == 3, "variable type");
static_assert(CROLANG_REQUIRED == 1 && CROLANG_SECRET == 2, "variable flags");
static_assert(CROLANG_RELOADABLE == 4, "variable flags");
static_assert(CROLANG_GRANTED == 0 && CROLANG_HELD == 1, "claim");
static_assert(CROLANG_ALIVE == 0 && CROLANG_YIELDED == 1, "probe result");
static_assert(CROLANG_GONE == 2 && CROLANG_UNREACHABLE == 3, "probe result");

SIZE(crolang_status, 4);
SIZE(bool, 1);

SIZE(crolang_str, 16);
AT(crolang_str, data, 0);
AT(crolang_str, size, 8);

SIZE(crolang_env, 32);
AT(crolang_env, name, 0);
AT(crolang_env, type, 8);
AT(crolang_env, flags, 12);
AT(crolang_env, default_value, 16);
AT(crolang_env, help, 24);

AT(crolang_host, size, 0);
AT(crolang_host, abi_minor, 4);
AT(crolang_host, ctx, 8);
AT(crolang_host, log, 16);
AT(crolang_host, env, 24);
AT(crolang_host, post, 32);
AT(crolang_host, post_after, 40);
AT(crolang_host, cancel, 48);
AT(crolang_host, run_blocking, 56);
AT(crolang_host, service, 64);

static_assert(CROLANG_READABLE == 1 && CROLANG_WRITABLE == 2 && CROLANG_HANGUP == 4, "events");
static_assert(CROLANG_NO_WORKER == 0xffffffffu, "no worker");

AT(crolang_io, size, 0);
AT(crolang_io, worker_count, 4);
AT(crolang_io, ctx, 8);
AT(crolang_io, current_worker, 16);
AT(crolang_io, watch, 24);
AT(crolang_io, modify, 32);
AT(crolang_io, unwatch, 40);
AT(crolang_io, set_timer, 48);
AT(crolang_io, cancel_timer, 56);
AT(crolang_io, post, 64);

static_assert(CROLANG_COUNTER == 0 && CROLANG_GAUGE == 1, "metric type");

AT(crolang_metrics, size, 0);
AT(crolang_metrics, ctx, 8);
AT(crolang_metrics, declare, 16);
AT(crolang_metrics, series, 24);
AT(crolang_metrics, add, 32);
AT(crolang_metrics, set, 40);
AT(crolang_metrics, remove, 48);

AT(crolang_check, size, 0);
AT(crolang_check, ctx, 8);
AT(crolang_check, env, 16);
AT(crolang_check, fault, 24);
AT(crolang_check, warning, 32);

SIZE(crolang_lease, 40);
AT(crolang_lease, id, 0);
AT(crolang_lease, token, 16);
AT(crolang_lease, session, 24);
AT(crolang_lease, worker, 32);

SIZE(crolang_holder, 40);
AT(crolang_holder, instance, 0);
AT(crolang_holder, token, 16);
AT(crolang_holder, session, 24);
AT(crolang_holder, worker, 32);

static_assert(CROLANG_MAX_INSTANCE == 255, "length of an instance's name");
static_assert(CROLANG_MAX_STATUS == 4096, "length of a status");
static_assert(CROLANG_MAX_ASK == 1048576, "length of a question between instances");

SIZE(crolang_instance, 32);
AT(crolang_instance, name, 0);
AT(crolang_instance, status, 16);

static_assert(CROLANG_MAX_ENTRIES == 10000, "entries");
static_assert(CROLANG_MAX_ENTRY_NAME == 1024, "name of an entry");
static_assert(CROLANG_MAX_ENTRY_VALUE == 256, "value of an entry");
static_assert(CROLANG_MAX_ENTRIES_VERSION == 128, "version of the entries");
static_assert(CROLANG_UNCHANGED == 0 && CROLANG_CHANGED == 1 && CROLANG_ENTRIES_LOST == 2,
              "outcome of list_entries");
SIZE(crolang_entry, 40);
AT(crolang_entry, name, 0);
AT(crolang_entry, value, 16);
AT(crolang_entry, expires_at, 32);

AT(crolang_registry_events, size, 0);
AT(crolang_registry_events, ctx, 8);
AT(crolang_registry_events, on_message, 16);
AT(crolang_registry_events, on_probe, 24);
AT(crolang_registry_events, on_lease_lost, 32);
AT(crolang_registry_events, on_unavailable, 40);
AT(crolang_registry_events, on_available, 48);
AT(crolang_registry_events, on_ask, 56);

AT(crolang_registry, size, 0);
AT(crolang_registry, bind, 8);
AT(crolang_registry, claim, 16);
AT(crolang_registry, replace, 24);
AT(crolang_registry, announce, 32);
AT(crolang_registry, release, 40);
AT(crolang_registry, probe, 48);
AT(crolang_registry, lookup, 56);
AT(crolang_registry, send, 64);
AT(crolang_registry, flush, 72);
AT(crolang_registry, presence, 80);
AT(crolang_registry, set_status, 88);
AT(crolang_registry, list_instances, 96);
AT(crolang_registry, ask, 104);
AT(crolang_registry, set_entry, 112);
AT(crolang_registry, list_entries, 120);

static_assert(CROLANG_READS_REQUEST == 1, "authentication flags");
AT(crolang_connecting_node, size, 0);
AT(crolang_connecting_node, id, 8);
AT(crolang_connecting_node, version, 24);
AT(crolang_connecting_node, runtime, 40);
AT(crolang_connecting_node, data, 56);
AT(crolang_connecting_node, client_address, 72);
AT(crolang_connecting_node, tls_client_subject, 88);
AT(crolang_connecting_node, request, 104);
AT(crolang_connecting_node, header, 112);
AT(crolang_connecting_node, header_at, 120);

AT(crolang_rtc_config, size, 0);
AT(crolang_rtc_config, resolve, 8);
AT(crolang_authentication, size, 0);
AT(crolang_authentication, flags, 4);
AT(crolang_authentication, authenticate, 8);
AT(crolang_authentication, headers, 16);
AT(crolang_authorization, size, 0);
AT(crolang_authorization, authorize, 8);
AT(crolang_validity, size, 0);
AT(crolang_validity, check, 8);
AT(crolang_observer, size, 0);
AT(crolang_observer, on_message, 8);

SIZE(crolang_module, 16);
AT(crolang_module, kind, 0);
AT(crolang_module, table, 8);

AT(crolang_plugin, magic, 0);
AT(crolang_plugin, abi_major, 8);
AT(crolang_plugin, abi_minor, 12);
AT(crolang_plugin, size, 16);
AT(crolang_plugin, reserved, 20);
AT(crolang_plugin, id, 24);
AT(crolang_plugin, version, 32);
AT(crolang_plugin, description, 40);
AT(crolang_plugin, env, 48);
AT(crolang_plugin, env_count, 56);
AT(crolang_plugin, modules, 64);
AT(crolang_plugin, module_count, 72);
AT(crolang_plugin, create, 80);
AT(crolang_plugin, stop, 88);
AT(crolang_plugin, destroy, 96);
AT(crolang_plugin, check, 104);
AT(crolang_plugin, reload, 112);

/* How far each struct reaches in minor 0. What is appended later raises CROLANG_ABI_MINOR, and the
 * numbers here. */
static_assert(CROLANG_ABI_MINOR == 0, "minor");
SIZE(crolang_host, 72);
SIZE(crolang_check, 40);
SIZE(crolang_plugin, 120);
SIZE(crolang_registry_events, 64);
SIZE(crolang_registry, 128);
SIZE(crolang_rtc_config, 16);
SIZE(crolang_connecting_node, 128);
SIZE(crolang_authentication, 24);
SIZE(crolang_authorization, 16);
SIZE(crolang_validity, 16);
SIZE(crolang_observer, 16);
