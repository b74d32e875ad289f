/* Anything a coprocess may write, and anything that may stand behind it: every line settles a job
 * that is in its hand or is complained of, no job is settled twice, and none is left when it has
 * died. The first byte says how the rest is cut. */
#include "cli/coprocess.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define JOBS 8

static unsigned settled[JOBS + 1];

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void on_settled(void *user, int64_t key, const struct work_outcome *outcome)
{
    (void)user;
    must(key >= 1 && key <= JOBS && ++settled[key] == 1);
    must(outcome->verdict >= WORK_COMPLETE && outcome->verdict <= WORK_THROW);
    must(outcome->verdict != WORK_COMPLETE || outcome->variables[0] == '{');
    must(outcome->verdict != WORK_THROW || outcome->code[0] != '\0');
}

static void on_complaint(void *user, const char *text)
{
    (void)user;
    must(text[0] != '\0');
}

static void tell(struct coprocess *co, size_t most)
{
    struct iovec pieces[2];
    size_t len = 0;
    for (size_t i = coprocess_next(co, pieces, 2); i > 0; i--)
        len += pieces[i - 1].iov_len;
    coprocess_wrote(co, len < most ? len : most);
}

static void one_life(const uint8_t *data, size_t size, size_t piece)
{
    const struct coprocess_events events = {on_settled, on_complaint, NULL};
    struct coprocess *co = coprocess_new(&events);
    memset(settled, 0, sizeof settled);
    for (int64_t key = 1; key <= JOBS; key++)
        coprocess_give(co, key, "{}", key);
    for (size_t at = 0; at < size; at += piece) {
        size_t left = size - at;
        tell(co, piece);
        must(coprocess_read(co, (const char *)data + at, left < piece ? left : piece));
    }
    while (coprocess_jobs(co) > 0) {
        struct iovec next;
        (void)coprocess_expire(co, 1, "1s");
        while (coprocess_next(co, &next, 1))
            tell(co, SIZE_MAX);
        (void)coprocess_died(co, "died");
    }
    for (size_t key = 1; key <= JOBS; key++)
        must(settled[key] == 1);
    coprocess_free(co);
}

static void one_outcome(const uint8_t *data, size_t size)
{
    struct work_outcome outcome;
    struct str why = {0};
    bool good = work_outcome_read(&outcome, (const char *)data, size, &why);
    must(good == (why.len == 0));
    work_outcome_free(&outcome);
    str_free(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    one_life(data + 1, size - 1, data[0] ? data[0] : 1);
    one_outcome(data + 1, size - 1);
    return 0;
}
