/*
 * crolang/entry.h — what a plugin declares: its variables, its modules, and the functions of its
 * life cycle.
 */
#ifndef CROLANG_ENTRY_H
#define CROLANG_ENTRY_H

#include "crolang/host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Environment variables that a plugin reads -----------------------------------------------
 * Static data: the broker prints it (`crolang-broker plugins`, --help) and validates values without
 * creating the plugin. */
enum {
  CROLANG_STRING = 0,
  /* scheme://…, with one host or several, separated by commas; the plugin validates the scheme, and
   * whether there may be several */
  CROLANG_URL = 1,
  CROLANG_UINT = 2, /* decimal, fits into 64 bits */
  CROLANG_BOOL = 3  /* exactly true or false */
};
enum {
  CROLANG_REQUIRED = 1u, /* must be set when the plugin is used */
  /* masked wherever it is printed; NAME_FILE may name a file that holds the value */
  CROLANG_SECRET = 2u,
  /* reload applies a changed value, without a restart */
  CROLANG_RELOADABLE = 4u
};
typedef struct crolang_env {
  const char* name; /* [A-Z][A-Z0-9_]*, once in the array */
  uint32_t type;    /* CROLANG_STRING … */
  uint32_t flags;   /* CROLANG_REQUIRED | … */
  /* NULL: none. Must be of the type. Declare defaults here, not in code: env() returns them. None
   * with CROLANG_REQUIRED. */
  const char* default_value;
  const char* help; /* one line */
} crolang_env;

/* ---- The argument of check; valid until check has returned. All functions [control] ------------
 */
typedef struct crolang_check {
  uint32_t size;
  void* ctx; /* first argument of every function below */
  /* Like env of crolang_host, with the values to be validated. For a value that the broker has
   * already refused, since it is not of the variable's type, it returns the default. */
  bool (*env)(void* ctx, const char* name, crolang_str* value);
  /* Reports that the plugin cannot be used with these values. The sentence must name the variable
   * and say what to do, without secrets; the operator sees all of them at once. */
  void (*fault)(void* ctx, crolang_str sentence);
  /* Reports that the plugin can be used, but that the values are probably a mistake. */
  void (*warning)(void* ctx, crolang_str sentence);
} crolang_check;

typedef struct crolang_module {
  const char* kind;  /* CROLANG_REGISTRY … */
  const void* table; /* the kind's struct; its first member is its size */
} crolang_module;

typedef struct crolang_plugin {
  uint64_t magic;     /* CROLANG_MAGIC */
  uint32_t abi_major; /* CROLANG_ABI_MAJOR */
  uint32_t abi_minor; /* the lowest minor that the plugin requires */
  uint32_t size;      /* sizeof(crolang_plugin) */
  uint32_t reserved;  /* 0 */
  const char* id;     /* reverse domain name, "org.example.deny" */
  const char* version;
  const char* description; /* one line */
  const crolang_env* env;
  size_t env_count;
  const crolang_module* modules;
  size_t module_count;
  /* [control] Once. Stores in *self what is passed as `self` to every function of the plugin and
   * its modules; NULL is allowed. On failure returns a status other than CROLANG_OK, leaves *self
   * NULL and writes a sentence into `error` (NUL-terminated, at most error_size bytes); the broker
   * then does not start. */
  crolang_status (*create)(const crolang_host* host, void** self, char* error, size_t error_size);
  /* [control] Must answer every open call with CROLANG_CANCELLED, end the plugin's threads, then
   * call stopped(call), from any thread. No question is asked after stop. The broker waits 5 s,
   * then exits without waiting longer. */
  void (*stop)(void* self, void (*stopped)(void* call), void* call);
  /* [control] After stopped: see THE END. */
  void (*destroy)(void* self);
  /* The following functions may be NULL, and absent from a shorter entry. */
  /* [control] Validates the values of the plugin's variables: once before create, and before each
   * reload. Must not start anything (no thread, no connection), but may read files that variables
   * name. `crolang-broker --check-config` runs no other function of a plugin. If it reports faults,
   * the broker does not start, or continues with the present values. create may still fail. */
  void (*check)(const crolang_check* to);
  /* [control] The configuration was read again (SIGHUP), and check found no fault: env() returns
   * the new values, and files that variables name may have changed, even if no variable has.
   * Questions may be in progress on other threads. If something cannot be applied, log it and keep
   * the previous state. Without this function, changes of CROLANG_RELOADABLE variables need a
   * restart, too. */
  void (*reload)(void* self);
} crolang_plugin;

/* Defined and exported by every plugin:
 * `const crolang_plugin crolang_plugin_entry = {CROLANG_MAGIC, …};` */
CROLANG_EXPORT extern const crolang_plugin crolang_plugin_entry;

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_ENTRY_H */
