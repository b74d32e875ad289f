/* Frames are libwslay's: headers, lengths, masks. What they make up is put together here, because
 * libwslay's own layer for that knows no limit for a message in fragments once it does not buffer,
 * takes the close codes 1012 to 1014 for errors and queues pongs without end.
 *
 * A message grows in one block, which becomes the owner's. What a frame announces is checked
 * against the limit before any of it is stored, and memory is taken for what has come, not for what
 * was announced. */
#include "bayeux/websocket_frames.h"

#include "bayeux/wslay.h"
#include "core/buf.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"

#include <string.h>

#define CONTROL_MAX 125 /* RFC 6455, 5.5 */
#define OUT_MAX     ((size_t)256 * 1024 * 1024)

#define PROTOCOL_ERROR 1002
#define UNACCEPTABLE   1003
#define NO_CODE        1005
#define INVALID_TEXT   1007

struct frames {
    struct frames_options options;
    wslay_frame_context_ptr wslay;
    const uint8_t *in; /* of frames_receive() */
    size_t in_len;
    struct buf out; /* a frame that is being written */
    char *text;     /* the message so far */
    size_t len, cap;
    bool in_message, in_frame;
    uint64_t got; /* of the frame's payload */
    char control[CONTROL_MAX + 1];
    bool closing; /* a close frame was written */
    bool over;
};

/* ---- close codes ------------------------------------------------------------------------- */

static const struct code {
    int code;
    weir_status status; /* for who wanted to go on */
    const char *name;
} codes[] = {
    {1000, WEIR_UNREACHABLE, "normal closure"},
    {1001, WEIR_UNREACHABLE, "going away"},
    {1002, WEIR_PROTOCOL, "protocol error"},
    {1003, WEIR_PROTOCOL, "it does not take such data"},
    {1005, WEIR_UNREACHABLE, "no reason given"},
    {1007, WEIR_PROTOCOL, "invalid text"},
    {1008, WEIR_REFUSED, "against its policy"},
    {1009, WEIR_REFUSED, "message too big"},
    {1010, WEIR_PROTOCOL, "it wants an extension"},
    {1011, WEIR_UNREACHABLE, "internal error"},
    {1012, WEIR_UNREACHABLE, "restarting"},
    {1013, WEIR_BUSY, "try again later"},
    {1014, WEIR_UNREACHABLE, "bad gateway"},
};

static const struct code *code_of(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].code == code)
            return &codes[i];
    }
    return NULL;
}

const char *frames_code_name(int code)
{
    const struct code *found = code_of(code);
    return found ? found->name : "";
}

/* RFC 6455, 7.4: those that may be on the wire. */
static bool may_be_sent(int code)
{
    return (code_of(code) && code != NO_CODE) || (code >= 3000 && code <= 4999);
}

static weir_status explain_close(int code, const char *reason, size_t len, weir_error *err)
{
    struct buf words = BUF_INIT((size_t)256);
    const struct code *known = code_of(code);
    const char *name = known ? known->name : "its own reason";
    text_fold(&words, reason, len, CONTROL_MAX);
    weir_status status = error_set(err, known ? known->status : WEIR_UNREACHABLE,
                                   "the peer closed the WebSocket: %d %s%s%s", code, name,
                                   words.len ? ": " : "", words.data ? words.data : "");
    if (err && code == FRAMES_TOO_BIG)
        err->kind = WEIR_KIND_MESSAGE_TOO_LARGE;
    buf_free(&words);
    return status;
}

/* ---- libwslay's callbacks ---------------------------------------------------------------- */

static ssize_t on_send(const uint8_t *data, size_t len, int flags, void *user)
{
    struct frames *f = user;
    (void)flags;
    buf_add(&f->out, data, len);
    return f->out.failed ? -1 : (ssize_t)len;
}

static ssize_t on_recv(uint8_t *out, size_t len, int flags, void *user)
{
    struct frames *f = user;
    (void)flags;
    if (len > f->in_len)
        len = f->in_len;
    if (len == 0)
        return -1;
    memcpy(out, f->in, len);
    f->in += len;
    f->in_len -= len;
    return (ssize_t)len;
}

static int on_mask(uint8_t *out, size_t len, void *user)
{
    const struct frames *f = user;
    clock_random_bytes(f->options.clock, out, len);
    return 0;
}

struct frames *frames_new(const struct frames_options *options, weir_error *err)
{
    static const struct wslay_frame_callbacks callbacks = {on_send, on_recv, on_mask};
    if (wslay_load(err) != WEIR_OK)
        return NULL;
    struct frames *f = mem_zalloc(sizeof *f);
    if (!f || wslay.frame_context_init(&f->wslay, &callbacks, f) != 0) {
        mem_free(f);
        error_no_memory(err);
        return NULL;
    }
    f->options = *options;
    f->out = (struct buf)BUF_INIT(OUT_MAX);
    return f;
}

void frames_free(struct frames *f)
{
    if (!f)
        return;
    wslay.frame_context_free(f->wslay);
    buf_free(&f->out);
    mem_free(f->text);
    mem_free(f);
}

/* ---- out --------------------------------------------------------------------------------- */

static weir_status put(struct frames *f, uint8_t opcode, const void *data, size_t len,
                       weir_error *err)
{
    struct wslay_frame_iocb io = {.fin = 1,
                                  .opcode = opcode,
                                  .payload_length = len,
                                  .mask = !f->options.server,
                                  .data = data,
                                  .data_length = len};
    if (f->closing || f->over)
        return WEIR_OK;
    buf_reserve(&f->out, len + 16);
    ssize_t sent = f->out.failed ? -1 : wslay.frame_send(f->wslay, &io);
    bool good = sent >= 0 && (size_t)sent == len && !f->out.failed;
    if (good)
        f->options.write(f->options.user, f->out.data, f->out.len);
    buf_free(&f->out);
    f->out = (struct buf)BUF_INIT(OUT_MAX);
    return good ? WEIR_OK : error_no_memory(err);
}

weir_status frames_send(struct frames *f, const char *text, size_t len, weir_error *err)
{
    return put(f, WSLAY_TEXT_FRAME, text, len, err);
}

weir_status frames_ping(struct frames *f, weir_error *err)
{
    return put(f, WSLAY_PING, "", 0, err);
}

void frames_close(struct frames *f, int code, const char *reason)
{
    char payload[CONTROL_MAX];
    size_t len = reason ? strnlen(reason, sizeof payload - 2) : 0;
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    if (len)
        memcpy(payload + 2, reason, len);
    (void)put(f, WSLAY_CONNECTION_CLOSE, payload, code ? len + 2 : 0, NULL);
    f->closing = true; /* without memory the peer sees the end alone */
}

/* ---- in ---------------------------------------------------------------------------------- */

static weir_status give_up(struct frames *f, int code, const char *why, weir_error *err)
{
    frames_close(f, code, why);
    return error_set(err, WEIR_PROTOCOL, "the peer broke the WebSocket protocol: %s", why);
}

static weir_status too_big(struct frames *f, weir_error *err)
{
    frames_close(f, FRAMES_TOO_BIG, "message too big");
    error_set(err, WEIR_PROTOCOL, "a message is larger than %zu bytes: raise max_message",
              f->options.max_message);
    if (err)
        err->kind = WEIR_KIND_MESSAGE_TOO_LARGE;
    return WEIR_PROTOCOL;
}

/* What is wrong with a frame by its header alone; NULL: nothing. */
static const char *fault_of(const struct frames *f, const struct wslay_frame_iocb *io)
{
    if (io->rsv)
        return "a frame has reserved bits";
    if (!io->mask != !f->options.server)
        return f->options.server ? "a frame of a client is not masked"
                                 : "a frame of a server is masked";
    switch (io->opcode) {
    case WSLAY_TEXT_FRAME:
        return f->in_message ? "a message begins within another" : NULL;
    case WSLAY_CONTINUATION_FRAME:
        return f->in_message ? NULL : "a message goes on that has not begun";
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return NULL;
    default:
        return "a frame has an opcode that nobody knows";
    }
}

static weir_status begin_frame(struct frames *f, const struct wslay_frame_iocb *io, weir_error *err)
{
    if (io->opcode == WSLAY_BINARY_FRAME && !io->rsv) {
        frames_close(f, UNACCEPTABLE, "text is wanted");
        return error_set(err, WEIR_PROTOCOL, "the peer sent binary data, Bayeux is text");
    }
    const char *fault = fault_of(f, io);
    if (fault)
        return give_up(f, PROTOCOL_ERROR, fault, err);
    if (!wslay_is_ctrl_frame(io->opcode) && io->payload_length > f->options.max_message - f->len)
        return too_big(f, err);
    f->in_frame = true;
    f->got = 0;
    if (!wslay_is_ctrl_frame(io->opcode))
        f->in_message = true;
    return WEIR_OK;
}

/* `whole` is a guess at the message's size. */
static bool add(struct frames *f, const uint8_t *data, size_t len, size_t whole)
{
    size_t need = f->len + len + 1;
    if (need > f->cap) {
        size_t cap = 2 * f->cap > need ? 2 * f->cap : need;
        if (whole + 1 > cap && whole / 4 <= need) /* the rest is not far */
            cap = whole + 1;
        char *grown = mem_realloc(f->text, cap);
        if (!grown)
            return false;
        f->text = grown;
        f->cap = cap;
    }
    if (len)
        memcpy(f->text + f->len, data, len);
    f->len += len;
    f->text[f->len] = '\0';
    return true;
}

static weir_status end_message(struct frames *f, weir_error *err)
{
    char *text = f->text;
    size_t len = f->len;
    f->in_message = false;
    if (!text_is_utf8(text, len)) {
        frames_close(f, INVALID_TEXT, "no UTF-8");
        return error_set(err, WEIR_PROTOCOL, "the peer sent text that is no UTF-8");
    }
    f->text = NULL;
    f->len = f->cap = 0;
    f->over = !f->options.message(f->options.user, text, len);
    return WEIR_OK;
}

static weir_status closed_by_peer(struct frames *f, size_t len, weir_error *err)
{
    const uint8_t *payload = (const uint8_t *)f->control;
    int code = len >= 2 ? payload[0] << 8 | payload[1] : NO_CODE;
    const char *reason = f->control + 2;
    if (len == 1 || (len >= 2 && !may_be_sent(code)))
        return give_up(f, PROTOCOL_ERROR, "a close frame has no good code", err);
    size_t reason_len = len > 2 ? len - 2 : 0;
    if (!text_is_utf8(reason, reason_len))
        return give_up(f, INVALID_TEXT, "the reason of a close frame is no UTF-8", err);
    frames_close(f, len >= 2 ? code : 0, NULL);
    return explain_close(code, reason, reason_len, err);
}

static weir_status end_frame(struct frames *f, const struct wslay_frame_iocb *io, weir_error *err)
{
    f->in_frame = false;
    switch (io->opcode) {
    case WSLAY_PING:
        return put(f, WSLAY_PONG, f->control, (size_t)io->payload_length, err);
    case WSLAY_PONG:
        return WEIR_OK; /* that something came is all that counts */
    case WSLAY_CONNECTION_CLOSE:
        return closed_by_peer(f, (size_t)io->payload_length, err);
    default:
        return io->fin ? end_message(f, err) : WEIR_OK;
    }
}

static weir_status take_piece(struct frames *f, const struct wslay_frame_iocb *io, weir_error *err)
{
    if (!f->in_frame && begin_frame(f, io, err) != WEIR_OK)
        return err->status;
    if (wslay_is_ctrl_frame(io->opcode)) /* libwslay checks that it fits */
        memcpy(f->control + f->got, io->data, io->data_length);
    else if (!add(f, io->data, io->data_length, f->len + (size_t)(io->payload_length - f->got)))
        return error_no_memory(err);
    f->got += io->data_length;
    return f->got == io->payload_length ? end_frame(f, io, err) : WEIR_OK;
}

weir_status frames_receive(struct frames *f, const void *data, size_t len, weir_error *err)
{
    weir_status status = WEIR_OK;
    weir_error why = {0};
    f->in = data;
    f->in_len = len;
    while (status == WEIR_OK && !f->over) {
        struct wslay_frame_iocb io = {0};
        ssize_t got = wslay.frame_recv(f->wslay, &io);
        if (got == WSLAY_ERR_WANT_READ)
            break;
        status = got >= 0 ? take_piece(f, &io, &why)
                          : give_up(f, PROTOCOL_ERROR, "a frame has no good length", &why);
    }
    if (status != WEIR_OK)
        f->over = true;
    f->in_len = 0;
    return error_copy(err, &why);
}
