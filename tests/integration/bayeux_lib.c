#include "bayeux_lib.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

weir_transport comet_transport;

void comet_begin(struct comet *k, const struct sandbox_options *options)
{
    struct sandbox_options usual = {.only = "salesforce"};
    *k = (struct comet){.in_order = true};
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->moved, NULL);
    k->sandbox = sandboxed_start(options ? options : &usual);
    k->url = sandbox_value(k->sandbox, "WEIR_BAYEUX_URL");
    assert_non_null(k->url);
}

void comet_end(struct comet *k)
{
    sandbox_stop(k->sandbox);
    pthread_cond_destroy(&k->moved);
    pthread_mutex_destroy(&k->lock);
}

void comet_emit(struct comet *k, const char *channel, int64_t first, int64_t count)
{
    char data[48];
    weir_error err = {0};
    const struct sandbox_emission emission = {
        .service = "bayeux", .channel = channel, .data = data};
    for (int64_t number = first; number < first + count; number++) {
        (void)snprintf(data, sizeof data, "{\"Number__c\":%lld}", (long long)number);
        if (sandbox_emit(k->sandbox, &emission, NULL, &err) != WEIR_OK)
            fail_msg("%s", err.message);
    }
}

void comet_now(struct comet *k, const char *line)
{
    weir_error err = {0};
    if (sandbox_now(k->sandbox, line, &err) != WEIR_OK)
        fail_msg("%s", err.message);
}

/* ---- callbacks ----------------------------------------------------------------------------- */

void comet_news(weir_session_news news, const char *channel, const weir_error *why, void *user)
{
    struct comet *k = user;
    pthread_mutex_lock(&k->lock);
    k->news[news]++;
    if (channel)
        (void)snprintf(k->channel, sizeof k->channel, "%s", channel);
    if (why)
        (void)snprintf(k->why, sizeof k->why, "%s", why->message);
    pthread_cond_broadcast(&k->moved);
    pthread_mutex_unlock(&k->lock);
}

int64_t comet_number(const weir_event *event)
{
    return weir_json_int(weir_event_json(event), "/Number__c", -1);
}

void comet_handler(const weir_event *event, void *user)
{
    struct comet *k = user;
    int64_t number = comet_number(event);
    pthread_mutex_lock(&k->lock);
    k->in_order = k->in_order && number == k->last + 1;
    k->last = number;
    k->handled++;
    pthread_cond_broadcast(&k->moved);
    pthread_mutex_unlock(&k->lock);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static struct timespec in_20_s(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += 20;
    return at;
}

static void wait_for(struct comet *k, const size_t *counter, size_t count, const char *what)
{
    struct timespec until = in_20_s();
    int late = 0;
    pthread_mutex_lock(&k->lock);
    while (*counter < count && !late)
        late = pthread_cond_clockwait(&k->moved, &k->lock, CLOCK_MONOTONIC, &until);
    size_t have = *counter;
    pthread_mutex_unlock(&k->lock);
    if (have < count)
        fail_msg("%s: %zu, not %zu", what, have, count);
}

void comet_wait_news(struct comet *k, weir_session_news news, size_t count)
{
    char what[32];
    (void)snprintf(what, sizeof what, "news %d", (int)news);
    wait_for(k, &k->news[news], count, what);
}

size_t comet_count(struct comet *k, weir_session_news news)
{
    pthread_mutex_lock(&k->lock);
    size_t count = k->news[news];
    pthread_mutex_unlock(&k->lock);
    return count;
}

void comet_wait_handled(struct comet *k, size_t count)
{
    wait_for(k, &k->handled, count, "handled");
}

/* ---- the client ------------------------------------------------------------------------------ */

weir_bayeux *comet_open(const weir_bayeux_options *o)
{
    weir_error err = {0};
    weir_bayeux *b = weir_bayeux_open(o, &err);
    if (!b)
        fail_msg("%s", err.message);
    return b;
}

void comet_subscribe(weir_bayeux *b, const char *channel)
{
    weir_error err = {0};
    if (weir_bayeux_subscribe(b, channel, LONG_MS, &err) != WEIR_OK)
        fail_msg("%s: %s", channel, err.message);
}

void comet_expect(weir_bayeux *b, int64_t number)
{
    weir_error err = {0};
    weir_event *event = NULL;
    weir_status status = weir_bayeux_next(b, &event, LONG_MS, &err);
    if (status != WEIR_OK)
        fail_msg("event %lld: status %d: %s", (long long)number, (int)status, err.message);
    assert_int_equal(comet_number(event), number);
    weir_event_free(event);
}

weir_session_counters comet_counters(weir_bayeux *b)
{
    weir_error err = {0};
    weir_session_counters c = {.struct_size = sizeof c};
    assert_int_equal(weir_bayeux_counters_read(b, &c, &err), WEIR_OK);
    return c;
}

void comet_wait_arrived(weir_bayeux *b, uint64_t count)
{
    weir_error err = {0};
    struct timespec until = in_20_s(), now = {0};
    while (comet_counters(b).events < count && now.tv_sec < until.tv_sec) {
        assert_int_equal(weir_bayeux_publish(b, "/other", "1", NULL, LONG_MS, &err), WEIR_OK);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    assert_true(comet_counters(b).events >= count);
}
