/* cli/amount.h - numbers and durations of flags, held to their range. */
#ifndef CLI_AMOUNT_H
#define CLI_AMOUNT_H

#include "cli/parse.h"

/* The longest duration a flag takes, and the longest wait there is. */
#define AMOUNT_LONGEST ((weir_ms)366 * 24 * 3600 * 1000)

struct amount {
    const char *flag;
    bool duration;
    int64_t least, most, otherwise;
};

/* Each as given, else `otherwise`. 0, or 64: one is out of range, and it has been said. */
int amounts_read(const struct amount *amounts, size_t count, const struct args *args, int64_t *out);
#endif
