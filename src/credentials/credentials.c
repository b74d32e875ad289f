/* The public face: one machine behind a lock, one source of tokens, and those who wait.
 *
 * Threads. Any thread asks the machine under the lock, for a few instructions. Everything else is
 * the I/O thread's: starting a fetch (a posted task), those who wait (a list, a timer each), and
 * telling them. A blocking call is one that waits for such a wait.
 *
 * Lifetime. A reference is a handle of the program, of a channel, or of a waiting ask. When the
 * last one goes, the source is stopped on the I/O thread, by way of its queue, so that a fetch
 * that was just posted finds its memory; then whoever may block waits for the helper thread and
 * frees: the caller, or the helper thread itself when the caller is a library thread. */
#include "core/error.h"
#include "core/mem.h"
#include "core/shield.h"
#include "credentials/ask.h"
#include "credentials/machine.h"
#include "credentials/source.h"
#include "io/timer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define TIMEOUT_MS 10000
#define RETRY_MS   100

struct ask_list {
    struct token_ask *first, **last;
};

struct weir_credentials {
    atomic_uint refs;
    weir_token *fixed; /* NULL unless weir_credentials_fixed() */
    struct loop *loop;
    struct source *source; /* NULL when fixed */
    pthread_mutex_t lock;
    struct machine machine; /* @locked */
    bool fetch_fresh;       /* @locked; of the posted fetch */
    struct loop_task fetch, close;
    struct ask_list waiting; /* @thread io */
    struct timer wake;       /* @thread io; when a pause ends that somebody waits for */
};

struct token_ask {
    struct token_ask *next, **link;
    struct ask_list *list; /* NULL: in none */
    struct loop_task task;
    weir_credentials *credentials; /* a reference */
    struct machine_wish wish;
    token_ask_fn *done;
    void *user;
    struct timer limit;
    bool queued, cancelled; /* @thread io, after the start */
};

/* --- the machine -------------------------------------------------------------------------- */

/* Any thread. Starts the fetch that the machine may want. */
static enum machine_verdict consult(weir_credentials *c, const struct machine_wish *wish,
                                    weir_token **token, weir_error *err)
{
    bool fetch = false;
    if (c->fixed && !wish->fresh) {
        *token = weir_token_ref(c->fixed);
        return MACHINE_TAKE;
    }
    pthread_mutex_lock(&c->lock);
    enum machine_verdict verdict =
        machine_ask(&c->machine, clock_system(), wish, token, err, &fetch);
    if (fetch)
        c->fetch_fresh = wish->fresh;
    pthread_mutex_unlock(&c->lock);
    if (fetch)
        loop_post(c->loop, &c->fetch);
    return verdict;
}

static void run_fetch(struct loop_task *task)
{
    weir_credentials *c = (void *)((char *)task - offsetof(weir_credentials, fetch));
    pthread_mutex_lock(&c->lock);
    bool fresh = c->fetch_fresh;
    pthread_mutex_unlock(&c->lock);
    c->source->kind->start(c->source, fresh);
}

/* --- those who wait, @thread io ----------------------------------------------------------- */

static void unlink_ask(struct token_ask *ask)
{
    if (!ask->list)
        return;
    *ask->link = ask->next;
    if (ask->next)
        ask->next->link = ask->link;
    else
        ask->list->last = ask->link;
    ask->list = NULL;
}

/* At the end, so that the first to come is the first to be told. */
static void link_ask(struct token_ask *ask, struct ask_list *list)
{
    ask->list = list;
    ask->next = NULL;
    ask->link = list->last;
    *list->last = ask;
    list->last = &ask->next;
}

static void free_ask(struct token_ask *ask)
{
    timer_cancel(&ask->limit);
    unlink_ask(ask);
    weir_credentials_free(ask->credentials);
    mem_free(ask);
}

/* The reference goes first: who is told may at once give back the last one, and then wants its
 * closing to be complete. */
static void finish_ask(struct token_ask *ask, weir_token *token, const weir_error *err)
{
    token_ask_fn *done = ask->done;
    void *user = ask->user;
    free_ask(ask);
    done(user, token, err);
}

/* True: it has been told. */
static bool serve(struct token_ask *ask)
{
    weir_error err = {0};
    weir_token *token = NULL;
    enum machine_verdict verdict = consult(ask->credentials, &ask->wish, &token, &err);
    if (verdict == MACHINE_WAIT)
        return false;
    finish_ask(ask, token, verdict == MACHINE_FAIL ? &err : NULL);
    return true;
}

static void set_wake(weir_credentials *c)
{
    pthread_mutex_lock(&c->lock);
    weir_ms wait = machine_wake(&c->machine, clock_system());
    pthread_mutex_unlock(&c->lock);
    if (wait == WEIR_FOREVER || !c->waiting.first)
        timer_cancel(&c->wake);
    else
        timer_set_in(&c->wake, wait); /* without memory: their limits end it */
}

/* Something happened. Callbacks may add and cancel others, so those who were there at the
 * beginning stand in a list of their own. The memory of `c` stays: it is given back in a later turn
 * of the loop at the earliest. */
static void serve_all(weir_credentials *c)
{
    struct ask_list before = {NULL, &before.first};
    while (c->waiting.first) {
        struct token_ask *ask = c->waiting.first;
        unlink_ask(ask);
        link_ask(ask, &before);
    }
    while (before.first) {
        struct token_ask *ask = before.first;
        if (serve(ask))
            continue;
        unlink_ask(ask);
        link_ask(ask, &c->waiting);
    }
    set_wake(c);
}

static void on_wake(void *user)
{
    serve_all(user);
}

static void on_limit(void *user)
{
    struct token_ask *ask = user;
    weir_credentials *c = ask->credentials;
    weir_error err = {0};
    pthread_mutex_lock(&c->lock);
    machine_timeout(&c->machine, clock_system(), &err);
    pthread_mutex_unlock(&c->lock);
    finish_ask(ask, NULL, &err);
}

static void run_ask(struct loop_task *task)
{
    struct token_ask *ask = (void *)((char *)task - offsetof(struct token_ask, task));
    ask->queued = false;
    if (ask->cancelled) {
        free_ask(ask);
        return;
    }
    if (serve(ask))
        return;
    link_ask(ask, &ask->credentials->waiting);
    if (timer_set(&ask->limit, ask->wish.until.at_ns) == WEIR_OK) {
        set_wake(ask->credentials);
        return;
    }
    weir_error err = {0};
    error_no_memory(&err);
    finish_ask(ask, NULL, &err);
}

static uint64_t generation_of(weir_credentials *c)
{
    pthread_mutex_lock(&c->lock);
    uint64_t generation = c->machine.generation;
    pthread_mutex_unlock(&c->lock);
    return generation;
}

static struct token_ask *ask_new(weir_credentials *c, struct deadline until, bool fresh,
                                 weir_error *err)
{
    if (loop_check_fork(err) != WEIR_OK)
        return NULL;
    struct token_ask *ask = mem_zalloc(sizeof *ask);
    if (!ask) {
        error_no_memory(err);
        return NULL;
    }
    ask->credentials = weir_credentials_ref(c);
    ask->wish = (struct machine_wish){until, fresh, fresh ? generation_of(c) : 0, false};
    timer_init(&ask->limit, c->loop, on_limit, ask);
    ask->queued = true;
    ask->task.run = run_ask;
    return ask;
}

struct token_ask *credentials_ask(weir_credentials *credentials, struct deadline until,
                                  bool at_once, token_ask_fn *done, void *user, weir_error *err)
{
    struct token_ask *ask = ask_new(credentials, until, false, err);
    if (!ask)
        return NULL;
    ask->wish.at_once = at_once;
    ask->done = done;
    ask->user = user;
    loop_post(credentials->loop, &ask->task);
    return ask;
}

void credentials_ask_cancel(struct token_ask *ask)
{
    if (ask->queued)
        ask->cancelled = true;
    else
        free_ask(ask);
}

weir_token *credentials_peek(weir_credentials *credentials)
{
    weir_token *token = NULL;
    weir_error err = {0};
    struct machine_wish wish = {{INT64_MIN}, false, 0, false};
    consult(credentials, &wish, &token, &err);
    return token;
}

/* --- what the source reports, @thread io -------------------------------------------------- */

static void on_got(void *user, weir_token *token)
{
    weir_credentials *c = user;
    pthread_mutex_lock(&c->lock);
    machine_got(&c->machine, clock_system(), token);
    pthread_mutex_unlock(&c->lock);
    serve_all(c);
}

static void on_found(void *user, weir_token *token)
{
    weir_credentials *c = user;
    pthread_mutex_lock(&c->lock);
    machine_found(&c->machine, clock_system(), token);
    pthread_mutex_unlock(&c->lock);
    serve_all(c);
}

static void on_failed(void *user, const weir_error *why, bool final)
{
    weir_credentials *c = user;
    pthread_mutex_lock(&c->lock);
    machine_failed(&c->machine, clock_system(), why, final);
    pthread_mutex_unlock(&c->lock);
    serve_all(c);
}

/* --- making and freeing ------------------------------------------------------------------- */

static void run_close(struct loop_task *task);

static weir_credentials *make(struct source *source, weir_token *fixed, struct loop *loop)
{
    static const struct source_events events = {on_got, on_failed, on_found};
    weir_credentials *c = mem_zalloc(sizeof *c);
    if (!c)
        return NULL;
    atomic_init(&c->refs, 1);
    pthread_mutex_init(&c->lock, NULL);
    c->fixed = fixed;
    c->source = source;
    c->loop = loop;
    c->waiting.last = &c->waiting.first;
    c->fetch.run = run_fetch;
    c->close.run = run_close;
    machine_init(&c->machine, source ? source->leeway_s : 0, source ? source->what : "fixed");
    timer_init(&c->wake, loop, on_wake, c);
    if (source)
        source_bind(source, &events, c);
    return c;
}

static weir_credentials *of_source(struct source *source, weir_error *err)
{
    if (!source)
        return NULL;
    weir_credentials *c = make(source, NULL, loop_ref(source->loop));
    if (c)
        return c;
    loop_release(source->loop);
    source_finish(source);
    error_no_memory(err);
    return NULL;
}

weir_credentials *weir_credentials_oauth2(const weir_oauth2_options *o, weir_error *err)
{
    return credentials_oauth2(o, NULL, err);
}

weir_credentials *credentials_oauth2(const weir_oauth2_options *o, token_advice_fn *advice,
                                     weir_error *err)
{
    return loop_may_open(err) ? of_source(source_oauth2(o, advice, err), err) : NULL;
}

weir_credentials *weir_credentials_custom(const weir_token_source *s, weir_error *err)
{
    return loop_may_open(err) ? of_source(source_custom(s, err), err) : NULL;
}

static weir_token *fixed_token(const char *text, const weir_param *fields, weir_error *err)
{
    struct weir_token_answer answer = {0};
    weir_status status = weir_token_set(&answer, text, 0);
    weir_token *token = NULL;
    for (; status == WEIR_OK && fields && fields->name; fields++)
        status = token_answer_field(&answer, fields->name, fields->value, strlen(fields->value));
    if (status == WEIR_INVALID)
        error_set(err, WEIR_INVALID, "weir_credentials_fixed: the token is %s",
                  !text || !*text
                      ? "missing"
                      : "longer than 64 KiB, or holds a blank or another character that "
                        "no header may hold");
    else if (status == WEIR_OK)
        token = token_make(&answer, token_moment(clock_system()), 0, false);
    if (!token && status != WEIR_INVALID)
        error_no_memory(err);
    token_answer_clear(&answer);
    return token;
}

weir_credentials *weir_credentials_fixed(const char *token, weir_error *err)
{
    return credentials_fixed(token, NULL, err);
}

weir_credentials *credentials_fixed(const char *token, const weir_param *fields, weir_error *err)
{
    if (!loop_may_open(err))
        return NULL;
    weir_token *fixed = fixed_token(token, fields, err);
    struct loop *loop = fixed ? loop_acquire(err) : NULL;
    weir_credentials *c = loop ? make(NULL, fixed, loop) : NULL;
    if (c)
        return c;
    if (loop)
        error_no_memory(err);
    loop_release(loop);
    weir_token_free(fixed);
    return NULL;
}

weir_credentials *weir_credentials_ref(weir_credentials *credentials)
{
    if (credentials)
        atomic_fetch_add_explicit(&credentials->refs, 1, memory_order_relaxed);
    return credentials;
}

/* @thread io. */
static void shut(void *user)
{
    weir_credentials *c = user;
    timer_cancel(&c->wake);
    if (c->source)
        c->source->kind->stop(c->source);
}

/* May block; not on the I/O thread, unless there is no source. */
static void destroy(void *user)
{
    weir_credentials *c = user;
    struct loop *loop = c->loop;
    if (c->source)
        source_finish(c->source);
    machine_clear(&c->machine);
    weir_token_free(c->fixed);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
    loop_release(loop);
}

/* On a library thread: the helper thread waits and frees, after what it has to do still. */
static void destroy_elsewhere(void *user)
{
    weir_credentials *c = user;
    if (!c->source) {
        destroy(c);
        return;
    }
    if (pool_run(c->source->pool, destroy, c) == WEIR_OK)
        return;
    timer_init(&c->wake, c->loop, destroy_elsewhere, c); /* no memory, no thread: later, then */
    timer_set_in(&c->wake, RETRY_MS);
}

static void run_close(struct loop_task *task)
{
    weir_credentials *c = (void *)((char *)task - offsetof(weir_credentials, close));
    shut(c);
    destroy_elsewhere(c);
}

void weir_credentials_free(weir_credentials *credentials)
{
    weir_credentials *c = credentials;
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (loop_check_fork(NULL) != WEIR_OK)
        return; /* the parent's; there is no thread here to give it back to */
    if (loop_inside(c->loop)) {
        loop_post(c->loop, &c->close);
        return;
    }
    loop_call(c->loop, shut, c);
    if (c->source && pool_inside(c->source->pool))
        loop_call(c->loop, destroy_elsewhere, c);
    else
        destroy(c);
}

/* --- blocking ----------------------------------------------------------------------------- */

struct blocked {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool told;
    weir_token *token;
    weir_error err;
};

static void tell(void *user, weir_token *token, const weir_error *err)
{
    struct blocked *b = user;
    pthread_mutex_lock(&b->lock);
    b->told = true;
    b->token = token;
    if (err)
        b->err = *err;
    pthread_cond_signal(&b->moved);
    pthread_mutex_unlock(&b->lock);
}

static weir_token *wait_for(weir_credentials *c, struct deadline until, bool fresh, weir_error *err)
{
    struct blocked b = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct token_ask *ask = ask_new(c, until, fresh, err);
    if (!ask)
        return NULL;
    ask->done = tell;
    ask->user = &b;
    int shielded = shield_up();
    loop_post(c->loop, &ask->task);
    pthread_mutex_lock(&b.lock);
    while (!b.told)
        pthread_cond_wait(&b.moved, &b.lock);
    pthread_mutex_unlock(&b.lock);
    shield_down(shielded);
    error_copy(err, &b.err);
    return b.token;
}

static weir_token *get(weir_credentials *c, weir_ms timeout, bool fresh, weir_error *err)
{
    weir_ms usual = c->source ? c->source->timeout : TIMEOUT_MS;
    struct deadline until = deadline_in(clock_system(), timeout, usual);
    if (loop_check_fork(err) != WEIR_OK)
        return NULL;
    weir_token *token = fresh ? NULL : credentials_peek(c);
    if (token) {
        error_ok(err);
        return token;
    }
    if (loop_inside(c->loop) || (c->source && pool_inside(c->source->pool))) {
        error_set(
            err, WEIR_INVALID,
            "a token cannot be waited for on the thread that fetches it (in a callback of the "
            "library or in a token source)");
        return NULL;
    }
    return wait_for(c, until, fresh, err);
}

weir_token *weir_credentials_token(weir_credentials *credentials, weir_ms timeout, weir_error *err)
{
    if (credentials)
        return get(credentials, timeout, false, err);
    error_null(err, "credentials");
    return NULL;
}

weir_token *weir_credentials_refresh(weir_credentials *credentials, weir_ms timeout,
                                     weir_error *err)
{
    if (!credentials)
        error_null(err, "credentials");
    else if (credentials->fixed)
        error_set(err, WEIR_UNSUPPORTED, "a fixed token cannot be renewed: give another one");
    else
        return get(credentials, timeout, true, err);
    return NULL;
}

void weir_credentials_reject(weir_credentials *credentials, const weir_token *token)
{
    weir_credentials *c = credentials;
    if (!c || !token || c->fixed || loop_check_fork(NULL) != WEIR_OK)
        return;
    pthread_mutex_lock(&c->lock);
    bool held = machine_reject(&c->machine, clock_system(), token);
    pthread_mutex_unlock(&c->lock);
    if (held)
        c->source->kind->rejected(c->source, token);
}
