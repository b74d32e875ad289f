#include "events/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* ---- messages ------------------------------------------------------------------------------ */

/* Behind the '}' that ends the object at `text`. */
static const char *object_end(const char *text)
{
    int depth = 0;
    bool quoted = false;
    for (; *text; text++) {
        if (*text == '\\' && text[1])
            text++;
        else if (*text == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (*text == '{') - (*text == '}');
        if (depth == 0)
            return text + 1;
    }
    return NULL;
}

/* The string that is the member `name` (with quotes), wherever it is in the object. */
static void member(const char *from, const char *end, const char *name, char *out, size_t size)
{
    const char *at = strstr(from, name);
    *out = '\0';
    if (!at || at >= end)
        return;
    at += strlen(name);
    at += strspn(at, " :[");
    if (*at != '"')
        return;
    size_t len = strcspn(at + 1, "\"");
    if (len >= size)
        return;
    memcpy(out, at + 1, len);
    out[len] = '\0';
}

/* faye escapes no '/', but others may: "\/". */
static void unescape(char *text)
{
    char *to = text;
    for (; *text; text++)
        if (text[0] != '\\' || text[1] != '/')
            *to++ = *text;
    *to = '\0';
}

static bool asks_at_once(const char *from, const char *end)
{
    const char *at = strstr(from, "\"timeout\"");
    if (!at || at >= end)
        return false;
    at += strlen("\"timeout\"");
    return at[strspn(at, " :")] == '0';
}

bool message_next(const char **at, struct message *m)
{
    const char *from = strchr(*at, '{');
    const char *end = from ? object_end(from) : NULL;
    if (!end)
        return false;
    member(from, end, "\"channel\"", m->channel, sizeof m->channel);
    member(from, end, "\"id\"", m->id, sizeof m->id);
    member(from, end, "\"clientId\"", m->client, sizeof m->client);
    member(from, end, "\"subscription\"", m->subscription, sizeof m->subscription);
    unescape(m->channel);
    unescape(m->subscription);
    m->at_once = asks_at_once(from, end);
    *at = end;
    return true;
}

/* ---- requests ------------------------------------------------------------------------------ */

/* The value of a header, NULL: there is none before `end`. */
static const char *header(const char *head, const char *end, const char *name)
{
    for (const char *line = strstr(head, "\r\n"); line && line < end;
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, strlen(name)) == 0)
            return line + 2 + strlen(name);
    }
    return NULL;
}

/* Puts the chunks together at the front of the body, which then ends with a NUL. */
static size_t chunked_len(struct peer *peer, char *body)
{
    char *to = body;
    char *at = body;
    char *size_end;
    for (;;) { /* are they all there? */
        size_t len = strtoul(at, &size_end, 16);
        if (strncmp(size_end, "\r\n", 2) != 0)
            return 0;
        at = size_end + 2 + len + 2;
        if (at > peer->bytes + peer->len)
            return 0;
        if (len == 0)
            break;
    }
    size_t whole = (size_t)(at - peer->bytes);
    for (at = body;;) {
        size_t len = strtoul(at, &size_end, 16);
        if (len == 0)
            break;
        memmove(to, size_end + 2, len);
        to += len;
        at = size_end + 2 + len + 2;
    }
    *to = '\0';
    return whole;
}

size_t request_len(struct peer *peer, const char **body)
{
    char *end = strstr(peer->bytes, "\r\n\r\n");
    if (peer->len == 0 || !end)
        return 0;
    *body = end + 4;
    if (header(peer->bytes, end, "transfer-encoding: chunked"))
        return chunked_len(peer, end + 4);
    const char *value = header(peer->bytes, end, "content-length:");
    size_t whole = (size_t)(end + 4 - peer->bytes) + (value ? (size_t)strtoul(value, NULL, 10) : 0);
    return whole <= peer->len ? whole : 0;
}

/* ---- events -------------------------------------------------------------------------------- */

/* Its numbers are of ID_DIGITS; `fill`: what else is in the payload. */
static const char *const EVENT =
    "{\"data\":{\"schema\":\"dffQ2QLzDNHqwB8_sHMxdA\",\"payload\":{\"CreatedDate\":"
    "\"2026-11-25T10:00:00.000Z\",\"CreatedById\":\"005000000000001AAA\",\"Number__c\":@,"
    "%s\"Total__c\":1234.5,\"Paid__c\":true},\"event\":{\"replayId\":@,\"EventUuid\":"
    "\"5ab3f1c2-0000-4000-8000-000@\"}},\"channel\":\"/event/Order__e\"}";

/* Fields of up to 80 characters each until there are `len`. */
static void fill(char *text, size_t room, size_t len)
{
    size_t at = 0;
    for (int n = 1; at + 24 < len && at + 120 < room; n++) {
        size_t more = len - at - 20 < 80 ? len - at - 20 : 80;
        at += (size_t)snprintf(text + at, room - at, "\"Field%02d__c\":\"%.*s\",", n, (int)more,
                               "Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam "
                               "nonumy eirmod tempor invidunt");
    }
    text[at] = '\0';
}

void make_events(struct server *server, size_t count, size_t size)
{
    static char middle[1 << 16];
    static char event[1 << 17];
    size_t bare = strlen(EVENT) - strlen("%s") + MARKS_EACH * (ID_DIGITS - 1);
    struct text *all = &server->events;
    fill(middle, sizeof middle, size > bare ? size - bare : 0);
    (void)snprintf(event, sizeof event, "%.*s%s%s", (int)(strstr(EVENT, "%s") - EVENT), EVENT,
                   middle, strstr(EVENT, "%s") + 2);
    all->bytes[all->len++] = '[';
    for (size_t i = 0; i < count && i < MOST; i++) {
        if (i > 0)
            all->bytes[all->len++] = ',';
        for (const char *at = event; *at; at++) {
            if (*at != '@') {
                all->bytes[all->len++] = *at;
                continue;
            }
            server->mark[server->marks++] = all->len;
            memset(all->bytes + all->len, '0', ID_DIGITS);
            all->len += ID_DIGITS;
        }
    }
}

/* ---- sockets ------------------------------------------------------------------------------- */

int server_listen(int *fd)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0 || bind(*fd, (const struct sockaddr *)&at, len) || listen(*fd, 64) ||
        getsockname(*fd, (struct sockaddr *)&at, &len))
        return 0;
    return ntohs(at.sin_port);
}

void server_no_delay(int fd)
{
    const int yes = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}
