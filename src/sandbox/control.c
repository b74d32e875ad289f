#include "sandbox/control.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"
#include "sandbox/web.h"

#include <stdio.h>
#include <string.h>

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

static const struct {
    const char *method, *name;
    void (*run)(struct control *control, struct web_request *request);
} orders[] = {
    {"POST", "/fault", add_fault},
    {"GET", "/requests", tell_requests},
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
