/* One request: the log gets what was sent (redacted there), the fault decides when and what, and
 * only then is the token endpoint's mind asked, so that a request which fails by script issues no
 * token and uses up nothing. */
#include "sandbox/oauth.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"
#include "sandbox/web.h"

#include <stdio.h>
#include <string.h>

struct oauth {
    struct common *common;
    struct web *web;
};

struct ask {
    struct oauth *oauth;
    struct web_request *request;
    struct turn turn;
};

static void finish(struct ask *ask, const struct web_answer *answer)
{
    turn_end_number(&ask->turn, answer->status);
    turn_clear(&ask->turn);
    web_answer(ask->request, answer);
    mem_free(ask);
}

static void say(struct ask *ask, int status, const char *headers, const char *text)
{
    struct web_answer answer = {.status = status,
                                .content_type = "text/plain",
                                .more_headers = headers,
                                .body = {text, strlen(text)}};
    finish(ask, &answer);
}

/* Takes the answer's body over. */
static void give(struct ask *ask, struct token_answer *token)
{
    struct web_answer answer = {.status = token->body ? token->status : 500,
                                .content_type = "application/json",
                                .body = {token->body, token->body ? strlen(token->body) : 0}};
    if (token->basic)
        answer.more_headers = "WWW-Authenticate: Basic realm=\"sandbox\"\r\n";
    finish(ask, &answer);
    secret_free_text(token->body);
}

static struct token_request what_was_asked(const struct web_request *request)
{
    const struct web_head *head = web_request_head(request);
    weir_bytes body = web_request_body(request);
    return (struct token_request){.content_type = web_head_find(head, "content-type"),
                                  .authorization = web_head_find(head, "authorization"),
                                  .body = body.data,
                                  .len = body.len};
}

static void answer_with_token(struct ask *ask)
{
    struct common *common = ask->oauth->common;
    struct token_request request = what_was_asked(ask->request);
    struct params params = {.count = 0};
    struct token_answer answer = {0};
    tokens_ask(common->tokens, &request, &params, &answer);
    params_clear(&params);
    if (answer.issued)
        journal_tally(common->journal, "token.issued");
    if (answer.issued && ask->turn.fault.how == FAULT_EXPIRE)
        tokens_expire(common->tokens, NULL);
    give(ask, &answer);
}

static void answer_with_http(struct ask *ask)
{
    char header[40] = "";
    const struct fault *fault = &ask->turn.fault;
    if (fault->retry_after_s)
        (void)snprintf(header, sizeof header, "Retry-After: %d\r\n", fault->retry_after_s);
    say(ask, fault->code, header, "asked for by a fault\n");
}

static void answer_with_error(struct ask *ask)
{
    struct token_answer answer = {0};
    tokens_refuse(ask->turn.fault.text, &answer);
    give(ask, &answer);
}

/* A 200 that says JSON and is none, not even UTF-8. */
static void answer_with_garbage(struct ask *ask)
{
    static const char garbage[] = "{\"access_token\": \xff\xfe\x80 }}";
    struct web_answer answer = {
        .status = 200, .content_type = "application/json", .body = {garbage, sizeof garbage - 1}};
    finish(ask, &answer);
}

static void cut(struct ask *ask)
{
    turn_end(&ask->turn, "cut");
    turn_clear(&ask->turn);
    web_cut(ask->request);
    mem_free(ask);
}

static void answer(void *user)
{
    struct ask *ask = user;
    const struct web_head *head = web_request_head(ask->request);
    switch (ask->turn.fault.how) {
    case FAULT_HTTP:
        answer_with_http(ask);
        return;
    case FAULT_ERROR:
        answer_with_error(ask);
        return;
    case FAULT_GARBAGE:
        answer_with_garbage(ask);
        return;
    case FAULT_CUT:
        cut(ask);
        return;
    case FAULT_HANG:
        return; /* until the client leaves */
    default:
        break;
    }
    if (strcmp(head->method, "POST") != 0)
        say(ask, 405, "Allow: POST\r\n", "a token is asked for by POST\n");
    else
        answer_with_token(ask);
}

/* What a log may show of the body; nothing of one that is not understood. */
static void read_form(struct web_request *request, struct params *params)
{
    struct token_request asked = what_was_asked(request);
    tokens_read(&asked, params, NULL);
}

static void begin(struct oauth *oauth, struct web_request *request, struct ask *ask)
{
    struct params params = {.count = 0};
    const struct web_head *head = web_request_head(request);
    ask->oauth = oauth;
    ask->request = request;
    web_request_set_user(request, ask);
    read_form(request, &params);
    struct journal_request entry = {.service = "token",
                                    .what = "token",
                                    .path = OAUTH_PATH,
                                    .peer = web_request_peer(request),
                                    .headers = head->headers,
                                    .header_count = head->header_count,
                                    .form = params.list,
                                    .form_count = params.count};
    turn_begin(&ask->turn, oauth->common, &entry, answer, ask);
    params_clear(&params);
}

static bool is_endpoint(const char *target)
{
    size_t len = strcspn(target, "?");
    return len == strlen(OAUTH_PATH) && strncmp(target, OAUTH_PATH, len) == 0;
}

static void on_request(void *user, struct web_request *request)
{
    static const char text[] = "the token endpoint is " OAUTH_PATH "\n";
    struct web_answer none = {
        .status = 404, .content_type = "text/plain", .body = {text, sizeof text - 1}};
    if (!is_endpoint(web_request_head(request)->target)) {
        web_answer(request, &none);
        return;
    }
    struct ask *ask = mem_zalloc(sizeof *ask);
    if (ask)
        begin(user, request, ask);
    else
        web_cut(request);
}

static void on_gone(void *user, struct web_request *request)
{
    struct ask *ask = web_request_user(request);
    (void)user;
    if (!ask)
        return;
    turn_clear(&ask->turn);
    mem_free(ask);
}

static const struct web_events events = {on_request, on_gone};

struct oauth *oauth_open(struct common *common, uint16_t port, struct tls *tls, weir_error *err)
{
    struct oauth *oauth = mem_zalloc(sizeof *oauth);
    if (!oauth) {
        error_no_memory(err);
        return NULL;
    }
    oauth->common = common;
    struct web_options options = {
        .loop = common->loop, .port = port, .tls = tls, .events = &events, .user = oauth};
    oauth->web = web_open(&options, err);
    if (oauth->web)
        return oauth;
    mem_free(oauth);
    return NULL;
}

void oauth_close(struct oauth *oauth)
{
    if (!oauth)
        return;
    web_close(oauth->web);
    mem_free(oauth);
}
