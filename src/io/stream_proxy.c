/* HTTP CONNECT (RFC 9110, 9.3.6): one request, one answer, then the bytes are the peer's. */
#include "io/stream_private.h"

#include "core/error.h"
#include "core/secret.h"
#include "core/text.h"

#include <string.h>

void stream_proxy_start(struct stream *s)
{
    s->state = STREAM_PROXYING;
    stream_send_raw(s, s->proxy_request, strlen(s->proxy_request));
    secret_free_text(s->proxy_request);
    s->proxy_request = NULL;
}

static void refuse(struct stream *s, weir_status status, int code, const char *advice)
{
    const char *line_end = strpbrk(s->proxy_answer.data, "\r\n");
    struct buf line = BUF_INIT(256);
    size_t len = line_end ? (size_t)(line_end - s->proxy_answer.data) : s->proxy_answer.len;
    text_fold(&line, s->proxy_answer.data, len, 200);
    error_peer(&s->why, status, WEIR_ORIGIN_HTTP, code,
               "CONNECT %s through the proxy at %s: it answered '%s'; %s", s->connect_target,
               s->peer, line.data ? line.data : "", advice);
    buf_free(&line);
    stream_end(s);
}

/* The status of "HTTP/1.x NNN ...", or 0. */
static int status_of(const char *answer)
{
    int64_t code = 0;
    char digits[4] = "";
    if (strncmp(answer, "HTTP/1.", 7) != 0 || strlen(answer) < 12 || answer[8] != ' ')
        return 0;
    memcpy(digits, answer + 9, 3);
    return text_number(digits, 100, 599, &code) ? (int)code : 0;
}

/* What follows the header is the peer's already: an HTTP/2 server may speak first. */
static void begin(struct stream *s, const char *body)
{
    struct buf answer = s->proxy_answer;
    size_t left = answer.len - (size_t)(body - answer.data);
    s->proxy_answer = (struct buf)BUF_INIT(0);
    stream_begin_tls(s);
    if (left > 0 && !s->closing && s->state != STREAM_ENDED) {
        if (s->ssl)
            stream_tls_data(s, (const uint8_t *)body, left);
        else
            stream_receive_plain(s, (const uint8_t *)body, left);
    }
    buf_free(&answer);
}

static void answered(struct stream *s, const char *body)
{
    int code = status_of(s->proxy_answer.data);
    if (code == 0) {
        refuse(s, WEIR_PROTOCOL, 0, "that is no HTTP answer");
    } else if (code == 407) {
        refuse(s, WEIR_BAD_LOGIN, code, "put a user name and password into the proxy's URL");
    } else if (code < 200 || code > 299) {
        refuse(s, code == 403 ? WEIR_FORBIDDEN : WEIR_UNREACHABLE, code,
               "ask who runs the proxy, or set NO_PROXY");
    } else {
        begin(s, body);
    }
}

/* Where the header ends; NULL: not yet. */
static const char *end_of_header(const struct buf *answer)
{
    const char *end = memmem(answer->data, answer->len, "\r\n\r\n", 4);
    return end ? end + 4 : NULL;
}

void stream_proxy_data(struct stream *s, const uint8_t *data, size_t len)
{
    struct buf *answer = &s->proxy_answer;
    buf_add(answer, data, len);
    const char *body = answer->failed ? NULL : end_of_header(answer);
    size_t header = body ? (size_t)(body - answer->data) : answer->len;
    if (answer->failed || header > STREAM_PROXY_HEADER || memchr(answer->data, '\0', header)) {
        error_set(&s->why, WEIR_PROTOCOL,
                  "CONNECT %s through the proxy at %s: its answer is no HTTP header",
                  s->connect_target, s->peer);
        stream_end(s);
        return;
    }
    if (body)
        answered(s, body);
    else if (header >= 7 && strncmp(answer->data, "HTTP/1.", 7) != 0)
        refuse(s, WEIR_PROTOCOL, 0, "that is no HTTP answer");
}
