/* http/answer.h - an answer, as it arrives: for the client, and for a WebSocket's upgrade, whose
 * answer is HTTP, too. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "http/http.h"

/* Grows, but leaves no copy behind, unless there is nothing to hide. */
struct wiped {
    char *data; /* NUL-terminated whenever not NULL */
    size_t len, cap;
    bool plain;
};

enum answer_trouble {
    ANSWER_GOOD,
    ANSWER_HEADERS_TOO_LARGE,
    ANSWER_BODY_TOO_LARGE,
    ANSWER_NO_MEMORY
};

struct incoming {
    struct wiped body, heads; /* heads: name NUL value NUL ... of the last answer */
    size_t head_bytes;        /* of all answers, informational ones too */
    size_t head_count;
    bool heads_over;      /* what follows are trailers */
    unsigned set_cookies; /* how many of these headers */
    size_t max_body;
    enum answer_trouble trouble;
    struct http_header *headers; /* of answer_view() */
};

/* Both return `len`, or 0 when there is trouble: libcurl's way to be told to stop. */
size_t answer_head(struct incoming *in, const char *line, size_t len);
size_t answer_body(struct incoming *in, const char *data, size_t len);
const char *answer_value(const struct incoming *in, const char *name); /* of a header; NULL: none */
/* False: no memory. */
bool answer_view(struct incoming *in, int status, const struct clock *clock,
                 struct http_answer *out);
void answer_clear(struct incoming *in);
#endif
