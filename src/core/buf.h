/* core/buf.h - a growing byte string that remembers failure.
 *
 * Every buf names its largest size. Once an append fails (too large, or no memory) the buf
 * is empty and stays failed, so a run of appends needs one check: buf_finish(). */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <string.h>
#include <weir/error.h>

struct buf {
    char *data; /* NUL-terminated whenever not NULL */
    size_t len, cap, max;
    bool failed;
};

#define BUF_INIT(largest)                                                                          \
    {                                                                                              \
        NULL, 0, 0, (largest), false                                                               \
    }

void buf_add_slowly(struct buf *b, const void *data, size_t len); /* as buf_add() */
static inline void buf_add(struct buf *b, const void *data, size_t len)
{
    if (len >= b->cap - b->len || len > b->max - b->len) {
        buf_add_slowly(b, data, len);
        return;
    }
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}
static inline void buf_adds(struct buf *b, const char *text) /* of a literal: no strlen() */
{
    buf_add(b, text, strlen(text));
}
void buf_addf(struct buf *b, const char *fmt, ...) WEIR_PRINTF(2, 3);
/* So much more is expected: saves growing in steps. Fails as an append does when memory runs out.
 */
void buf_reserve(struct buf *b, size_t more);
weir_status buf_finish(const struct buf *b, weir_error *err);
void buf_free(struct buf *b);
#endif
