/* token-auth: a node may connect if its `data` is the shared token. A plugin in C.
 *
 *   NODES_AUTHENTICATION_PLUGIN=token-auth SHARED_TOKEN=… crolang-broker
 *
 * With SHARED_TOKEN_FILE the token can be changed while the broker runs: SIGHUP.
 */
#include <crolang/plugin.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct token_auth {
  const crolang_host* host;
} token_auth;

static const char variable[] = "SHARED_TOKEN";
/* Who knows one byte of it must not know much. */
enum { least_bytes = 16 };

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
  crolang_str token = {0}; /* asked for each time, since it may have changed */
  const bool known = auth->host->env(auth->host->ctx, variable, &token) && token.size > 0;
  /* Why not, for the log; never the token itself. */
  static const char missing[] = "the node gives no token", wrong[] = "the token is another one";
  if (data.data == NULL) {
    answer(op, CROLANG_OK, false, (crolang_str){missing, sizeof missing - 1});
  } else if (!known || !equals_token(token, data)) {
    answer(op, CROLANG_OK, false, (crolang_str){wrong, sizeof wrong - 1});
  } else {
    answer(op, CROLANG_OK, true, (crolang_str){0});
  }
}

/* Everything that there is to say of the variables before the plugin is started. */
static void check(const crolang_check* to) {
  static const char sentence[] =
      "SHARED_TOKEN is shorter than 16 bytes, so it can be guessed: take a longer one";
  crolang_str token;
  if (to->env(to->ctx, variable, &token) && token.size < least_bytes) {
    to->warning(to->ctx, (crolang_str){sentence, sizeof sentence - 1});
  }
}

static void reload(void* self) {
  (void)self; /* env gives the new token from now on */
}

static crolang_status create(const crolang_host* host, void** self, char* error,
                             size_t error_size) {
  token_auth* auth = calloc(1, sizeof *auth);
  if (auth == NULL) {
    snprintf(error, error_size, "out of memory");
    return CROLANG_INTERNAL;
  }
  auth->host = host;
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
    {variable, CROLANG_STRING, CROLANG_REQUIRED | CROLANG_SECRET | CROLANG_RELOADABLE, NULL,
     "what a node must give as data to be let in"},
};

const crolang_plugin crolang_plugin_entry = {
    .magic = CROLANG_MAGIC,
    .abi_major = CROLANG_ABI_MAJOR,
    .abi_minor = 0, /* nothing that came after minor 0 is needed */
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
    .check = check,
    .reload = reload,
};
