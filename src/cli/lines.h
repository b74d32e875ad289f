/* cli/lines.h - lines of bytes that arrive in any pieces. Pure. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "cli/str.h"

struct lines {
    struct str partial; /* what has no end yet */
    size_t most;        /* bytes of a line, its end not counted */
};

/* A line without its end: NUL-terminated, and may hold others. */
typedef void lines_fn(void *user, const char *line, size_t len);

/* Each line that ends in these bytes goes to `fn`. False: one is longer than `most`; it and what
 * follows it in `bytes` are dropped, and the next line would begin anywhere. */
bool lines_read(struct lines *lines, const char *bytes, size_t len, lines_fn *fn, void *user);
/* At the end of the input: what has no line's end is a line, unless it is empty. */
void lines_end(struct lines *lines, lines_fn *fn, void *user);
void lines_free(struct lines *lines);
#endif
