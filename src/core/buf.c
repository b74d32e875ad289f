/* A growing byte string. Growth doubles, so that appends cost a constant on average; a failed
 * buffer stays empty and failed, so that a run of appends needs one check. */
#include "core/buf.h"

#include "core/error.h"
#include "core/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fail(struct buf *b)
{
    buf_free(b);
    b->failed = true;
}

/* Room for `more` bytes and the terminator. */
static bool reserve(struct buf *b, size_t more)
{
    if (b->failed)
        return false;
    if (more > b->max - b->len) {
        fail(b);
        return false;
    }
    if (b->len + more < b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 64;
    while (cap <= b->len + more)
        cap *= 2;
    char *grown = mem_realloc(b->data, cap);
    if (!grown) {
        fail(b);
        return false;
    }
    b->data = grown;
    b->cap = cap;
    return true;
}

void buf_add_slowly(struct buf *b, const void *data, size_t len)
{
    if (!reserve(b, len))
        return;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

/* Most texts fit where they are written first; only others are written twice. */
void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    size_t room = b->cap - b->len;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(b->data ? b->data + b->len : NULL, room, fmt, args);
    bool fits = len >= 0 && (size_t)len < room && (size_t)len <= b->max - b->len;
    if (len < 0)
        fail(b);
    else if (fits || reserve(b, (size_t)len)) {
        if (!fits)
            (void)vsnprintf(b->data + b->len, (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

void buf_reserve(struct buf *b, size_t more)
{
    if (more <= b->max - b->len)
        reserve(b, more);
}

weir_status buf_finish(const struct buf *b, weir_error *err)
{
    if (!b->failed)
        return WEIR_OK;
    return error_set(err, WEIR_NO_MEMORY, "out of memory, or a text of more than %zu bytes",
                     b->max);
}

void buf_free(struct buf *b)
{
    mem_free(b->data);
    b->data = NULL;
    b->len = b->cap = 0;
}
