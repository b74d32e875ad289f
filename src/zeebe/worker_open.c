/* Opening a worker: its options checked and copied whole, its request laid out, its engine told. */
#include "zeebe/worker.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ACTIVE_MOST     1000000
#define THREADS_MOST    1024
#define MIDDLEWARE_MOST 64
#define LIST_MOST       10000
#define YEAR_MS         (INT64_C(366) * 24 * 3600 * 1000)
#define HOUR_MS         (INT64_C(3600) * 1000)

/* ---- numbers ----------------------------------------------------------------------------- */

static weir_status number(int64_t *value, int64_t usual, int64_t least, int64_t most,
                          const char *option, weir_error *err)
{
    int64_t given = *value;
    *value = options_number(given, usual);
    if (*value >= least && *value <= most)
        return WEIR_OK;
    return error_set(err, WEIR_INVALID, "%s %lld: it must be between %lld and %lld", option,
                     (long long)given, (long long)least, (long long)most);
}

static weir_status small_number(int *value, int usual, int most, const char *option,
                                weir_error *err)
{
    int64_t wide = *value;
    weir_status status = number(&wide, usual, 1, most, option, err);
    *value = (int)wide;
    return status;
}

/* One that may be WEIR_FOREVER. */
static weir_status limit(weir_ms *value, weir_ms usual, weir_ms least, const char *option,
                         weir_error *err)
{
    return *value == WEIR_FOREVER ? WEIR_OK : number(value, usual, least, YEAR_MS, option, err);
}

static weir_status locks(weir_worker_options *o, weir_error *err)
{
    weir_status status = number(&o->job_timeout, INT64_C(300000), 1, YEAR_MS, "job_timeout", err);
    if (status == WEIR_OK)
        status =
            number(&o->max_job_time, o->job_timeout * 12, 1, YEAR_MS * 12, "max_job_time", err);
    if (status == WEIR_OK)
        status = number(&o->retry_backoff, 0, 0, YEAR_MS, "retry_backoff", err);
    return status;
}

static weir_status pace(weir_worker_options *o, weir_error *err)
{
    weir_status status = number(&o->poll_interval, 100, 0, HOUR_MS, "poll_interval", err);
    if (status == WEIR_OK)
        status = number(&o->long_poll, 10000, 0, HOUR_MS, "long_poll", err);
    if (o->poll_threshold == 0)
        o->poll_threshold = 0.3;
    if (status == WEIR_OK && !(o->poll_threshold > 0 && o->poll_threshold <= 1))
        status = error_set(err, WEIR_INVALID, "poll_threshold %g: it must be between 0 and 1",
                           o->poll_threshold);
    return status;
}

static weir_status limits(weir_worker_options *o, weir_error *err)
{
    weir_status status = limit(&o->stream_timeout, HOUR_MS, 1, "stream_timeout", err);
    if (status == WEIR_OK)
        status = limit(&o->drain, 30000, 0, "drain", err);
    if (o->give_up == 0)
        o->give_up = WEIR_FOREVER;
    if (status == WEIR_OK)
        status = limit(&o->give_up, 0, 0, "give_up", err);
    return status;
}

static weir_status numbers(weir_worker_options *o, weir_error *err)
{
    weir_status status = small_number(&o->threads, 1, THREADS_MOST, "threads", err);
    if (status == WEIR_OK)
        status = small_number(&o->max_active, 32, ACTIVE_MOST, "max_active", err);
    if (status == WEIR_OK)
        status = locks(o, err);
    if (status == WEIR_OK)
        status = pace(o, err);
    if (status == WEIR_OK)
        status = limits(o, err);
    if (status == WEIR_OK && o->poll_only && o->stream_only)
        status =
            error_set(err, WEIR_INVALID, "poll_only and stream_only leave no way for jobs to come");
    if (status == WEIR_OK && o->tenant_filter != WEIR_TENANTS_PROVIDED &&
        o->tenant_filter != WEIR_TENANTS_ASSIGNED)
        status = error_set(err, WEIR_INVALID, "tenant_filter %d: there is no such filter",
                           (int)o->tenant_filter);
    return status;
}

/* ---- texts ------------------------------------------------------------------------------- */

static weir_status check_list(const char *const *list, const char *option, weir_error *err)
{
    for (size_t i = 0; list && list[i]; i++) {
        if (i >= LIST_MOST)
            return error_set(err, WEIR_INVALID,
                             "%s: more than %d entries; is the NULL at the end missing?", option,
                             LIST_MOST);
        if (!*list[i])
            return error_set(err, WEIR_INVALID, "%s: entry %zu is empty", option, i + 1);
    }
    return WEIR_OK;
}

static weir_status check_texts(const weir_worker_options *o, weir_error *err)
{
    const char *type = o->type ? o->type : "";
    if (type[strspn(type, " \t\r\n")] == '\0')
        return error_set(err, WEIR_INVALID,
                         "type: the job type is required, and must not be blank");
    weir_status status = check_list(o->fetch_variables, "fetch_variables", err);
    return status == WEIR_OK ? check_list(o->tenant_ids, "tenant_ids", err) : status;
}

static size_t list_length(const char *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

/* Where the copies go. */
struct copies {
    const char **list;
    char *text;
    size_t lists, bytes; /* how much is needed */
};

static const char *copy_text(struct copies *c, const char *text)
{
    size_t size = strlen(text) + 1;
    char *place = c->text;
    if (place) {
        memcpy(place, text, size);
        c->text += size;
    }
    c->bytes += size;
    return place;
}

static const char *const *copy_list(struct copies *c, const char *const *list)
{
    size_t count = list_length(list);
    const char **place = c->list;
    if (count == 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const char *text = copy_text(c, list[i]);
        if (place)
            place[i] = text;
    }
    if (place)
        c->list += count + 1;
    c->lists += count + 1;
    return place;
}

static void copy_all(struct worker_options *set, const weir_worker_options *o, const char *name,
                     struct copies *c)
{
    set->activation = (struct activation){
        .type = copy_text(c, o->type),
        .worker = copy_text(c, name),
        .timeout_ms = o->job_timeout,
        .fetch_variables = copy_list(c, o->fetch_variables),
        .tenant_ids = copy_list(c, o->tenant_ids),
        .tenant_filter = (int)o->tenant_filter,
    };
}

static weir_status copy_texts(struct worker_options *set, const weir_worker_options *o,
                              weir_error *err)
{
    char host[256] = "", name[300];
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    (void)snprintf(name, sizeof name, "%s:%ld", *host ? host : "weir", (long)getpid());
    const char *shown = options_text(o->name) ? o->name : name;
    struct copies c = {0};
    copy_all(set, o, shown, &c);
    set->texts = c.text = mem_zalloc(c.bytes);
    set->lists = c.list = mem_array(c.lists + 1, sizeof *c.list);
    if (!set->texts || !set->lists)
        return error_no_memory(err);
    copy_all(set, o, shown, &c);
    return WEIR_OK;
}

static weir_status copy_middleware(struct worker_options *set, const weir_middleware *list,
                                   weir_error *err)
{
    size_t count = 0;
    while (list && (list[count].before || list[count].after) && count <= MIDDLEWARE_MOST)
        count++;
    if (count > MIDDLEWARE_MOST)
        return error_set(err, WEIR_INVALID,
                         "middleware: more than %d links; is the {0} at the end missing?",
                         MIDDLEWARE_MOST);
    set->middleware_count = count;
    if (count == 0)
        return WEIR_OK;
    set->middleware = mem_dup(list, count * sizeof *list);
    return set->middleware ? WEIR_OK : error_no_memory(err);
}

weir_status worker_options_read(struct worker_options *set, const weir_worker_options *given,
                                weir_error *err)
{
    weir_worker_options *o = &set->o;
    *set = (struct worker_options){0};
    weir_status status = options_read(o, sizeof *o, given, "WEIR_WORKER", err);
    if (status == WEIR_OK)
        status = check_texts(o, err);
    if (status == WEIR_OK)
        status = numbers(o, err);
    if (status == WEIR_OK)
        status = copy_texts(set, o, err);
    if (status == WEIR_OK)
        status = copy_middleware(set, o->middleware, err);
    if (status != WEIR_OK) {
        worker_options_clear(set);
        return status;
    }
    bool others = o->on_settled || o->on_news || o->on_error;
    set->threads = (o->handler ? o->threads : 0) + (others ? 1 : 0);
    o->type = o->name = NULL; /* of the caller, as the lists */
    o->fetch_variables = o->tenant_ids = NULL;
    o->middleware = NULL;
    return WEIR_OK;
}

void worker_options_clear(struct worker_options *set)
{
    mem_free(set->texts);
    mem_free(set->lists);
    mem_free(set->middleware);
    set->texts = NULL;
    set->lists = NULL;
    set->middleware = NULL;
}

/* ---- opening ----------------------------------------------------------------------------- */

static weir_status find_methods(struct worker_methods *m, weir_error *err)
{
    m->activate = codec_method_find("ActivateJobs", err);
    m->stream = codec_method_find("StreamActivatedJobs", err);
    m->complete = codec_method_find("CompleteJob", err);
    m->fail = codec_method_find("FailJob", err);
    m->throw_error = codec_method_find("ThrowError", err);
    m->timeout = codec_method_find("UpdateJobTimeout", err);
    bool all = m->activate && m->stream && m->complete && m->fail && m->throw_error && m->timeout;
    return all ? WEIR_OK : WEIR_BUG;
}

static void drop_item(void *item)
{
    struct weir_job *job = item;
    atomic_fetch_sub(&job->worker->waiting, 1);
    job_unref(job);
}

static void init(struct weir_worker *w, weir_channel *channel)
{
    static atomic_uint opened;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->moved, NULL);
    atomic_init(&w->refs, 1);
    w->loop = channel->loop;
    w->clock = channel->clock;
    (void)snprintf(w->name, sizeof w->name, "worker#%u", atomic_fetch_add(&opened, 1) + 1);
    w->poll_request = w->stream_request = (struct buf)BUF_INIT(SIZE_MAX / 2);
    w->told_last = &w->told_first;
    w->refused_last = &w->refused_first;
    w->tidings_last = &w->tidings;
    w->parked_last = &w->parked_first;
    w->bell.ring = worker_ring;
    w->task.run = worker_task;
    list_init(&w->jobs);
}

static weir_status fill(struct weir_worker *w, const weir_worker_options *o, weir_channel *channel,
                        weir_error *err)
{
    weir_status status = worker_options_read(&w->set, o, err);
    if (status == WEIR_OK)
        status = find_methods(&w->rpc, err);
    if (status != WEIR_OK)
        return status;
    w->inbox = inbox_new(w->clock, (size_t)w->set.o.max_active, drop_item);
    codec_stream(&w->stream_request, &w->set.activation);
    if (!w->inbox || w->stream_request.failed)
        return error_no_memory(err);
    if (w->set.threads > 0 && !(w->pool = channel_claim_threads(channel, w->set.threads, err)))
        return WEIR_NO_MEMORY;
    return WEIR_OK;
}

weir_worker *weir_worker_open(weir_channel *channel, const weir_worker_options *o, weir_error *err)
{
    weir_channel *made = NULL;
    if (!loop_may_open(err))
        return NULL;
    if (!channel && !(channel = made = weir_channel_from_environment(err)))
        return NULL;
    struct weir_worker *w = mem_zalloc(sizeof *w);
    if (!w) {
        error_no_memory(err);
        weir_channel_close(made);
        return NULL;
    }
    init(w, channel);
    if (fill(w, o, channel, err) != WEIR_OK) {
        worker_unref(w);
        weir_channel_close(made);
        return NULL;
    }
    w->channel = made ? made : weir_channel_ref(channel);
    error_ok(err);
    worker_ref(w); /* the engine's */
    worker_wake(w);
    return w;
}
