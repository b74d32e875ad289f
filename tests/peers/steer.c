#include "steer.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ASK_EVERY_MS 50
#define ASKS         400

static int reach(int port)
{
    const struct timeval limit = {.tv_sec = 30};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* All that is said, until the end. */
static void hear(int fd, char *said, size_t room)
{
    size_t len = 0;
    ssize_t got;
    while (len < room - 1 && (got = read(fd, said + len, room - 1 - len)) > 0)
        len += (size_t)got;
    said[len] = '\0';
}

long steer(int port, const char *path)
{
    char text[4096];
    char *end;
    int fd = reach(port);
    if (fd < 0)
        return -1;
    int len = snprintf(text, sizeof text, "GET %s HTTP/1.0\r\n\r\n", path);
    if (write(fd, text, (size_t)len) == len)
        hear(fd, text, sizeof text);
    close(fd);
    char *body = strstr(text, "\r\n\r\n");
    if (!body)
        return -1;
    long said = strtol(body + 4, &end, 10);
    return end == body + 4 ? -1 : said;
}

bool steer_until(int port, const char *path, long wanted)
{
    for (int i = 0; i < ASKS; i++) {
        if (steer(port, path) >= wanted)
            return true;
        (void)poll(NULL, 0, ASK_EVERY_MS);
    }
    return false;
}
