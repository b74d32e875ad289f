/* The handle, and the commands that a caller waits for. What is done here happens on the caller's
 * thread: JSON to bytes before, bytes to JSON after; the I/O thread sees bytes only. */
#include "zeebe/zeebe.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "zeebe/codec_typed.h"
#include "zeebe/commands_send.h"

#include <string.h>

/* ---- the handle -------------------------------------------------------------------------- */

weir_zeebe *weir_zeebe_new(weir_channel *channel, weir_error *err)
{
    weir_channel *made = NULL;
    if (!loop_may_open(err))
        return NULL;
    if (!channel && !(channel = made = weir_channel_from_environment(err)))
        return NULL;
    weir_zeebe *zeebe = mem_zalloc(sizeof *zeebe);
    if (zeebe) {
        zeebe->channel = weir_channel_ref(channel);
        error_ok(err);
    } else {
        error_no_memory(err);
    }
    weir_channel_close(made);
    return zeebe;
}

void weir_zeebe_free(weir_zeebe *zeebe)
{
    if (!zeebe || loop_check_fork(NULL) != WEIR_OK)
        return;
    weir_channel_close(zeebe->channel);
    mem_free(zeebe);
}

weir_status zeebe_check(const weir_zeebe *zeebe, weir_error *err)
{
    if (!zeebe)
        return error_null(err, "the weir_zeebe handle");
    return loop_check_fork(err);
}

/* ---- what holds for every call ----------------------------------------------------------- */

static size_t count_headers(const weir_metadata *headers)
{
    size_t count = 0;
    while (headers && headers[count].name)
        count++;
    return count;
}

/* A program's own token is one, too. */
static weir_status check_headers(const struct command *c, weir_error *err)
{
    for (size_t i = 0; c->channel->exposed && i < c->header_count; i++) {
        if (strcmp(c->headers[i].name, "authorization") == 0)
            return error_set(err, WEIR_UNSUPPORTED,
                             "%s: the header 'authorization' would cross the network unencrypted; "
                             "use TLS, or allow it (allow_plaintext_credentials)",
                             c->method->name);
    }
    return WEIR_OK;
}

weir_status zeebe_prepare(struct command *c, weir_channel *channel, const char *rpc,
                          const weir_call_options *o, weir_error *err)
{
    c->method = codec_method_find(rpc, err);
    if (!c->method)
        return WEIR_INVALID;
    weir_ms limit = options_number(o->timeout, WEIR_DEFAULT_TIMEOUT);
    c->channel = channel;
    c->until = deadline_in(channel->clock, limit, channel->default_timeout);
    c->headers = o->headers;
    c->header_count = count_headers(o->headers);
    c->gzip = o->gzip;
    c->no_retry = o->no_retry;
    return check_headers(c, err);
}

/* ---- waiting for one answer -------------------------------------------------------------- */

/* The channel is held meanwhile: another thread may free the handle. */
static char *call_and_wait(struct command *c, const char *request, bool compact, weir_error *err)
{
    char *wire = NULL, *answer = NULL, *text = NULL;
    size_t wire_len = 0, answer_len = 0;
    weir_status status = codec_json_to_wire(c->method->request, request, &wire, &wire_len, err);
    if (status == WEIR_OK) {
        c->request = (weir_bytes){wire, wire_len};
        status = command_run(c, &answer, &answer_len, err);
    }
    if (status == WEIR_OK)
        text =
            codec_wire_to_json(c->method->response, (weir_bytes){answer, answer_len}, compact, err);
    mem_free(wire);
    mem_free(answer);
    return text;
}

char *weir_zeebe_call(weir_zeebe *zeebe, const char *rpc, const char *request,
                      const weir_call_options *o, weir_error *err)
{
    struct command command = {0};
    weir_call_options options;
    char *text = NULL;
    if (zeebe_check(zeebe, err) != WEIR_OK ||
        options_read(&options, sizeof options, o, "WEIR_CALL", err) != WEIR_OK)
        return NULL;
    weir_channel *channel = weir_channel_ref(zeebe->channel);
    if (zeebe_prepare(&command, channel, rpc, &options, err) == WEIR_OK) {
        if (command.method->server_streams)
            error_set(err, WEIR_INVALID,
                      "%s answers with a stream: weir_zeebe_call_start() takes it",
                      command.method->name);
        else
            text = call_and_wait(&command, request, options.compact, err);
    }
    weir_channel_close(channel);
    return text;
}

/* ---- typed ------------------------------------------------------------------------------- */

static const struct command_spec topology_spec = {
    CODEC_TOPOLOGY, "weir_zeebe_topology", "", {NULL, 0, 0}, NULL, NULL};

weir_topology *weir_zeebe_topology(weir_zeebe *zeebe, weir_ms timeout, weir_error *err)
{
    return send_for(zeebe, &topology_spec, NULL, codec_topology, timeout, err);
}

weir_call *weir_zeebe_topology_start(weir_zeebe *zeebe, weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &topology_spec, NULL, timeout, err);
}

void weir_topology_free(weir_topology *topology)
{
    codec_result_free(topology);
}

static const struct field health_fields[] = {
    {FIELD_TEXT, 1, FIELD_AT(struct health_question, service)},
};
static const struct command_spec health_spec = {
    CODEC_CHECK, "weir_zeebe_health", "", FIELDS_OF(struct health_question, health_fields), NULL,
    NULL};

static struct health_question question(const char *service)
{
    return (struct health_question){sizeof(struct health_question),
                                    service ? service : "gateway_protocol.Gateway"};
}

weir_status weir_zeebe_health(weir_zeebe *zeebe, const char *service, weir_health *health,
                              weir_ms timeout, weir_error *err)
{
    weir_bytes answer;
    const struct health_question what = question(service);
    if (zeebe && !health)
        return error_set(err, WEIR_INVALID, "weir_zeebe_health(): `health` is NULL");
    weir_status status = send_for_bytes(zeebe, &health_spec, &what, timeout, &answer, err);
    if (status == WEIR_OK)
        status = codec_health(answer, health, err);
    mem_free((void *)(uintptr_t)answer.data);
    return status;
}

weir_call *weir_zeebe_health_start(weir_zeebe *zeebe, const char *service, weir_ms timeout,
                                   weir_error *err)
{
    const struct health_question what = question(service);
    return send_start(zeebe, &health_spec, &what, timeout, err);
}

/* ---- which RPCs there are ---------------------------------------------------------------- */

const char *const *weir_zeebe_rpcs(void)
{
    return codec_method_names();
}

char *weir_zeebe_describe(const char *rpc, weir_error *err)
{
    const struct codec_method *method = codec_method_find(rpc, err);
    char *text = method ? codec_describe(method, err) : NULL;
    if (text)
        error_ok(err);
    return text;
}
