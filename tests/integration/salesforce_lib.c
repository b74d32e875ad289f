#include "integration/salesforce_lib.h"

#include "core/clock.h"
#include "salesforce/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORGANISATION "00D000000000001" /* the sandbox's */

/* ---- the desk ---------------------------------------------------------------------------- */

void desk_begin(struct desk *d, const struct sandbox_options *options)
{
    weir_error err = {0};
    const struct sandbox_options usual = {.only = "salesforce"};
    memset(d, 0, sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->moved, NULL);
    d->sandbox = sandboxed_start(options ? options : &usual);
    (void)snprintf(d->folder, sizeof d->folder, "/tmp/weir-desk-XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    (void)snprintf(d->store, sizeof d->store, "%s/replay.db", d->folder);
    d->credentials = weir_credentials_salesforce(
        WEIR_SALESFORCE_LOGIN(.login_url = sandbox_value(d->sandbox, "SALESFORCE_LOGIN_URL"),
                              .client_id = sandbox_value(d->sandbox, "SALESFORCE_CLIENT_ID"),
                              .client_secret =
                                  sandbox_value(d->sandbox, "SALESFORCE_CLIENT_SECRET"),
                              .username = sandbox_value(d->sandbox, "SALESFORCE_USERNAME"),
                              .password = sandbox_value(d->sandbox, "SALESFORCE_PASSWORD"),
                              .security_token =
                                  sandbox_value(d->sandbox, "SALESFORCE_SECURITY_TOKEN")),
        &err);
    if (!d->credentials)
        print_error("%s\n", err.message);
    assert_non_null(d->credentials);
}

void desk_end(struct desk *d)
{
    static const char *const files[] = {"replay.db", "replay.db-wal", "replay.db-shm",
                                        "replay.db-lock", "replay.db-journal"};
    weir_credentials_free(d->credentials);
    sandbox_stop(d->sandbox);
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s/%s", d->folder, files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(d->folder), 0); /* nothing else was left there */
    pthread_cond_destroy(&d->moved);
    pthread_mutex_destroy(&d->lock);
}

int64_t desk_emit(struct desk *d, const char *channel, int64_t first, int64_t count)
{
    int64_t last = 0;
    weir_error err = {0};
    const struct sandbox_emission emission = {.channel = channel, .first = first, .count = count};
    if (sandbox_emit(d->sandbox, &emission, &last, &err) != WEIR_OK)
        print_error("%s\n", err.message);
    assert_int_equal(err.status, WEIR_OK);
    return last;
}

void desk_now(struct desk *d, const char *line)
{
    weir_error err = {0};
    if (sandbox_now(d->sandbox, line, &err) != WEIR_OK)
        print_error("%s\n", err.message);
    assert_int_equal(err.status, WEIR_OK);
}

void desk_fault(struct desk *d, const char *line)
{
    sandboxed_fault(d->sandbox, line);
}

/* ---- callbacks --------------------------------------------------------------------------- */

void desk_news(weir_session_news news, const char *channel, const weir_error *why, void *user)
{
    struct desk *d = user;
    pthread_mutex_lock(&d->lock);
    d->news[news]++;
    if (channel)
        (void)snprintf(d->channel, sizeof d->channel, "%s", channel);
    if (why)
        (void)snprintf(d->why, sizeof d->why, "%s", why->message);
    pthread_cond_broadcast(&d->moved);
    pthread_mutex_unlock(&d->lock);
}

void desk_handler(const weir_event *event, void *user)
{
    struct desk *d = user;
    pthread_mutex_lock(&d->lock);
    d->handled++;
    d->last = desk_number(event);
    pthread_cond_broadcast(&d->moved);
    pthread_mutex_unlock(&d->lock);
}

static void wait_for(struct desk *d, const size_t *value, size_t least)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LONG_MS / 1000;
    pthread_mutex_lock(&d->lock);
    while (*value < least &&
           pthread_cond_clockwait(&d->moved, &d->lock, CLOCK_MONOTONIC, &until) == 0) {
    }
    bool there = *value >= least;
    pthread_mutex_unlock(&d->lock);
    assert_true(there);
}

void desk_wait_news(struct desk *d, weir_session_news news, size_t count)
{
    wait_for(d, &d->news[news], count);
}

size_t desk_count(struct desk *d, weir_session_news news)
{
    pthread_mutex_lock(&d->lock);
    size_t count = d->news[news];
    pthread_mutex_unlock(&d->lock);
    return count;
}

void desk_wait_handled(struct desk *d, size_t count)
{
    wait_for(d, &d->handled, count);
}

/* ---- the handle -------------------------------------------------------------------------- */

weir_salesforce *desk_open(const weir_salesforce_options *o)
{
    weir_error err = {0};
    weir_salesforce *sf = weir_salesforce_open(o, &err);
    if (!sf)
        print_error("%s\n", err.message);
    assert_non_null(sf);
    return sf;
}

void desk_subscribe(weir_salesforce *sf, const char *channel, const char *from)
{
    weir_error err = {0};
    if (weir_salesforce_subscribe(sf, channel, from, LONG_MS, &err) != WEIR_OK)
        print_error("%s: %s\n", weir_status_name(err.status), err.message);
    assert_int_equal(err.status, WEIR_OK);
}

int64_t desk_number(const weir_event *event)
{
    const weir_json *data = weir_event_json(event);
    int64_t number = weir_json_int(data, "/payload/Number__c", -1);
    return number != -1 ? number : weir_json_int(data, "/sobject/Number__c", -1);
}

weir_event *desk_next(weir_salesforce *sf, int64_t number)
{
    weir_error err = {0};
    weir_event *event = NULL;
    weir_status status = weir_salesforce_next(sf, &event, LONG_MS, &err);
    if (status != WEIR_OK)
        print_error("instead of event %lld: %s: %s\n", (long long)number, weir_status_name(status),
                    err.message);
    assert_int_equal(status, WEIR_OK);
    assert_int_equal(desk_number(event), number);
    return event;
}

void desk_expect(weir_salesforce *sf, int64_t number)
{
    weir_event_free(desk_next(sf, number));
}

void desk_expect_run(weir_salesforce *sf, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        desk_expect(sf, first + i);
}

weir_session_counters desk_counters(weir_salesforce *sf)
{
    weir_session_counters counters = {.struct_size = sizeof counters};
    weir_error err = {0};
    assert_int_equal(weir_salesforce_counters_read(sf, &counters, &err), WEIR_OK);
    return counters;
}

void desk_wait_arrived(weir_salesforce *sf, uint64_t count)
{
    int64_t until = clock_mono(clock_system()) + LONG_MS * NS_PER_MS;
    while (desk_counters(sf).events < count && clock_mono(clock_system()) < until) {
        weir_error err = {0};
        weir_free(weir_salesforce_session(sf, 1000, &err));
    }
    assert_true(desk_counters(sf).events >= count);
}

/* ---- the store --------------------------------------------------------------------------- */

static struct claim *claim_store(weir_replay *store)
{
    weir_error err = {0};
    struct claim *claim = NULL;
    const struct deadline until = deadline_in(clock_system(), LONG_MS, 0);
    if (store_claim(store, ORGANISATION, "", until, &claim, &err) != WEIR_OK)
        print_error("%s\n", err.message);
    assert_non_null(claim);
    return claim;
}

static weir_replay *open_store(struct desk *d)
{
    weir_error err = {0};
    weir_replay *store = weir_replay_open(d->store, &err);
    assert_non_null(store);
    return store;
}

static bool load(weir_replay *store, struct claim *claim, const char *channel, struct record *out)
{
    weir_error err = {0};
    const struct deadline until = deadline_in(clock_system(), LONG_MS, 0);
    weir_status status = store_load(store, claim, channel, out, until, &err);
    assert_true(status == WEIR_OK || status == WEIR_NOTHING);
    return status == WEIR_OK;
}

void desk_stored(struct desk *d, const char *channel, char text[WEIR_REPLAY_RECORD_SIZE])
{
    struct record record;
    const struct deadline until = deadline_in(clock_system(), LONG_MS, 0);
    weir_replay *store = open_store(d);
    struct claim *claim = claim_store(store);
    text[0] = '\0';
    if (load(store, claim, channel, &record))
        record_format(&record, text);
    store_release(store, claim, until);
    weir_replay_free(store);
}

void desk_age(struct desk *d, const char *channel, int64_t hours)
{
    struct record record;
    weir_error err = {0};
    const struct deadline until = deadline_in(clock_system(), LONG_MS, 0);
    weir_replay *store = open_store(d);
    struct claim *claim = claim_store(store);
    assert_true(load(store, claim, channel, &record));
    assert_true(record.live_ms > 0);
    record.live_ms -= hours * 3600000;
    const struct store_change change = {channel, &record, false};
    assert_int_equal(store_save(store, claim, &change, 1, until, &err), WEIR_OK);
    store_release(store, claim, until);
    weir_replay_free(store);
}
