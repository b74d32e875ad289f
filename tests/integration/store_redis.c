/* The store in Redis against servers that no Redis is: each connection follows a script of
 * answers. */
#include "lib/check.h"
#include "lib/scripted.h"

#include "core/clock.h"
#include "core/deadline.h"
#include "salesforce/store.h"

#include <stdio.h>
#include <string.h>

#define OK     "*1\r\n$2\r\nok\r\n"
#define RECORD "*3\r\n$2\r\nok\r\n$16\r\n9007199254740993\r\n$15\r\n{\"began\":\"all\"}\r\n"

static struct deadline within(weir_ms limit)
{
    return deadline_in(clock_system(), limit, limit);
}

static weir_replay *opened(const struct scripted *s, const char *user)
{
    char url[128];
    weir_error err = {0};
    (void)snprintf(url, sizeof url, "redis://%s127.0.0.1:%u/0", user, s->port);
    weir_replay *store = weir_replay_redis(url, &err);
    assert_non_null(store);
    return store;
}

/* Claims with these talks, one a connection; returns how that ended. */
static weir_status claims(const struct talk *talks, size_t count, weir_ms limit, weir_error *err)
{
    struct scripted server;
    struct claim *claim = NULL;
    scripted_start(&server, talks, count);
    weir_replay *store = opened(&server, "");
    weir_status status = store_claim(store, "org", "group", within(limit), &claim, err);
    store_release(store, claim, within(1));
    weir_replay_free(store);
    scripted_stop(&server);
    return status;
}

static void an_answer_may_come_in_crumbs(void **state)
{
    static const struct talk talks[] = {{{TALK_CRUMBS OK, OK}}};
    weir_error err;
    (void)state;
    assert_int_equal(claims(talks, 1, 10000, &err), WEIR_OK);
}

static void a_connection_that_is_cut_is_replaced(void **state)
{
    static const struct talk talks[] = {
        {{TALK_CLOSE}}, {{"*1\r\n$2\r\no", TALK_CLOSE}}, {{TALK_CLOSE}}, {{OK}}};
    weir_error err;
    (void)state;
    assert_int_equal(claims(talks, COUNT(talks), 30000, &err), WEIR_OK);
}

static void what_mends_is_waited_for(void **state)
{
    static const struct talk talks[] = {{{"-LOADING Redis is loading\r\n"}},
                                        {{"-READONLY a replica\r\n"}},
                                        {{"-BUSY a script\r\n", OK}}};
    weir_error err;
    (void)state;
    assert_int_equal(claims(talks, COUNT(talks), 20000, &err), WEIR_OK);
}

static void silence_ends_in_time(void **state)
{
    static const struct talk talks[] = {{{TALK_SILENT}}};
    weir_error err;
    (void)state;
    assert_int_equal(claims(talks, 1, 50, &err), WEIR_TIMEOUT);
    assert_non_null(strstr(err.message, "the store at 127.0.0.1:"));
    assert_non_null(strstr(err.message, "in time"));
}

static void what_is_no_redis_is_said(void **state)
{
    static const struct talk talks[][1] = {{{{"HTTP/1.1 400 Bad Request\r\n\r\n"}}},
                                           {{{TALK_FLOOD}}},
                                           {{{OK "+more\r\n"}}},
                                           {{{"*1\r\n$4\r\nwhat\r\n"}}},
                                           {{{":1\r\n"}}},
                                           {{{"*0\r\n"}}},
                                           {{{"$-1\r\n"}}}};
    (void)state;
    for (size_t i = 0; i < COUNT(talks); i++) {
        weir_error err;
        if (claims(talks[i], 1, 10000, &err) != WEIR_PROTOCOL)
            print_message("%zu: %s\n", i, err.message);
        assert_int_equal(err.status, WEIR_PROTOCOL);
    }
}

static void refused_credentials_are_not_tried_again(void **state)
{
    static const struct talk talks[] = {{{"-WRONGPASS invalid username-password pair\r\n", OK}},
                                        {{"+OK\r\n", OK}}};
    struct scripted server;
    struct claim *claim = NULL;
    weir_error err = {0};
    (void)state;
    scripted_start(&server, talks, COUNT(talks));
    weir_replay *store = opened(&server, "u:hunter2@");
    assert_int_equal(store_claim(store, "org", "", within(10000), &claim, &err), WEIR_BAD_LOGIN);
    assert_null(strstr(err.message, "hunter2"));
    weir_replay_free(store);
    scripted_stop(&server);
    assert_int_equal(server.served, 1);
}

static void records_are_read_and_rubbish_is_refused(void **state)
{
    static const struct talk talks[] = {
        {{OK, RECORD, "*3\r\n$2\r\nok\r\n$0\r\n\r\n$0\r\n\r\n",
          "*3\r\n$2\r\nok\r\n$2\r\n-7\r\n$0\r\n\r\n", "*3\r\n$2\r\nok\r\n$0\r\n\r\n$1\r\nx\r\n",
          "*2\r\n$2\r\nok\r\n$0\r\n\r\n", "*3\r\n$5\r\ntaken\r\n$5\r\nshort\r\n:7\r\n", OK}}};
    static const weir_status wanted[] = {WEIR_OK,    WEIR_NOTHING,  WEIR_STORE,
                                         WEIR_STORE, WEIR_PROTOCOL, WEIR_CONFLICT};
    struct scripted server;
    struct claim *claim = NULL;
    struct record record;
    weir_error err = {0};
    (void)state;
    scripted_start(&server, talks, COUNT(talks));
    weir_replay *store = opened(&server, "");
    assert_int_equal(store_claim(store, "org", "", within(10000), &claim, &err), WEIR_OK);
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_int_equal(store_load(store, claim, "/event/A__e", &record, within(10000), &err),
                         wanted[i]);
        if (wanted[i] == WEIR_OK) {
            assert_int_equal(record.position, INT64_C(9007199254740993));
            assert_int_equal(record.began, BEGAN_ALL);
        }
    }
    store_release(store, claim, within(10000));
    weir_replay_free(store);
    scripted_stop(&server);
}

static void a_claim_is_good_from_before_it_was_asked_for(void **state)
{
    static const struct talk talks[] = {{{OK, OK}}};
    struct scripted server;
    struct claim *claim = NULL;
    weir_error err = {0};
    (void)state;
    scripted_start(&server, talks, COUNT(talks));
    weir_replay *store = opened(&server, "");
    int64_t before = clock_boot(clock_system());
    assert_int_equal(store_claim(store, "org", "", within(10000), &claim, &err), WEIR_OK);
    int64_t after = clock_boot(clock_system());
    int64_t until = atomic_load(&claim->good_until_ns);
    assert_true(until >= before + 15 * NS_PER_S && until <= after + 15 * NS_PER_S);
    assert_true(store_claim_good(store, claim));
    store_release(store, claim, within(10000));
    weir_replay_free(store);
    scripted_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_come_in_crumbs),
        cmocka_unit_test(a_connection_that_is_cut_is_replaced),
        cmocka_unit_test(what_mends_is_waited_for),
        cmocka_unit_test(silence_ends_in_time),
        cmocka_unit_test(what_is_no_redis_is_said),
        cmocka_unit_test(refused_credentials_are_not_tried_again),
        cmocka_unit_test(records_are_read_and_rubbish_is_refused),
        cmocka_unit_test(a_claim_is_good_from_before_it_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
