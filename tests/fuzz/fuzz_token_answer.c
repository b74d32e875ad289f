/* Any bytes as a token endpoint's answer, good or bad: what is taken can stand in a header, what is
 * refused is refused in one line, by a status that fits. */
#include "core/mem.h"
#include "credentials/answer.h"

#include <stdlib.h>
#include <string.h>

#define WHAT "fetching a token from https://fuzz.example/token"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_be_one_line(const weir_error *err)
{
    must(err->status != WEIR_OK && err->message[0]);
    must(strncmp(err->message, WHAT, sizeof WHAT - 1) == 0);
    for (const char *at = err->message; *at; at++)
        must((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void must_be_whole(struct weir_token_answer *answer)
{
    int64_t lifetime = token_lifetime(answer->expires_in, TOKEN_EXPIRES_IN_S);
    must(lifetime >= TOKEN_TINY_S && lifetime <= TOKEN_ABSURD_S);
    weir_token *token = token_make(answer, (struct token_moment){0, 0}, lifetime, false);
    const char *value = weir_token_value(token), *name, *text;
    must(token_is_sendable(value, strlen(value)));
    must(*weir_token_type(token) && !strpbrk(weir_token_type(token), " \r\n:"));
    for (size_t i = 0; i < token_field_count(token); i++) {
        token_field_at(token, i, &name, &text);
        must(*name && weir_token_field(token, name) == text);
    }
    weir_token_free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {302, 400, 401, 403, 429, 500, 503};
    struct weir_token_answer answer;
    weir_error err = {0};
    char *text = mem_dup(data, size);
    if (answer_read(&answer, text, size, WHAT, &err) == WEIR_OK)
        must_be_whole(&answer);
    else
        must_be_one_line(&err);
    token_answer_clear(&answer);
    struct http_answer http = {.status = statuses[size % 7],
                               .body = {text, size},
                               .retry_after = -1,
                               .content_type = "application/json"};
    answer_refusal(&http, WHAT, &err);
    must_be_one_line(&err);
    must(err.kind != WEIR_KIND_UNKNOWN && err.code == http.status);
    mem_free(text);
    return 0;
}
