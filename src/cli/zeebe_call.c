/* `weir zeebe call`: any RPC, from JSON to JSON. Each message of the answer is written and flushed
 * as it arrives. -v tells on stderr what grpcurl -v tells, with everything that says who we are
 * left out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/json_arg.h"
#include "cli/metadata.h"
#include "cli/out.h"
#include "cli/session.h"
#include "cli/zeebe_open.h"

struct run {
    const struct args *args;
    const char *rpc;
    char *description; /* the RPC in protobuf's language */
    char *data;        /* the request, checked to be a JSON object */
    struct headers headers;
    struct zeebe_settings settings;
    bool verbose, json;
    uint64_t received;
};

/* ---- --list and --describe ------------------------------------------------------------------ */

static int list_rpcs(const struct args *args)
{
    bool json = session_json(args);
    struct str text = {0};
    for (const char *const *rpc = weir_zeebe_rpcs(); *rpc; rpc++) {
        str_add(&text, !json ? "" : text.len ? ",\n  " : "[\n  ");
        if (json)
            str_add_json(&text, *rpc);
        else
            str_addf(&text, "%s\n", *rpc);
    }
    str_add(&text, json ? "\n]\n" : "");
    out_add(str_text(&text));
    str_free(&text);
    return 0;
}

static int describe_rpc(const struct args *args, const char *rpc)
{
    weir_error err = {0};
    char *text = weir_zeebe_describe(rpc, &err);
    if (!text)
        return fail_with(&err);
    struct str shown = {0};
    if (session_json(args)) {
        str_add(&shown, "{\"rpc\":");
        str_add_json(&shown, rpc);
        str_add(&shown, ",\"definition\":");
        str_add_json(&shown, text);
        str_add(&shown, "}\n");
    } else {
        str_add(&shown, text);
    }
    out_add(shown.data);
    str_free(&shown);
    weir_free(text);
    return 0;
}

/* ---- the request ------------------------------------------------------------------------- */

/* The line "rpc NAME(REQUEST) returns (RESPONSE);" of the description. */
static void rpc_line(const struct run *run, struct str *out)
{
    const char *start = strstr(run->description, "rpc ");
    if (start)
        str_add_bytes(out, start, strcspn(start, "\n"));
}

static bool streams(const struct run *run)
{
    struct str line = {0};
    rpc_line(run, &line);
    bool found = strstr(str_text(&line), "(stream ") != NULL;
    str_free(&line);
    return found;
}

/* Has the request message a field of this name? It is described right behind the service. */
static bool request_has(const struct run *run, const char *field)
{
    const char *request = strstr(run->description, "\nmessage ");
    const char *end = request ? strstr(request, "\n}") : NULL;
    const char *found = request ? strstr(request, field) : NULL;
    return found && end && found < end;
}

/* "requestTimeout" is how long the server may wait before an empty answer. One that was given is
 * left alone. */
static void limit_wait(struct run *run)
{
    weir_ms timeout = session_timeout(run->args);
    weir_error ignored = {0};
    if (timeout <= 0 || !request_has(run, " requestTimeout = "))
        return;
    weir_json *json = weir_json_parse(run->data, strlen(run->data), &ignored);
    bool given = weir_json_at(json, "/requestTimeout") != NULL;
    bool alone = weir_json_len(json, "") == 0;
    weir_json_free(json);
    if (given)
        return;
    char *brace = strchr(run->data, '{');
    struct str data = {0};
    str_addf(&data, "{\"requestTimeout\":%" PRId64 "%s%s", session_wait(timeout), alone ? "" : ",",
             brace + 1);
    release_memory(run->data);
    run->data = data.data;
}

static weir_status check_headers(const struct run *run, weir_error *err)
{
    const struct zeebe_settings *s = &run->settings;
    if (!headers_have_secret(&run->headers) || s->tls || endpoint_is_loopback(s->gateway.host) ||
        setting_switch(&s->at[ZEEBE_ALLOW_PLAINTEXT], false))
        return WEIR_OK;
    return fail_set(err, WEIR_UNSUPPORTED,
                    "--header would send a secret to %s without TLS (%s): use TLS, or accept that "
                    "others can read it with --allow-plaintext",
                    s->target, s->tls_why);
}

static weir_status prepare(struct run *run, weir_error *err)
{
    const char *data = args_text(run->args, "data");
    run->description = weir_zeebe_describe(run->rpc, err);
    if (!run->description)
        return err->status;
    run->data = json_arg_object("data", data ? data : "{}", err);
    if (!run->data || headers_read(&run->headers, run->args, err) != WEIR_OK)
        return err->status;
    limit_wait(run);
    if (zeebe_settings_find(&run->settings, run->args, err) != WEIR_OK)
        return err->status;
    return check_headers(run, err);
}

/* ---- what -v says -------------------------------------------------------------------------- */

static void say(const struct run *run, const char *title, const weir_metadata *list, size_t count)
{
    struct str text = {0};
    if (!run->verbose)
        return;
    str_addf(&text, "\n%s:\n", title);
    metadata_show(&text, list, count);
    out_flush();
    (void)fputs(text.data, stderr);
    (void)fflush(stderr);
    str_free(&text);
}

static void say_request(const struct run *run)
{
    struct str line = {0}, sent = {0};
    if (!run->verbose)
        return;
    rpc_line(run, &line);
    metadata_show(&sent, run->headers.list, run->headers.count);
    bool login = run->settings.login != LOGIN_NONE && !headers_have(&run->headers, "authorization");
    if (login && run->headers.count == 0)
        str_clear(&sent);
    (void)fprintf(stderr, "Resolved method descriptor:\n%s\n\nRequest metadata to send:\n%s%s",
                  str_text(&line), login ? "authorization: ***\n" : "", str_text(&sent));
    (void)fflush(stderr);
    str_free(&line);
    str_free(&sent);
}

static void say_headers(const struct run *run, weir_call *call)
{
    size_t count = 0;
    const weir_metadata *list = weir_call_headers(call, &count);
    say(run, "Response headers received", list, count);
}

static void say_end(const struct run *run, weir_call *call)
{
    size_t count = 0;
    const weir_metadata *list = weir_call_trailers(call, &count);
    say(run, "Response trailers received", list, count);
    if (run->verbose)
        (void)fprintf(stderr, "Sent 1 request and received %" PRIu64 " response%s\n", run->received,
                      run->received == 1 ? "" : "s");
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void take_answer(struct run *run, weir_call *call, weir_error *err)
{
    weir_status status;
    do {
        char *message = NULL;
        status = weir_call_next(call, &message, WEIR_FOREVER, err);
        if (run->received == 0 && status != WEIR_NOTHING)
            say_headers(run, call);
        if (status != WEIR_OK)
            continue;
        run->received++;
        if (run->verbose)
            (void)fputs("\nResponse contents:\n", stderr);
        out_addf("%s\n", message);
        out_flush();
        weir_free(message);
    } while (status == WEIR_OK || status == WEIR_NOTHING);
    say_end(run, call);
}

static void make_call(struct run *run, weir_zeebe *zeebe, weir_error *err)
{
    bool compact = args_switch(run->args, "compact") || (run->json && streams(run));
    weir_call_options options = {
        .struct_size = sizeof options,
        .headers = run->headers.list,
        .timeout = session_timeout(run->args),
        .compact = compact,
    };
    say_request(run);
    weir_call *call = weir_zeebe_call_start(zeebe, run->rpc, run->data, &options, err);
    if (call)
        take_answer(run, call, err);
    weir_call_free(call);
}

static void free_run(struct run *run)
{
    zeebe_settings_free(&run->settings);
    headers_free(&run->headers);
    if (run->data)
        explicit_bzero(run->data, strlen(run->data));
    release_memory(run->data);
    weir_free(run->description);
}

int zeebe_call_run(const struct args *args)
{
    if (args_switch(args, "list"))
        return list_rpcs(args);
    if (args->word_count == 0)
        return fail_usage("RPC is missing: weir zeebe call RPC; weir zeebe call --list names them");
    if (args_switch(args, "describe"))
        return describe_rpc(args, args->words[0]);
    weir_error err = {0};
    struct run run = {
        .args = args,
        .rpc = args->words[0],
        .verbose = args_switch(args, "verbose"),
        .json = session_json(args),
    };
    weir_zeebe *zeebe = NULL;
    if (prepare(&run, &err) == WEIR_OK)
        zeebe = cli_zeebe_open(&run.settings, args, &err);
    if (zeebe)
        make_call(&run, zeebe, &err);
    weir_zeebe_free(zeebe);
    free_run(&run);
    return err.status == WEIR_OK ? 0 : fail_with(&err);
}
