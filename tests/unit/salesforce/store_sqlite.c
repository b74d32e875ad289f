/* The store in a file: who may use it, and what it is safe against. */
#include "lib/check.h"
#include "unit/salesforce/store_lib.h"

#include "core/clock.h"
#include "salesforce/store_sqlite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the file ----------------------------------------------------------------------------- */

static void a_store_that_is_opened_again_has_what_was_saved(void **state)
{
    struct fixture *f = *state;
    made_with(f, 42);
    must_have(f, 42);
}

static void the_file_is_its_owners_alone_whatever_the_umask(void **state)
{
    struct fixture *f = *state;
    const mode_t masks[] = {0, 022, 0777};
    struct stat st;
    for (size_t i = 0; i < COUNT(masks); i++) {
        mode_t before = umask(masks[i]);
        weir_replay *store = opened(f, f->path);
        umask(before);
        assert_int_equal(stat(f->path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        (void)snprintf(f->other, sizeof f->other, "%s-lock", f->path);
        assert_int_equal(stat(f->other, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        weir_replay_free(store);
        assert_int_equal(unlink(f->path), 0);
    }
}

static void closing_leaves_the_file_and_the_lock_file_only(void **state)
{
    struct fixture *f = *state;
    char command[256];
    made_with(f, 1);
    (void)snprintf(command, sizeof command,
                   "test \"$(ls '%s' | tr '\\n' ' ')\" = "
                   "'replay.db replay.db-lock '",
                   f->folder);
    assert_int_equal(system(command), 0);
}

static void links_to_one_file_are_one_store(void **state)
{
    struct fixture *f = *state;
    made_with(f, 3);
    assert_int_equal(symlink(f->path, f->other), 0);
    weir_replay *a = opened(f, f->path), *b = opened(f, f->other);
    struct claim *claim = claimed(f, a), *second = NULL;
    assert_int_equal(store_claim(b, ORG, "", within(1000), &second, &f->err), WEIR_CONFLICT);
    store_release(a, claim, within(1000));
    claim = claimed(f, b);
    assert_int_equal(position_of(f, b, claim), 3);
    store_release(b, claim, within(1000));
    weir_replay_free(a);
    weir_replay_free(b);
}

static void a_new_file_is_not_filled_from_the_log_of_an_old_one(void **state)
{
    struct fixture *f = *state;
    char log[160], kept[160], command[512];
    weir_replay *store = opened(f, f->path);
    struct claim *claim = claimed(f, store);
    struct record record;
    assert_int_equal(try_save(f, store, claim, 77), WEIR_OK);
    (void)snprintf(log, sizeof log, "%s-wal", f->path);
    (void)snprintf(kept, sizeof kept, "%s/kept", f->folder);
    (void)snprintf(command, sizeof command, "cp '%s' '%s'", log, kept);
    assert_int_equal(system(command), 0);
    store_release(store, claim, within(1000));
    weir_replay_free(store);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(rename(kept, log), 0); /* as a kill -9 leaves it */
    store = opened(f, f->path);
    claim = claimed(f, store);
    assert_int_equal(store_load(store, claim, CHANNEL, &record, within(1000), &f->err),
                     WEIR_NOTHING);
    store_release(store, claim, within(1000));
    weir_replay_free(store);
}

static void what_a_killed_maker_left_is_made_anew(void **state)
{
    struct fixture *f = *state;
    char half[160];
    (void)snprintf(half, sizeof half, "%s-new", f->path);
    written(half, "half", 4);
    made_with(f, 8);
    assert_int_equal(access(half, F_OK), -1);
    must_have(f, 8);
}

/* --- in use ------------------------------------------------------------------------------- */

static void another_programs_lock_is_waited_for_no_longer_than_asked(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = NULL;
    weir_replay *store = opened(f, f->path);
    struct claim *claim = claimed(f, store);
    assert_int_equal(sqlite.open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite.exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(try_save(f, store, claim, 5), WEIR_BUSY);
    assert_true(weir_error_retryable(&f->err));
    assert_int_equal(sqlite.exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(try_save(f, store, claim, 6), WEIR_OK);
    sqlite.close(db);
    store_release(store, claim, within(1000));
    weir_replay_free(store);
}

static void a_file_that_was_removed_or_replaced_takes_no_more(void **state)
{
    struct fixture *f = *state;
    for (int replaced = 0; replaced < 2; replaced++) {
        struct record record;
        weir_replay *store = opened(f, f->path);
        struct claim *claim = claimed(f, store), *other = NULL;
        assert_int_equal(unlink(f->path), 0);
        if (replaced)
            written(f->path, "rubbish", 7);
        assert_int_equal(try_save(f, store, claim, 5), WEIR_STORE);
        assert_non_null(strstr(f->err.message, "removed or replaced"));
        assert_int_equal(store_load(store, claim, CHANNEL, &record, within(1000), &f->err),
                         WEIR_STORE);
        assert_int_equal(store_claim(store, "x", "", within(1000), &other, &f->err), WEIR_STORE);
        store_release(store, claim, within(1000));
        weir_replay_free(store);
        (void)unlink(f->path);
    }
}

static void a_listener_whose_lock_file_was_removed_writes_nothing_more(void **state)
{
    struct fixture *f = *state;
    char lock[160];
    weir_replay *a = opened(f, f->path), *b = opened(f, f->path);
    struct claim *first = claimed(f, a);
    assert_int_equal(try_save(f, a, first, 5), WEIR_OK);
    (void)snprintf(lock, sizeof lock, "%s-lock", f->path);
    assert_int_equal(unlink(lock), 0);
    struct claim *second = claimed(f, b);
    assert_int_equal(try_save(f, a, first, 6), WEIR_CONFLICT);
    assert_int_equal(position_of(f, b, second), 5);
    store_release(a, first, within(1000)); /* and takes nothing from the second one */
    assert_int_equal(try_save(f, b, second, 7), WEIR_OK);
    store_release(b, second, within(1000));
    weir_replay_free(a);
    weir_replay_free(b);
}

/* --- processes ---------------------------------------------------------------------------- */

/* A child that claims, saves 1, 2, 3, ... and tells of each. */
static pid_t start_saver(struct fixture *f, int *from)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        weir_replay *store = weir_replay_sqlite(f->path, &f->err);
        struct claim *claim = NULL;
        see(store && store_claim(store, ORG, "", within(5000), &claim, &f->err) == WEIR_OK, "claim",
            &f->err);
        struct record record;
        weir_status status = store_load(store, claim, CHANNEL, &record, within(5000), &f->err);
        int64_t at = status == WEIR_OK ? record.position : 0;
        see(status == WEIR_OK || status == WEIR_NOTHING, "load", &f->err);
        while (write(pipes[1], &at, sizeof at) == (ssize_t)sizeof at) {
            at++;
            see(try_save(f, store, claim, at) == WEIR_OK, "save", &f->err);
        }
        _exit(0);
    }
    close(pipes[1]);
    *from = pipes[0];
    return pid;
}

static int64_t told(int from)
{
    int64_t at = -1;
    return read(from, &at, sizeof at) == (ssize_t)sizeof at ? at : -1;
}

static void ended(pid_t pid)
{
    int status = 0;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void another_process_conflicts_and_is_named_until_it_is_killed(void **state)
{
    struct fixture *f = *state;
    int from = -1;
    char process[32];
    pid_t pid = start_saver(f, &from);
    assert_int_equal(told(from), 0);
    weir_replay *store = opened(f, f->path);
    struct claim *claim = NULL;
    assert_int_equal(store_claim(store, ORG, "", within(5000), &claim, &f->err), WEIR_CONFLICT);
    (void)snprintf(process, sizeof process, "process %d on ", (int)pid);
    assert_non_null(strstr(f->err.message, process));
    assert_int_equal(store_claim(store, ORG, "mine", within(5000), &claim, &f->err), WEIR_OK);
    store_release(store, claim, within(5000));
    ended(pid);
    claim = claimed(f, store);
    store_release(store, claim, within(5000));
    weir_replay_free(store);
    close(from);
}

static void a_process_killed_at_any_instant_leaves_all_it_has_told(void **state)
{
    struct fixture *f = *state;
    int64_t least = 0;
    unsigned seed = (unsigned)getpid();
    print_message("seed %u\n", seed);
    for (int round = 0; round < 12; round++) {
        int from = -1;
        pid_t pid = start_saver(f, &from);
        int64_t at = told(from);
        assert_true(at >= least); /* none of those told before is missing */
        long more = rand_r(&seed) % 400;
        for (long i = 0; i < more; i++)
            at = told(from);
        ended(pid);
        for (int64_t late = told(from); late >= 0; late = told(from))
            at = late;
        close(from);
        least = at;
    }
    weir_replay *store = opened(f, f->path);
    struct claim *claim = claimed(f, store);
    int64_t position = position_of(f, store, claim);
    assert_true(position >= least && position <= least + 1); /* and none from the future */
    store_release(store, claim, within(1000));
    weir_replay_free(store);
}

static void processes_that_make_it_at_once_make_one(void **state)
{
    struct fixture *f = *state;
    pid_t pids[6];
    for (size_t i = 0; i < COUNT(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            char group[8];
            struct claim *claim = NULL;
            (void)snprintf(group, sizeof group, "%zu", i);
            weir_replay *store = weir_replay_sqlite(f->path, &f->err);
            see(store && store_claim(store, ORG, group, within(5000), &claim, &f->err) == WEIR_OK,
                "claim", &f->err);
            struct record record = {.has_position = true, .position = (int64_t)i};
            struct store_change change = {CHANNEL, &record, false};
            see(store_save(store, claim, &change, 1, within(5000), &f->err) == WEIR_OK, "save",
                &f->err);
            _exit(0);
        }
    }
    for (size_t i = 0; i < COUNT(pids); i++) {
        int status = 0;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    weir_replay *store = opened(f, f->path);
    for (size_t i = 0; i < COUNT(pids); i++) {
        char group[8];
        struct claim *claim = NULL;
        (void)snprintf(group, sizeof group, "%zu", i);
        assert_int_equal(store_claim(store, ORG, group, within(5000), &claim, &f->err), WEIR_OK);
        assert_int_equal(position_of(f, store, claim), i);
        store_release(store, claim, within(5000));
    }
    weir_replay_free(store);
}

static int first_column(void *user, int count, char **texts, char **names)
{
    (void)names;
    assert_int_equal(count, 1);
    (void)snprintf(user, 32, "%s", texts[0]);
    return 0;
}

static void a_networks_file_system_gets_no_log_in_shared_memory(void **state)
{
    struct fixture *f = *state;
    struct sqlite_place place;
    struct sqlite_file file = {NULL, "the store"};
    char mode[32] = "";
    assert_int_equal(sqlite_load(&f->err), WEIR_OK);
    assert_int_equal(sqlite_place_find(&place, f->path, file.what, &f->err), WEIR_OK);
    assert_false(place.network);
    for (int again = 0; again < 2; again++) { /* made, then found */
        place.network = true;
        assert_int_equal(sqlite_file_open(&file, &place, clock_system(), &f->err), WEIR_OK);
        assert_int_equal(sqlite.exec(file.db, "PRAGMA journal_mode", first_column, mode, NULL), 0);
        assert_string_equal(mode, "truncate");
        assert_int_equal(sqlite.exec(file.db, "PRAGMA synchronous", first_column, mode, NULL), 0);
        assert_string_equal(mode, "2");
        sqlite.close(file.db);
    }
    made_with(f, 4); /* and is one with a log on a disk */
    must_have(f, 4);
}

static void the_log_and_the_file_stay_small(void **state)
{
    struct fixture *f = *state;
    char log[160];
    struct stat st;
    weir_replay *store = opened(f, f->path);
    struct claim *claim = claimed(f, store);
    for (int64_t i = 1; i <= 5000; i++)
        assert_int_equal(try_save(f, store, claim, i), WEIR_OK);
    (void)snprintf(log, sizeof log, "%s-wal", f->path);
    assert_int_equal(stat(log, &st), 0);
    assert_true(st.st_size < 2 * 1024 * 1024);
    assert_int_equal(stat(f->path, &st), 0);
    assert_true(st.st_size <= 16 * 1024);
    store_release(store, claim, within(1000));
    weir_replay_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_store_that_is_opened_again_has_what_was_saved),
        FILE_TEST(the_file_is_its_owners_alone_whatever_the_umask),
        FILE_TEST(closing_leaves_the_file_and_the_lock_file_only),
        FILE_TEST(links_to_one_file_are_one_store),
        FILE_TEST(a_new_file_is_not_filled_from_the_log_of_an_old_one),
        FILE_TEST(what_a_killed_maker_left_is_made_anew),
        FILE_TEST(another_programs_lock_is_waited_for_no_longer_than_asked),
        FILE_TEST(a_file_that_was_removed_or_replaced_takes_no_more),
        FILE_TEST(a_listener_whose_lock_file_was_removed_writes_nothing_more),
        FILE_TEST(another_process_conflicts_and_is_named_until_it_is_killed),
        FILE_TEST(a_process_killed_at_any_instant_leaves_all_it_has_told),
        FILE_TEST(processes_that_make_it_at_once_make_one),
        FILE_TEST(a_networks_file_system_gets_no_log_in_shared_memory),
        FILE_TEST(the_log_and_the_file_stay_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
