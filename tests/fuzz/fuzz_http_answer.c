/* Header lines, as libcurl hands them over, then a body after the first empty line: what is kept is
 * within its limits, every header is a pair of texts, and the error made of it is one line. */
#include "core/limits.h"
#include "http/http_private.h"
#include "http/status.h"
#include "lib/vclock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct http_answer *answer)
{
    size_t bytes = 0;
    weir_error err = {0};
    for (size_t i = 0; i < answer->header_count; i++) {
        bytes += strlen(answer->headers[i].name) + strlen(answer->headers[i].value);
        if (!http_header(answer, answer->headers[i].name))
            abort();
    }
    if (bytes > (size_t)LIMIT_HTTP_HEADERS || strlen(answer->body.data) > answer->body.len)
        abort();
    if (answer->retry_after < -1 || answer->retry_after > INT32_MAX)
        abort();
    if (status_http_answer(&err, answer, "fuzzing") != err.status || err.status == WEIR_OK)
        abort();
    for (const char *c = err.message; *c; c++) {
        if ((unsigned char)*c < 0x20)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 302, 400, 429, 503, 599};
    struct vclock clock;
    struct incoming in = {.max_body = 64};
    const char *at = (const char *)data, *end = at + size;
    vclock_init(&clock);
    while (at < end && !in.heads_over) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t len = line ? (size_t)(line - at) + 1 : (size_t)(end - at);
        if (answer_head(&in, at, len) != len)
            break;
        at += len;
    }
    while (at < end && in.trouble == ANSWER_GOOD) {
        size_t piece = (size_t)(end - at) < 7 ? (size_t)(end - at) : 7;
        if (answer_body(&in, at, piece) != piece && in.body.len + piece <= in.max_body)
            abort();
        at += piece;
    }
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct http_answer answer;
        if (!answer_view(&in, statuses[i], &clock.clock, &answer))
            abort();
        check(&answer);
    }
    answer_clear(&in);
    return 0;
}
