/* cli/nearest.h - which known word somebody may have meant. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

/* Keeps the nearest of the words offered one after the other. */
struct nearest {
    const char *meant; /* what was typed */
    const char *word;  /* the nearest so far; NULL: none offered yet */
    size_t distance;
};

void nearest_offer(struct nearest *nearest, const char *word);
/* Insertions, deletions, changes and swaps of neighbours that lead from one to the other; letters
 * of either case count as the same. Words beyond 63 bytes are compared by their first 63. */
size_t nearest_distance(const char *a, const char *b);
#endif
