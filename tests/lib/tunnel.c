#include "lib/tunnel.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tunnel {
    int listener;
    unsigned port;
    const char *answer;
    pthread_t thread;
    char request[4096];
};

static bool read_request(struct tunnel *t, int fd)
{
    size_t len = 0;
    while (len < sizeof t->request - 1 && !strstr(t->request, "\r\n\r\n")) {
        if (recv(fd, t->request + len, 1, 0) != 1)
            return false;
        t->request[++len] = '\0';
    }
    return true;
}

/* "CONNECT 127.0.0.1:123 HTTP/1.1" */
static int connect_target(const struct tunnel *t)
{
    const char *colon = strchr(t->request, ':');
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port =
                                 htons((uint16_t)(colon ? strtoul(colon + 1, NULL, 10) : 0))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&in, sizeof in) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool copy(int from, int to)
{
    char data[16384];
    ssize_t len = recv(from, data, sizeof data, 0);
    return len > 0 && send(to, data, (size_t)len, MSG_NOSIGNAL) == len;
}

static void forward(int a, int b)
{
    struct pollfd both[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    bool open = true;
    while (open && poll(both, 2, -1) > 0) {
        if (both[0].revents)
            open = copy(a, b);
        if (open && both[1].revents)
            open = copy(b, a);
    }
}

static void *run(void *user)
{
    struct tunnel *t = user;
    int fd = accept(t->listener, NULL, NULL);
    if (fd < 0 || !read_request(t, fd))
        return NULL;
    dprintf(fd, "%s\r\n\r\n", t->answer);
    int target = strstr(t->answer, " 200") ? connect_target(t) : -1;
    if (target >= 0) {
        forward(fd, target);
        close(target);
    }
    close(fd);
    return NULL;
}

struct tunnel *tunnel_start(const char *answer)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    struct tunnel *t = calloc(1, sizeof *t);
    t->answer = answer;
    t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(t->listener, (struct sockaddr *)&in, len) || listen(t->listener, 4) ||
        getsockname(t->listener, (struct sockaddr *)&in, &len) ||
        pthread_create(&t->thread, NULL, run, t))
        abort();
    t->port = ntohs(in.sin_port);
    return t;
}

unsigned tunnel_port(const struct tunnel *t)
{
    return t->port;
}

const char *tunnel_request(const struct tunnel *t)
{
    return t->request;
}

void tunnel_join(struct tunnel *t)
{
    pthread_join(t->thread, NULL);
}

void tunnel_free(struct tunnel *t)
{
    close(t->listener);
    free(t);
}
