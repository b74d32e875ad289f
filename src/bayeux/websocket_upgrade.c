/* The upgrade is an HTTP request by hand, because libcurl keeps the connection to itself. What the
 * answer's headers mean is http's; here is only what RFC 6455, 4.1 has a client check. Of an answer
 * that is no upgrade so much of the body is read that an error can quote it. */
#include "bayeux/websocket_upgrade.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/secret.h"
#include "core/text.h"
#include "http/status.h"

#include <stdio.h>
#include <string.h>

#define SWITCHING 101
#define QUOTED    ((size_t)2048)       /* bytes of a body */
#define AT_ONCE   ((size_t)128 * 1024) /* that may come with the end of the head */

/* ---- asking ------------------------------------------------------------------------------ */

void upgrade_key(const struct clock *clock, char out[UPGRADE_KEY])
{
    uint8_t random[16];
    struct buf text = BUF_INIT((size_t)UPGRADE_KEY);
    clock_random_bytes(clock, random, sizeof random);
    base64_add(&text, random, sizeof random, true);
    (void)snprintf(out, UPGRADE_KEY, "%s", text.data ? text.data : "");
    buf_free(&text);
}

void upgrade_accept(struct buf *out, const char *key)
{
    char text[UPGRADE_KEY + 40];
    int len = snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    base64_sha1_add(out, text, (size_t)len);
}

static size_t size_of(const struct upgrade_request *r)
{
    size_t size = 512 + strlen(r->url->target) + strlen(r->url->host);
    size += r->authorization ? strlen(r->authorization) : 0;
    size += r->cookies ? strlen(r->cookies) : 0;
    for (size_t i = 0; i < r->header_count; i++)
        size += strlen(r->headers[i]) + 2;
    return size;
}

void upgrade_write(struct buf *out, const struct upgrade_request *r)
{
    const struct url *u = r->url;
    bool default_port = u->port == (strcmp(u->scheme, "https") == 0 ? 443 : 80);
    char port[8] = "";
    buf_reserve(out, size_of(r));
    if (!default_port)
        (void)snprintf(port, sizeof port, ":%u", u->port);
    buf_addf(out,
             u->ipv6 ? "GET %s HTTP/1.1\r\nHost: [%s]%s\r\n" : "GET %s HTTP/1.1\r\nHost: %s%s\r\n",
             u->target, u->host, port);
    buf_addf(out,
             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
             "Sec-WebSocket-Version: 13\r\nUser-Agent: weir/%s\r\n",
             r->key, weir_version());
    if (r->cookies && *r->cookies)
        buf_addf(out, "Cookie: %s\r\n", r->cookies);
    for (size_t i = 0; i < r->header_count; i++)
        buf_addf(out, "%s\r\n", r->headers[i]);
    if (r->authorization)
        buf_addf(out, "%s\r\n", r->authorization);
    buf_adds(out, "\r\n");
}

/* ---- the answer -------------------------------------------------------------------------- */

void upgrade_begin(struct upgrade *u)
{
    upgrade_clear(u);
    u->head = (struct buf)BUF_INIT(2 * (size_t)LIMIT_HTTP_HEADERS + AT_ONCE);
    u->in.max_body = SIZE_MAX / 2; /* `wanted` is what limits it */
}

void upgrade_clear(struct upgrade *u)
{
    answer_clear(&u->in);
    if (u->head.data)
        secret_wipe(u->head.data, u->head.len);
    buf_free(&u->head);
    *u = (struct upgrade){0};
}

/* "HTTP/1.1 101 Switching Protocols"; 0: it is none. */
static int status_of(const char *line)
{
    bool http = strncmp(line, "HTTP/1.", 7) == 0 && (line[7] == '0' || line[7] == '1') &&
                line[8] == ' ' && strspn(line + 9, "0123456789") == 3;
    int status = http ? (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0') : 0;
    return status >= 100 && status <= 599 ? status : 0;
}

/* So much of the body is waited for. */
static size_t wanted_of(const struct upgrade *u)
{
    int64_t len = (int64_t)QUOTED;
    const char *length = answer_value(&u->in, "Content-Length");
    if (u->status == SWITCHING || u->status == 204 || u->status == 304)
        return 0;
    if (length && !text_number(length, 0, INT64_MAX, &len))
        len = (int64_t)QUOTED;
    return len < (int64_t)QUOTED ? (size_t)len : QUOTED;
}

/* The whole head is there; an informational one is followed by another. */
static void read_head(struct upgrade *u)
{
    const char *at = u->head.data, *end = at + u->head.len;
    u->status = status_of(at);
    u->broken = u->status == 0;
    while (!u->broken && at < end) {
        const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
        size_t len = line_end ? (size_t)(line_end - at) + 2 : (size_t)(end - at);
        u->broken = answer_head(&u->in, at, len) != len;
        at += len;
    }
    if (u->broken)
        return;
    u->wanted = wanted_of(u);
    if (u->status < 200 && u->status != SWITCHING) {
        u->status = 0;
        u->head.len = 0;
    }
}

/* Takes what belongs to the head; true when that is whole, or broken. */
static bool take_head(struct upgrade *u, const char *data, size_t len, size_t *used)
{
    static const char begins[] = "HTTP/1.";
    size_t before = u->head.len;
    buf_add(&u->head, data, len);
    *used = len;
    u->broken = u->head.failed;
    if (u->broken || u->head.len == 0)
        return u->broken;
    size_t seen = u->head.len < sizeof begins - 1 ? u->head.len : sizeof begins - 1;
    u->broken = memcmp(u->head.data, begins, seen) != 0;
    const char *end = memmem(u->head.data, u->head.len, "\r\n\r\n", 4);
    if (!end && u->head.len > (size_t)LIMIT_HTTP_HEADERS) {
        u->in.trouble = ANSWER_HEADERS_TOO_LARGE;
        u->broken = true;
    }
    if (u->broken || !end)
        return u->broken;
    u->head.len = (size_t)(end - u->head.data) + 4;
    u->head.data[u->head.len] = '\0'; /* what follows is read from `data` */
    *used = u->head.len - before;
    read_head(u);
    return true;
}

enum upgrade_state upgrade_read(struct upgrade *u, const char *data, size_t len, size_t *used)
{
    *used = 0;
    while (u->status == 0 && !u->broken && *used < len) {
        size_t head = 0;
        if (!take_head(u, data + *used, len - *used, &head)) {
            *used = len;
            return UPGRADE_MORE;
        }
        *used += head;
    }
    if (u->broken || u->status == SWITCHING)
        return UPGRADE_DONE;
    size_t body = len - *used < u->wanted ? len - *used : u->wanted;
    u->wanted -= body;
    u->broken = answer_body(&u->in, data + *used, body) != body;
    *used += body;
    return u->broken || (u->status && u->wanted == 0) ? UPGRADE_DONE : UPGRADE_MORE;
}

/* ---- what it means ----------------------------------------------------------------------- */

static bool is(const struct http_answer *answer, const char *name, const char *value)
{
    const char *found = http_header(answer, name);
    return found && text_equal_nocase(found, value);
}

/* What is wrong with a 101; NULL: nothing. */
static const char *fault_of(const struct http_answer *answer, const char *key)
{
    struct buf accept = BUF_INIT((size_t)64);
    const char *connection = http_header(answer, "Connection");
    const char *said = http_header(answer, "Sec-WebSocket-Accept");
    upgrade_accept(&accept, key);
    bool right = said && accept.data && strcmp(said, accept.data) == 0;
    buf_free(&accept);
    if (!is(answer, "Upgrade", "websocket") || !connection || !strcasestr(connection, "upgrade"))
        return "it is no upgrade to a WebSocket";
    if (!right)
        return "its Sec-WebSocket-Accept does not fit our key";
    if (http_header(answer, "Sec-WebSocket-Extensions") ||
        http_header(answer, "Sec-WebSocket-Protocol"))
        return "it chose an extension or a protocol that was not offered";
    return NULL;
}

/* A chunked body is quoted without its first length. */
static void skip_chunk_head(struct http_answer *answer)
{
    const char *text = answer->body.data;
    const char *end = strstr(text, "\r\n");
    if (!end || !is(answer, "Transfer-Encoding", "chunked"))
        return;
    size_t head = (size_t)(end - text) + 2;
    answer->body = (weir_bytes){text + head, answer->body.len - head};
}

static weir_status refused(const struct http_answer *answer, const char *what, weir_error *err)
{
    if (answer->status / 100 == 2)
        return error_peer(err, WEIR_UNSUPPORTED, WEIR_ORIGIN_HTTP, answer->status,
                          "%s: the server answered %d %s instead of 101: it has no WebSocket there",
                          what, answer->status, status_http_phrase(answer->status));
    return status_http_answer(err, answer, what);
}

weir_status upgrade_judge(struct upgrade *u, const struct upgrade_judge *by,
                          struct http_answer *answer, weir_error *err)
{
    if (u->in.trouble == ANSWER_HEADERS_TOO_LARGE)
        return error_set(err, WEIR_PROTOCOL, "%s: the answer's headers are larger than %d bytes",
                         by->what, LIMIT_HTTP_HEADERS);
    if (u->in.trouble == ANSWER_NO_MEMORY || u->head.failed)
        return error_no_memory(err);
    if (u->broken || u->status == 0)
        return error_set(err, WEIR_PROTOCOL, "%s: what answers there does not speak HTTP/1",
                         by->what);
    if (!answer_view(&u->in, u->status, by->clock, answer))
        return error_no_memory(err);
    skip_chunk_head(answer);
    if (u->status != SWITCHING)
        return refused(answer, by->what, err);
    const char *fault = fault_of(answer, by->key);
    if (fault)
        return error_set(err, WEIR_PROTOCOL, "%s: the server's 101 cannot be taken: %s", by->what,
                         fault);
    return error_ok(err);
}
