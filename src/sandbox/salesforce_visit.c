/* A request from its arrival to its answer. A fault that is about HTTP happens to the request as a
 * whole, the first one of its messages counts; those about Bayeux stay with their message. */
#include "core/mem.h"
#include "sandbox/salesforce_private.h"

#include <stdio.h>
#include <string.h>

#define GZIP_FROM 1024 /* bytes from which on an answer is worth it */

struct visit *visit_new(struct salesforce *sf, struct web_request *request, size_t count)
{
    struct visit *visit = mem_zalloc(sizeof *visit);
    if (visit) {
        visit->faults = mem_array(count, sizeof *visit->faults);
        visit->entries = mem_array(count, sizeof(struct journal_entry *));
        visit->ended = mem_array(count, sizeof *visit->ended);
    }
    if (!visit || !visit->faults || !visit->entries || !visit->ended) {
        if (visit) {
            mem_free(visit->faults);
            mem_free((void *)visit->entries);
            mem_free(visit->ended);
        }
        mem_free(visit);
        if (request)
            web_cut(request);
        return NULL;
    }
    visit->sf = sf;
    visit->request = request;
    visit->count = count;
    if (request)
        web_request_set_user(request, visit);
    return visit;
}

static bool is_of_http(enum fault_how how)
{
    switch (how) {
    case FAULT_HTTP:
    case FAULT_ERROR:
    case FAULT_CUT:
    case FAULT_CUT_BODY:
    case FAULT_HANG:
    case FAULT_GARBAGE:
    case FAULT_HTML:
    case FAULT_EMPTY:
        return true;
    default:
        return false;
    }
}

void visit_enter(struct visit *visit, size_t index, struct journal_request *entry)
{
    char name[FAULT_TEXT_MAX + 32];
    struct common *common = visit->sf->common;
    struct fault *fault = &visit->faults[index];
    if (faults_take(common->faults, entry->what, fault))
        entry->fault = fault_name(fault, name, sizeof name);
    visit->entries[index] = journal_begin(common->journal, entry);
    if (fault->after > visit->fault.after)
        visit->fault.after = fault->after;
    if (visit->fault.how != FAULT_NONE || !is_of_http(fault->how))
        return;
    weir_ms after = visit->fault.after;
    visit->fault = *fault;
    visit->fault.after = after;
}

void visit_outcome(struct visit *visit, size_t index, const char *outcome)
{
    if (index >= visit->count || visit->ended[index])
        return;
    visit->ended[index] = true;
    journal_end(visit->sf->common->journal, visit->entries[index], outcome);
}

static void end_all(struct visit *visit, const char *outcome)
{
    for (size_t i = 0; i < visit->count; i++)
        visit_outcome(visit, i, outcome);
}

static void release(struct visit *visit)
{
    if (visit->socket)
        TAILQ_REMOVE(&visit->socket->visits, visit, link);
    timer_cancel(&visit->timer);
    json_decref(visit->messages);
    buf_free(&visit->exchange.body);
    mem_free(visit->faults);
    mem_free((void *)visit->entries);
    mem_free(visit->ended);
    mem_free(visit);
}

/* ---- answers ----------------------------------------------------------------------------- */

static bool accepts_gzip(const struct visit *visit)
{
    const char *accepted = web_head_find(web_request_head(visit->request), "accept-encoding");
    return accepted && strstr(accepted, "gzip") && !visit->sf->options.no_gzip;
}

static bool zip_ready(struct salesforce *sf)
{
    if (!sf->zip_ready)
        sf->zip_ready =
            deflateInit2(&sf->zip, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    else
        (void)deflateReset(&sf->zip);
    return sf->zip_ready;
}

/* The body compressed; false: it stays as it is. */
static bool zip(struct salesforce *sf, weir_bytes body, struct buf *out)
{
    if (body.len < GZIP_FROM || body.len > UINT32_MAX / 2 || !zip_ready(sf))
        return false;
    size_t most = deflateBound(&sf->zip, body.len);
    *out = (struct buf)BUF_INIT(most + 1);
    buf_reserve(out, most);
    if (out->failed)
        return false;
    sf->zip.next_in = (Bytef *)(uintptr_t)body.data;
    sf->zip.avail_in = (uInt)body.len;
    sf->zip.next_out = (Bytef *)out->data;
    sf->zip.avail_out = (uInt)most;
    if (deflate(&sf->zip, Z_FINISH) != Z_STREAM_END) {
        buf_free(out);
        return false;
    }
    out->len = most - sf->zip.avail_out;
    return true;
}

static void finish_request(struct visit *visit, const struct web_answer *given)
{
    struct web_answer answer = *given;
    char status[12], headers[HEADERS_MAX + 256];
    struct buf zipped = BUF_INIT(1);
    struct web_request *request = visit->request;
    bool half = visit->fault.how == FAULT_CUT_BODY;
    (void)snprintf(status, sizeof status, "%d", answer.status);
    end_all(visit, half ? "cut" : status);
    bool small = accepts_gzip(visit) && zip(visit->sf, answer.body, &zipped);
    (void)snprintf(headers, sizeof headers, "%s%s%s",
                   answer.more_headers ? answer.more_headers : "", visit->cookies,
                   small ? "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n" : "");
    answer.more_headers = headers;
    if (small)
        answer.body = (weir_bytes){zipped.data, zipped.len};
    web_request_set_user(request, NULL);
    if (half)
        web_answer_half(request, &answer);
    else
        web_answer(request, &answer);
    buf_free(&zipped);
    release(visit);
}

static void finish_frame(struct visit *visit, const struct web_answer *answer)
{
    char status[12];
    struct socket *socket = visit->socket;
    bool half = visit->fault.how == FAULT_CUT_BODY;
    (void)snprintf(status, sizeof status, "%d", answer->status);
    end_all(visit, half ? "cut" : status);
    if (!half && answer->status == 200)
        socket_say(socket, answer->body);
    release(visit);
    if (half)
        socket_cut(socket);
    else if (answer->status != 200)
        socket_fail(socket);
}

void visit_finish(struct visit *visit, const struct web_answer *answer)
{
    if (visit->socket)
        finish_frame(visit, answer);
    else
        finish_request(visit, answer);
}

void visit_say(struct visit *visit, int status, const char *text)
{
    struct web_answer answer = {
        .status = status, .content_type = "text/plain", .body = {text, strlen(text)}};
    visit_finish(visit, &answer);
}

void visit_json(struct visit *visit, int status, const char *text)
{
    struct web_answer answer = {.status = text ? status : 500,
                                .content_type = "application/json;charset=UTF-8",
                                .body = {text, text ? strlen(text) : 0}};
    visit_finish(visit, &answer);
}

void visit_cut(struct visit *visit)
{
    struct web_request *request = visit->request;
    struct socket *socket = visit->socket;
    end_all(visit, "cut");
    release(visit);
    if (socket) {
        socket_cut(socket);
        return;
    }
    web_request_set_user(request, NULL);
    web_cut(request);
}

void visit_gone(struct visit *visit)
{
    if (visit->server && visit->exchange.server)
        bayeux_server_gone(&visit->exchange);
    end_all(visit, "gone");
    release(visit);
}

/* ---- what happens ------------------------------------------------------------------------ */

static void answer_http(struct visit *visit)
{
    static const char text[] = "asked for by a fault\n";
    char header[40] = "";
    struct web_answer answer = {.status = visit->fault.code,
                                .content_type = "text/plain",
                                .more_headers = header,
                                .body = {text, sizeof text - 1}};
    if (visit->fault.retry_after_s)
        (void)snprintf(header, sizeof header, "Retry-After: %d\r\n", visit->fault.retry_after_s);
    visit_finish(visit, &answer);
}

static void answer_page(struct visit *visit)
{
    static const char page[] =
        "<!DOCTYPE html>\n<html><head><title>Down for Maintenance</title></head>"
        "<body><h1>We are down for maintenance.</h1></body></html>\n";
    struct web_answer answer = {.status = visit->fault.code ? visit->fault.code : 200,
                                .content_type = "text/html;charset=UTF-8",
                                .body = {page, sizeof page - 1}};
    visit_finish(visit, &answer);
}

/* A 200 that says JSON and is none, not even UTF-8. */
static void answer_garbage(struct visit *visit)
{
    static const char garbage[] = "[{\"channel\": \xff\xfe\x80 }}";
    struct web_answer answer = {
        .status = 200, .content_type = "application/json", .body = {garbage, sizeof garbage - 1}};
    visit_finish(visit, &answer);
}

static void happen(void *user)
{
    struct visit *visit = user;
    struct salesforce *sf = visit->sf;
    struct web_answer empty = {.status = 200, .content_type = "application/json"};
    switch (visit->fault.how) {
    case FAULT_HTTP:
        answer_http(visit);
        return;
    case FAULT_HTML:
        answer_page(visit);
        return;
    case FAULT_GARBAGE:
        answer_garbage(visit);
        return;
    case FAULT_EMPTY:
        visit_finish(visit, &empty);
        return;
    case FAULT_CUT:
        visit_cut(visit);
        return;
    case FAULT_HANG:
        return; /* until the client leaves */
    default:
        visit->act(visit);
        salesforce_rearm(sf);
        return;
    }
}

void visit_begin(struct visit *visit)
{
    weir_ms wait = visit->sf->common->latency + visit->fault.after;
    timer_init(&visit->timer, visit->sf->common->loop, happen, visit);
    if (wait <= 0 || timer_set_in(&visit->timer, wait) != WEIR_OK)
        happen(visit);
}
