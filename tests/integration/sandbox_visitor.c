#include "sandbox_visitor.h"

#include "core/buf.h"
#include "core/mem.h"
#include "lib/webclient.h"
#include "sandbox/token.h"
#include "sandbox/token_salesforce.h"

#include <stdio.h>
#include <string.h>

#define FORM "application/x-www-form-urlencoded"

void has(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("\"%s\" is not in: %s", words, text);
}

void has_not(const char *text, const char *words)
{
    if (strstr(text, words))
        fail_msg("\"%s\" is in: %s", words, text);
}

/* What follows `before` up to one of `ends`; unchanged when it is not there. */
static void keep(const char *text, const char *before, const char *ends, char *out, size_t size)
{
    const char *at = strstr(text, before);
    if (!at)
        return;
    at += strlen(before);
    snprintf(out, size, "%.*s", (int)strcspn(at, ends), at);
}

void visitor_begin(struct visitor *v, struct sandbox *sandbox, const char *path)
{
    char url[200];
    const char *base = sandbox_value(sandbox, "SALESFORCE_LOGIN_URL");
    *v = (struct visitor){.sandbox = sandbox, .port = web_port_of(base), .path = path};
    snprintf(url, sizeof url, "%s/services/oauth2/token", base);
    char *answer = web_ask("POST", url, FORM,
                           "grant_type=password&client_id=" TOKEN_CLIENT_ID
                           "&client_secret=" TOKEN_CLIENT_SECRET "&username=" SALESFORCE_USERNAME
                           "&password=" SALESFORCE_PASSWORD SALESFORCE_SECURITY_TOKEN);
    assert_non_null(answer);
    keep(answer, "\"access_token\":\"", "\"", v->token, sizeof v->token);
    has(answer, " 200 OK");
    mem_free(answer);
}

void visitor_end(struct visitor *v)
{
    mem_free(v->answer);
    v->answer = NULL;
}

/* mem_free() */
static char *request_of(const struct visitor *v, const char *body)
{
    struct buf text = BUF_INIT((size_t)1024 * 1024);
    buf_addf(&text, "POST %s HTTP/1.1\r\nHost: localhost:%u\r\nContent-Type: application/json\r\n",
             v->path, (unsigned)v->port);
    buf_addf(&text, "Connection: close\r\nContent-Length: %zu\r\n%s", strlen(body), v->headers);
    if (v->token[0])
        buf_addf(&text, "Authorization: Bearer %s\r\n", v->token);
    if (v->browser[0] || v->stream[0])
        buf_addf(&text, "Cookie: t=1; %s%s; %s%s\r\n", v->browser[0] ? "BAYEUX_BROWSER=" : "a=b",
                 v->browser, v->stream[0] ? "sfdc-stream=" : "c=d", v->stream);
    buf_adds(&text, "\r\n");
    buf_adds(&text, body);
    assert_false(text.failed);
    return text.data;
}

const char *visitor_ask(struct visitor *v, const char *body)
{
    char *request = request_of(v, body);
    mem_free(v->answer);
    v->answer = web_talk(v->port, request, SIZE_MAX);
    mem_free(request);
    assert_non_null(v->answer);
    keep(v->answer, "Set-Cookie: BAYEUX_BROWSER=", ";", v->browser, sizeof v->browser);
    keep(v->answer, "Set-Cookie: sfdc-stream=", ";", v->stream, sizeof v->stream);
    const char *text = strstr(v->answer, "\r\n\r\n");
    return text ? text + 4 : "";
}

/* mem_free() */
static char *with_client(const struct visitor *v, const char *body)
{
    struct buf text = BUF_INIT((size_t)1024 * 1024);
    const char *at = strstr(body, "CLIENT");
    buf_adds(&text, "");
    for (; at; at = strstr(body, "CLIENT")) {
        buf_add(&text, body, (size_t)(at - body));
        buf_adds(&text, v->client);
        body = at + strlen("CLIENT");
    }
    buf_adds(&text, body);
    assert_false(text.failed);
    return text.data;
}

const char *visitor_says(struct visitor *v, const char *body)
{
    char *text = with_client(v, body);
    const char *answer = visitor_ask(v, text);
    mem_free(text);
    return answer;
}

void visitor_handshake(struct visitor *v)
{
    const char *answer =
        visitor_ask(v, "[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\",\"id\":\"1\","
                       "\"supportedConnectionTypes\":[\"long-polling\"]}]");
    has(answer, "\"successful\":true");
    keep(answer, "\"clientId\":\"", "\"", v->client, sizeof v->client);
}

#define CONNECT                                                                                    \
    "[{\"channel\":\"/meta/connect\",\"connectionType\":\"long-polling\",\"id\":\"2\","            \
    "\"clientId\":\"CLIENT\"}]"

const char *visitor_connect(struct visitor *v)
{
    return visitor_says(v, CONNECT);
}

int visitor_hold(struct visitor *v)
{
    char *body = with_client(v, CONNECT);
    char *request = request_of(v, body);
    int fd = web_connect(v->port);
    assert_true(fd >= 0);
    web_send(fd, request);
    mem_free(request);
    mem_free(body);
    return fd;
}

const char *visitor_subscribe(struct visitor *v, const char *channel, const char *replay)
{
    char body[1000];
    snprintf(body, sizeof body,
             "[{\"channel\":\"/meta/subscribe\",\"id\":\"3\",\"clientId\":\"CLIENT\","
             "\"subscription\":\"%s\"%s%s%s}]",
             channel, *replay ? ",\"ext\":{\"replay\":" : "", replay, *replay ? "}" : "");
    return visitor_says(v, body);
}

int64_t visitor_emit(struct visitor *v, const char *channel, const char *data)
{
    weir_error err = {0};
    int64_t id = 0;
    struct sandbox_emission emission = {.channel = channel, .data = data};
    if (sandbox_emit(v->sandbox, &emission, &id, &err) != WEIR_OK)
        fail_msg("%s", err.message);
    return id;
}
