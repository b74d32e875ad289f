/* The callbacks run on the I/O thread; `lock` guards what the test's thread looks at. */
#include "lib/talk.h"

#include "core/clock.h"
#include "lib/check.h"

#include <stdlib.h>
#include <string.h>

static void say(struct talk *t, bool *what)
{
    pthread_mutex_lock(&t->lock);
    *what = true;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

/* ---- the server ---- */

static void server_open(void *user)
{
    struct talk *t = user;
    if (t->server != TALK_FINISH)
        return;
    stream_write(t->accepted, "bye", 3);
    stream_shutdown(t->accepted);
}

static void server_data(void *user, const uint8_t *data, size_t len)
{
    struct talk *t = user;
    if (t->answer && !t->answered) {
        t->answered = true;
        bool right =
            !t->asks || (len >= strlen(t->asks) && !memcmp(data, t->asks, strlen(t->asks)));
        stream_write(t->accepted, right ? t->answer : "?", right ? strlen(t->answer) : 1);
    } else if (t->server == TALK_ECHO) {
        stream_write(t->accepted, data, len);
    } else if (t->server == TALK_LEAVE) {
        stream_close(t->accepted);
        t->accepted = NULL;
        say(t, &t->server_ended);
    }
}

static void server_end(void *user, const weir_error *why)
{
    struct talk *t = user;
    (void)why;
    stream_close(t->accepted);
    t->accepted = NULL;
    say(t, &t->server_ended);
}

static void on_accepted(void *user, struct stream *stream)
{
    static const struct stream_events events = {server_open, server_data, NULL, server_end};
    struct talk *t = user;
    t->accepted = stream;
    stream_attach(stream, &events, t);
}

/* ---- the client ---- */

static void client_open(void *user)
{
    struct talk *t = user;
    uint8_t *all = malloc(t->send + 1);
    for (size_t i = 0; i < t->send; i++)
        all[i] = byte_at(i);
    stream_write(t->client, all, t->send);
    free(all);
    say(t, &t->opened);
}

static void client_data(void *user, const uint8_t *data, size_t len)
{
    struct talk *t = user;
    bool first = t->echoed == 0;
    if (first && t->pause)
        stream_pause(t->client);
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < len; i++)
        t->garbled |= t->server == TALK_ECHO && data[i] != byte_at(t->echoed + i);
    t->echoed += len;
    t->pieces++;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}

static void client_end(void *user, const weir_error *why)
{
    struct talk *t = user;
    stream_close(t->client);
    t->client = NULL;
    t->why = *why;
    say(t, &t->ended);
}

/* ---- the test's thread ---- */

static void listen_on_loop(void *user)
{
    struct talk *t = user;
    struct listener_options o = {"127.0.0.1", 0, t->server_tls, on_accepted, t};
    t->listener = listener_open(t->loop, &o, NULL);
}

uint16_t talk_listen(struct talk *t)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&t->moved, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&t->lock, NULL);
    t->loop = loop_acquire(NULL);
    assert_non_null(t->loop);
    loop_call(t->loop, listen_on_loop, t);
    assert_non_null(t->listener);
    return listener_port(t->listener);
}

struct start {
    struct talk *talk;
    uint16_t port;
};

static void connect_on_loop(void *user)
{
    static const struct stream_events events = {client_open, client_data, NULL, client_end};
    struct start *start = user;
    struct talk *t = start->talk;
    struct address to;
    address_parse("127.0.0.1", start->port, &to);
    struct stream_options o = {.address = &to,
                               .tls = t->client_tls,
                               .server_name = t->server_name,
                               .connect_target = t->connect_target,
                               .proxy_authorization = t->proxy_authorization,
                               .until = deadline_in(clock_system(), t->limit ? t->limit : 10000, 0),
                               .events = &events,
                               .user = t};
    t->client = stream_connect(t->loop, &o, &t->why);
    if (!t->client)
        say(t, &t->ended);
}

void talk_connect(struct talk *t, uint16_t port)
{
    struct start start = {t, port};
    loop_call(t->loop, connect_on_loop, &start);
}

static bool over(const struct talk *t)
{
    return t->ended || (t->server == TALK_ECHO && t->opened && t->echoed >= t->send && !t->pause);
}

static bool opened(const struct talk *t)
{
    return t->ended || t->opened;
}

static bool paused(const struct talk *t)
{
    return t->ended || t->echoed > 0;
}

static void wait_for(struct talk *t, bool (*holds)(const struct talk *t))
{
    int64_t end = clock_mono(clock_system()) + 20 * NS_PER_S;
    struct timespec until = {.tv_sec = end / NS_PER_S, .tv_nsec = end % NS_PER_S};
    int timed_out = 0;
    pthread_mutex_lock(&t->lock);
    while (!holds(t) && !timed_out)
        timed_out = pthread_cond_timedwait(&t->moved, &t->lock, &until);
    pthread_mutex_unlock(&t->lock);
    assert_int_equal(timed_out, 0);
}

void talk_wait(struct talk *t)
{
    wait_for(t, over);
}

void talk_wait_opened(struct talk *t)
{
    wait_for(t, opened);
}

static void resume_on_loop(void *user)
{
    struct talk *t = user;
    t->pause = false;
    if (t->client)
        stream_resume(t->client);
}

void talk_resume(struct talk *t)
{
    wait_for(t, paused);
    loop_call(t->loop, resume_on_loop, t);
}

static void close_on_loop(void *user)
{
    struct talk *t = user;
    stream_close(t->client);
    stream_close(t->accepted);
    listener_close(t->listener);
    t->client = t->accepted = NULL;
}

void talk_close(struct talk *t)
{
    loop_call(t->loop, close_on_loop, t);
    loop_release(t->loop); /* joined: nothing looks at *t any more */
    pthread_cond_destroy(&t->moved);
    pthread_mutex_destroy(&t->lock);
}

void talk_run(struct talk *t)
{
    talk_connect(t, talk_listen(t));
    talk_wait(t);
    talk_close(t);
}
