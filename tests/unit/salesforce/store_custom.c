/* A program's own store: what its functions are given, and what becomes of what they say. */
#include "lib/check.h"
#include "lib/replay_ops.h"

#include "core/clock.h"
#include "core/deadline.h"
#include "salesforce/store.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#define ORG     "00D000000000001"
#define CHANNEL "/event/A__e"

struct fixture {
    struct own_store own;
    weir_replay *store;
    struct claim *claim;
    weir_error err;
};

static const struct deadline never = {INT64_MAX};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->store = weir_replay_custom(&own_store_ops, &f->own, &f->err);
    assert_non_null(f->store);
    assert_int_equal(store_claim(f->store, ORG, "g", never, &f->claim, &f->err), WEIR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_release(f->store, f->claim, never);
    weir_replay_free(f->store);
    own_store_clear(&f->own);
    free(f);
    return 0;
}

static weir_status save(struct fixture *f, int64_t position, bool anew)
{
    struct record record = {.has_position = true, .position = position, .began = BEGAN_ALL};
    struct store_change change = {CHANNEL, &record, anew};
    return store_save(f->store, f->claim, &change, 1, never, &f->err);
}

static weir_status load(struct fixture *f, struct record *out)
{
    return store_load(f->store, f->claim, CHANNEL, out, never, &f->err);
}

static void a_record_is_a_line_of_json(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(save(f, INT64_C(9007199254740993), false), WEIR_OK);
    const char *text = own_store_text(&f->own, ORG, "g", CHANNEL);
    assert_non_null(text);
    assert_non_null(strstr(text, "\"position\":\"9007199254740993\""));
    assert_null(strchr(text, '\n'));
}

static void a_position_of_another_time_is_not_gone_back_behind(void **state)
{
    struct fixture *f = *state;
    f->own.instead = "{\"position\":\"100\",\"began\":\"all\"}";
    assert_int_equal(save(f, 7, false), WEIR_OK); /* without having loaded it */
    assert_non_null(strstr(own_store_text(&f->own, ORG, "g", CHANNEL), "\"100\""));
    assert_int_equal(save(f, 7, true), WEIR_OK);
    assert_non_null(strstr(own_store_text(&f->own, ORG, "g", CHANNEL), "\"7\""));
    assert_int_equal(f->own.loads, 1);
}

static void what_another_owner_saved_is_asked_for_again(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(save(f, 7, false), WEIR_OK);
    store_release(f->store, f->claim, never);
    f->own.instead = "{\"position\":\"100\",\"began\":\"all\"}";
    assert_int_equal(store_claim(f->store, ORG, "g", never, &f->claim, &f->err), WEIR_OK);
    assert_int_equal(save(f, 8, false), WEIR_OK);
    assert_non_null(strstr(own_store_text(&f->own, ORG, "g", CHANNEL), "\"100\""));
}

static void what_failed_is_not_believed_to_be_saved(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(save(f, 7, false), WEIR_OK);
    f->own.fails_with = WEIR_UNREACHABLE;
    f->own.words = "the database has gone";
    assert_int_equal(save(f, 100, false), WEIR_STORE);
    assert_non_null(strstr(f->err.message, "the database has gone"));
    f->own.fails_with = WEIR_OK;
    assert_int_equal(save(f, 8, false), WEIR_OK);
    assert_non_null(strstr(own_store_text(&f->own, ORG, "g", CHANNEL), "\"8\""));
}

static void a_failure_without_words_has_its_statuss_name(void **state)
{
    struct fixture *f = *state;
    struct record out;
    f->own.fails_with = WEIR_GAP;
    assert_int_equal(load(f, &out), WEIR_STORE);
    assert_non_null(strstr(f->err.message, "WEIR_GAP"));
    f->own.fails_with = WEIR_CONFLICT;
    assert_int_equal(save(f, 1, false), WEIR_CONFLICT);
}

static void a_claim_that_fails_is_not_released(void **state)
{
    struct fixture *f = *state;
    struct claim *claim = NULL;
    f->own.fails_with = WEIR_CONFLICT;
    f->own.words = "somebody has it";
    assert_int_equal(store_claim(f->store, "other", "", never, &claim, &f->err), WEIR_CONFLICT);
    assert_non_null(strstr(f->err.message, "somebody has it"));
    assert_int_equal(f->own.claims, 2);
    assert_int_equal(f->own.releases, 0);
}

static void rubbish_is_refused_with_the_channels_name(void **state)
{
    struct fixture *f = *state;
    struct record out;
    char endless[WEIR_REPLAY_RECORD_SIZE + 1];
    memset(endless, ' ', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    const char *const rubbish[] = {"", "x", "[]", "{\"position\":-1}", endless};
    for (size_t i = 0; i < COUNT(rubbish); i++) {
        f->own.instead = rubbish[i];
        assert_int_equal(load(f, &out), WEIR_STORE);
        assert_non_null(strstr(f->err.message, CHANNEL));
    }
}

static sem_t inside, go_on;

static weir_status blocking_load(void *user, const weir_replay_key *key,
                                 char record[WEIR_REPLAY_RECORD_SIZE], weir_error *err)
{
    (void)user;
    (void)key;
    (void)record;
    (void)err;
    sem_post(&inside);
    while (sem_wait(&go_on)) {
    }
    return WEIR_NOT_FOUND;
}

struct loader {
    weir_replay *store;
    struct claim *claim;
    weir_status status;
};

static void *run_load(void *user)
{
    struct loader *l = user;
    struct record out;
    l->status = store_load(l->store, l->claim, CHANNEL, &out, never, NULL);
    return NULL;
}

static void who_waits_for_another_thread_has_a_limit(void **state)
{
    (void)state;
    weir_error err = {0};
    struct own_store own = {0};
    struct record out;
    pthread_t thread;
    struct loader loader = {.status = WEIR_BUG};
    weir_replay_ops ops = own_store_ops;
    ops.load = blocking_load;
    assert_int_equal(sem_init(&inside, 0, 0), 0);
    assert_int_equal(sem_init(&go_on, 0, 0), 0);
    loader.store = weir_replay_custom(&ops, &own, &err);
    assert_int_equal(store_claim(loader.store, ORG, "", never, &loader.claim, &err), WEIR_OK);
    assert_int_equal(pthread_create(&thread, NULL, run_load, &loader), 0);
    while (sem_wait(&inside)) {
    }
    struct deadline soon = deadline_in(clock_system(), 10, 10);
    assert_int_equal(store_load(loader.store, loader.claim, CHANNEL, &out, soon, &err),
                     WEIR_TIMEOUT);
    assert_true(store_claim_good(loader.store, loader.claim)); /* never waits */
    sem_post(&go_on);
    pthread_join(thread, NULL);
    assert_int_equal(loader.status, WEIR_NOTHING);
    sem_post(&go_on);
    assert_int_equal(store_load(loader.store, loader.claim, CHANNEL, &out, never, &err),
                     WEIR_NOTHING);
    store_release(loader.store, loader.claim, never);
    weir_replay_free(loader.store);
    own_store_clear(&own);
    sem_destroy(&inside);
    sem_destroy(&go_on);
}

static void the_end_is_told_once_with_the_last_reference(void **state)
{
    (void)state;
    struct own_store own = {0};
    weir_error err = {0};
    weir_replay *store = weir_replay_custom(&own_store_ops, &own, &err);
    weir_replay *again = weir_replay_ref(store);
    weir_replay_free(store);
    assert_int_equal(own.destroyed, 0);
    weir_replay_free(again);
    assert_int_equal(own.destroyed, 1);
}

static void functions_that_must_be_there_are_named(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_replay_ops ops = own_store_ops;
    struct own_store own = {0};
    ops.save = NULL;
    assert_null(weir_replay_custom(&ops, &own, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    weir_error_clear(&err);
    assert_null(weir_replay_custom(NULL, &own, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    assert_int_equal(own.destroyed, 0);
    weir_error_clear(&err);
    weir_replay *store = weir_replay_custom(
        WEIR_REPLAY_OPS(.load = own_store_ops.load, .save = own_store_ops.save), &own, &err);
    struct claim *claim = NULL;
    assert_int_equal(store_claim(store, ORG, "", never, &claim, &err), WEIR_OK);
    store_release(store, claim, never);
    weir_replay_free(store);
    own_store_clear(&own);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_is_a_line_of_json),
        TEST(a_position_of_another_time_is_not_gone_back_behind),
        TEST(what_another_owner_saved_is_asked_for_again),
        TEST(what_failed_is_not_believed_to_be_saved),
        TEST(a_failure_without_words_has_its_statuss_name),
        TEST(a_claim_that_fails_is_not_released),
        TEST(rubbish_is_refused_with_the_channels_name),
        cmocka_unit_test(who_waits_for_another_thread_has_a_limit),
        cmocka_unit_test(the_end_is_told_once_with_the_last_reference),
        cmocka_unit_test(functions_that_must_be_there_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
