/* The token endpoint, and publishing over REST. */
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "sandbox/salesforce_event.h"
#include "sandbox/salesforce_private.h"
#include "sandbox/token_salesforce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_MAX 40
#define NAME_SIZE 80

/* ---- tokens ------------------------------------------------------------------------------ */

static struct token_request token_request_of(const struct web_request *request)
{
    const struct web_head *head = web_request_head(request);
    weir_bytes body = web_request_body(request);
    return (struct token_request){.content_type = web_head_find(head, "content-type"),
                                  .authorization = web_head_find(head, "authorization"),
                                  .body = body.data,
                                  .len = body.len};
}

static void give_token(struct visit *visit, struct token_answer *answer)
{
    char *body = answer->body;
    visit_json(visit, answer->status, body);
    secret_free_text(body);
}

static void ask_for_token(struct visit *visit)
{
    char base[300];
    struct common *common = visit->sf->common;
    struct params params = {.count = 0};
    struct token_answer answer = {0};
    struct token_request request = token_request_of(visit->request);
    if (visit->fault.how == FAULT_ERROR) {
        tokens_refuse_salesforce(visit->fault.text, &answer);
        give_token(visit, &answer);
        return;
    }
    if (strcmp(web_request_head(visit->request)->method, "POST") != 0) {
        visit_say(visit, 405, "a token is asked for by POST\n");
        return;
    }
    salesforce_base(visit, base, sizeof base);
    tokens_ask_salesforce(common->tokens, &request, base, &params, &answer);
    params_clear(&params);
    if (answer.issued)
        journal_tally(common->journal, "salesforce.token.issued");
    if (answer.issued && visit->faults[0].how == FAULT_EXPIRE)
        tokens_expire(common->tokens, NULL);
    give_token(visit, &answer);
}

static struct visit *begin(struct salesforce *sf, struct web_request *request, const char *what,
                           const struct params *params)
{
    const struct web_head *head = web_request_head(request);
    struct visit *visit = visit_new(sf, request, 1);
    struct journal_request entry = {.service = "salesforce",
                                    .what = what,
                                    .path = head->target,
                                    .peer = web_request_peer(request),
                                    .headers = head->headers,
                                    .header_count = head->header_count,
                                    .form = params ? params->list : NULL,
                                    .form_count = params ? params->count : 0};
    if (visit)
        visit_enter(visit, 0, &entry);
    return visit;
}

void salesforce_take_token(struct salesforce *sf, struct web_request *request)
{
    struct params params = {.count = 0};
    struct token_request asked = token_request_of(request);
    (void)tokens_read(&asked, &params, NULL);
    struct visit *visit = begin(sf, request, "salesforce.token", &params);
    params_clear(&params);
    if (!visit)
        return;
    visit->act = ask_for_token;
    visit_begin(visit);
}

/* ---- publishing -------------------------------------------------------------------------- */

static void refuse(struct visit *visit, int status, const char *code, const char *message)
{
    json_t *tree = json_pack("[{s:s, s:s}]", "message", message, "errorCode", code);
    char *text = tree ? json_text(tree, true) : NULL;
    json_decref(tree);
    visit_json(visit, status, text);
    mem_free(text);
}

/* NAME or NAME:MESSAGE. */
static void refuse_by_fault(struct visit *visit)
{
    char code[NAME_SIZE];
    const char *text = visit->fault.text;
    size_t len = strcspn(text, ":");
    (void)snprintf(code, sizeof code, "%.*s", (int)(len < sizeof code ? len : sizeof code - 1),
                   text);
    int status = strcmp(code, "INVALID_SESSION_ID") == 0       ? 401
                 : strcmp(code, "REQUEST_LIMIT_EXCEEDED") == 0 ? 403
                 : strcmp(code, "NOT_FOUND") == 0              ? 404
                 : strcmp(code, "SERVER_UNAVAILABLE") == 0     ? 503
                                                               : 400;
    refuse(visit, status, code, text[len] ? text + len + 1 : "asked for by a fault");
}

/* "/services/data/v67.0/sobjects/Order__e": the name into `out`; false: no such resource. */
static bool read_target(const char *target, char *out, size_t size)
{
    char *end = NULL;
    static const char before[] = "/services/data/v", between[] = ".0/sobjects/";
    if (strncmp(target, before, sizeof before - 1) != 0)
        return false;
    unsigned long version = strtoul(target + sizeof before - 1, &end, 10);
    if (version < 20 || version > 70 || strncmp(end, between, sizeof between - 1) != 0)
        return false;
    const char *name = end + sizeof between - 1;
    size_t len = strcspn(name, "/?");
    bool event = len > 3 && len < size && strncmp(name + len - 3, "__e", 3) == 0;
    bool over = !name[len] || strcmp(name + len, "/") == 0 || name[len] == '?';
    if (!event || !over)
        return false;
    (void)snprintf(out, size, "%.*s", (int)len, name);
    return true;
}

/* A platform event's own fields are custom ones. */
static const char *bad_field(const json_t *fields)
{
    const char *name = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)fields, name, value)
    {
        size_t len = strlen(name);
        if (len < 4 || len > FIELD_MAX + 3 || strcmp(name + len - 3, "__c") != 0 ||
            json_is_object(value) || json_is_array(value))
            return name;
    }
    return NULL;
}

static void store(struct visit *visit, const char *name, const json_t *fields)
{
    char channel[NAME_SIZE + 16], text[200];
    weir_error err = {0};
    struct buf ids = BUF_INIT(64);
    (void)snprintf(channel, sizeof channel, "/event/%s", name);
    struct salesforce_emission emission = {
        .service = "salesforce", .channel = channel, .data = fields};
    weir_status status = salesforce_emit(visit->sf, &emission, &ids, &err);
    buf_free(&ids);
    if (status == WEIR_OK) {
        (void)snprintf(text, sizeof text, "{\"id\":\"e0%016llx\",\"success\":true,\"errors\":[]}",
                       (unsigned long long)clock_random(visit->sf->common->clock, INT64_MAX));
        visit_json(visit, 201, text);
    } else if (status == WEIR_NOT_FOUND) {
        refuse(visit, 404, "NOT_FOUND", "The requested resource does not exist");
    } else {
        refuse(visit, 503, "SERVER_UNAVAILABLE", err.message);
    }
}

static void publish(struct visit *visit)
{
    char name[NAME_SIZE], text[300];
    const struct web_head *head = web_request_head(visit->request);
    weir_bytes body = web_request_body(visit->request);
    if (visit->faults[0].how == FAULT_EXPIRE && salesforce_token_of(visit))
        tokens_expire(visit->sf->common->tokens, salesforce_token_of(visit));
    if (visit->fault.how == FAULT_ERROR) {
        refuse_by_fault(visit);
    } else if (salesforce_check_token(visit)) {
        refuse(visit, 401, "INVALID_SESSION_ID", "Session expired or invalid");
    } else if (!read_target(head->target, name, sizeof name)) {
        refuse(visit, 404, "NOT_FOUND", "The requested resource does not exist");
    } else if (strcmp(head->method, "POST") != 0) {
        (void)snprintf(text, sizeof text, "HTTP Method '%.20s' not allowed. Allowed are POST",
                       head->method);
        refuse(visit, 405, "METHOD_NOT_ALLOWED", text);
    } else {
        json_t *fields = json_parse(body.data, body.len, "the event", NULL);
        const char *bad = json_is_object(fields) ? bad_field(fields) : NULL;
        if (!json_is_object(fields)) {
            refuse(visit, 400, "JSON_PARSER_ERROR",
                   "The HTTP entity body is required to be a JSON object");
        } else if (bad) {
            (void)snprintf(text, sizeof text, "No such column '%.100s' on sobject of type %s", bad,
                           name);
            refuse(visit, 400, "INVALID_FIELD", text);
        } else {
            store(visit, name, fields);
        }
        json_decref(fields);
    }
}

void salesforce_take_rest(struct salesforce *sf, struct web_request *request)
{
    struct visit *visit = begin(sf, request, "salesforce.rest", NULL);
    if (!visit)
        return;
    visit->act = publish;
    visit_begin(visit);
}
