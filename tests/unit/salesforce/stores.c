/* What is true of every store: each test runs with the memory, a file and a program's own store. */
#include "lib/check.h"
#include "lib/replay_ops.h"

#include "core/clock.h"
#include "core/deadline.h"
#include "salesforce/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORG "00D000000000001"

struct fixture {
    char folder[64], path[128];
    struct own_store own;
    weir_replay *store;
    struct claim *claim;
    weir_error err;
};

static struct deadline soon(void)
{
    return deadline_in(clock_system(), 5000, 5000);
}

static void claimed(struct fixture *f)
{
    assert_int_equal(store_claim(f->store, ORG, "", soon(), &f->claim, &f->err), WEIR_OK);
}

static char in_memory[] = "memory", in_a_file[] = "file", own[] = "own";

static weir_replay *opened(struct fixture *f, const char *kind)
{
    if (kind == in_memory)
        return weir_replay_memory(&f->err);
    if (kind == own)
        return weir_replay_custom(&own_store_ops, &f->own, &f->err);
    memcpy(f->folder, "/tmp/weir-stores-XXXXXX", sizeof "/tmp/weir-stores-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/replay.db", f->folder);
    return weir_replay_open(f->path, &f->err);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->store = opened(f, *state);
    assert_non_null(f->store);
    claimed(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    store_release(f->store, f->claim, soon());
    weir_replay_free(f->store);
    (void)snprintf(command, sizeof command, "rm -r '%s'", f->folder);
    assert_int_equal(*f->folder ? system(command) : 0, 0);
    own_store_clear(&f->own);
    free(f);
    return 0;
}

static void save(struct fixture *f, const char *channel, struct record record, bool anew)
{
    struct store_change change = {channel, &record, anew};
    assert_int_equal(store_save(f->store, f->claim, &change, 1, soon(), &f->err), WEIR_OK);
}

static struct record loaded(struct fixture *f, const struct claim *claim, const char *channel)
{
    struct record out;
    assert_int_equal(store_load(f->store, claim, channel, &out, soon(), &f->err), WEIR_OK);
    return out;
}

static struct record at(int64_t position)
{
    return (struct record){.has_position = true, .position = position, .began = BEGAN_NEW};
}

static void same(const struct record *a, const struct record *b)
{
    assert_int_equal(a->has_position, b->has_position);
    assert_int_equal(a->position, b->position);
    assert_int_equal(a->began, b->began);
    assert_int_equal(a->has_began_id, b->has_began_id);
    assert_int_equal(a->began_id, b->began_id);
    assert_int_equal(a->began_ms, b->began_ms);
    assert_int_equal(a->live_ms, b->live_ms);
}

static void what_was_never_saved_is_nothing_and_no_error(void **state)
{
    struct fixture *f = *state;
    struct record out;
    assert_int_equal(store_load(f->store, f->claim, "/event/A__e", &out, soon(), &f->err),
                     WEIR_NOTHING);
    assert_int_equal(f->err.status, WEIR_OK);
    assert_false(out.has_position);
}

static void a_record_comes_back_member_by_member(void **state)
{
    struct fixture *f = *state;
    const struct record records[] = {
        {.began = BEGAN_NEW, .began_ms = INT64_C(1700000000123), .live_ms = 7},
        {.began = BEGAN_ALL, .live_ms = INT64_C(1700000000124)},
        {.began = BEGAN_AFTER, .has_began_id = true, .began_id = INT64_MAX},
        {.has_position = true,
         .position = INT64_C(9007199254740993),
         .began = BEGAN_NEW,
         .has_began_id = true,
         .began_id = 0,
         .began_ms = 1,
         .live_ms = 2},
        {.has_position = true, .position = INT64_MAX},
        {.has_position = true, .position = 0},
    };
    for (size_t i = 0; i < COUNT(records); i++) {
        save(f, "/topic/T?Region='EMEA'", records[i], true);
        struct record back = loaded(f, f->claim, "/topic/T?Region='EMEA'");
        same(&back, &records[i]);
    }
}

static void a_position_never_goes_back(void **state)
{
    struct fixture *f = *state;
    save(f, "/event/A__e", at(INT64_C(9007199254740993)), false);
    struct record older = at(INT64_C(9007199254740992));
    older.live_ms = 5;
    save(f, "/event/A__e", older, false);
    struct record back = loaded(f, f->claim, "/event/A__e");
    assert_int_equal(back.position, INT64_C(9007199254740993));
    assert_int_equal(back.live_ms, 5);
    save(f, "/event/A__e", (struct record){.began = BEGAN_ALL}, false);
    back = loaded(f, f->claim, "/event/A__e");
    assert_true(back.has_position);
    assert_int_equal(back.position, INT64_C(9007199254740993));
}

static void a_position_may_go_back_with_a_new_beginning(void **state)
{
    struct fixture *f = *state;
    save(f, "/event/A__e", at(100), false);
    save(f, "/event/A__e", at(7), true);
    assert_int_equal(loaded(f, f->claim, "/event/A__e").position, 7);
    save(f, "/event/A__e", (struct record){.began = BEGAN_ALL}, true);
    assert_false(loaded(f, f->claim, "/event/A__e").has_position);
}

static void several_changes_are_one(void **state)
{
    struct fixture *f = *state;
    const struct record records[] = {at(1), at(2), at(3)};
    const struct store_change changes[] = {{"/event/A__e", &records[0], false},
                                           {"/event/B__e", &records[1], false},
                                           {"/event/A__e", &records[2], false}};
    assert_int_equal(store_save(f->store, f->claim, changes, 3, soon(), &f->err), WEIR_OK);
    assert_int_equal(loaded(f, f->claim, "/event/A__e").position, 3);
    assert_int_equal(loaded(f, f->claim, "/event/B__e").position, 2);
    assert_int_equal(store_save(f->store, f->claim, NULL, 0, soon(), &f->err), WEIR_OK);
}

static void organisations_and_groups_are_apart(void **state)
{
    struct fixture *f = *state;
    const char *others[][2] = {{ORG, "g"}, {ORG "g", ""}, {"other", ""}, {"", ORG}};
    struct claim *claims[COUNT(others)];
    struct record record = at(1);
    struct store_change change = {"/event/A__e", &record, false};
    save(f, "/event/A__e", at(99), false);
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_int_equal(
            store_claim(f->store, others[i][0], others[i][1], soon(), &claims[i], &f->err),
            WEIR_OK);
        record.position = (int64_t)i;
        assert_int_equal(store_save(f->store, claims[i], &change, 1, soon(), &f->err), WEIR_OK);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_int_equal(loaded(f, claims[i], "/event/A__e").position, i);
        store_release(f->store, claims[i], soon());
    }
    assert_int_equal(loaded(f, f->claim, "/event/A__e").position, 99);
}

static void two_listeners_of_one_store_conflict_until_one_has_gone(void **state)
{
    struct fixture *f = *state;
    struct claim *second = NULL;
    assert_int_equal(store_claim(f->store, ORG, "", soon(), &second, &f->err), WEIR_CONFLICT);
    assert_null(second);
    assert_non_null(strstr(f->err.message, ORG));
    save(f, "/event/A__e", at(5), false);
    store_release(f->store, f->claim, soon());
    claimed(f);
    assert_int_equal(loaded(f, f->claim, "/event/A__e").position, 5);
}

static void a_claim_that_is_held_by_a_lock_is_good_for_ever(void **state)
{
    struct fixture *f = *state;
    assert_true(store_claim_good(f->store, f->claim));
    assert_int_equal(store_renew(f->store, f->claim, soon(), &f->err), WEIR_OK);
    assert_int_equal(atomic_load(&f->claim->good_until_ns), INT64_MAX);
    assert_int_equal(strlen(f->claim->token), 32);
}

static void many_channels_keep_their_records(void **state)
{
    struct fixture *f = *state;
    char channel[64];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(channel, sizeof channel, "/event/Number_%d__e", i * 7919 % 300);
        save(f, channel, at(i * 7919 % 300), false);
    }
    for (int i = 0; i < 300; i++) {
        (void)snprintf(channel, sizeof channel, "/event/Number_%d__e", i);
        assert_int_equal(loaded(f, f->claim, channel).position, i);
    }
}

static void a_forks_child_leaves_it_alone(void **state)
{
    struct fixture *f = *state;
    int status = 0;
    save(f, "/event/A__e", at(5), false);
    pid_t pid = fork();
    if (pid == 0) {
        struct record record = at(6);
        struct store_change change = {"/event/A__e", &record, false};
        weir_status saved = store_save(f->store, f->claim, &change, 1, soon(), &f->err);
        store_release(f->store, f->claim, soon());
        weir_replay_free(f->store);
        _exit(saved == WEIR_INVALID && strstr(f->err.message, "fork") ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    save(f, "/event/A__e", at(7), false);
    assert_int_equal(loaded(f, f->claim, "/event/A__e").position, 7);
}

struct user {
    weir_replay *store;
    const char *group;
    int64_t ended_at;
};

/* Saves and loads; the last position it has read back. */
static void *use(void *user)
{
    struct user *u = user;
    struct claim *claim = NULL;
    struct record record = {.has_position = true}, back;
    struct store_change change = {"/event/A__e", &record, false};
    if (store_claim(u->store, ORG, u->group, soon(), &claim, NULL) != WEIR_OK)
        return NULL;
    for (record.position = 1; record.position <= 100; record.position++) {
        if (store_save(u->store, claim, &change, 1, soon(), NULL) == WEIR_OK &&
            store_load(u->store, claim, "/event/A__e", &back, soon(), NULL) == WEIR_OK &&
            back.position == record.position)
            u->ended_at = back.position;
    }
    store_release(u->store, claim, soon());
    return NULL;
}

static void any_thread_may_use_it(void **state)
{
    struct fixture *f = *state;
    struct user users[] = {{f->store, "a", 0}, {f->store, "b", 0}, {f->store, "c", 0}};
    pthread_t threads[COUNT(users)];
    for (size_t i = 0; i < COUNT(users); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, &users[i]), 0);
    for (size_t i = 0; i < COUNT(users); i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < COUNT(users); i++)
        assert_int_equal(users[i].ended_at, 100);
}

static void a_held_error_and_null_open_nothing(void **state)
{
    (void)state;
    weir_error err = {.status = WEIR_GAP};
    assert_null(weir_replay_memory(&err));
    assert_null(weir_replay_sqlite("/nowhere/x", &err));
    assert_null(weir_replay_open("/nowhere/x", &err));
    assert_int_equal(err.status, WEIR_GAP);
    weir_error_clear(&err);
    assert_null(weir_replay_sqlite(NULL, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    weir_error_clear(&err);
    assert_null(weir_replay_open("", &err));
    assert_int_equal(err.status, WEIR_INVALID);
    weir_replay_free(NULL);
    assert_null(weir_replay_ref(NULL));
}

#define EACH(test)                                                                                 \
    {#test ", in memory", test, setup, teardown, in_memory},                                       \
        {#test ", in a file", test, setup, teardown, in_a_file},                                   \
    {                                                                                              \
#test ", in the program's own", test, setup, teardown, own                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(what_was_never_saved_is_nothing_and_no_error),
        EACH(a_record_comes_back_member_by_member),
        EACH(a_position_never_goes_back),
        EACH(a_position_may_go_back_with_a_new_beginning),
        EACH(several_changes_are_one),
        EACH(organisations_and_groups_are_apart),
        EACH(two_listeners_of_one_store_conflict_until_one_has_gone),
        EACH(a_claim_that_is_held_by_a_lock_is_good_for_ever),
        EACH(a_forks_child_leaves_it_alone),
        EACH(any_thread_may_use_it),
        EACH(many_channels_keep_their_records),
        cmocka_unit_test(a_held_error_and_null_open_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
