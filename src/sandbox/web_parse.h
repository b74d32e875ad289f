/* sandbox/web_parse.h - the head of an HTTP/1.1 request (RFC 9112), read strictly. Pure. */
#ifndef SANDBOX_WEB_PARSE_H
#define SANDBOX_WEB_PARSE_H

#include "sandbox/journal.h"

#define WEB_HEAD_MAX    ((size_t)32 * 1024)
#define WEB_HEADERS_MAX 64
#define WEB_BODY_MAX    ((size_t)256 * 1024)

struct web_head {
    char *text; /* what the others point into */
    size_t len; /* of the head as it came: the body begins there */
    const char *method, *target;
    struct journal_pair headers[WEB_HEADERS_MAX]; /* names in lower case */
    size_t header_count;
    size_t body_len;
    bool chunked; /* the body comes in chunks: web_body_gather() says how long it is */
    bool keep_alive, expects_continue;
};

/* What lies at `data` so far. 0: more is needed; 200: *out is filled, end it with web_head_clear();
 * else the HTTP status to refuse it with, and *why says in one line what is wrong. */
int web_head_parse(struct web_head *out, const char *data, size_t len, const char **why);
/* A body in chunks (RFC 9112, 7.1), as far as it has come. 0: more is needed; 200: its *body_len
 * bytes are at the front of `data` now, where *wire_len bytes of chunks and trailers were; else as
 * above. */
int web_body_gather(char *data, size_t len, size_t *body_len, size_t *wire_len, const char **why);
void web_head_clear(struct web_head *head); /* wipes; fine when zeroed */
const char *web_head_find(const struct web_head *head, const char *name); /* NULL: none */
#endif
