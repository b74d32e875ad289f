/* The n-th allocation fails, n = 1, 2, ... until none does: a client of a CometD server still ends
 * every call with an answer or an error, delivers what it delivers whole, and (under ASan) leaves
 * nothing behind. The server is in the same process, so a failure may strike that as well. */
#include "core/mem.h"
#include "lib/check.h"
#include "lib/sandboxed.h"

#include <string.h>
#include <weir/weir.h>

#define ENOUGH 20000
#define WAIT   ((weir_ms)100)

static struct sandbox *sandbox;
static const char *url;

static void judge(weir_status status, const weir_error *err)
{
    if (status != WEIR_OK && status != WEIR_NOTHING && !err->message[0])
        fail_msg("status %d without a word", (int)status);
}

/* What an event says is right, or there was no memory to say it. */
static void read_event(const weir_event *event)
{
    weir_error err = {0};
    const char *channel = weir_event_attr(event, "channel");
    const char *text = weir_event_text(event);
    assert_true(!channel || strcmp(channel, "/a") == 0);
    if (*text && strcmp(text, "{\"n\":1}") != 0 && strcmp(text, "null") != 0)
        fail_msg("%s", text); /* null: the server had no memory for what was published */
    char *whole = weir_event_format(event, &err);
    assert_true(whole || err.status == WEIR_NO_MEMORY);
    weir_free(whole);
}

static void talk(weir_bayeux *b)
{
    weir_error err = {0};
    weir_event *event = NULL;
    char *answer = NULL;
    weir_status status = weir_bayeux_subscribe(b, "/a", WAIT, &err);
    judge(status, &err);
    if (status != WEIR_OK)
        return;
    judge(weir_bayeux_publish(b, "/a", "{\"n\":1}", &answer, WAIT, &err), &err);
    weir_free(answer);
    status = weir_bayeux_next(b, &event, answer ? WAIT : WEIR_NO_WAIT, &err);
    judge(status, &err);
    if (status == WEIR_OK)
        read_event(event);
    weir_event_free(event);
    char **list = weir_bayeux_subscriptions(b, &err);
    weir_free((char *)list);
}

static void ignore(weir_session_news news, const char *channel, const weir_error *why, void *user)
{
    (void)news, (void)channel, (void)why, (void)user;
}

/* Whether the n-th allocation happened, and so failed. */
static bool once(long n, weir_transport transport)
{
    static const char *const headers[] = {"X-Torture: yes", NULL};
    weir_error err = {0};
    mem_fail_at(n);
    weir_bayeux *b = weir_bayeux_open(
        WEIR_BAYEUX(.url = url, .transport = transport, .headers = headers, .on_news = ignore),
        &err);
    assert_true(b || err.status == WEIR_NO_MEMORY);
    if (b)
        talk(b);
    weir_bayeux_close(b);
    bool failed = mem_failed();
    mem_fail_at(0);
    return failed;
}

static void survive(weir_transport transport)
{
    long n = 1;
    while (once(n, transport))
        assert_true(++n < ENOUGH);
    assert_true(n > 50);
}

static void long_polling_survives(void **state)
{
    (void)state;
    survive(WEIR_TRANSPORT_LONG_POLLING);
}

static void a_websocket_survives(void **state)
{
    (void)state;
    survive(WEIR_TRANSPORT_WEBSOCKET);
}

static int setup(void **state)
{
    (void)state;
    const struct sandbox_options options = {.only = "salesforce"};
    sandbox = sandboxed_start(&options);
    url = sandbox_value(sandbox, "WEIR_BAYEUX_URL");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sandbox_stop(sandbox);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(long_polling_survives, setup, teardown),
        cmocka_unit_test_setup_teardown(a_websocket_survives, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
