/* Any text as a stored record: what is accepted is written again as what it was, in the room there
 * is; what is not is WEIR_STORE, and leaves nothing behind. */
#include "core/mem.h"
#include "salesforce/position.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_same(const struct record *a, const struct record *b)
{
    if (a->has_position != b->has_position || a->position != b->position ||
        a->has_began_id != b->has_began_id || a->began_id != b->began_id || a->began != b->began ||
        a->began_ms != b->began_ms || a->live_ms != b->live_ms)
        abort();
}

static void try_beginning(const char *text)
{
    enum from from = FROM_STORED;
    int64_t id = -1;
    weir_error err = {0};
    if (from_parse(text, &from, &id, &err) == WEIR_OK ? id < 0 : err.status != WEIR_INVALID)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_dup(data, size);
    char again[WEIR_REPLAY_RECORD_SIZE];
    struct record record, back;
    weir_error err = {0};
    if (record_parse(&record, text, size, &err) == WEIR_OK) {
        record_format(&record, again);
        if (strlen(again) >= sizeof again ||
            record_parse(&back, again, strlen(again), &err) != WEIR_OK)
            abort();
        must_be_same(&record, &back);
    } else {
        struct record nothing = {0};
        if (err.status != WEIR_STORE || !err.message[0])
            abort();
        must_be_same(&record, &nothing);
    }
    try_beginning(text);
    mem_free(text);
    return 0;
}
