#include "lib/probe.h"

#include "lib/check.h"

#include <dirent.h>
#include <sched.h>
#include <string.h>
#include <time.h>

struct deadline probe_in(weir_ms ms)
{
    return deadline_in(clock_system(), ms, 0);
}

size_t probe_descriptors(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

void probe_wait_descriptors(size_t most)
{
    struct deadline until = probe_in(10000);
    size_t now = probe_descriptors();
    while (now > most && clock_mono(clock_system()) < until.at_ns) {
        sched_yield();
        now = probe_descriptors();
    }
    assert_true(now <= most);
}

static void on_message(void *user, weir_bytes message)
{
    struct probe *p = user;
    pthread_mutex_lock(&p->lock);
    size_t shown = message.len < sizeof p->last - 1 ? message.len : sizeof p->last - 1;
    if (shown)
        memcpy(p->last, message.data, shown);
    p->last[shown] = '\0';
    p->whole_len = message.len <= sizeof p->whole ? message.len : 0;
    if (p->whole_len)
        memcpy(p->whole, message.data, p->whole_len);
    p->bytes += message.len;
    p->messages++;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}

static void on_end(void *user, const struct rpc_end *end)
{
    struct probe *p = user;
    if (p->at_end)
        p->at_end(p);
    pthread_mutex_lock(&p->lock);
    p->error = end->error;
    p->grpc_status = end->grpc_status;
    p->unprocessed = end->unprocessed;
    for (size_t i = 0; i < end->trailer_count; i++) {
        if (end->trailers[i].value.len < sizeof p->trailer)
            memcpy(p->trailer, end->trailers[i].value.data, end->trailers[i].value.len);
    }
    strncat(p->words, end->message, sizeof p->words - 1);
    p->ends++;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}

struct rpc *probe_channel(const char *target, const weir_channel_arg *args)
{
    weir_error err = {0};
    struct rpc_options options = {
        .target = target, .plaintext = true, .args = args, .proxy = WEIR_OMIT, .name = "test"};
    struct rpc *rpc = rpc_open(&options, &err);
    if (!rpc)
        fail_msg("rpc_open: %s", err.message);
    return rpc;
}

void probe_start(struct probe *p, struct rpc *rpc, const char *path,
                 const struct rpc_call_options *options)
{
    static const struct rpc_events events = {NULL, on_message, on_end};
    struct rpc_call_options o = options ? *options : (struct rpc_call_options){0};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&p->moved, &attributes);
    pthread_mutex_init(&p->lock, NULL);
    o.path = path;
    if (!o.until.at_ns)
        o.until = probe_in(10000);
    p->call = rpc_call_start(rpc, &o, &events, p, &p->error);
    if (!p->call)
        return;
    if (rpc_call_send(p->call, p->say ? *p->say : (weir_bytes){"hello", 5}, NULL) != WEIR_OK)
        rpc_call_cancel(p->call);
    if (o.client_streams)
        rpc_call_end_sending(p->call);
}

void probe_wait_messages(struct probe *p, size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 20;
    int bad = 0;
    pthread_mutex_lock(&p->lock);
    while (p->ends == 0 && p->messages < n && bad == 0)
        bad = pthread_cond_timedwait(&p->moved, &p->lock, &until);
    pthread_mutex_unlock(&p->lock);
    if (bad)
        fail_msg("waited 20 s for %zu messages, got %zu", n, p->messages);
}

void probe_wait(struct probe *p)
{
    if (p->call)
        probe_wait_messages(p, SIZE_MAX);
}

void probe_free(struct probe *p)
{
    rpc_call_free(p->call);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->moved);
}

weir_status probe_call(struct rpc *rpc, const char *path, weir_error *err)
{
    struct probe p = {0};
    probe_start(&p, rpc, path, NULL);
    probe_wait(&p);
    if (err)
        *err = p.error;
    probe_free(&p);
    return p.error.status;
}
