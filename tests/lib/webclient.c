#include "lib/webclient.h"

#include "lib/check.h"

#include "core/buf.h"
#include "core/mem.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)64 * 1024 * 1024)

int web_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

void web_send(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* what the server makes of it shows in its answer */
        text += sent;
        len -= (size_t)sent;
    }
}

static char *read_until(int fd, const char *end, size_t enough)
{
    char piece[4096];
    struct buf text = BUF_INIT(ANSWER_MAX);
    while (text.len < enough) {
        ssize_t got = recv(fd, piece, sizeof piece, 0);
        if (got <= 0)
            break;
        buf_add(&text, piece, (size_t)got);
        if (end && text.data && strstr(text.data, end))
            break;
    }
    return text.data ? text.data : mem_strdup("");
}

char *web_read(int fd, const char *end)
{
    return read_until(fd, end, SIZE_MAX);
}

char *web_talk(uint16_t port, const char *request, size_t enough)
{
    int fd = web_connect(port);
    if (fd < 0)
        return NULL;
    web_send(fd, request);
    char *answer = read_until(fd, NULL, enough);
    close(fd);
    return answer;
}

uint16_t web_port_of(const char *url)
{
    const char *colon = strrchr(url, ':');
    return (uint16_t)(colon ? strtoul(colon + 1, NULL, 10) : 0);
}

char *web_ask(const char *method, const char *url, const char *type, const char *body)
{
    struct buf request = BUF_INIT(ANSWER_MAX);
    const char *path = strchr(url + strlen("http://"), '/');
    buf_addf(&request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n", method,
             path ? path : "/");
    if (type)
        buf_addf(&request, "Content-Type: %s\r\n", type);
    if (body)
        buf_addf(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_adds(&request, "\r\n");
    buf_adds(&request, body ? body : "");
    assert_non_null(request.data);
    char *answer = web_talk(web_port_of(url), request.data, SIZE_MAX);
    buf_free(&request);
    return answer;
}
