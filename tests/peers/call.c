#include "call.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"

/* ---- what comes back, on the I/O thread --------------------------------------------------- */

static void copy_metadata(char *out, const char *name, const weir_metadata *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0 && list[i].value.len < 128)
            memcpy(out, list[i].value.data, list[i].value.len);
    }
}

static void on_headers(void *user, const weir_metadata *headers, size_t count)
{
    struct peer_call *c = user;
    pthread_mutex_lock(&c->lock);
    copy_metadata(c->initial, "x-grpc-test-echo-initial", headers, count);
    pthread_mutex_unlock(&c->lock);
}

static void on_message(void *user, weir_bytes message)
{
    struct peer_call *c = user;
    pthread_mutex_lock(&c->lock);
    buf_free(&c->last);
    c->last = (struct buf)BUF_INIT(PEER_MESSAGE_MAX);
    buf_add(&c->last, message.data, message.len);
    c->messages++;
    c->bytes += message.len;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void on_end(void *user, const struct rpc_end *end)
{
    struct peer_call *c = user;
    pthread_mutex_lock(&c->lock);
    c->error = end->error;
    c->status = end->grpc_status;
    c->unprocessed = end->unprocessed;
    snprintf(c->words, sizeof c->words, "%s", end->message);
    copy_metadata(c->trailing, "x-grpc-test-echo-trailing-bin", end->trailers, end->trailer_count);
    c->ended = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

/* ---- a call ------------------------------------------------------------------------------- */

void peer_call_start(struct peer_call *c, struct rpc *channel, const struct peer_call_options *o)
{
    static const struct rpc_events events = {on_headers, on_message, on_end};
    static const weir_metadata custom[] = {
        {"x-grpc-test-echo-initial", {"test_initial_metadata_value", 27}},
        {"x-grpc-test-echo-trailing-bin", {"\xab\xab\xab", 3}}};
    *c = (struct peer_call){.lock = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER,
                            .last = BUF_INIT(PEER_MESSAGE_MAX)};
    struct rpc_call_options options = {
        .path = o->path,
        .until = deadline_in(clock_system(), o->limit ? o->limit : 10000, 0),
        .metadata = o->metadata ? custom : NULL,
        .metadata_count = o->metadata ? 2 : 0,
        .gzip = o->gzip,
        .server_streams = o->server_streams,
        .client_streams = o->client_streams};
    c->call = rpc_call_start(channel, &options, &events, c, &c->error);
    if (!c->call) /* nothing is called back */
        c->ended = true;
}

void peer_call_send(struct peer_call *c, struct buf *message)
{
    if (c->call)
        rpc_call_send(c->call, (weir_bytes){message->data, message->len}, NULL);
    buf_free(message);
}

void peer_call_wait(struct peer_call *c, size_t count)
{
    pthread_mutex_lock(&c->lock);
    while (!c->ended && c->messages < count)
        pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

void peer_call_finish(struct peer_call *c)
{
    peer_call_wait(c, SIZE_MAX);
    if (c->call)
        rpc_call_free(c->call);
    buf_free(&c->last);
}

/* ---- protobuf by hand ---------------------------------------------------------------------- */

static void varint(struct buf *b, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        buf_add(b, &byte, 1);
        value >>= 7;
    } while (value);
}

void peer_number(struct buf *b, unsigned field, uint64_t value)
{
    varint(b, field << 3);
    varint(b, value);
}

void peer_bytes(struct buf *b, unsigned field, const void *data, size_t len)
{
    varint(b, field << 3 | 2);
    varint(b, len);
    buf_add(b, data, len);
}

void peer_nested(struct buf *b, unsigned field, struct buf *inner)
{
    peer_bytes(b, field, inner->data, inner->len);
    buf_free(inner);
}

static uint64_t read_varint(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

uint64_t peer_field(const void *data, size_t len, unsigned field, const uint8_t **inner)
{
    const uint8_t *at = data;
    const uint8_t *end = at + len;
    while (at < end) {
        uint64_t tag = read_varint(&at, end);
        uint64_t value = read_varint(&at, end);
        bool holds = (tag & 7) == 2;
        if (holds && value > (uint64_t)(end - at))
            return 0;
        *inner = at;
        if (tag >> 3 == field)
            return value;
        at += holds ? value : 0;
    }
    return 0;
}
