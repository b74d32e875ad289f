/* Settling: what a job is to become is checked and written down on the thread that settles it, and
 * handed over to the I/O thread; nothing here waits.
 *
 * One atomic decides who settles a job: whoever moves it away from OPEN. What is refused before
 * that leaves the job open, with the reason kept: if nothing better follows, it fails with it. */
#include "zeebe/codec.h"
#include "zeebe/worker.h"

#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MOST 8192

/* ---- common ------------------------------------------------------------------------------ */

/* Keeps the reason. */
static weir_status refuse(struct weir_job *job, const weir_error *why)
{
    mem_free(atomic_exchange(&job->reason, mem_strdup(why->message)));
    return why->status;
}

static weir_status check(const struct weir_job *job)
{
    if (!job || loop_check_fork(NULL) != WEIR_OK)
        return WEIR_INVALID;
    return atomic_load(&job->settled) == WEIR_JOB_OPEN ? WEIR_OK : WEIR_CONFLICT;
}

static weir_status check_variables(struct weir_job *job, const char *variables)
{
    weir_error why = {0};
    if (!variables || json_check_object(variables, strlen(variables), "variables", &why) == WEIR_OK)
        return WEIR_OK;
    return refuse(job, &why);
}

static weir_status invalid(struct weir_job *job, const char *why)
{
    weir_error err = {0};
    error_set(&err, WEIR_INVALID, "%s", why);
    return refuse(job, &err);
}

struct settling {
    weir_job_outcome outcome;
    enum settle_kind kind;
    struct buf request;
    char *why;
};

static weir_status hand_over(struct weir_job *job, struct settling *s)
{
    weir_status status = s->request.failed ? WEIR_NO_MEMORY : WEIR_OK;
    if (status == WEIR_OK && !job_claim(job, s->outcome))
        status = WEIR_CONFLICT;
    if (status != WEIR_OK) {
        buf_free(&s->request);
        mem_free(s->why);
        return status;
    }
    job->kind = s->kind;
    job->request = s->request;
    mem_free(job->why);
    job->why = s->why;
    atomic_store(&job->handed, true);
    worker_order(job->worker, job);
    return WEIR_OK;
}

/* At most MESSAGE_MOST bytes, cut between characters; what is not UTF-8 becomes '?', because a
 * gateway refuses it. */
static char *message_of(const char *text)
{
    size_t len = text ? strlen(text) : 0;
    struct buf out = BUF_INIT(MESSAGE_MOST + 1);
    buf_reserve(&out, len < MESSAGE_MOST ? len : MESSAGE_MOST);
    buf_add(&out, "", 0); /* ended, also when nothing follows */
    for (size_t at = 0; at < len && !out.failed;) {
        size_t step = text_utf8_step(text + at, len - at);
        size_t size = step ? step : 1;
        if (out.len + size > MESSAGE_MOST)
            break;
        buf_add(&out, step ? text + at : "?", size);
        at += size;
    }
    return out.data;
}

/* ---- completing -------------------------------------------------------------------------- */

weir_status weir_job_complete_with(weir_job *job, const weir_completion *what)
{
    weir_completion c;
    weir_error why = {0};
    char *result = NULL;
    size_t len = 0;
    weir_status status = check(job);
    if (status != WEIR_OK)
        return status;
    if (options_read(&c, sizeof c, what, "WEIR_COMPLETION", &why) != WEIR_OK)
        return refuse(job, &why);
    status = check_variables(job, c.variables);
    if (status == WEIR_OK && c.result && codec_job_result(c.result, &result, &len, &why) != WEIR_OK)
        status = refuse(job, &why);
    if (status != WEIR_OK)
        return status;
    struct settling s = {WEIR_JOB_COMPLETED, SETTLE_COMPLETE, BUF_INIT(SIZE_MAX / 2), NULL};
    codec_complete(&s.request, job->f.key, c.variables, (weir_bytes){result, len});
    mem_free(result);
    return hand_over(job, &s);
}

weir_status weir_job_complete(weir_job *job, const char *variables)
{
    return weir_job_complete_with(job, WEIR_COMPLETION(.variables = variables));
}

weir_status weir_job_completef(weir_job *job, const char *pack_fmt, ...)
{
    json_error_t e = {0};
    va_list args;
    weir_status status = check(job);
    if (status != WEIR_OK)
        return status;
    if (!pack_fmt)
        return weir_job_complete(job, NULL);
    json_prepare();
    va_start(args, pack_fmt);
    json_t *value = json_vpack_ex(&e, 0, pack_fmt, args);
    va_end(args);
    char *text = value ? json_text(value, true) : NULL;
    json_decref(value);
    if (value && !text)
        status = WEIR_NO_MEMORY;
    else if (!value)
        status = invalid(job, *e.text ? e.text : "weir_job_completef: the format is no JSON");
    else
        status = weir_job_complete(job, text);
    mem_free(text);
    return status;
}

/* ---- failing ----------------------------------------------------------------------------- */

static weir_status failure_numbers(struct weir_job *job, const weir_failure *f, int32_t *retries,
                                   weir_ms *backoff)
{
    *retries = f->retries == WEIR_RETRIES_LESS   ? job_retries_less(job)
               : f->retries == WEIR_RETRIES_SAME ? job->f.retries
                                                 : f->retries;
    *backoff = options_number(f->backoff, job->worker->set.o.retry_backoff);
    if (*retries < 0)
        return invalid(job, "retries: a negative number of tries left");
    if (*backoff < 0)
        return invalid(job, "backoff: a negative number of milliseconds");
    return check_variables(job, f->variables);
}

weir_status weir_job_fail_with(weir_job *job, const weir_failure *what)
{
    weir_failure f;
    weir_error why = {0};
    int32_t retries;
    weir_ms backoff;
    weir_status status = check(job);
    if (status != WEIR_OK)
        return status;
    if (options_read(&f, sizeof f, what, "WEIR_FAILURE", &why) != WEIR_OK)
        return refuse(job, &why);
    if (!what)
        f.retries = WEIR_RETRIES_LESS;
    status = failure_numbers(job, &f, &retries, &backoff);
    if (status != WEIR_OK)
        return status;
    struct settling s = {WEIR_JOB_FAILED, SETTLE_FAIL, BUF_INIT(SIZE_MAX / 2),
                         message_of(f.message)};
    codec_fail(&s.request, job->f.key, retries, backoff, s.why, f.variables);
    return hand_over(job, &s);
}

weir_status weir_job_fail(weir_job *job, int32_t retries, weir_ms backoff, const char *fmt, ...)
{
    char message[MESSAGE_MOST + 8];
    va_list args;
    va_start(args, fmt);
    int wanted = fmt ? vsnprintf(message, sizeof message, fmt, args) : -1;
    va_end(args);
    if (wanted < 0)
        message[0] = '\0';
    return weir_job_fail_with(
        job, WEIR_FAILURE(.retries = retries, .backoff = backoff, .message = message));
}

void job_fill_failure(struct weir_job *job, enum settle_kind kind, int32_t retries, weir_ms backoff,
                      const char *why)
{
    char *message = message_of(why);
    buf_free(&job->request);
    job->request = (struct buf)BUF_INIT(SIZE_MAX / 2);
    codec_fail(&job->request, job->f.key, retries, backoff, message, NULL);
    job->kind = kind;
    mem_free(job->why);
    job->why = message;
}

void job_fail_forgotten(struct weir_job *job, const char *why)
{
    const char *reason = atomic_load(&job->reason);
    (void)weir_job_fail(job, WEIR_RETRIES_LESS, 0, "%s%s%s", why, reason ? ": " : "",
                        reason ? reason : "");
}

/* ---- errors of the process --------------------------------------------------------------- */

weir_status weir_job_throw_with(weir_job *job, const weir_bpmn_error *what)
{
    weir_bpmn_error e;
    weir_error why = {0};
    weir_status status = check(job);
    if (status != WEIR_OK)
        return status;
    if (options_read(&e, sizeof e, what, "WEIR_BPMN_ERROR", &why) != WEIR_OK)
        return refuse(job, &why);
    if (!e.code || !*e.code)
        return invalid(job, "an error without a code cannot be thrown");
    status = check_variables(job, e.variables);
    if (status != WEIR_OK)
        return status;
    struct settling s = {WEIR_JOB_THROWN, SETTLE_THROW, BUF_INIT(SIZE_MAX / 2), NULL};
    char *message = message_of(e.message);
    char *code = message_of(e.code);
    if (!code)
        s.request.failed = true;
    codec_throw(&s.request, job->f.key, code, message, e.variables);
    s.why = message && *message ? message : code;
    mem_free(s.why == message ? code : message);
    return hand_over(job, &s);
}

weir_status weir_job_throw(weir_job *job, const char *code, const char *message)
{
    return weir_job_throw_with(job, WEIR_BPMN_ERROR(.code = code, .message = message));
}

/* One that raises in on_error fails its job and is not asked again. */
void job_ask(struct weir_job *job, const weir_error *why)
{
    static _Thread_local const struct weir_job *asked;
    const struct weir_job *outer = asked;
    const weir_worker_options *o = &job->worker->set.o;
    if (!o->on_error || asked == job)
        return;
    asked = job;
    o->on_error(job, why, o->user);
    asked = outer;
}

weir_status weir_job_raise(weir_job *job, const weir_error *why)
{
    weir_status status = check(job);
    if (status != WEIR_OK)
        return status;
    if (!why)
        return invalid(job, "weir_job_raise(): `why` is NULL");
    job_ask(job, why);
    if (atomic_load(&job->settled) != WEIR_JOB_OPEN)
        return WEIR_OK;
    return weir_job_fail_with(job,
                              WEIR_FAILURE(.retries = WEIR_RETRIES_LESS, .message = why->message));
}

/* ---- holding ----------------------------------------------------------------------------- */

weir_job *weir_job_keep(weir_job *job)
{
    if (!job || loop_check_fork(NULL) != WEIR_OK)
        return NULL;
    atomic_fetch_add(&job->holders, 1);
    return job_ref(job);
}

void weir_job_free(weir_job *job)
{
    if (!job || loop_check_fork(NULL) != WEIR_OK)
        return;
    if (atomic_fetch_sub(&job->holders, 1) == 1 && job_is_open(job))
        job_fail_forgotten(job, "the job was released without having been settled");
    job_unref(job);
}
