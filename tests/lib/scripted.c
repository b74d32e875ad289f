#include "lib/scripted.h"

#include "lib/check.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* True once a request has come; requests here fit a segment, and one waits for its answer. */
static bool request(int fd)
{
    char data[8192];
    return recv(fd, data, sizeof data, 0) > 0;
}

static bool say(int fd, const char *text, size_t len)
{
    return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool answer(int fd, const char *text)
{
    static const char more[4096] = {'x'};
    if (strcmp(text, TALK_FLOOD) == 0) {
        (void)say(fd, "$60000\r\n", 8);
        while (say(fd, more, sizeof more)) {
        }
        return false;
    }
    if (*text != *TALK_CRUMBS)
        return say(fd, text, strlen(text));
    for (text++; *text; text++) {
        if (!say(fd, text, 1))
            return false;
    }
    return true;
}

static void serve(int fd, const struct talk *talk)
{
    for (size_t i = 0; i < COUNT(talk->answers) && request(fd); i++) {
        if (!talk->answers[i]) {
            while (request(fd)) {
            }
            return;
        }
        if (!*talk->answers[i] || !answer(fd, talk->answers[i]))
            return;
    }
}

static void *run(void *user)
{
    struct scripted *s = user;
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        serve(fd, &s->talks[s->served < s->count ? s->served : s->count - 1]);
        s->served++;
        close(fd);
    }
    return NULL;
}

void scripted_start(struct scripted *s, const struct talk *talks, size_t count)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    const int on = 1;
    *s = (struct scripted){.talks = talks, .count = count};
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
}

void scripted_stop(struct scripted *s)
{
    (void)shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
}
