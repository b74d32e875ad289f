#include "sandbox/control.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"
#include "sandbox/salesforce.h"
#include "sandbox/web.h"

#include <stdio.h>
#include <string.h>

#define IDS_MAX ((size_t)16 * 1024 * 1024)

struct control {
    struct common *common;
    struct web *web;
    char path[CONTROL_SECRET_MAX + 2]; /* "/SECRET" */
    char url[CONTROL_SECRET_MAX + 40];
};

static void say(struct web_request *request, int status, const char *text)
{
    struct web_answer answer = {.status = status,
                                .content_type = "text/plain; charset=utf-8",
                                .body = {text, strlen(text)}};
    if (status == 405)
        answer.more_headers = "Allow: GET, POST\r\n";
    web_answer(request, &answer);
}

static void add_fault(struct control *control, struct web_request *request)
{
    weir_error err = {0};
    weir_bytes body = web_request_body(request);
    struct web_answer done = {.status = 204};
    weir_status status =
        faults_add_script(control->common->faults, body.data, body.len, NULL, &err);
    if (status == WEIR_OK)
        web_answer(request, &done);
    else
        say(request, status == WEIR_BUSY ? 429 : status == WEIR_INVALID ? 400 : 500, err.message);
}

static void tell_requests(struct control *control, struct web_request *request)
{
    weir_error err = {0};
    char *text = journal_text(control->common->journal, &err);
    struct web_answer answer = {.status = 200,
                                .content_type = "application/x-ndjson",
                                .body = {text, text ? strlen(text) : 0}};
    if (text)
        web_answer(request, &answer);
    else
        say(request, 500, err.message);
    mem_free(text);
}

/* ---- events, and what happens to all ----------------------------------------------------- */

static int status_of(weir_status status)
{
    return status == WEIR_INVALID || status == WEIR_NOT_FOUND || status == WEIR_CONFLICT ? 400
                                                                                         : 500;
}

static weir_status need_salesforce(const struct control *control, weir_error *err)
{
    return control->common->salesforce
               ? WEIR_OK
               : error_set(err, WEIR_INVALID, "this sandbox was started without salesforce");
}

static int64_t number_of(const json_t *tree, const char *name)
{
    return json_integer_value(json_object_get(tree, name));
}

/* {"service":"salesforce","channel":"/event/A__e","data":{}} and what else an emission has. */
static weir_status emit_line(struct control *control, const char *line, size_t len, struct buf *ids,
                             weir_error *err)
{
    json_t *tree = json_parse(line, len, "the event", err);
    const char *channel = json_string_value(json_object_get(tree, "channel"));
    struct salesforce_emission emission = {
        .service = json_string_value(json_object_get(tree, "service")),
        .channel = channel ? channel : "",
        .data = json_object_get(tree, "data"),
        .count = number_of(tree, "count"),
        .first = number_of(tree, "first"),
        .pad = number_of(tree, "pad") > 0 ? (size_t)number_of(tree, "pad") : 0,
        .id = number_of(tree, "id")};
    weir_status status =
        tree ? salesforce_emit(control->common->salesforce, &emission, ids, err) : err->status;
    json_decref(tree);
    return status;
}

static void emit(struct control *control, struct web_request *request)
{
    weir_error err = {0};
    weir_bytes body = web_request_body(request);
    const char *at = body.data, *end = at + body.len;
    struct buf ids = BUF_INIT(IDS_MAX);
    weir_status status = need_salesforce(control, &err);
    buf_adds(&ids, "");
    while (at < end && status == WEIR_OK) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        status = emit_line(control, at, len, &ids, &err);
        at += len + 1;
    }
    if (status == WEIR_OK && buf_finish(&ids, &err) == WEIR_OK)
        say(request, 200, ids.data ? ids.data : "");
    else
        say(request, status_of(err.status), err.message);
    buf_free(&ids);
}

static void happen(struct control *control, struct web_request *request)
{
    weir_error err = {0};
    weir_bytes body = web_request_body(request);
    struct web_answer done = {.status = 204};
    char *line = mem_dup(body.data, body.len);
    weir_status status = line ? need_salesforce(control, &err) : error_no_memory(&err);
    if (status == WEIR_OK)
        status = salesforce_order(control->common->salesforce, line, &err);
    mem_free(line);
    if (status == WEIR_OK)
        web_answer(request, &done);
    else
        say(request, status_of(status), err.message);
}

static const struct {
    const char *method, *name;
    void (*run)(struct control *control, struct web_request *request);
} orders[] = {
    {"POST", "/fault", add_fault},
    {"GET", "/requests", tell_requests},
    {"POST", "/emit", emit},
    {"POST", "/now", happen},
};

static void on_request(void *user, struct web_request *request)
{
    struct control *control = user;
    const struct web_head *head = web_request_head(request);
    size_t secret = strlen(control->path);
    bool known = false;
    if (strncmp(head->target, control->path, secret) != 0) {
        say(request, 404, "not here\n");
        return;
    }
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (strcmp(head->target + secret, orders[i].name) != 0)
            continue;
        known = true;
        if (strcmp(head->method, orders[i].method) == 0) {
            orders[i].run(control, request);
            return;
        }
    }
    say(request, known ? 405 : 404, known ? "not by this method\n" : "there is no such order\n");
}

static void on_gone(void *user, struct web_request *request)
{
    (void)user; /* every answer is given at once */
    (void)request;
}

static const struct web_events events = {on_request, on_gone};

/* 16 random bytes. */
static bool make_path(struct control *control)
{
    unsigned char bytes[16];
    struct buf text = BUF_INIT(CONTROL_SECRET_MAX + 2);
    clock_random_bytes(control->common->clock, bytes, sizeof bytes);
    buf_adds(&text, "/");
    base64url_add(&text, bytes, sizeof bytes);
    bool good = !text.failed;
    (void)snprintf(control->path, sizeof control->path, "%s", good ? text.data : "");
    buf_free(&text);
    return good;
}

struct control *control_open(struct common *common, uint16_t port, weir_error *err)
{
    struct control *control = mem_zalloc(sizeof *control);
    if (control)
        control->common = common;
    if (!control || !make_path(control)) {
        mem_free(control);
        error_no_memory(err);
        return NULL;
    }
    struct web_options options = {
        .loop = common->loop, .port = port, .events = &events, .user = control};
    control->web = web_open(&options, err);
    if (!control->web) {
        mem_free(control);
        return NULL;
    }
    (void)snprintf(control->url, sizeof control->url, "http://127.0.0.1:%u%s",
                   (unsigned)web_port(control->web), control->path);
    return control;
}

void control_close(struct control *control)
{
    if (!control)
        return;
    web_close(control->web);
    mem_free(control);
}

const char *control_url(const struct control *control)
{
    return control->url;
}
