#include "unit/credentials/cache_desk.h"

#include "core/file.h"
#include "core/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <weir/log.h>

char folder[64], path[128];
struct vclock now;
char warnings[4096];

static void keep_warning(const weir_log_record *record, void *user)
{
    (void)user;
    if (record->level > WEIR_LOG_WARN)
        return;
    size_t len = strlen(warnings);
    snprintf(warnings + len, sizeof warnings - len, "%s\n", record->message);
}

int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/weir-cache-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/credentials", folder);
    vclock_init(&now);
    warnings[0] = '\0';
    weir_log_to(keep_warning, NULL, WEIR_LOG_TRACE);
    return 0;
}

int end(void **state)
{
    char command[128];
    (void)state;
    weir_log_to(NULL, NULL, WEIR_LOG_OFF);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

struct desk desk_of(const weir_oauth2_options *o)
{
    weir_error err = {0};
    struct desk desk = {grant_new(o, &err), NULL};
    if (!desk.grant)
        fail_msg("grant_new: %s", err.message);
    desk.cache = cache_new(path, desk.grant, o->cache_foreign);
    assert_non_null(desk.cache);
    return desk;
}

void leave(struct desk *desk)
{
    cache_free(desk->cache);
    grant_free(desk->grant);
}

/* The token that serves, or "". */
const char *loaded(struct desk *desk)
{
    static char out[256];
    struct cache_found found;
    cache_load(desk->cache, &now.clock, &found);
    weir_token *token = cache_token(&found, &now.clock);
    snprintf(out, sizeof out, "%s", token ? weir_token_value(token) : "");
    if (token) {
        assert_true(weir_token_from_cache(token));
        assert_false(token_is_expired(token, &now.clock));
    }
    weir_token_free(token);
    cache_found_clear(&found);
    return out;
}

const char *served(const weir_oauth2_options *o)
{
    struct desk desk = desk_of(o);
    const char *out = loaded(&desk);
    leave(&desk);
    return out;
}

weir_token *token_called(const char *text, int lifetime)
{
    struct weir_token_answer answer = {0};
    assert_int_equal(weir_token_set(&answer, text, 0), WEIR_OK);
    assert_int_equal(weir_token_set_field(&answer, "instance_url", "https://in: \"st\" #1"),
                     WEIR_OK);
    assert_int_equal(weir_token_set_field(&answer, "refresh_token", "not among the fields"),
                     WEIR_OK);
    return token_make(&answer, token_moment(&now.clock), lifetime, false);
}

void store_as(struct desk *desk, const char *text, int lifetime, const char *refresh)
{
    weir_token *token = token_called(text, lifetime);
    struct secret *secret = refresh ? secret_new(refresh, strlen(refresh)) : NULL;
    cache_store(desk->cache, &now.clock, token, secret);
    secret_free(secret);
    weir_token_free(token);
}

void store(const weir_oauth2_options *o, const char *text)
{
    struct desk desk = desk_of(o);
    store_as(&desk, text, 300, NULL);
    leave(&desk);
}

void forget(const weir_oauth2_options *o, const char *text)
{
    struct desk desk = desk_of(o);
    weir_token *token = token_called(text, 300);
    cache_forget(desk.cache, token);
    weir_token_free(token);
    leave(&desk);
}

char *contents(void)
{
    char *text = NULL;
    size_t len = 0;
    weir_error err = {0};
    if (file_read(path, 1 << 20, "the cache", &text, &len, &err) != WEIR_OK)
        fail_msg("%s", err.message);
    return text;
}

void write_file(const char *text, unsigned mode)
{
    weir_error err = {0};
    if (file_replace(path, text, strlen(text), mode, "the test's file", &err) != WEIR_OK)
        fail_msg("%s", err.message);
    assert_int_equal(chmod(path, mode), 0);
}

unsigned mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(name, &st), 0);
    return st.st_mode & 07777;
}

bool holds(const char *text)
{
    char *all = contents();
    bool found = strstr(all, text) != NULL;
    mem_free(all);
    return found;
}
