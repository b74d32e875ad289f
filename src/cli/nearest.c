/* Edit distance (optimal string alignment), over three rows of fixed size. Pure. */
#include "cli/nearest.h"

#include <ctype.h>
#include <string.h>

#define LONGEST 63

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int letter(const char *word, size_t i)
{
    return tolower((unsigned char)word[i]);
}

static size_t cell(size_t rows[3][LONGEST + 1], const char *a, const char *b, const size_t at[2])
{
    size_t i = at[0], j = at[1];
    size_t change = letter(a, i - 1) != letter(b, j - 1);
    size_t best = least(rows[1][j] + 1, rows[2][j - 1] + 1);
    best = least(best, rows[1][j - 1] + change);
    if (i > 1 && j > 1 && letter(a, i - 1) == letter(b, j - 2) &&
        letter(a, i - 2) == letter(b, j - 1))
        best = least(best, rows[0][j - 2] + 1);
    return best;
}

size_t nearest_distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST + 1] = {{0}};
    size_t a_len = least(strlen(a), LONGEST), b_len = least(strlen(b), LONGEST);
    for (size_t j = 0; j <= b_len; j++)
        rows[2][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        memcpy(rows[0], rows[1], sizeof rows[0]);
        memcpy(rows[1], rows[2], sizeof rows[1]);
        rows[2][0] = i;
        for (size_t j = 1; j <= b_len; j++)
            rows[2][j] = cell(rows, a, b, (size_t[2]){i, j});
    }
    return rows[2][b_len];
}

void nearest_offer(struct nearest *nearest, const char *word)
{
    size_t distance = nearest_distance(nearest->meant, word), typed = strlen(nearest->meant);
    if (distance > 1 && typed > 1 && strncmp(nearest->meant, word, typed) == 0)
        distance = 1; /* the beginning of a word means the word */
    if (nearest->word && distance >= nearest->distance)
        return;
    nearest->word = word;
    nearest->distance = distance;
}
