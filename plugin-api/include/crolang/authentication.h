/*
 * crolang/authentication.h — authentication/1: may this node connect, and for how long? At most
 * one.
 * Asked before a node's connection is accepted (the 101), and again for each later CONNECT on it.
 */
#ifndef CROLANG_AUTHENTICATION_H
#define CROLANG_AUTHENTICATION_H

#include "crolang/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CROLANG_AUTHENTICATION "authentication/1"

/* The connecting node and its request. Everything is borrowed until authenticate returns. All but
 * the address and the subject is stated by the client and unverified; a header may have been sent
 * by the client or by a proxy: rely on it only if your proxy sets it and clients cannot bypass that
 * proxy. */
typedef struct crolang_connecting_node {
  uint32_t size;
  crolang_str id; /* another session may hold it: that is checked afterwards */
  crolang_str version;
  crolang_str runtime;
  /* The `data` of the node's query, percent-decoded, otherwise unchanged; data.data == NULL: the
   * query has none. */
  crolang_str data;
  /* The client's address, as text without a port: "192.0.2.7", "2001:db8::1". It is the address of
   * the connection's peer, or what a proxy among TRUSTED_PROXIES says of it, so a client cannot
   * choose it. Empty: unknown. */
  crolang_str client_address;
  /* The subject of the client's TLS certificate (RFC 4514: "CN=scanner 7,O=Example"), which an
   * authority of TLS_CLIENT_CA_FILE has issued and the broker has verified. Empty: without that
   * variable, and on PLAIN_PORT. Behind a TLS proxy, read a header that the proxy sets. */
  crolang_str tls_client_subject;
  const void* request; /* first argument of the functions below */
  /* Finds the first header of this name, compared case-insensitively; the value has no surrounding
   * white space. false: there is none, or CROLANG_READS_REQUEST is not set. */
  bool (*header)(const void* request, const char* name, crolang_str* value);
  /* Gets the header at this index, counted from 0 in the order sent. false: there are no more. */
  bool (*header_at)(const void* request, size_t index, crolang_str* name, crolang_str* value);
} crolang_connecting_node;

/* With CROLANG_OK and a "yes", `valid_for_ms` says for how long, counted from the answer; 0:
 * without a limit. When that time is over, or up to a twentieth of it earlier, the broker ends the
 * connection in such a way that the node reconnects by itself, and the module is asked again. With
 * CROLANG_OK and a "no", `error` may give the reason, for the broker's log: "the token expired 312
 * s ago". It is not sent to the node, which does not retry. */
typedef void (*crolang_authenticated_fn)(void* call, crolang_status status, bool yes,
                                         uint64_t valid_for_ms, crolang_str error);

enum {
  /* The module reads headers. The broker keeps them for as long as the connection, since the module
   * is asked again for a later CONNECT on it; without this flag it keeps none. */
  CROLANG_READS_REQUEST = 1u
};

typedef struct crolang_authentication {
  uint32_t size;
  uint32_t flags; /* 0 or CROLANG_READS_REQUEST */
  /* [io, concurrent] */
  void (*authenticate)(void* self, const crolang_connecting_node* node, uint32_t timeout_ms,
                       crolang_authenticated_fn answer, void* call);
  /* The following function may be NULL, and absent from a shorter table. */
  /* [control] Which headers a module with CROLANG_READS_REQUEST reads: their names, separated by
   * commas, with or without blanks. The broker then keeps only these; others are absent from
   * `header` and `header_at`. It asks after create, and does not keep the text. data == NULL: all
   * of them, as without this function; empty: none. */
  crolang_str (*headers)(void* self);
} crolang_authentication;

#ifdef __cplusplus
}
#endif

#endif /* CROLANG_AUTHENTICATION_H */
