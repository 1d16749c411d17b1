/* The binary layout of ABI major 1, frozen: included by a C and a C++ source, so that both agree.
 * A failing line here means that existing plugins would be called wrongly. Append, never edit. */
#pragma once

#include <assert.h>
#include <crolang/plugin.h>
#include <stddef.h>

#define AT(type, field, offset) \
  static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, size) static_assert(sizeof(type) == (size), #type " has another size")

static_assert(CROLANG_MAGIC == 0x31504b4f52424b42, "magic");
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
static_assert(CROLANG_ALIVE == 0 && CROLANG_YIELDED == 1, "verdict");
static_assert(CROLANG_GONE == 2 && CROLANG_UNREACHABLE == 3, "verdict");

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

AT(crolang_check, size, 0);
AT(crolang_check, ctx, 8);
AT(crolang_check, env, 16);
AT(crolang_check, fault, 24);
AT(crolang_check, warning, 32);

SIZE(crolang_claim, 24);
AT(crolang_claim, id, 0);
AT(crolang_claim, token, 16);

SIZE(crolang_holder, 24);
AT(crolang_holder, instance, 0);
AT(crolang_holder, token, 16);

AT(crolang_registry_events, size, 0);
AT(crolang_registry_events, ctx, 8);
AT(crolang_registry_events, on_message, 16);
AT(crolang_registry_events, on_probe, 24);
AT(crolang_registry_events, on_lost, 32);
AT(crolang_registry_events, on_unavailable, 40);
AT(crolang_registry_events, on_available, 48);

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

AT(crolang_rtc_config, size, 0);
AT(crolang_rtc_config, resolve, 8);
AT(crolang_authentication, size, 0);
AT(crolang_authentication, authenticate, 8);
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
