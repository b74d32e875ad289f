/* A job and what it says. Its fields never change, so any thread reads them; what is made on
 * demand is published once, and the copy of who comes second is dropped.
 *
 * Lifetime: counted. The engine's reference lasts until the gateway has answered for the job, the
 * holders' until the last weir_job_free() or the handler's return. A job keeps its worker's memory,
 * so that settling late is WEIR_CONFLICT and nothing worse. */
#include "zeebe/worker.h"

#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"

#include <string.h>

struct weir_job *job_read(struct weir_worker *worker, weir_bytes wire, weir_error *err)
{
    size_t room = codec_job_room(wire);
    if (room > SIZE_MAX - sizeof(struct weir_job)) {
        error_set(err, WEIR_PROTOCOL, "the gateway sent a job whose %zu bytes are none", wire.len);
        return NULL;
    }
    struct weir_job *job = mem_zalloc(sizeof *job + room);
    if (!job) {
        error_no_memory(err);
        return NULL;
    }
    codec_job_read(wire, &job->f, job->text);
    atomic_init(&job->refs, 2);
    atomic_init(&job->holders, 1);
    atomic_init(&job->deadline_ms, job->f.deadline);
    job->worker = worker_ref(worker);
    job->request = (struct buf)BUF_INIT(SIZE_MAX / 2);
    return job;
}

struct weir_job *job_ref(struct weir_job *job)
{
    atomic_fetch_add(&job->refs, 1);
    return job;
}

void job_unref(struct weir_job *job)
{
    if (atomic_fetch_sub(&job->refs, 1) != 1)
        return;
    weir_json_free(atomic_load(&job->variables));
    weir_json_free(atomic_load(&job->headers));
    weir_json_free(atomic_load(&job->attrs));
    mem_free(atomic_load(&job->reason));
    mem_free(job->why);
    mem_free(job->words);
    buf_free(&job->request);
    worker_unref(job->worker);
    mem_free(job);
}

bool job_claim(struct weir_job *job, weir_job_outcome outcome)
{
    int open = WEIR_JOB_OPEN;
    return atomic_compare_exchange_strong(&job->settled, &open, (int)outcome);
}

bool job_is_open(const struct weir_job *job)
{
    return atomic_load(&job->settled) == WEIR_JOB_OPEN && !atomic_load(&job->handed);
}

int32_t job_retries_less(const struct weir_job *job)
{
    return job->f.retries > 0 ? job->f.retries - 1 : 0;
}

/* ---- fields ------------------------------------------------------------------------------ */

int64_t weir_job_key(const weir_job *job)
{
    return job ? job->f.key : 0;
}

const char *weir_job_type(const weir_job *job)
{
    return job ? job->f.type : "";
}

int32_t weir_job_retries(const weir_job *job)
{
    return job ? job->f.retries : 0;
}

int64_t weir_job_deadline(const weir_job *job)
{
    return job ? atomic_load(&job->deadline_ms) : 0;
}

weir_ms weir_job_time_left(const weir_job *job)
{
    if (!job)
        return 0;
    int64_t left = atomic_load(&job->lock_until_ns) - clock_mono(job->worker->clock);
    return left > 0 ? (left + NS_PER_MS - 1) / NS_PER_MS : 0;
}

bool weir_job_is_ours(const weir_job *job)
{
    return job && atomic_load(&job->settled) == WEIR_JOB_OPEN &&
           atomic_load(&job->lock_until_ns) > clock_mono(job->worker->clock);
}

int weir_job_settled(const weir_job *job)
{
    return job ? atomic_load(&job->settled) : WEIR_JOB_OPEN;
}

/* ---- made on demand ---------------------------------------------------------------------- */

/* The first one published stays; `made` is taken over. */
static const weir_json *publish(_Atomic(weir_json *) *place, weir_json *made)
{
    weir_json *first = NULL;
    if (!made || atomic_compare_exchange_strong(place, &first, made))
        return made;
    weir_json_free(made);
    return first;
}

static const weir_json *parsed(_Atomic(weir_json *) *place, const char *text, size_t len)
{
    const weir_json *there = atomic_load(place);
    return there ? there : publish(place, weir_json_parse(text, len, NULL));
}

const weir_json *weir_job_vars(const weir_job *job)
{
    weir_job *j = (weir_job *)(uintptr_t)job; /* what it says does not change */
    return j ? parsed(&j->variables, j->f.variables, j->f.variables_len) : NULL;
}

const weir_json *weir_job_headers(const weir_job *job)
{
    weir_job *j = (weir_job *)(uintptr_t)job;
    return j ? parsed(&j->headers, j->f.custom_headers, j->f.custom_headers_len) : NULL;
}

char *weir_job_json(const weir_job *job, weir_error *err)
{
    if (!job) {
        error_null(err, "the job");
        return NULL;
    }
    struct job_fields f = job->f;
    f.deadline = atomic_load(&job->deadline_ms);
    char *text = codec_job_json(&f, true, err);
    if (text)
        error_ok(err);
    return text;
}

/* ---- attributes -------------------------------------------------------------------------- */

static const char *text_of(const struct job_fields *f, const char *name)
{
    const struct {
        const char *name, *text;
    } texts[] = {
        {"variables", f->variables},
        {"customHeaders", f->custom_headers},
        {"type", f->type},
        {"bpmnProcessId", f->bpmn_process_id},
        {"elementId", f->element_id},
        {"tenantId", f->tenant_id},
        {"worker", f->worker},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(texts[i].name, name) == 0)
            return texts[i].text;
    }
    return NULL;
}

/* The job's protojson as a tree whose members are texts all. */
static weir_json *all_as_texts(const struct job_fields *f)
{
    const char *key;
    json_t *value, *text = NULL;
    bool fine = true;
    char *json = codec_job_json(f, false, NULL);
    json_t *tree = json ? json_parse(json, strlen(json), "job", NULL) : NULL;
    json_t *texts = tree ? json_object() : NULL;
    mem_free(json);
    json_object_foreach(tree, key, value)
    {
        char *dump = json_is_string(value) ? NULL : json_text(value, true);
        text = json_is_string(value) ? json_incref(value) : json_string(dump);
        fine = text && json_object_set_new(texts, key, text) == 0 && fine;
        mem_free(dump);
    }
    json_decref(tree);
    if (!fine) {
        json_decref(texts);
        texts = NULL;
    }
    return json_wrap(texts);
}

const char *weir_job_attr(const weir_job *job, const char *name)
{
    weir_job *j = (weir_job *)(uintptr_t)job;
    if (!j || !name)
        return NULL;
    const char *text = text_of(&j->f, name);
    if (text)
        return text;
    const weir_json *attrs = atomic_load(&j->attrs);
    if (!attrs)
        attrs = publish(&j->attrs, all_as_texts(&j->f));
    return attrs ? json_string_value(json_object_get(json_of(attrs), name)) : NULL;
}
