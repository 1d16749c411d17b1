/* token-auth: a node may connect if its `data` is the shared token. A plugin in C.
 *
 *   NODES_AUTHENTICATION_PLUGIN=token-auth SHARED_TOKEN=… crolang-broker
 */
#include <crolang/plugin.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct token_auth {
  crolang_str token; /* lives until destroy, as the broker promises for values of env */
} token_auth;

/* Takes as long for a wrong text as for the right one, so that the token cannot be guessed byte by
 * byte. Only how long the token is could be measured. */
static bool equals_token(crolang_str token, crolang_str text) {
  unsigned char difference = token.size != text.size;
  for (size_t i = 0; i < text.size; ++i) {
    difference |= (unsigned char)(text.data[i] ^ token.data[i % token.size]);
  }
  return difference == 0;
}

static void authenticate(void* self, crolang_str node, crolang_str version, crolang_str runtime,
                         crolang_str data, uint32_t deadline_ms, crolang_yes_no answer, void* op) {
  const token_auth* auth = self;
  (void)node, (void)version, (void)runtime, (void)deadline_ms;
  const bool given = data.data != NULL;
  answer(op, CROLANG_OK, given && equals_token(auth->token, data), (crolang_str){0});
}

static crolang_status create(const crolang_host* host, void** self, char* error,
                             size_t error_size) {
  token_auth* auth = calloc(1, sizeof *auth);
  if (auth == NULL) {
    snprintf(error, error_size, "out of memory");
    return CROLANG_INTERNAL;
  }
  if (!host->env(host->ctx, "SHARED_TOKEN", &auth->token) || auth->token.size == 0) {
    free(auth);
    snprintf(error, error_size, "SHARED_TOKEN is empty");
    return CROLANG_INVALID;
  }
  *self = auth;
  return CROLANG_OK;
}

static void stop(void* self, void (*stopped)(void*), void* op) {
  (void)self; /* every question was answered at once, there is nothing to wait for */
  stopped(op);
}

static void destroy(void* self) {
  free(self);
}

static const crolang_authentication table = {sizeof table, authenticate};
static const crolang_module modules[] = {{CROLANG_AUTHENTICATION, &table}};
static const crolang_env env[] = {
    {"SHARED_TOKEN", CROLANG_STRING, CROLANG_REQUIRED | CROLANG_SECRET, NULL,
     "what a node must give as data to be let in"},
};

const crolang_plugin crolang_plugin_entry = {
    .magic = CROLANG_MAGIC,
    .abi_major = CROLANG_ABI_MAJOR,
    .abi_minor = 0, /* nothing that came after minor 0 is used */
    .size = sizeof(crolang_plugin),
    .id = "org.crolang.example.token-auth",
    .version = "1.0.0",
    .description = "lets in the nodes that know a shared token",
    .env = env,
    .env_count = sizeof env / sizeof env[0],
    .modules = modules,
    .module_count = sizeof modules / sizeof modules[0],
    .create = create,
    .stop = stop,
    .destroy = destroy,
};
