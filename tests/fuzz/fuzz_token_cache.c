/* Any bytes as a credentials file: what is found in it can be used; what is put in is found again
 * and can be taken out; entries of others survive both. */
#include "core/mem.h"
#include "credentials/cache_text.h"
#include "credentials/cache_yaml.h"

#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1767225600)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cache_request request = {
    .name = "weir:00000000000000000000000000000000",
    .pairs = {{"grant", "client_credentials"}, {"client_id", "me"}},
    .count = 2,
    .client_id = "me",
    .audience = "zeebe.example",
    .foreign = true,
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void find(weir_bytes text, const char *wanted)
{
    struct cache_found found;
    weir_status status = cache_find(text, &request, NOW, &found, NULL);
    const char *token = secret_reveal(found.answer.token);
    if (token) {
        must(token_is_sendable(token, strlen(token)));
        must(found.expires_at > NOW && found.expires_at - NOW <= TOKEN_ABSURD_S);
    }
    must((status == WEIR_OK) == (token || found.refresh_token));
    must(!wanted || (token && strcmp(token, wanted) == 0 && found.own));
    cache_found_clear(&found);
}

static size_t entries_of(weir_bytes text)
{
    struct yaml_file file;
    must(yaml_split(&file, text.data, text.len, NULL) == WEIR_OK);
    size_t count = file.count;
    yaml_clear(&file);
    return count;
}

static weir_token *some_token(void)
{
    struct weir_token_answer answer = {0};
    weir_token_set(&answer, "the-token", 0);
    weir_token_set_field(&answer, "odd \"name\"\t", "odd: 'value' #\\ \n");
    return token_make(&answer, (struct token_moment){0, NOW * NS_PER_S}, 300, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = mem_dup(data, size);
    weir_bytes text = {copy, size};
    weir_token *token = some_token();
    struct cache_news news = {token, NULL, NOW};
    struct buf with = BUF_INIT((size_t)4 * 1024 * 1024), without = with;
    find(text, NULL);
    if (cache_put(text, &request, &news, &with, NULL) == WEIR_OK) {
        weir_bytes put = {with.data, with.len};
        find(put, "the-token");
        must(entries_of(put) <= entries_of(text) + 1);
        must(cache_remove(put, &request, token, &without, NULL) == WEIR_OK);
        find((weir_bytes){without.data ? without.data : "", without.len}, NULL);
    }
    buf_free(&with);
    buf_free(&without);
    weir_token_free(token);
    mem_free(copy);
    return 0;
}
