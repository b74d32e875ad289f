/* An answer, and a session from its first handshake through a lost one to its end, with every
 * allocation failing once: a session comes through without having forgotten anything. */
#include "bayeux/session.h"
#include "core/error.h"
#include "core/mem.h"
#include "lib/check.h"
#include "lib/torture.h"
#include "lib/vclock.h"

#include <stdio.h>
#include <string.h>
#include <weir/bayeux.h>

static weir_status answers(void *user, weir_error *err)
{
    (void)user;
    static const char text[] = "[{\"channel\":\"/a\",\"data\":{\"x\":\"\\u00e9\"}},"
                               "{\"channel\":\"/meta/connect\",\"error\":\"403::Unknown client\"}]";
    struct batch *batch = batch_new(mem_dup(text, sizeof text - 1), sizeof text - 1, "x", err);
    if (!batch)
        return err->status == WEIR_PROTOCOL ? error_no_memory(err) : err->status;
    assert_int_equal(batch->count, 2);
    batch_free(batch);
    return error_ok(err);
}

struct world {
    struct vclock clock;
    struct session *session;
    struct session_ask asks[3];
    size_t done;
    unsigned subscribed;
    bool over, ran_out;
    unsigned exchange;
    char request[1024];
};

static const char *reply_to(struct world *w, const struct message *q)
{
    if (slice_equals(q->channel, "/meta/handshake"))
        return ",\"successful\":true,\"clientId\":\"c\",\"ext\":{\"ack\":true}";
    if (!slice_equals(q->channel, "/meta/connect"))
        return ",\"successful\":true";
    bool held = !strstr(w->request, "\"timeout\":0");
    if (held && w->subscribed == 1)
        return ",\"successful\":false,\"error\":\"403::Unknown client\"";
    return ",\"successful\":true,\"advice\":{\"interval\":5000}";
}

/* Everything is answered at once; without memory the answer is lost. */
static void answer(struct world *w, int64_t now)
{
    char text[2048] = "[";
    weir_error why = {0};
    struct batch *request =
        batch_new(mem_dup(w->request, strlen(w->request)), strlen(w->request), "q", &why);
    for (size_t i = 0; request && i < request->count; i++) {
        const struct message *q = &request->messages[i];
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s{\"channel\":%.*s,\"id\":%.*s%s}", i ? "," : "",
                 (int)q->channel.len, (const char *)q->channel.data, (int)q->id.len,
                 (const char *)q->id.data, reply_to(w, q));
    }
    size_t end = strlen(text);
    snprintf(text + end, sizeof text - end, "]");
    struct batch *reply =
        request ? batch_new(mem_dup(text, strlen(text)), strlen(text), "a", &why) : NULL;
    for (size_t i = 0; reply && i < reply->count; i++)
        session_received(w->session, now, &reply->messages[i]);
    if (!reply)
        error_set(&why, WEIR_UNREACHABLE, "no memory for the answer");
    session_ended(w->session, now, w->exchange, &why, true);
    batch_free(request);
    batch_free(reply);
}

static void act(struct world *w, const struct session_action *a, int64_t now)
{
    if (a->kind == SESSION_LOGIN) {
        session_token(w->session, now, NULL);
    } else if (a->kind == SESSION_SEND) {
        w->exchange = a->exchange;
        snprintf(w->request, sizeof w->request, "%s", a->text);
        answer(w, now);
    } else if (a->kind == SESSION_DONE) {
        w->ran_out = w->ran_out || a->why->status != WEIR_OK;
        w->done++;
    } else if (a->kind == SESSION_NEWS && a->news == WEIR_SESSION_SUBSCRIBED) {
        w->subscribed++;
    } else if (a->kind == SESSION_OVER) {
        w->over = true;
    }
}

static void run(struct world *w, int steps)
{
    struct session_action action;
    for (; steps > 0; steps--) {
        do {
            session_next(w->session, w->clock.mono, &action);
            act(w, &action, w->clock.mono);
        } while (action.kind != SESSION_NOTHING);
        vclock_step(&w->clock, 1000);
        session_time_passed(w->session, w->clock.mono);
    }
}

static weir_status sessions(void *user, weir_error *err)
{
    (void)user;
    static const char *const transports[] = {"long-polling", NULL};
    static const enum meta metas[] = {META_SUBSCRIBE, META_PUBLISH, META_HANDSHAKE};
    struct world w = {0};
    vclock_init(&w.clock);
    const struct session_options options = {
        .clock = &w.clock.clock, .transports = transports, .batch = true, .ack = true};
    w.session = session_create(&options, err);
    if (!w.session)
        return err->status;
    for (size_t i = 0; i < COUNT(metas); i++) {
        w.asks[i] = (struct session_ask){.meta = metas[i], .channel = "/a", .data = {"{}", 2}};
        session_ask(w.session, w.clock.mono, &w.asks[i]);
    }
    run(&w, 120);
    assert_int_equal(session_state(w.session), SESSION_CONNECTED);
    assert_int_equal(w.done, COUNT(metas));
    bool subscribed = session_subscription(w.session, 0) != NULL;
    assert_true(subscribed ? w.subscribed >= 2 : w.ran_out);
    session_close(w.session, w.clock.mono);
    run(&w, 2);
    assert_true(w.over);
    session_destroy(w.session);
    return w.ran_out ? error_no_memory(err) : error_ok(err);
}

static void an_answer_comes_through(void **state)
{
    (void)state;
    torture(answers, NULL);
}

static void a_session_comes_through(void **state)
{
    (void)state;
    torture(sessions, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_through),
        cmocka_unit_test(a_session_comes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
