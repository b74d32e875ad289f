/* The sandbox and the log. */
#include "integration/credentials_lib.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <weir/log.h>

struct sandbox *start_with(const struct sandbox_options *options)
{
    weir_error err = {0};
    struct sandbox *sandbox = sandbox_start(options, &err);
    if (!sandbox)
        fail_msg("sandbox_start: %s", err.message);
    return sandbox;
}

struct sandbox *start_oauth(void)
{
    return start_with(&(struct sandbox_options){.only = "oauth"});
}

void fault(struct sandbox *sandbox, const char *line)
{
    weir_error err = {0};
    if (sandbox_fault(sandbox, line, &err) != WEIR_OK)
        fail_msg("%s: %s", line, err.message);
}

weir_credentials *open_with(const weir_oauth2_options *o)
{
    weir_error err = {0};
    weir_credentials *c = weir_credentials_oauth2(o, &err);
    if (!c)
        fail_msg("weir_credentials_oauth2: %s", err.message);
    return c;
}

weir_credentials *open_to(struct sandbox *sandbox)
{
    return open_with(WEIR_OAUTH2(CLIENT(sandbox)));
}

weir_token *token_of(weir_credentials *c)
{
    weir_error err = {0};
    weir_token *token = weir_credentials_token(c, 10000, &err);
    if (!token)
        fail_msg("weir_credentials_token: %s", err.message);
    return token;
}

int64_t ms_since(int64_t before)
{
    return (clock_mono(clock_system()) - before) / NS_PER_MS;
}

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char *logged;
static size_t logged_len, records;

static void keep_record(const weir_log_record *record, void *user)
{
    (void)user;
    pthread_mutex_lock(&log_lock);
    size_t len = strlen(record->message);
    char *grown = realloc(logged, logged_len + len + 2);
    if (grown) {
        logged = grown;
        memcpy(logged + logged_len, record->message, len);
        logged_len += len + 1;
        logged[logged_len - 1] = '\n';
        logged[logged_len] = '\0';
        records++;
    }
    pthread_mutex_unlock(&log_lock);
}

int listen_to_everything(void **state)
{
    (void)state;
    weir_log_to(keep_record, NULL, WEIR_LOG_TRACE);
    return 0;
}

/* The last test: what all the others logged at the finest level. */
void no_secret_is_in_any_log(void **state)
{
    static const char *const secrets[] = {
        TOKEN_CLIENT_SECRET, TOKEN_ODD_CLIENT_SECRET, "p%25rc%26nt",
        TOKEN_PASSWORD,      TOKEN_REFRESH_TOKEN,     "weir-sandbox-",
        "weir-refresh-",     "not-the-secret",        "Basic "};
    (void)state;
    weir_log_to(NULL, NULL, WEIR_LOG_OFF);
    assert_true(records > 10);
    assert_non_null(strstr(logged, "empty -> fetching"));
    for (size_t i = 0; i < COUNT(secrets); i++) {
        if (strstr(logged, secrets[i]))
            fail_msg("%s is in the log", secrets[i]);
    }
    free(logged);
}
