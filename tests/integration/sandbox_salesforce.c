/* The Salesforce-like server on the wire: what a client of the real one would meet. */
#include "sandbox_visitor.h"

#include "core/mem.h"
#include "lib/webclient.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct visitor v;

static int setup(void **state)
{
    (void)state;
    struct sandbox_options options = {.only = "salesforce"};
    visitor_begin(&v, sandboxed_start(&options), "/cometd/67.0");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    visitor_end(&v);
    sandbox_stop(v.sandbox);
    return 0;
}

static void a_session_begins_as_the_real_one_does(void **state)
{
    (void)state;
    visitor_handshake(&v);
    has(v.answer, "\"ext\":{\"replay\":true,\"payload.format\":true}");
    has_not(v.answer, "advice");
    has(v.answer, "Set-Cookie: BAYEUX_BROWSER=");
    has(v.answer, "Path=/cometd/");
    has(v.answer, "Set-Cookie: sfdc-stream=");
    has(visitor_connect(&v),
        "\"advice\":{\"interval\":0,\"timeout\":110000,\"reconnect\":\"retry\"}");
    has(visitor_subscribe(&v, ALPHA, ""), "\"successful\":true");
    visitor_emit(&v, ALPHA, "{\"Name__c\":\"x\"}");
    const char *answer = visitor_connect(&v);
    has(answer, "\"payload\":{\"CreatedDate\":\"");
    has(answer, "\"EventUuid\":\"");
    has(answer, "\"Name__c\":\"x\"");
    has(answer, "\"channel\":\"" ALPHA "\"");
    has_not(answer, "advice");
}

static void a_held_connect_is_answered_when_an_event_comes(void **state)
{
    (void)state;
    visitor_handshake(&v);
    visitor_connect(&v);
    visitor_subscribe(&v, ALPHA, "");
    int fd = visitor_hold(&v);
    sandboxed_wait(v.sandbox, "salesforce.connect", 2);
    visitor_emit(&v, ALPHA, "{\"Name__c\":\"late\"}");
    char *answer = web_read(fd, "\"successful\":true}]");
    has(answer, "\"Name__c\":\"late\"");
    mem_free(answer);
    close(fd);
}

static void what_is_retained_is_replayed_after_the_id_that_is_named(void **state)
{
    char replay[100], invalid[200];
    (void)state;
    int64_t first = visitor_emit(&v, ALPHA, "{\"Name__c\":\"one\"}");
    int64_t second = visitor_emit(&v, ALPHA, "{\"Name__c\":\"two\"}");
    assert_true(second > first);
    visitor_handshake(&v);
    visitor_connect(&v);
    snprintf(replay, sizeof replay, "{\"" ALPHA "\":%lld}", (long long)first);
    const char *answer = visitor_subscribe(&v, ALPHA, replay);
    has(answer, "\"Name__c\":\"two\"");
    has_not(answer, "\"Name__c\":\"one\"");
    has(visitor_subscribe(&v, ALPHA, "{\"" ALPHA "\":-2}"), "\"Name__c\":\"one\"");
    snprintf(replay, sizeof replay, "{\"" ALPHA "\":%lld}", (long long)(second + 1000));
    snprintf(invalid, sizeof invalid,
             "400::The replayId {%lld} you provided was invalid.  Please provide a valid ID, -2 to "
             "replay all events, or -1 to replay only new events.",
             (long long)(second + 1000));
    has(visitor_subscribe(&v, ALPHA, replay), invalid);
    has(visitor_subscribe(&v, ALPHA, "{\"" ALPHA "\":null}"),
        "400::The replayId for channel {" ALPHA "} wasn't found using the provided replay ID map "
        "{" ALPHA "=null}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_session_begins_as_the_real_one_does, setup, teardown),
        cmocka_unit_test_setup_teardown(a_held_connect_is_answered_when_an_event_comes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_retained_is_replayed_after_the_id_that_is_named,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
