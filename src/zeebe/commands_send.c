/* The way of every typed command, on the caller's thread: the limit becomes a point in time, the
 * options are read and written as bytes, and the answer's bytes are read; nothing is JSON in
 * between. The channel is held meanwhile, because another thread may free the handle. */
#include "zeebe/commands_send.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/options.h"
#include "zeebe/pending.h"

#define USUAL_REQUEST 200

/* ---- the request -------------------------------------------------------------------------- */

static weir_status fill(struct request *r, weir_error *err)
{
    const struct command_spec *spec = r->spec;
    weir_status status = spec->check ? spec->check(&r->options, spec->who, err) : WEIR_OK;
    if (status != WEIR_OK)
        return status;
    if (spec->fields.count)
        buf_reserve(&r->wire, USUAL_REQUEST);
    status = spec->write ? spec->write(r, err)
                         : fields_write(&r->wire, &spec->fields, &r->options, spec->who, err);
    if (status != WEIR_OK || !r->wire.failed)
        return status;
    status = buf_finish(&r->wire, err);
    error_context(err, "%s()", spec->who);
    return status;
}

static weir_status make(struct request *r, const void *what, weir_error *err)
{
    const struct command_spec *spec = r->spec;
    r->until = deadline_in(r->channel->clock, r->timeout, r->channel->default_timeout);
    weir_status status = options_read(&r->options, spec->fields.size, what, spec->macro, err);
    return status == WEIR_OK ? fill(r, err) : status;
}

static struct command plan_of(const struct request *r)
{
    return (struct command){.channel = r->channel,
                            .method = codec_method(r->spec->rpc),
                            .until = r->until,
                            .request = {r->wire.data ? r->wire.data : "", r->wire.len}};
}

static struct request request_of(const weir_zeebe *zeebe, const struct command_spec *spec,
                                 weir_ms timeout)
{
    return (struct request){.spec = spec,
                            .channel = weir_channel_ref(zeebe->channel),
                            .timeout = timeout,
                            .wire = BUF_INIT(LIMIT_COMMAND)};
}

/* ---- waiting ------------------------------------------------------------------------------- */

weir_status send_for_bytes(weir_zeebe *zeebe, const struct command_spec *spec, const void *what,
                           weir_ms timeout, weir_bytes *answer, weir_error *err)
{
    char *data = NULL;
    size_t len = 0;
    *answer = (weir_bytes){NULL, 0};
    weir_status status = zeebe_check(zeebe, err);
    if (status != WEIR_OK)
        return status;
    struct request r = request_of(zeebe, spec, timeout);
    status = make(&r, what, err);
    if (status == WEIR_OK) {
        struct command plan = plan_of(&r);
        status = command_run(&plan, &data, &len, err);
    }
    buf_free(&r.wire);
    weir_channel_close(r.channel);
    *answer = (weir_bytes){data, len};
    return status;
}

static void release(weir_bytes answer)
{
    mem_free((void *)(uintptr_t)answer.data);
}

weir_status send_command(weir_zeebe *zeebe, const struct command_spec *spec, const void *what,
                         weir_ms timeout, weir_error *err)
{
    weir_bytes answer;
    weir_status status = send_for_bytes(zeebe, spec, what, timeout, &answer, err);
    if (status == WEIR_OK)
        status = codec_check(codec_method(spec->rpc), answer, err);
    release(answer);
    return status;
}

weir_status send_for_key(weir_zeebe *zeebe, const struct command_spec *spec, const void *what,
                         int64_t *key, weir_ms timeout, weir_error *err)
{
    weir_bytes answer;
    int64_t found = 0;
    weir_status status = send_for_bytes(zeebe, spec, what, timeout, &answer, err);
    if (status == WEIR_OK)
        status = codec_key(codec_method(spec->rpc), answer, &found, err);
    if (key)
        *key = found;
    release(answer);
    return status;
}

void *send_for(weir_zeebe *zeebe, const struct command_spec *spec, const void *what,
               codec_reader *reader, weir_ms timeout, weir_error *err)
{
    weir_bytes answer;
    void *result = NULL;
    if (send_for_bytes(zeebe, spec, what, timeout, &answer, err) == WEIR_OK)
        result = reader(codec_method(spec->rpc), answer, err);
    release(answer);
    return result;
}

/* ---- not waiting --------------------------------------------------------------------------- */

weir_call *send_start(weir_zeebe *zeebe, const struct command_spec *spec, const void *what,
                      weir_ms timeout, weir_error *err)
{
    weir_call *call = NULL;
    if (zeebe_check(zeebe, err) != WEIR_OK || error_held(err))
        return NULL;
    struct request r = request_of(zeebe, spec, timeout);
    if (make(&r, what, err) == WEIR_OK) {
        struct command plan = plan_of(&r);
        call = pending_start(&plan, r.wire.data, true, err);
        r.wire.data = NULL; /* the call's now, or gone */
    }
    buf_free(&r.wire);
    weir_channel_close(r.channel);
    return call;
}
