/* Running a command that is one RPC: everything that was typed is checked and the request built;
 * then the channel, the call, and what is printed. */
#include "cli/zeebe_rpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/out.h"
#include "cli/session.h"
#include "cli/value.h"
#include "cli/zeebe_open.h"

/* ---- what is printed ---------------------------------------------------------------------- */

/* A member's value, of the request or else of the answer, as text. */
static void add_value(struct str *out, const char *name, bool duration, const weir_json *request,
                      const weir_json *answer)
{
    char pointer[64], shown[32];
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    const weir_json *from = weir_json_at(request, pointer) ? request : answer;
    const char *text = weir_json_str(from, pointer, NULL);
    (void)snprintf(shown, sizeof shown, "%" PRId64, weir_json_int(from, pointer, 0));
    weir_ms ms = 0;
    if (duration && text && !value_duration(text, &ms)) {
        value_show_go_duration(ms, shown);
        text = NULL;
    }
    str_add(out, text ? text : shown);
}

void zeebe_rpc_text(struct str *out, const struct zeebe_rpc *rpc, const char *request,
                    const char *answer)
{
    static const char go[] = "go:";
    weir_error ignored = {0};
    weir_json *sent = weir_json_parse(request, strlen(request), &ignored);
    weir_json *got = weir_json_parse(answer, strlen(answer), &ignored);
    for (const char *at = rpc->text; *at;) {
        size_t len = strcspn(at, "{");
        str_add_bytes(out, at, len);
        at += len;
        if (!*at)
            break;
        bool duration = strncmp(++at, go, sizeof go - 1) == 0;
        at += duration ? sizeof go - 1 : 0;
        len = strcspn(at, "}");
        char *name = copy_or_exit(at, len);
        add_value(out, name, duration, sent, got);
        release_memory(name);
        at += len + 1;
    }
    weir_json_free(sent);
    weir_json_free(got);
}

static void print_answer(const struct zeebe_request *request, const struct zeebe_rpc *rpc,
                         const char *answer)
{
    struct str text = {0};
    if (rpc->text && !session_json(request->args))
        zeebe_rpc_text(&text, rpc, str_text(&request->json), answer);
    else
        str_add(&text, answer);
    str_add(&text, "\n");
    out_add(text.data);
    str_free(&text);
}

/* ---- one answer, or many ------------------------------------------------------------------ */

static void call_once(weir_zeebe *zeebe, const struct zeebe_request *request,
                      const struct zeebe_rpc *rpc, weir_error *err)
{
    char *answer = weir_zeebe_call(zeebe, rpc->name, str_text(&request->json),
                                   WEIR_CALL(.timeout = request->timeout), err);
    if (answer)
        print_answer(request, rpc, answer);
    weir_free(answer);
}

void zeebe_merge(struct str *all, const char *message)
{
    const char *start = strchr(message, '[');
    const char *end = strrchr(message, ']');
    if (!start || !end)
        return;
    while (end > start + 1 && strchr(" \n", end[-1]))
        end--;
    if (end == start + 1)
        return;
    str_add(all, all->len ? "," : "");
    str_add_bytes(all, start + 1, (size_t)(end - start - 1));
}

void zeebe_merged_text(struct str *out, const struct zeebe_rpc *rpc, const struct str *all)
{
    str_addf(out, "{\n  \"%s\": [", rpc->merged);
    str_add(out, str_text(all));
    str_add(out, all->len ? "\n  ]\n}\n" : "]\n}\n");
}

static void print_merged(const struct zeebe_rpc *rpc, const struct str *all)
{
    struct str text = {0};
    zeebe_merged_text(&text, rpc, all);
    out_add(text.data);
    out_flush();
    str_free(&text);
}

/* What came before a failure is printed all the same: those jobs are locked, and whoever asked for
 * them must know which. */
static void call_merged(weir_zeebe *zeebe, const struct zeebe_request *request,
                        const struct zeebe_rpc *rpc, weir_error *err)
{
    struct str all = {0};
    weir_call *call = weir_zeebe_call_start(zeebe, rpc->name, str_text(&request->json),
                                            WEIR_CALL(.timeout = request->timeout), err);
    weir_status status = call ? WEIR_OK : err->status;
    while (status == WEIR_OK || status == WEIR_NOTHING) {
        char *message = NULL;
        status = weir_call_next(call, &message, WEIR_FOREVER, err);
        if (status == WEIR_OK)
            zeebe_merge(&all, message);
        weir_free(message);
    }
    if (status == WEIR_STOPPED || all.len)
        print_merged(rpc, &all);
    weir_call_free(call);
    str_free(&all);
}

/* ---- the command -------------------------------------------------------------------------- */

int zeebe_rpc_run(const struct args *args)
{
    weir_error err = {0};
    struct zeebe_request request;
    const struct zeebe_rpc *rpc = zeebe_rpc_of(args);
    weir_zeebe *zeebe = NULL;
    if (zeebe_request_build(&request, args, &err) == WEIR_OK)
        zeebe = cli_zeebe_open_from(args, &err);
    if (zeebe && rpc->merged)
        call_merged(zeebe, &request, rpc, &err);
    else if (zeebe)
        call_once(zeebe, &request, rpc, &err);
    weir_zeebe_free(zeebe);
    zeebe_request_free(&request);
    if (err.status == WEIR_OK)
        return 0;
    return request.usage ? fail_usage("%s", err.message) : fail_with(&err);
}
