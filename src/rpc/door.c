/* rpc.h's channel functions, for any thread: settings are read and checked here, once. */
#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/shield.h"
#include "io/proxy.h"
#include "io/tls.h"
#include "rpc/channel.h"

#include <errno.h>
#include <string.h>

/* ---- opening ----------------------------------------------------------------------------- */

/* gRPC's order: primary, the library, secondary. */
static char *user_agent(const struct rpc_args *args)
{
    struct buf text = BUF_INIT(4096);
    if (options_text(args->primary_user_agent))
        buf_addf(&text, "%s ", args->primary_user_agent);
    buf_addf(&text, "weir/%s grpc-c-nghttp2/%s", weir_version(), NGHTTP2_VERSION);
    if (options_text(args->secondary_user_agent))
        buf_addf(&text, " %s", args->secondary_user_agent);
    return text.data;
}

static weir_status check_header_text(const char *text, const char *what, weir_error *err)
{
    for (const char *at = text ? text : ""; *at; at++) {
        if (*at < 0x20 || *at > 0x7e)
            return error_set(err, WEIR_INVALID, "%s has a character outside printable ASCII", what);
    }
    return WEIR_OK;
}

static weir_status check_texts(const struct rpc_args *args, weir_error *err)
{
    const struct {
        const char *text, *name;
    } texts[] = {
        {args->primary_user_agent, "grpc.primary_user_agent"},
        {args->secondary_user_agent, "grpc.secondary_user_agent"},
        {args->authority, "grpc.default_authority"},
        {args->target_name_override, "grpc.ssl_target_name_override"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (check_header_text(texts[i].text, texts[i].name, err) != WEIR_OK)
            return WEIR_INVALID;
    }
    return WEIR_OK;
}

static bool copy_to(char **to, const char *text)
{
    *to = mem_strdup(text);
    return *to || !text;
}

static weir_status copy_texts(struct rpc *rpc, const struct rpc_options *o, weir_error *err)
{
    const struct rpc_args *args = &rpc->args;
    const char *override = options_text(args->target_name_override);
    const char *authority = options_text(args->authority);
    if (!authority)
        authority = override ? override : rpc->target.authority;
    if (check_texts(args, err) != WEIR_OK)
        return WEIR_INVALID;
    rpc->user_agent = user_agent(args);
    bool copied = copy_to(&rpc->name, o->name ? o->name : "") &&
                  copy_to(&rpc->target_text, o->target) &&
                  copy_to(&rpc->lb_policy, args->lb_policy) &&
                  copy_to(&rpc->server_name, override ? override : rpc->target.server_name) &&
                  copy_to(&rpc->authority, authority);
    return copied && rpc->user_agent ? WEIR_OK : error_no_memory(err);
}

static weir_status find_proxy(struct rpc *rpc, const struct rpc_options *o, weir_error *err)
{
    const struct target *t = &rpc->target;
    if (!t->host)
        return WEIR_OK; /* lists of addresses and Unix sockets are connected to directly */
    const char *wanted = o->proxy ? o->proxy : rpc->args.http_proxy;
    if (!o->proxy && !rpc->args.enable_http_proxy)
        wanted = WEIR_OMIT;
    weir_status status = proxy_for(wanted, t->host, t->port, !o->plaintext, &rpc->proxy, err);
    rpc->proxied = rpc->proxy.host != NULL;
    if (status != WEIR_OK || !rpc->proxied)
        return status;
    rpc->proxy_target = mem_strdup(t->authority);
    if (rpc->proxy.userinfo)
        rpc->proxy_authorization = proxy_authorization(rpc->proxy.userinfo);
    if (!rpc->proxy_target || (rpc->proxy.userinfo && !rpc->proxy_authorization))
        return error_no_memory(err);
    return WEIR_OK;
}

static weir_status configure(struct rpc *rpc, const struct rpc_options *o, weir_error *err)
{
    weir_status status = args_read(&rpc->args, o->args, err);
    if (status == WEIR_OK)
        status = target_parse(&rpc->target, o->target ? o->target : "", err);
    if (status == WEIR_OK)
        status = copy_texts(rpc, o, err);
    if (status == WEIR_OK)
        status = find_proxy(rpc, o, err);
    if (status == WEIR_OK && !o->plaintext) {
        rpc->tls = tls_client(o->tls, "h2", err);
        status = rpc->tls ? WEIR_OK : WEIR_INVALID;
    }
    return status;
}

static void init_on_loop(void *user)
{
    channel_init(user);
}

struct rpc *rpc_open(const struct rpc_options *options, weir_error *err)
{
    if (error_held(err))
        return NULL;
    struct rpc *rpc = mem_zalloc(sizeof *rpc);
    if (!rpc) {
        error_no_memory(err);
        return NULL;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&rpc->moved, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&rpc->lock, NULL);
    rpc->changed_last = &rpc->changed_first;
    rpc->clock = clock_system();
    atomic_store(&rpc->handles, 1);
    atomic_store(&rpc->holds, 1);
    if (configure(rpc, options, err) != WEIR_OK || !(rpc->loop = loop_acquire(err))) {
        channel_unhold(rpc);
        return NULL;
    }
    channel_hold(rpc); /* the engine's, until its libuv handle is closed */
    loop_call(rpc->loop, init_on_loop, rpc);
    return rpc;
}

struct rpc *rpc_ref(struct rpc *rpc)
{
    if (rpc)
        atomic_fetch_add(&rpc->handles, 1);
    return rpc;
}

/* ---- closing ----------------------------------------------------------------------------- */

static void stop_on_loop(void *user)
{
    channel_stop(user);
}

/* From a callback the stop waits for the turn, because the engine is at work below us; the loop's
 * reference goes with it then. */
static void close_inside(struct rpc *rpc)
{
    pthread_mutex_lock(&rpc->lock);
    rpc->closed = true;
    rpc->stop_posted = true;
    channel_call_attention(rpc);
    pthread_mutex_unlock(&rpc->lock);
}

void rpc_close(struct rpc *rpc)
{
    if (!rpc || loop_check_fork(NULL) != WEIR_OK || atomic_fetch_sub(&rpc->handles, 1) != 1)
        return;
    if (loop_inside(rpc->loop)) {
        close_inside(rpc);
    } else {
        struct loop *loop = rpc->loop;
        loop_call(loop, stop_on_loop, rpc);
        loop_release(loop);
    }
    channel_unhold(rpc);
}

/* ---- looking ----------------------------------------------------------------------------- */

weir_channel_state rpc_state(struct rpc *rpc)
{
    pthread_mutex_lock(&rpc->lock);
    weir_channel_state state = rpc->state;
    pthread_mutex_unlock(&rpc->lock);
    return state;
}

weir_status rpc_state_wait(struct rpc *rpc, weir_channel_state last, struct deadline until,
                           weir_error *err)
{
    struct timespec at = {.tv_sec = (time_t)(until.at_ns / NS_PER_S),
                          .tv_nsec = (long)(until.at_ns % NS_PER_S)};
    bool forever = until.at_ns == INT64_MAX;
    int timed_out = 0;
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    if (loop_inside(rpc->loop))
        return error_set(err, WEIR_INVALID, "a callback of the I/O thread cannot wait for it");
    int shielded = shield_up();
    pthread_mutex_lock(&rpc->lock);
    while (rpc->state == last && timed_out != ETIMEDOUT)
        timed_out = forever ? pthread_cond_wait(&rpc->moved, &rpc->lock)
                            : pthread_cond_timedwait(&rpc->moved, &rpc->lock, &at);
    bool moved = rpc->state != last;
    pthread_mutex_unlock(&rpc->lock);
    shield_down(shielded);
    error_ok(err);
    return moved ? WEIR_OK : WEIR_NOTHING;
}

void rpc_connect(struct rpc *rpc)
{
    if (loop_check_fork(NULL) != WEIR_OK)
        return;
    pthread_mutex_lock(&rpc->lock);
    rpc->connect_wanted = true;
    channel_call_attention(rpc);
    pthread_mutex_unlock(&rpc->lock);
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void rpc_counters(struct rpc *rpc, weir_channel_counters *out)
{
    const struct rpc_tally *t = &rpc->tally;
    size_t size = out->struct_size;
    *out = (weir_channel_counters){
        .struct_size = size,
        .calls_started = load(&t->calls_started),
        .calls_ok = load(&t->calls_ok),
        .calls_failed = load(&t->calls_failed),
        .messages_sent = load(&t->messages_sent),
        .messages_received = load(&t->messages_received),
        .bytes_sent = load(&t->bytes_out),
        .bytes_received = load(&t->bytes_in),
        .connects = load(&t->connects),
        .connect_failures = load(&t->connect_failures),
        .goaways = load(&t->goaways),
        .keepalive_timeouts = load(&t->keepalive_timeouts),
        .transparent_retries = load(&t->repeats),
        .active_calls = load(&t->active),
        .queued_calls = load(&t->queued),
    };
}
