/* cli/run_tail.h - the end of what a program wrote on its standard error. Pure. */
#ifndef CLI_RUN_TAIL_H
#define CLI_RUN_TAIL_H

#include "cli/str.h"

#define RUN_TAIL (8 * 1024)

struct run_tail {
    char data[RUN_TAIL];
    size_t len;
    bool cut; /* there was more in front of it */
};

void run_tail_add(struct run_tail *tail, const char *bytes, size_t len);
/* As text for a message: UTF-8 whatever was written, no NUL, no blanks around it; "" when nothing
 * was said. */
void run_tail_text(const struct run_tail *tail, struct str *out);
#endif
