#include "lib/rawserver.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PREFACE 24

struct rawserver {
    int listener;
    unsigned port;
    pthread_t thread;
    struct rawscript script;
    unsigned served; /* connections */
};

void raw_frame(struct buf *b, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
               size_t len)
{
    uint8_t head[9] = {(uint8_t)(len >> 16),
                       (uint8_t)(len >> 8),
                       (uint8_t)len,
                       type,
                       flags,
                       (uint8_t)(stream >> 24),
                       (uint8_t)(stream >> 16),
                       (uint8_t)(stream >> 8),
                       (uint8_t)stream};
    buf_add(b, head, sizeof head);
    buf_add(b, payload, len);
}

void raw_header(struct buf *block, const char *name, const char *value)
{
    const uint8_t start[] = {0, (uint8_t)strlen(name)};
    const uint8_t len = (uint8_t)strlen(value);
    buf_add(block, start, 2);
    buf_adds(block, name);
    buf_add(block, &len, 1);
    buf_adds(block, value);
}

void raw_headers(struct buf *b, uint8_t flags, const struct buf *block)
{
    raw_frame(b, 1, flags, 1, block->data, block->len);
}

void raw_grpc_headers(struct buf *b)
{
    struct buf block = BUF_INIT(1024);
    raw_header(&block, ":status", "200");
    raw_header(&block, "content-type", "application/grpc");
    raw_headers(b, 4, &block);
    buf_free(&block);
}

void raw_trailers(struct buf *b, const char *grpc_status)
{
    struct buf block = BUF_INIT(1024);
    raw_header(&block, "grpc-status", grpc_status);
    raw_headers(b, 5, &block);
    buf_free(&block);
}

static bool say_in(int fd, const struct buf *what, size_t piece)
{
    for (size_t sent = 0; sent < what->len;) {
        size_t left = what->len - sent;
        ssize_t n = send(fd, what->data + sent, piece && piece < left ? piece : left, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

static bool say(int fd, const struct buf *what)
{
    return say_in(fd, what, 0);
}

static bool read_all(int fd, uint8_t *to, size_t len)
{
    return len == 0 || recv(fd, to, len, MSG_WAITALL) == (ssize_t)len;
}

static bool await_preface(int fd)
{
    uint8_t preface[PREFACE];
    return read_all(fd, preface, sizeof preface);
}

/* Until a DATA or HEADERS frame with END_STREAM; its stream, or 0 when the client is gone. */
static uint32_t await_request(int fd, const struct buf *on_ack)
{
    uint8_t head[9];
    uint8_t payload[16384];
    for (;;) {
        if (!read_all(fd, head, sizeof head))
            return 0;
        size_t len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (len > sizeof payload || !read_all(fd, payload, len))
            return 0;
        if (head[3] <= 1 && (head[4] & 1))
            return (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
        if (head[3] == 4 && (head[4] & 1) && !say(fd, on_ack))
            return 0;
    }
}

/* A whole answer: "hi", OK. */
static bool answer_well(int fd, uint32_t stream)
{
    static const uint8_t message[] = {0, 0, 0, 0, 2, 'h', 'i'};
    struct buf out = BUF_INIT(1024);
    struct buf block = BUF_INIT(256);
    raw_header(&block, ":status", "200");
    raw_header(&block, "content-type", "application/grpc");
    raw_frame(&out, 1, 4, stream, block.data, block.len);
    raw_frame(&out, 0, 0, stream, message, sizeof message);
    buf_free(&block);
    raw_header(&block, "grpc-status", "0");
    raw_frame(&out, 1, 5, stream, block.data, block.len);
    bool said = say(fd, &out);
    buf_free(&block);
    buf_free(&out);
    return said;
}

static void serve_well(int fd)
{
    static const struct buf nothing = BUF_INIT(1);
    uint32_t stream;
    while ((stream = await_request(fd, &nothing)) != 0 && answer_well(fd, stream)) {
    }
}

static void serve(const struct rawscript *script, int fd)
{
    char byte;
    if (!say(fd, &script->greeting) || !await_preface(fd) || !await_request(fd, &script->on_ack) ||
        !say_in(fd, &script->answer, script->piece) || script->hang_up)
        return;
    while (script->flood.len > 0 && say(fd, &script->flood)) {
    }
    if (script->mends)
        serve_well(fd);
    while (recv(fd, &byte, 1, 0) > 0) { /* until the client closes */
    }
}

static void serve_next(struct rawserver *s, int fd)
{
    static const uint8_t settings[9] = {0, 0, 0, 4};
    const int now = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
    if (!s->script.mends || s->served++ == 0)
        serve(&s->script, fd);
    else if (send(fd, settings, sizeof settings, MSG_NOSIGNAL) > 0 && await_preface(fd))
        serve_well(fd);
    close(fd);
}

static void *run(void *user)
{
    struct rawserver *s = user;
    for (;;) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        serve_next(s, fd);
    }
}

struct rawserver *rawserver_start(struct rawscript *script)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    struct rawserver *s = calloc(1, sizeof *s);
    s->script = *script;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(s->listener, (struct sockaddr *)&in, len) || listen(s->listener, 8) ||
        getsockname(s->listener, (struct sockaddr *)&in, &len) ||
        pthread_create(&s->thread, NULL, run, s))
        abort();
    s->port = ntohs(in.sin_port);
    return s;
}

unsigned rawserver_port(const struct rawserver *s)
{
    return s->port;
}

void rawserver_stop(struct rawserver *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
    buf_free(&s->script.greeting);
    buf_free(&s->script.answer);
    buf_free(&s->script.flood);
    buf_free(&s->script.on_ack);
    free(s);
}
