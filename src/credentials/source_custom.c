/* A program's own source. Its function may block for as long as it likes: callers stop waiting at
 * their own limits, and a fetch that exceeds the source's limit counts as failed. It cannot be
 * interrupted, so the next fetch joins it; what it brings late is used then. */
#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "credentials/answer.h"
#include "credentials/source.h"
#include "io/timer.h"

#define TIMEOUT_MS 10000
#define LEEWAY_S   60

struct custom {
    struct source base;
    weir_token_source is;
    struct timer limit;
    bool waiting;     /* @thread io: somebody wants to hear the end    */
    bool stopped;     /* @thread io                                    */
    bool busy;        /* @thread io: the function runs, or will        */
    weir_token *late; /* @thread io: brought when nobody waited     */
    struct loop_task fetched;
    weir_token *token; /* with `why`: from the helper to the I/O thread, through `fetched` */
    weir_error why;
};

static struct custom *custom_of(struct source *source)
{
    return (struct custom *)(void *)source;
}

static void report_failure(struct custom *c, const weir_error *why)
{
    c->base.events->failed(c->base.user, why, answer_is_final(why));
}

static void on_fetched(struct loop_task *task)
{
    struct custom *c = (struct custom *)(void *)((char *)task - offsetof(struct custom, fetched));
    weir_token *token = c->token;
    bool waiting = c->waiting;
    c->token = NULL;
    c->busy = c->waiting = false;
    timer_cancel(&c->limit);
    if (c->stopped || !waiting) {
        weir_token_free(c->late);
        c->late = c->stopped ? NULL : token;
        if (c->stopped)
            weir_token_free(token);
    } else if (token)
        c->base.events->got(c->base.user, token);
    else
        report_failure(c, &c->why);
}

static void on_limit(void *user)
{
    struct custom *c = user;
    weir_error why = {0};
    c->waiting = false;
    error_set(&why, WEIR_TIMEOUT, "the token source has not answered within %lld ms",
              (long long)c->base.timeout);
    answer_missing(&why);
    report_failure(c, &why);
}

/* The function returned an error: its status counts, and its words if it left any. */
static void blame(weir_error *why, weir_status status)
{
    weir_error said = *why;
    said.message[sizeof said.message - 1] = '\0';
    if (said.message[0])
        error_set(why, status, "fetching a token from the program's own source: %s", said.message);
    else
        error_set(why, status, "the token source failed without saying why (%s)",
                  weir_status_name(status));
    why->origin = said.origin;
    why->code = said.code;
    why->kind = said.kind;
    if (said.retry_in_ms > 0)
        why->retry_in_ms = said.retry_in_ms;
    answer_missing(why);
}

static void judge(struct custom *c, struct weir_token_answer *answer, struct token_moment since,
                  weir_status status)
{
    if (status != WEIR_OK) {
        blame(&c->why, status);
        return;
    }
    if (!answer->token) {
        error_set(&c->why, WEIR_PROTOCOL,
                  "the token source said OK but set no token (weir_token_set)");
        c->why.kind = WEIR_KIND_TOKEN_UNUSABLE;
        return;
    }
    int64_t lifetime = token_lifetime(answer->expires_in, TOKEN_EXPIRES_IN_S);
    c->token = token_make(answer, since, lifetime, false);
    if (!c->token)
        error_no_memory(&c->why);
}

/* On the helper thread. */
static void run(void *user)
{
    struct custom *c = user;
    struct weir_token_answer answer = {0};
    struct token_moment since = token_moment(clock_system());
    weir_error why = {0};
    weir_status status = c->is.fetch(c->is.user, &answer, c->base.timeout, &why);
    c->why = why;
    judge(c, &answer, since, status);
    token_answer_clear(&answer);
    loop_post(c->base.loop, &c->fetched);
}

static bool take_late(struct custom *c)
{
    weir_token *late = c->late;
    c->late = NULL;
    if (late && !token_is_expired(late, clock_system())) {
        c->base.events->got(c->base.user, late);
        return true;
    }
    weir_token_free(late);
    return false;
}

static void start(struct source *source, bool fresh)
{
    struct custom *c = custom_of(source);
    (void)fresh;
    if (take_late(c))
        return;
    weir_status status = WEIR_OK;
    if (!c->busy)
        status = pool_run(c->base.pool, run, c);
    c->busy = status == WEIR_OK;
    c->waiting = c->busy;
    if (c->busy)
        status = timer_set_in(&c->limit, c->base.timeout);
    if (status == WEIR_OK)
        return;
    c->waiting = false;
    weir_error why = {0};
    error_set(&why, WEIR_NO_MEMORY, "no thread or memory to run the token source");
    report_failure(c, &why);
}

static void stop(struct source *source)
{
    struct custom *c = custom_of(source);
    timer_cancel(&c->limit);
    c->stopped = true;
}

static void rejected(struct source *source, const weir_token *token)
{
    (void)source;
    (void)token;
}

static void release(struct source *source)
{
    struct custom *c = custom_of(source);
    if (c->is.destroy)
        c->is.destroy(c->is.user);
    weir_token_free(c->late);
    weir_token_free(c->token);
    mem_free(c);
}

struct source *source_custom(const weir_token_source *s, weir_error *err)
{
    static const struct source_kind kind = {start, stop, rejected, release};
    weir_token_source read;
    if (options_read(&read, sizeof read, s, "WEIR_TOKEN_SOURCE", err) != WEIR_OK)
        return NULL;
    if (!read.fetch) {
        error_set(err, WEIR_INVALID, "weir_credentials_custom: fetch is missing");
        return NULL;
    }
    if (read.leeway_s < 0 && read.leeway_s != WEIR_ZERO) {
        error_set(err, WEIR_INVALID, "weir_credentials_custom: leeway_s %d is negative",
                  read.leeway_s);
        return NULL;
    }
    struct custom *c = mem_zalloc(sizeof *c);
    if (!c || source_limit(&c->base, read.timeout, TIMEOUT_MS, err) != WEIR_OK ||
        source_init(&c->base, &kind, err) != WEIR_OK) {
        if (!c)
            error_no_memory(err);
        mem_free(c);
        return NULL;
    }
    c->is = read;
    c->base.what = "the token source";
    c->base.leeway_s = (int)options_number(read.leeway_s, LEEWAY_S);
    c->fetched.run = on_fetched;
    timer_init(&c->limit, c->base.loop, on_limit, c);
    return &c->base;
}
