/* A Salesforce-like server for the benchmark of events: it answers from memory, so that it is never
 * the limit. Usage: server EVENTS SIZE
 *
 * Prints its port and ends with its standard input. Takes logins at /services/oauth2/token and
 * Bayeux at any other path: a handshake is given a session, its first /meta/connect is answered at
 * once, each later one with EVENTS events of SIZE bytes, as soon as there is a subscription. The
 * replay ids rise from 100000001, so that they can be written over the ones of the time before.
 * With no EVENTS a /meta/connect is held for ever. */
#include "events/server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static void say(struct text *text, const char *more)
{
    size_t len = strlen(more);
    need(text->len + len < sizeof text->bytes, "an answer is too long");
    memcpy(text->bytes + text->len, more, len + 1);
    text->len += len;
}

static void hang_up(struct server *server, struct peer *peer)
{
    for (size_t i = 0; i < SESSIONS; i++)
        if (server->sessions[i].held == peer)
            server->sessions[i].held = NULL;
    close(peer->fd);
    peer->fd = -1;
    peer->len = 0;
}

/* Blocking: a client always reads what it has asked for. */
static void put(struct peer *peer, struct iovec *parts, size_t count)
{
    while (count > 0) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
        ssize_t done = sendmsg(peer->fd, &message, MSG_NOSIGNAL);
        if (done <= 0)
            return; /* it is gone, which reading will say, too */
        for (; count > 0 && (size_t)done >= parts->iov_len; parts++, count--)
            done -= (ssize_t)parts->iov_len;
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + done;
            parts->iov_len -= (size_t)done;
        }
    }
}

/* An answer of HTTP: its head and one or two parts of a body; what is long is not copied. */
static void answer(struct peer *peer, int status, struct part first, struct part second)
{
    static char whole[8192];
    int len = snprintf(whole, sizeof whole,
                       "HTTP/1.1 %d X\r\nContent-Type: application/json;charset=UTF-8\r\n"
                       "Content-Length: %zu\r\n%s\r\n",
                       status, first.len + second.len,
                       peer->greet ? "Set-Cookie: BAYEUX_BROWSER=b1; Path=/\r\n" : "");
    size_t head = (size_t)len;
    peer->greet = false;
    if (head + first.len + second.len > sizeof whole) {
        struct iovec parts[] = {{whole, head}, {first.at, first.len}, {second.at, second.len}};
        put(peer, parts, 3);
        return;
    }
    if (first.len > 0)
        memcpy(whole + head, first.at, first.len);
    if (second.len > 0)
        memcpy(whole + head + first.len, second.at, second.len);
    put(peer, &(struct iovec){whole, head + first.len + second.len}, 1);
}

/* The events of an answer, with the next replay ids: digits are written over digits. */
static void renumber(struct server *server, struct session *session)
{
    char digits[16];
    for (size_t i = 0; i < server->marks; i++) {
        if (i % MARKS_EACH == 0)
            (void)snprintf(digits, sizeof digits, "%09ld", session->next++);
        memcpy(server->events.bytes + server->mark[i], digits, ID_DIGITS);
    }
}

static void connected(struct text *text, const char *id, bool first)
{
    say(text, "{\"clientId\":\"s\",\"channel\":\"/meta/connect\",\"successful\":true,\"id\":\"");
    say(text, id);
    say(text, first ? "\",\"advice\":{\"reconnect\":\"retry\",\"interval\":0,\"timeout\":110000}}"
                    : "\"}");
}

/* The answer to a /meta/connect that brings events: they lie in memory behind a '['. */
static void deliver(struct server *server, struct session *session, struct peer *peer,
                    const char *id)
{
    static struct text end;
    renumber(server, session);
    end.len = 0;
    say(&end, ",");
    connected(&end, id, false);
    say(&end, "]");
    answer(peer, 200, (struct part){server->events.bytes, server->events.len},
           (struct part){end.bytes, end.len});
}

static void reply(struct text *out, const struct message *m, const char *more)
{
    say(out, "{\"channel\":\"");
    say(out, m->channel);
    say(out, "\",\"successful\":true,\"id\":\"");
    say(out, m->id);
    say(out, "\"");
    say(out, more);
    say(out, "},");
}

static struct session *session_of(struct server *server, const struct message *m)
{
    const char *digits = strrchr(m->client, '-');
    size_t number = digits ? strtoul(digits + 1, NULL, 10) : 0;
    return &server->sessions[number % SESSIONS];
}

static void handshake(struct server *server, struct peer *peer, const struct message *m,
                      struct text *out)
{
    char more[256];
    size_t number = ++server->shaken % SESSIONS;
    server->sessions[number] = (struct session){.next = FIRST_ID};
    (void)snprintf(more, sizeof more,
                   ",\"clientId\":\"bench-%zu\",\"version\":\"1.0\",\"minimumVersion\":\"1.0\","
                   "\"supportedConnectionTypes\":[\"long-polling\"],"
                   "\"ext\":{\"replay\":true,\"payload.format\":true}",
                   number);
    peer->greet = true;
    reply(out, m, more);
}

/* False: the request is held, or has been answered. */
static bool take_connect(struct server *server, struct peer *peer, const struct message *m,
                         bool alone, struct text *out)
{
    struct session *session = session_of(server, m);
    bool first = !session->connected;
    session->connected = true;
    if (first || m->at_once || !alone) {
        connected(out, m->id, first);
        say(out, ",");
        return true;
    }
    if (session->subscribed && server->marks > 0) {
        deliver(server, session, peer, m->id);
        return false;
    }
    session->held = peer;
    (void)snprintf(session->held_id, sizeof session->held_id, "%s", m->id);
    return false;
}

static void subscribe(struct server *server, const struct message *m, struct text *out)
{
    char more[300];
    (void)snprintf(more, sizeof more, ",\"clientId\":\"s\",\"subscription\":\"%s\"",
                   m->subscription);
    reply(out, m, more);
    session_of(server, m)->subscribed = true;
}

/* A held connect is answered when its session has a subscription. */
static void let_go(struct server *server)
{
    for (size_t i = 0; i < SESSIONS; i++) {
        struct session *session = &server->sessions[i];
        struct peer *held = session->held;
        if (!held || !session->subscribed || server->marks == 0)
            continue;
        session->held = NULL;
        deliver(server, session, held, session->held_id);
    }
}

static void bayeux(struct server *server, struct peer *peer, const char *body)
{
    static struct text out;
    struct message m;
    bool answered = false;
    out.len = 0;
    say(&out, "[");
    size_t count = 0;
    for (const char *at = body; message_next(&at, &m);)
        count++;
    for (const char *at = body; message_next(&at, &m);) {
        if (strcmp(m.channel, "/meta/handshake") == 0)
            handshake(server, peer, &m, &out);
        else if (strcmp(m.channel, "/meta/subscribe") == 0)
            subscribe(server, &m, &out);
        else if (strcmp(m.channel, "/meta/connect") == 0)
            answered = !take_connect(server, peer, &m, count == 1, &out) || answered;
        else
            reply(&out, &m, "");
    }
    if (!answered) {
        out.len -= out.len > 1; /* the last comma */
        out.bytes[out.len] = '\0';
        say(&out, "]");
        answer(peer, 200, (struct part){out.bytes, out.len}, NOTHING);
    }
    let_go(server);
}

static void login(struct server *server, struct peer *peer)
{
    static struct text out;
    char text[512];
    out.len = 0;
    (void)snprintf(text, sizeof text,
                   "{\"access_token\":\"bench-token\",\"token_type\":\"Bearer\","
                   "\"instance_url\":\"http://localhost:%d\","
                   "\"id\":\"http://localhost:%d/id/00D000000000001EAA/005000000000001AAA\","
                   "\"issued_at\":\"1700000000000\",\"signature\":\"c2lnbmF0dXJl\"}",
                   server->port, server->port);
    say(&out, text);
    answer(peer, 200, (struct part){out.bytes, out.len}, NOTHING);
}

static void requested(struct server *server, struct peer *peer, const char *body)
{
    if (strstr(peer->bytes, "/services/oauth2/token"))
        login(server, peer);
    else if (strncmp(peer->bytes, "POST ", 5) == 0)
        bayeux(server, peer, body);
    else
        answer(peer, 400, NOTHING, NOTHING);
}

/* Whole requests among the bytes that have come. */
static void look(struct server *server, struct peer *peer)
{
    size_t len;
    const char *body;
    while (peer->fd >= 0 && (len = request_len(peer, &body)) > 0) {
        char kept = peer->bytes[len];
        peer->bytes[len] = '\0';
        requested(server, peer, body);
        peer->bytes[len] = kept;
        memmove(peer->bytes, peer->bytes + len, peer->len - len + 1);
        peer->len -= len;
    }
}

static void hear(struct server *server, struct peer *peer)
{
    size_t room = sizeof peer->bytes - 1 - peer->len;
    ssize_t got = room > 0 ? recv(peer->fd, peer->bytes + peer->len, room, 0) : 0;
    if (got <= 0) {
        hang_up(server, peer);
        return;
    }
    peer->len += (size_t)got;
    peer->bytes[peer->len] = '\0';
    look(server, peer);
}

static void welcome(struct server *server)
{
    int fd = accept(server->fd, NULL, NULL);
    for (size_t i = 0; fd >= 0 && i < PEERS; i++) {
        if (server->peers[i].fd >= 0)
            continue;
        server->peers[i].fd = fd;
        server->peers[i].len = 0;
        server_no_delay(fd);
        return;
    }
    if (fd >= 0)
        close(fd);
}

static bool wait_and_serve(struct server *server)
{
    struct pollfd fds[PEERS + 2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                    {.fd = server->fd, .events = POLLIN}};
    for (size_t i = 0; i < PEERS; i++)
        fds[i + 2] = (struct pollfd){.fd = server->peers[i].fd, .events = POLLIN};
    if (poll(fds, PEERS + 2, -1) < 0)
        return errno == EINTR;
    if (fds[0].revents)
        return false;
    for (size_t i = 0; i < PEERS; i++)
        if (fds[i + 2].revents && server->peers[i].fd == fds[i + 2].fd)
            hear(server, &server->peers[i]);
    if (fds[1].revents)
        welcome(server);
    return true;
}

int main(int argc, char **argv)
{
    static struct server server;
    need(argc == 3, "usage: server EVENTS SIZE");
    for (size_t i = 0; i < PEERS; i++)
        server.peers[i].fd = -1;
    make_events(&server, strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10));
    server.port = server_listen(&server.fd);
    need(server.port > 0, "listen");
    printf("%d\n", server.port);
    (void)fflush(stdout);
    while (wait_and_serve(&server)) {
    }
    return 0;
}
