/* A channel: an rpc channel, the credentials that its calls carry, and the pool of its callbacks.
 *
 * Counted references: the program's, its weir_zeebe handles' and its calls'. Whoever drops the last
 * one closes; weir_call_free() and blocking calls see to it that this is a thread of the program,
 * so that the I/O thread is joined when the last handle is gone. */
#include "zeebe/channel.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"

#include <stdio.h>
#include <string.h>

#define KEEPALIVE_MS     45000 /* gateways punish pings more often than every 30 s */
#define COMMAND_LIMIT_MS 10000
#define HANDLER_THREADS  4
#define ARGS_MAX         256

/* ---- arguments --------------------------------------------------------------------------- */

static size_t count_args(const weir_channel_arg *args)
{
    size_t count = 0;
    while (args && args[count].name && count <= ARGS_MAX)
        count++;
    return count;
}

static bool has_arg(const weir_channel_arg *args, const char *name)
{
    for (; args && args->name; args++) {
        if (strcmp(args->name, name) == 0)
            return true;
    }
    return false;
}

/* The program's arguments, then ours: the first of two entries counts. */
static weir_channel_arg *complete_args(const struct channel_plan *plan, weir_error *err)
{
    size_t count = count_args(plan->args);
    if (count > ARGS_MAX) {
        error_set(err, WEIR_INVALID, "more than %d channel arguments; is the NULL name missing?",
                  ARGS_MAX);
        return NULL;
    }
    weir_channel_arg *args = mem_array(count + 4, sizeof *args);
    if (!args) {
        error_no_memory(err);
        return NULL;
    }
    if (count)
        memcpy(args, plan->args, count * sizeof *args);
    if (plan->authority)
        args[count++] =
            (weir_channel_arg){.name = "grpc.default_authority", .text = plan->authority};
    if (plan->server_name)
        args[count++] =
            (weir_channel_arg){.name = "grpc.ssl_target_name_override", .text = plan->server_name};
    if (!has_arg(plan->args, "grpc.keepalive_time_ms"))
        args[count++] =
            (weir_channel_arg){.name = "grpc.keepalive_time_ms",
                               .number = plan->keepalive ? plan->keepalive : KEEPALIVE_MS};
    return args;
}

/* ---- opening and closing ----------------------------------------------------------------- */

static bool exposed(const struct channel_plan *plan)
{
    bool direct = plan->gateway->local && !options_text(plan->proxy) &&
                  !has_arg(plan->args, "grpc.http_proxy");
    return plan->plaintext && !direct && !plan->allow_plaintext_credentials;
}

weir_status channel_check_exposure(const struct channel_plan *plan, weir_error *err)
{
    if (!exposed(plan))
        return WEIR_OK;
    return error_set(err, WEIR_UNSUPPORTED,
                     "a token would go to %s unencrypted: use TLS, or allow it "
                     "(allow_plaintext_credentials, WEIR_ALLOW_PLAINTEXT=1)",
                     plan->gateway->target);
}

static void release(weir_channel *channel)
{
    pthread_mutex_destroy(&channel->lock);
    mem_free(channel);
}

static weir_status connect_to(weir_channel *channel, const struct channel_plan *plan,
                              weir_error *err)
{
    weir_channel_arg *args = complete_args(plan, err);
    if (!args)
        return WEIR_INVALID;
    struct rpc_options options = {
        .target = plan->gateway->target,
        .tls = plan->tls,
        .plaintext = plan->plaintext,
        .args = args,
        .proxy = plan->proxy,
        .name = channel->name,
    };
    channel->loop = loop_acquire(err);
    if (channel->loop)
        channel->rpc = rpc_open(&options, err);
    if (channel->loop && !channel->rpc)
        loop_release(channel->loop);
    mem_free(args);
    return channel->rpc ? WEIR_OK : WEIR_INVALID;
}

weir_channel *channel_open(const struct channel_plan *plan, weir_error *err)
{
    static atomic_uint opened;
    weir_error why = {0};
    weir_ms limit;
    if ((plan->credentials && channel_check_exposure(plan, err) != WEIR_OK) ||
        options_limit(plan->default_timeout, COMMAND_LIMIT_MS, "default_timeout", &limit, err) !=
            WEIR_OK)
        return NULL;
    weir_channel *channel = mem_zalloc(sizeof *channel);
    if (!channel) {
        error_no_memory(err);
        return NULL;
    }
    pthread_mutex_init(&channel->lock, NULL);
    atomic_store(&channel->refs, 1);
    channel->clock = clock_system();
    channel->exposed = exposed(plan);
    channel->default_timeout = limit;
    (void)snprintf(channel->name, sizeof channel->name, "zeebe#%u",
                   atomic_fetch_add(&opened, 1) + 1);
    if (connect_to(channel, plan, &why) != WEIR_OK) {
        error_copy(err, &why);
        release(channel);
        return NULL;
    }
    channel->credentials = weir_credentials_ref(plan->credentials);
    error_ok(err);
    return channel;
}

weir_channel *weir_channel_ref(weir_channel *channel)
{
    if (channel)
        atomic_fetch_add(&channel->refs, 1);
    return channel;
}

void weir_channel_close(weir_channel *channel)
{
    if (!channel || loop_check_fork(NULL) != WEIR_OK || atomic_fetch_sub(&channel->refs, 1) != 1)
        return;
    pool_free(channel->pool);
    pool_free(channel->workers);
    rpc_close(channel->rpc);
    weir_credentials_free(channel->credentials);
    loop_release(channel->loop);
    release(channel);
}

static void nothing(void *user)
{
    (void)user;
}

/* One that has at least one thread: where the system gives none, callbacks would never come. */
static struct pool *new_pool(weir_error *err)
{
    struct pool *pool = pool_new(HANDLER_THREADS, err);
    if (!pool || pool_run(pool, nothing, NULL) == WEIR_OK)
        return pool;
    pool_free(pool);
    error_set(err, WEIR_NO_MEMORY, "no thread could be started for callbacks");
    return NULL;
}

struct pool *channel_pool(weir_channel *channel, weir_error *err)
{
    weir_error why = {0};
    pthread_mutex_lock(&channel->lock);
    if (!channel->pool)
        channel->pool = new_pool(&why);
    struct pool *pool = channel->pool;
    pthread_mutex_unlock(&channel->lock);
    if (!pool)
        error_copy(err, &why);
    return pool;
}

struct pool *channel_claim_threads(weir_channel *channel, int threads, weir_error *err)
{
    weir_error why = {0};
    pthread_mutex_lock(&channel->lock);
    if (!channel->workers)
        channel->workers = pool_new((unsigned)threads, &why);
    else
        pool_resize(channel->workers, threads, &why);
    struct pool *pool = why.status == WEIR_OK ? channel->workers : NULL;
    pthread_mutex_unlock(&channel->lock);
    if (!pool)
        error_copy(err, &why);
    return pool;
}

void channel_release_threads(weir_channel *channel, int threads)
{
    pthread_mutex_lock(&channel->lock);
    if (channel->workers)
        pool_resize(channel->workers, -threads, NULL);
    pthread_mutex_unlock(&channel->lock);
}

/* ---- looking ----------------------------------------------------------------------------- */

weir_channel_state weir_channel_state_now(weir_channel *channel)
{
    if (!channel || loop_check_fork(NULL) != WEIR_OK)
        return WEIR_CHANNEL_SHUTDOWN;
    return rpc_state(channel->rpc);
}

weir_status weir_channel_wait(weir_channel *channel, weir_channel_state last, weir_ms timeout,
                              weir_error *err)
{
    if (!channel)
        return error_null(err, "the channel");
    struct deadline until = deadline_in(channel->clock, timeout, channel->default_timeout);
    return rpc_state_wait(channel->rpc, last, until, err);
}

weir_status weir_channel_connect(weir_channel *channel, weir_error *err)
{
    if (!channel)
        return error_null(err, "the channel");
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    rpc_connect(channel->rpc);
    return error_ok(err);
}

weir_status weir_channel_counters_read(weir_channel *channel, weir_channel_counters *out,
                                       weir_error *err)
{
    weir_channel_counters all = {.struct_size = sizeof all};
    if (!channel)
        return error_null(err, "the channel");
    if (!out || out->struct_size < sizeof out->struct_size)
        return error_set(err, WEIR_INVALID,
                         "weir_channel_counters: set struct_size before reading");
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    rpc_counters(channel->rpc, &all);
    all.struct_size = out->struct_size;
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return error_ok(err);
}
