/* weir_salesforce: a Bayeux client (bayeux/client.h) whose dialect remembers positions. This file
 * opens and closes it, and has the doors that lead straight through.
 *
 * Closing, in this order: the helper is joined, because it uses the client; the client is freed,
 * after which no hook runs; what was acknowledged and is not in the store yet is written; the store
 * is given back. */
#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/options.h"
#include "salesforce/salesforce_instance.h"
#include "salesforce/salesforce_private.h"

#include <string.h>

#define USUAL_MS   10000 /* WEIR_DEFAULT_TIMEOUT */
#define GOODBYE_MS 5000  /* for the store, when closing */

/* ---- opening ----------------------------------------------------------------------------- */

static weir_status copy(char **out, const char *text, weir_error *err)
{
    *out = options_text(text) ? mem_strdup(text) : NULL;
    return options_text(text) && !*out ? error_no_memory(err) : WEIR_OK;
}

static weir_status check(const weir_salesforce_options *o, weir_error *err)
{
    if (o->on_gap < WEIR_ON_GAP_FAIL || o->on_gap > WEIR_ON_GAP_NEW)
        return error_set(err, WEIR_INVALID, "on_gap %d: there is no such way to go on",
                         (int)o->on_gap);
    if (o->replay && options_text(o->replay_file))
        return error_set(err, WEIR_INVALID,
                         "replay and replay_file contradict each other: give one of them");
    if (options_text(o->from) && !options_text(o->channel))
        return error_set(err, WEIR_INVALID, "from says where `channel` starts, which is missing");
    return WEIR_OK;
}

static weir_status open_credentials(struct weir_salesforce *sf, weir_error *err)
{
    if (sf->o.credentials)
        sf->credentials = weir_credentials_ref(sf->o.credentials);
    else
        sf->credentials = weir_credentials_salesforce(NULL, err);
    return sf->credentials ? WEIR_OK : err->status;
}

static weir_status open_store(struct weir_salesforce *sf, weir_error *err)
{
    if (sf->o.replay)
        sf->store = weir_replay_ref(sf->o.replay);
    else if (options_text(sf->o.replay_file))
        sf->store = weir_replay_open(sf->o.replay_file, err);
    return sf->store || !options_text(sf->o.replay_file) ? WEIR_OK : err->status;
}

static weir_status open_client(struct weir_salesforce *sf, weir_error *err)
{
    const struct client_options options = {
        .dialect = &salesforce_dialect,
        .user = sf,
        .o = {.struct_size = sizeof options.o,
              .credentials = sf->credentials,
              .no_ack_extension = true,
              .max_queued = sf->o.max_queued,
              .max_message = sf->o.max_message,
              .connection_timeout = sf->o.connection_timeout,
              .stall = sf->o.stall,
              .max_network_delay = sf->o.max_network_delay,
              .give_up = sf->o.give_up,
              .tls = sf->o.tls,
              .proxy = sf->o.proxy,
              .allow_plaintext = sf->o.allow_plaintext},
        .handle = sf->o.handler ? hook_handle : NULL,
        .news = sf->o.on_news ? hook_news : NULL,
        .over = hook_over,
    };
    sf->client = client_open(&options, err);
    return sf->client ? WEIR_OK : err->status;
}

static weir_status open_all(struct weir_salesforce *sf, weir_error *err)
{
    const struct http_options http = {.tls = sf->o.tls, .proxy = sf->o.proxy, .part = "salesforce"};
    const char *version;
    weir_status status = check(&sf->o, err);
    if (status == WEIR_OK)
        status = instance_version(sf->o.api_version, &version, err);
    if (status != WEIR_OK)
        return status;
    memcpy(sf->api_version, version, strlen(version) + 1);
    if (copy(&sf->instance_url, sf->o.instance_url, err) != WEIR_OK ||
        copy(&sf->group, sf->o.group, err) != WEIR_OK || open_credentials(sf, err) != WEIR_OK ||
        open_store(sf, err) != WEIR_OK)
        return err->status;
    sf->http = http_open(&http, err);
    if (!sf->http || open_client(sf, err) != WEIR_OK)
        return err->status;
    if (!options_text(sf->o.channel))
        return WEIR_OK;
    return subscription_open(sf, sf->o.channel, sf->o.from, err);
}

/* What the program gave is its own again. */
static void forget_texts(weir_salesforce_options *o)
{
    o->credentials = NULL;
    o->instance_url = o->api_version = o->channel = o->from = o->replay_file = o->group = NULL;
    o->replay = NULL;
    o->tls = NULL;
    o->proxy = NULL;
}

weir_salesforce *weir_salesforce_open(const weir_salesforce_options *o, weir_error *err)
{
    weir_error why = {0};
    weir_error *e = err ? err : &why;
    if (!loop_may_open(e))
        return NULL;
    struct weir_salesforce *sf = mem_zalloc(sizeof *sf);
    if (!sf) {
        (void)error_no_memory(e);
        return NULL;
    }
    pthread_mutex_init(&sf->lock, NULL);
    pthread_mutex_init(&sf->saving, NULL);
    pthread_cond_init(&sf->moved, NULL);
    sf->clock = clock_system();
    weir_status status = options_read(&sf->o, sizeof sf->o, o, "WEIR_SALESFORCE", e);
    if (status == WEIR_OK)
        status = open_all(sf, e);
    forget_texts(&sf->o);
    if (status == WEIR_OK)
        return sf;
    weir_error keep = *e;
    weir_salesforce_close(sf);
    *e = keep;
    return NULL;
}

/* ---- closing ----------------------------------------------------------------------------- */

static void join_helper(struct weir_salesforce *sf)
{
    pthread_mutex_lock(&sf->lock);
    sf->closing = true;
    pthread_cond_broadcast(&sf->moved);
    pthread_mutex_unlock(&sf->lock);
    if (sf->client)
        client_stop(sf->client);
    if (sf->pool)
        pool_free(sf->pool);
    sf->pool = NULL;
}

static void close_store(struct weir_salesforce *sf)
{
    struct deadline until = deadline_in(sf->clock, GOODBYE_MS, 0);
    weir_error err = {0};
    if (sf->claim && !sf->failed && save_now(sf, until, &err) != WEIR_OK)
        log_at(WEIR_LOG_WARN, "salesforce", "", "what was acknowledged last may come again: %s",
               err.message);
    if (sf->claim)
        store_release(sf->store, sf->claim, until);
    weir_replay_free(sf->store);
}

static void free_all(struct weir_salesforce *sf)
{
    for (size_t i = 0; i < sf->held_count; i++)
        weir_event_free(sf->held[i]);
    for (size_t i = 0; i < sf->stash_count; i++)
        weir_event_free(sf->stash[i]);
    mem_free(sf->held);
    mem_free(sf->stash);
    known_free(sf);
    error_drop(sf->failed);
    error_drop(sf->session_why);
    http_close(sf->http);
    weir_credentials_free(sf->credentials);
    mem_free(sf->instance_url);
    mem_free(sf->group);
    pthread_cond_destroy(&sf->moved);
    pthread_mutex_destroy(&sf->saving);
    pthread_mutex_destroy(&sf->lock);
    mem_free(sf);
}

void weir_salesforce_close(weir_salesforce *sf)
{
    if (!sf || loop_check_fork(NULL) != WEIR_OK)
        return;
    if (sf->client && client_calls_back(sf->client)) {
        (void)client_close(sf->client); /* only stops, and says so in the log */
        return;
    }
    join_helper(sf);
    (void)client_close(sf->client);
    sf->client = NULL;
    close_store(sf);
    free_all(sf);
}

void hook_over(void *user, const weir_error *why)
{
    struct weir_salesforce *sf = user;
    (void)why;
    pthread_mutex_lock(&sf->lock);
    for (struct subscription *sub = sf->subscriptions; sub; sub = sub->next) {
        if (sub->state == SUB_PREPARING)
            subscription_gone(sub, why);
    }
    pthread_mutex_unlock(&sf->lock);
}

/* ---- doors ------------------------------------------------------------------------------- */

static weir_status enter(const struct weir_salesforce *sf, weir_error *err)
{
    if (!sf)
        return error_null(err, "the Salesforce handle");
    return loop_check_fork(err);
}

int weir_salesforce_fd(weir_salesforce *sf)
{
    return sf && loop_check_fork(NULL) == WEIR_OK ? client_fd(sf->client) : -1;
}

weir_status weir_salesforce_wait(weir_salesforce *sf, weir_ms timeout, weir_error *err)
{
    weir_status status = enter(sf, err);
    if (status != WEIR_OK)
        return status;
    return client_wait(sf->client, deadline_in(sf->clock, timeout, USUAL_MS), err);
}

void weir_salesforce_stop(weir_salesforce *sf)
{
    if (sf && loop_check_fork(NULL) == WEIR_OK)
        client_stop(sf->client);
}

weir_status weir_salesforce_publish(weir_salesforce *sf, const char *name, const char *json,
                                    char **answer, weir_ms timeout, weir_error *err)
{
    if (answer)
        *answer = NULL;
    weir_status status = enter(sf, err);
    if (status != WEIR_OK)
        return status;
    if (!name || !json)
        return error_set(err, WEIR_INVALID, "weir_salesforce_publish(): %s is NULL",
                         name ? "json" : "name");
    const struct publish_door door = {sf->http, sf->credentials, sf->instance_url, sf->api_version,
                                      sf->o.allow_plaintext};
    return publish_event(&door, name, json, answer, deadline_in(sf->clock, timeout, USUAL_MS), err);
}

char *weir_salesforce_session(weir_salesforce *sf, weir_ms timeout, weir_error *err)
{
    if (enter(sf, err) != WEIR_OK)
        return NULL;
    return client_session_text(sf->client, deadline_in(sf->clock, timeout, USUAL_MS), err);
}

weir_status weir_salesforce_counters_read(weir_salesforce *sf, weir_session_counters *out,
                                          weir_error *err)
{
    weir_status status = enter(sf, err);
    if (status != WEIR_OK)
        return status;
    if (!out || out->struct_size < sizeof out->struct_size)
        return error_set(err, WEIR_INVALID,
                         "weir_session_counters: set struct_size before reading");
    client_counters(sf->client, out);
    return error_ok(err);
}
