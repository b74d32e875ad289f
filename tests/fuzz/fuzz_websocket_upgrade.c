/* Bytes as the answer to an upgrade: the first byte says in which pieces. It is a WebSocket or an
 * error of one line, the same whatever the pieces; no byte behind the head of a 101 is taken. */
#include "bayeux/websocket_upgrade.h"
#include "core/mem.h"
#include "lib/vclock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

struct outcome {
    weir_status status;
    size_t used;
    weir_error err;
};

static void read_it(struct outcome *o, const char *data, size_t size, size_t piece)
{
    struct vclock clock;
    struct upgrade u = {0};
    struct http_answer answer = {0};
    enum upgrade_state state = UPGRADE_MORE;
    vclock_init(&clock);
    upgrade_begin(&u);
    *o = (struct outcome){0};
    while (o->used < size && state == UPGRADE_MORE) {
        size_t used, len = size - o->used < piece ? size - o->used : piece;
        char *copy = mem_dup(data + o->used, len);
        state = upgrade_read(&u, copy, len, &used);
        mem_free(copy);
        if (used > len || (state == UPGRADE_MORE && used != len))
            abort();
        o->used += used;
    }
    const struct upgrade_judge by = {KEY, "fuzzing", &clock.clock};
    o->status = upgrade_judge(&u, &by, &answer, &o->err);
    for (size_t i = 0; i < answer.header_count; i++) {
        if (!*answer.headers[i].name && *answer.headers[i].value == '\n')
            abort();
    }
    upgrade_clear(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, pieces;
    if (size == 0)
        return 0;
    read_it(&whole, (const char *)data + 1, size - 1, size);
    read_it(&pieces, (const char *)data + 1, size - 1, (size_t)data[0] % 17 + 1);
    if (whole.status != pieces.status || strcmp(whole.err.message, pieces.err.message) != 0)
        abort();
    if (whole.status == WEIR_OK && whole.used != pieces.used)
        abort();
    if ((whole.status == WEIR_OK) != (whole.err.message[0] == '\0') ||
        strpbrk(whole.err.message, "\r\n"))
        abort();
    return 0;
}
