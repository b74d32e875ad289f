/* A session whose server, network, clock and program are the input, a line each:
 *
 *   s/a u/a p/a h w    subscribe, unsubscribe, publish, handshake; withdraw what is asked for
 * longest t T                a token; none e x y l            the oldest exchange ends: well,
 * badly, unsent; a WebSocket is lost +NNN               milliseconds pass f g b c d          the
 * queue is full, is not, is half empty; close; a failure of the owner anything else      messages;
 * "#" is the id of the newest message out, "$" of the newest connect
 *
 * Whatever it is: requests are JSON with ids that rise, asks are over once, the end comes once and
 * last, and nothing spins. */
#include "bayeux/session.h"
#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "lib/vclock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASKS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct vclock clock;
    struct session *session;
    struct session_ask asks[ASKS];
    char channels[ASKS][16];
    bool asked[ASKS];
    unsigned out[2];
    uint64_t newest, newest_connect;
    bool over;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* ---- what it does ------------------------------------------------------------------------- */

static void on_send(struct world *w, const struct session_action *a)
{
    struct batch *batch = batch_new(mem_dup(a->text, a->len), a->len, "the request", NULL);
    must(batch && batch->count > 0 && a->text[0] == '[' && a->until_ns > w->clock.mono);
    for (size_t i = 0; i < batch->count; i++) {
        int64_t id = 0;
        must(slice_int(batch->messages[i].id, &id) && id > (int64_t)w->newest);
        w->newest = (uint64_t)id;
        if (a->connect)
            w->newest_connect = w->newest;
    }
    batch_free(batch);
    must(a->exchange > w->out[0] && a->exchange > w->out[1]);
    w->out[w->out[0] ? 1 : 0] = a->exchange;
}

static void forget(struct world *w, unsigned exchange)
{
    if (w->out[0] == exchange)
        w->out[0] = w->out[1];
    if (w->out[0] == w->out[1] || w->out[1] == exchange)
        w->out[1] = 0;
}

static void on_done(struct world *w, const struct session_action *a)
{
    ptrdiff_t i = a->ask - w->asks;
    must(i >= 0 && i < ASKS && w->asked[i] && a->why);
    must(a->why->status == WEIR_OK || *a->why->message);
    w->asked[i] = false;
}

static bool act(struct world *w)
{
    struct session_action a;
    session_next(w->session, w->clock.mono, &a);
    must(!w->over || a.kind == SESSION_NOTHING || a.kind == SESSION_DONE);
    if (a.kind == SESSION_SEND)
        on_send(w, &a);
    else if (a.kind == SESSION_CANCEL)
        forget(w, a.exchange);
    else if (a.kind == SESSION_DONE)
        on_done(w, &a);
    else if (a.kind == SESSION_OVER)
        w->over = true;
    return a.kind != SESSION_NOTHING;
}

static void pump(struct world *w)
{
    int most = 1000;
    while (act(w))
        must(--most > 0);
    int64_t wake = session_wake(w->session);
    must(wake > w->clock.mono || session_state(w->session) == SESSION_WAITING);
}

/* ---- what happens to it ------------------------------------------------------------------- */

static void ask(struct world *w, enum meta meta, const char *line, size_t len)
{
    for (int i = 0; i < ASKS; i++) {
        if (w->asked[i])
            continue;
        snprintf(w->channels[i], sizeof w->channels[i], "/%.*s", (int)(len > 2 ? 2 : len), line);
        for (char *c = w->channels[i]; *c; c++)
            *c = *c == '/' || (*c >= 'a' && *c <= 'z') ? *c : 'z';
        w->asks[i] = (struct session_ask){
            .meta = meta, .channel = w->channels[i], .data = {"{}", 2}, .patient = len > 2};
        w->asked[i] = true;
        session_ask(w->session, w->clock.mono, &w->asks[i]);
        return;
    }
}

static void withdraw(struct world *w)
{
    for (int i = 0; i < ASKS; i++) {
        if (w->asked[i]) {
            session_withdraw(w->session, w->clock.mono, &w->asks[i]);
            w->asked[i] = false;
            return;
        }
    }
}

static void end_oldest(struct world *w, char how)
{
    weir_error why = {0};
    unsigned exchange = w->out[0] ? w->out[0] : w->out[1];
    if (how != 'e')
        error_peer(&why, how == 'x' ? WEIR_BAD_LOGIN : WEIR_UNREACHABLE, WEIR_ORIGIN_HTTP,
                   how == 'x' ? 413 : 503, "it failed");
    forget(w, exchange);
    session_ended(w->session, w->clock.mono, exchange, &why, how != 'y');
}

static void lose(struct world *w)
{
    weir_error why = {0};
    error_set(&why, WEIR_UNREACHABLE, "lost");
    w->out[0] = w->out[1] = 0;
    session_lost(w->session, w->clock.mono, &why, true);
}

static void hear(struct world *w, const char *line, size_t len)
{
    struct buf text = BUF_INIT((size_t)1 << 20);
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '#' || line[i] == '$')
            buf_addf(&text, "%" PRIu64, line[i] == '#' ? w->newest : w->newest_connect);
        else
            buf_add(&text, line + i, 1);
    }
    struct batch *batch = batch_new(text.data, text.len, "fuzz", NULL);
    for (size_t i = 0; batch && i < batch->count; i++)
        session_received(w->session, w->clock.mono, &batch->messages[i]);
    batch_free(batch);
    if (w->out[0] || w->out[1])
        end_oldest(w, 'e'); /* as long polling does */
}

static void elapse(struct world *w, const char *line, size_t len)
{
    int64_t ms = 0;
    for (size_t i = 0; i < len && i < 7 && line[i] >= '0' && line[i] <= '9'; i++)
        ms = ms * 10 + (line[i] - '0');
    vclock_step(&w->clock, ms);
    session_time_passed(w->session, w->clock.mono);
}

static void owner(struct world *w, char what)
{
    weir_error why = {0};
    int64_t now = w->clock.mono;
    if (what == 't' || what == 'T') {
        if (what == 'T')
            error_set(&why, WEIR_BAD_LOGIN, "no token");
        session_token(w->session, now, &why);
    } else if (what == 'c') {
        session_close(w->session, now);
    } else if (what == 'd') {
        error_set(&why, WEIR_STORE, "no store");
        session_fail(w->session, now, &why);
    } else {
        session_queue(w->session, now, what == 'f', what == 'b');
    }
}

static bool is_one_of(const char *set, char c)
{
    return c && strchr(set, c);
}

static void wish(struct world *w, char what, const char *line, size_t len)
{
    if (what == 'w')
        withdraw(w);
    else
        ask(w,
            what == 's'   ? META_SUBSCRIBE
            : what == 'u' ? META_UNSUBSCRIBE
            : what == 'p' ? META_PUBLISH
                          : META_HANDSHAKE,
            line, len);
}

static void happen(struct world *w, const char *line, size_t len)
{
    char what = len ? line[0] : '\0';
    if (is_one_of("suphw", what))
        wish(w, what, line + 1, len - 1);
    else if (is_one_of("exy", what))
        end_oldest(w, what);
    else if (what == 'l')
        lose(w);
    else if (what == '+')
        elapse(w, line + 1, len - 1);
    else if (is_one_of("tTcdfgb", what))
        owner(w, what);
    else
        hear(w, line, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const transports[] = {"long-polling", "websocket", NULL};
    struct world w = {0};
    vclock_init(&w.clock);
    w.clock.seed = 7;
    const struct session_options options = {.clock = &w.clock.clock,
                                            .transports = transports,
                                            .batch = size % 2,
                                            .ack = true,
                                            .give_up = 3600000};
    w.session = session_create(&options, NULL);
    must(w.session != NULL);
    const char *at = (const char *)data;
    const char *end = at + size;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end ? line_end : end;
        happen(&w, at, (size_t)(line_end - at));
        pump(&w);
        at = line_end + (line_end < end);
    }
    session_destroy(w.session);
    return 0;
}
