/* Bytes as frames: the first byte says for which side and in which pieces. Whatever comes, messages
 * are UTF-8 within the limit, the same whatever the pieces, and what is answered is frames that the
 * other side understands. */
#include "bayeux/websocket_frames.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/text.h"
#include "lib/vclock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST ((size_t)1000)

struct side {
    struct frames *frames;
    struct buf messages; /* each with an end of its own */
    struct buf out;
};

static bool on_message(void *user, char *text, size_t len)
{
    struct side *s = user;
    if (len > MOST || text[len] || !text_is_utf8(text, len))
        abort();
    buf_add(&s->messages, text, len);
    buf_add(&s->messages, "\xff", 1);
    mem_free(text);
    return true;
}

static void on_write(void *user, const void *data, size_t len)
{
    struct side *s = user;
    buf_add(&s->out, data, len);
}

static void begin(struct side *s, bool server)
{
    static struct vclock clock;
    vclock_init(&clock);
    *s = (struct side){.messages = BUF_INIT((size_t)64 * 1024 * 1024),
                       .out = BUF_INIT((size_t)64 * 1024 * 1024)};
    const struct frames_options options = {.server = server,
                                           .max_message = MOST,
                                           .clock = &clock.clock,
                                           .message = on_message,
                                           .write = on_write,
                                           .user = s};
    s->frames = frames_new(&options, NULL);
    if (!s->frames)
        abort();
}

static void end(struct side *s)
{
    frames_free(s->frames);
    buf_free(&s->messages);
    buf_free(&s->out);
}

static weir_status feed(struct side *s, const uint8_t *data, size_t size, size_t piece)
{
    weir_status status = WEIR_OK;
    weir_error err = {0};
    for (size_t at = 0; at < size && status == WEIR_OK; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        void *copy = mem_dup(data + at, len); /* reading past it is seen */
        status = frames_receive(s->frames, copy, len, &err);
        mem_free(copy);
    }
    if ((status == WEIR_OK) != (err.message[0] == '\0') || strpbrk(err.message, "\r\n"))
        abort();
    return status;
}

/* Pongs, then perhaps a close: all of it is well-formed to the other side. */
static void check_answers(const struct side *s, bool server)
{
    struct side other;
    weir_error err = {0};
    begin(&other, !server);
    weir_status status =
        frames_receive(other.frames, s->out.data ? s->out.data : "", s->out.len, &err);
    if (status != WEIR_OK && !strstr(err.message, "closed the WebSocket"))
        abort();
    end(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct side whole, pieces;
    if (size == 0)
        return 0;
    bool server = data[0] & 1;
    begin(&whole, server);
    begin(&pieces, server);
    weir_status status = feed(&whole, data + 1, size - 1, size);
    if (feed(&pieces, data + 1, size - 1, (size_t)(data[0] >> 1) % 9 + 1) != status)
        abort();
    if (whole.messages.len != pieces.messages.len || whole.out.len != pieces.out.len)
        abort();
    if (whole.messages.len &&
        memcmp(whole.messages.data, pieces.messages.data, whole.messages.len) != 0)
        abort();
    check_answers(&whole, server);
    end(&whole);
    end(&pieces);
    return 0;
}
