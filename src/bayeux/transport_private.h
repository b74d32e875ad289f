/* bayeux/transport_private.h - what the transports have in common. @thread io */
#ifndef BAYEUX_TRANSPORT_PRIVATE_H
#define BAYEUX_TRANSPORT_PRIVATE_H

#include "bayeux/transport.h"
#include "core/url.h"

#define TRANSPORT_HEADERS_MAX 64 /* of the program's own */

struct transport_kind { /* static */
    weir_status (*send)(struct transport *t, const struct transport_message *m, weir_error *err);
    void (*cancel)(struct transport *t, unsigned exchange);
    void (*close)(struct transport *t);
    void (*pause)(struct transport *t, bool paused); /* NULL: it cannot */
};

struct transport {
    const struct transport_kind *kind;
    const struct transport_events *events;
    void *user;
    struct loop *loop; /* referenced, as is `http` */
    struct http *http;
    struct url parts;                     /* `scheme` is http or https, `port` is filled */
    char *url;                            /* "http..." */
    char *shown;                          /* without userinfo and query: for errors */
    char *headers[TRANSPORT_HEADERS_MAX]; /* of the program; a secret may be in them */
    size_t header_count;
    size_t max_message;
    char name[64];
};

#define TRANSPORT_LARGER "raise max_message"

/* ws and wss are taken for http and https. WEIR_INVALID: no such URL, or too many headers. */
weir_status transport_init(struct transport *t, const struct transport_kind *kind,
                           const struct transport_options *o, weir_error *err);
void transport_clear(struct transport *t); /* fine when zeroed, or half made */
/* "Authorization: Bearer ...", to secret_free_text(); NULL: no memory. */
char *transport_authorization(const char *value);
#endif
