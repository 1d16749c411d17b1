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
/* A short token could be guessed. */
enum { least_bytes = 16 };

/* Compares in constant time, so that the token cannot be guessed byte by byte. Only the token's
 * length could be measured. */
static bool equals_token(crolang_str token, crolang_str text) {
  unsigned char difference = token.size != text.size;
  for (size_t i = 0; i < text.size; ++i) {
    difference |= (unsigned char)(text.data[i] ^ token.data[i % token.size]);
  }
  return difference == 0;
}

static void authenticate(void* self, const crolang_connecting_node* node, uint32_t timeout_ms,
                         crolang_authenticated_fn answer, void* call) {
  const token_auth* auth = self;
  (void)timeout_ms;
  crolang_str token = {0}; /* read each time, since reload may have changed it */
  const bool known = auth->host->env(auth->host->ctx, variable, &token) && token.size > 0;
  /* The reason for a "no", for the log; never the token itself. */
  static const char missing[] = "the node sent no token", wrong[] = "the token is a different one";
  if (node->data.data == NULL) {
    answer(call, CROLANG_OK, false, 0, (crolang_str){missing, sizeof missing - 1});
  } else if (!known || !equals_token(token, node->data)) {
    answer(call, CROLANG_OK, false, 0, (crolang_str){wrong, sizeof wrong - 1});
  } else {
    /* 0: the token does not expire, so neither does this answer. */
    answer(call, CROLANG_OK, true, 0, (crolang_str){0});
  }
}

/* Validates the variables before the plugin is created. */
static void check(const crolang_check* to) {
  static const char sentence[] =
      "SHARED_TOKEN is shorter than 16 bytes, so it can be guessed: take a longer one";
  crolang_str token;
  if (to->env(to->ctx, variable, &token) && token.size < least_bytes) {
    to->warning(to->ctx, (crolang_str){sentence, sizeof sentence - 1});
  }
}

static void reload(void* self) {
  (void)self; /* env returns the new token from now on */
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

static void stop(void* self, void (*stopped)(void*), void* call) {
  (void)self; /* every question was answered at once, so nothing is pending */
  stopped(call);
}

static void destroy(void* self) {
  free(self);
}

static const crolang_authentication table = {
    .size = sizeof table,
    .flags = 0, /* does not read the request, so CROLANG_READS_REQUEST is not set */
    .authenticate = authenticate,
};
static const crolang_module modules[] = {{CROLANG_AUTHENTICATION, &table}};
static const crolang_env env[] = {
    {variable, CROLANG_STRING, CROLANG_REQUIRED | CROLANG_SECRET | CROLANG_RELOADABLE, NULL,
     "what a node must send as data to be admitted"},
};

const crolang_plugin crolang_plugin_entry = {
    .magic = CROLANG_MAGIC,
    .abi_major = CROLANG_ABI_MAJOR,
    .abi_minor = 0, /* needs nothing that was added after minor 0 */
    .size = sizeof(crolang_plugin),
    .id = "org.crolang.example.token-auth",
    .version = "1.0.0",
    .description = "admits nodes that know a shared token",
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
