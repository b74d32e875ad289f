/* What a call with one answer has answered, as the structs of the API. The answer's bytes stay with
 * the call, so everybody may ask, any number of times, from any thread. */
#include "zeebe/codec_typed.h"
#include "zeebe/pending.h"

#include "core/error.h"
#include "zeebe/codec_results.h"

weir_status weir_call_wait(weir_call *call, weir_ms timeout, weir_error *err)
{
    if (!call)
        return error_null(err, "the call");
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    if (call->command.method->server_streams)
        return error_set(err, WEIR_INVALID,
                         "weir_call_wait(): %s answers with a stream: weir_call_next() takes it",
                         call->command.method->name);
    return pending_wait(call, timeout, err);
}

/* `fits`: the call is of an RPC that `who` can read. */
static weir_status answer_of(weir_call *call, bool fits, const char *who, weir_bytes *wire,
                             weir_error *err)
{
    if (!fits)
        return error_set(err, WEIR_INVALID, "%s(): the answer of %s holds none", who,
                         call->command.method->name);
    weir_status status = weir_call_wait(call, WEIR_NO_WAIT, err);
    if (status == WEIR_NOTHING)
        return error_set(err, WEIR_INVALID, "%s(): %s has not ended; weir_call_wait() for it", who,
                         call->command.method->name);
    if (status == WEIR_OK)
        *wire = (weir_bytes){call->answer->data, call->answer->len};
    return status;
}

static bool is_of(const weir_call *call, enum codec_rpc rpc)
{
    return call->command.method == codec_method(rpc);
}

static void *read_with(codec_reader *reader, weir_call *call, bool fits, const char *who,
                       weir_error *err)
{
    weir_bytes wire = {NULL, 0};
    if (answer_of(call, fits, who, &wire, err) != WEIR_OK)
        return NULL;
    void *result = reader(call->command.method, wire, err);
    if (result)
        error_ok(err);
    return result;
}

weir_status weir_call_key(weir_call *call, int64_t *key, weir_error *err)
{
    weir_bytes wire = {NULL, 0};
    if (!call)
        return error_null(err, "the call");
    if (!key)
        return error_set(err, WEIR_INVALID, "weir_call_key(): `key` is NULL");
    bool fits = codec_has_key(call->command.method);
    weir_status status = answer_of(call, fits, "weir_call_key", &wire, err);
    return status == WEIR_OK ? codec_key(call->command.method, wire, key, err) : status;
}

weir_status weir_call_health(weir_call *call, weir_health *health, weir_error *err)
{
    weir_bytes wire = {NULL, 0};
    if (!call)
        return error_null(err, "the call");
    if (!health)
        return error_set(err, WEIR_INVALID, "weir_call_health(): `health` is NULL");
    weir_status status = answer_of(call, is_of(call, CODEC_CHECK), "weir_call_health", &wire, err);
    return status == WEIR_OK ? codec_health(wire, health, err) : status;
}

weir_topology *weir_call_topology(weir_call *call, weir_error *err)
{
    if (!call)
        return error_null(err, "the call"), NULL;
    bool fits = is_of(call, CODEC_TOPOLOGY);
    return read_with(codec_topology, call, fits, "weir_call_topology", err);
}

weir_instance *weir_call_instance(weir_call *call, weir_error *err)
{
    if (!call)
        return error_null(err, "the call"), NULL;
    bool fits = is_of(call, CODEC_CREATE_PROCESS_INSTANCE) ||
                is_of(call, CODEC_CREATE_PROCESS_INSTANCE_WITH_RESULT);
    return read_with(codec_instance, call, fits, "weir_call_instance", err);
}

weir_deployment *weir_call_deployment(weir_call *call, weir_error *err)
{
    if (!call)
        return error_null(err, "the call"), NULL;
    bool fits = is_of(call, CODEC_DEPLOY_RESOURCE);
    return read_with(codec_deployment, call, fits, "weir_call_deployment", err);
}

weir_deletion *weir_call_deletion(weir_call *call, weir_error *err)
{
    if (!call)
        return error_null(err, "the call"), NULL;
    bool fits = is_of(call, CODEC_DELETE_RESOURCE);
    return read_with(codec_deletion, call, fits, "weir_call_deletion", err);
}

weir_decision *weir_call_decision(weir_call *call, weir_error *err)
{
    if (!call)
        return error_null(err, "the call"), NULL;
    bool fits = is_of(call, CODEC_EVALUATE_DECISION);
    return read_with(codec_decision, call, fits, "weir_call_decision", err);
}
