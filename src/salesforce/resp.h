/* salesforce/resp.h - Redis's protocol (RESP2), as far as weir speaks it: requests are lists of
 * strings, an answer is one value or a list of values. Pure. */
#ifndef SALESFORCE_RESP_H
#define SALESFORCE_RESP_H

#include "core/buf.h"

#define RESP_ITEMS      8           /* of a list */
#define RESP_ANSWER_MAX (64 * 1024) /* bytes */

enum resp_type { RESP_TEXT, RESP_ERROR, RESP_NUMBER, RESP_NIL, RESP_LIST };

struct resp_value {
    enum resp_type type;
    const char *text; /* of TEXT and ERROR; borrowed, not NUL-terminated */
    size_t len;
    int64_t number; /* of NUMBER */
};

struct resp {
    struct resp_value is;
    struct resp_value items[RESP_ITEMS]; /* of a LIST */
    size_t count;
};

enum resp_state { RESP_READY, RESP_MORE /* bytes are missing */, RESP_BROKEN };

/* RESP_BROKEN: no answer weir asks for, or larger than RESP_ANSWER_MAX. */
enum resp_state resp_parse(const char *data, size_t len, struct resp *out, size_t *used);
bool resp_is(const struct resp_value *value, const char *text);

/* A request of `count` strings, each then added. */
void resp_begin(struct buf *out, size_t count);
void resp_add(struct buf *out, const void *data, size_t len);
void resp_adds(struct buf *out, const char *text);
#endif
