/* The store in a file: what is said of files that are none, and of those that cannot be used. */
#include "lib/check.h"
#include "unit/salesforce/store_lib.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void refused(struct fixture *f, const char *path, const char *word)
{
    weir_error_clear(&f->err);
    assert_null(weir_replay_sqlite(path, &f->err));
    if (f->err.status != WEIR_STORE || !strstr(f->err.message, word))
        print_message("%s: %s\n", weir_status_name(f->err.status), f->err.message);
    assert_int_equal(f->err.status, WEIR_STORE);
    assert_non_null(strstr(f->err.message, path));
    assert_non_null(strstr(f->err.message, word));
}

static void what_is_no_store_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    char link_path[160];
    char text[5000];
    memset(text, 'x', sizeof text);
    written(f->other, text, sizeof text);
    refused(f, f->other, "no database");
    assert_non_null(strstr(f->err.message, "--replay all"));
    for (size_t len = 1; len <= 1024; len *= 2) {
        written(f->other, text, len);
        refused(f, f->other, "no database");
    }
    written(f->other, "", 0);
    refused(f, f->other, "empty");
    refused(f, f->folder, "folder");
    refused(f, "/dev/null", "no regular file");
    refused(f, "/nonexistent-folder/x.db", "folder");
    refused(f, "/dev/null/x.db", "cannot be opened");
    (void)snprintf(link_path, sizeof link_path, "%s/link", f->folder);
    assert_int_equal(symlink("/nonexistent-file", link_path), 0);
    refused(f, link_path, "symbolic link");
    assert_int_equal(unlink(f->other), 0);
    executed(f->other, "CREATE TABLE t(x); PRAGMA application_id=5");
    refused(f, f->other, "another program");
    assert_non_null(strstr(f->err.message, "--replay all"));
    assert_int_equal(unlink(f->other), 0);
    executed(f->other, "CREATE TABLE t(x)");
    refused(f, f->other, "another program");
}

static void a_store_that_cannot_be_believed_is_refused(void **state)
{
    struct fixture *f = *state;
    char text[64];
    made_with(f, 9);
    executed(f->path, "PRAGMA user_version=2");
    refused(f, f->path, "newer weir");
    executed(f->path, "PRAGMA user_version=0");
    refused(f, f->path, "damaged");
    executed(f->path, "PRAGMA user_version=1; DROP TABLE owner");
    refused(f, f->path, "no such table");
    memset(text, 'x', sizeof text);
    executed(f->path, "PRAGMA wal_checkpoint(TRUNCATE)");
    int fd = open(f->path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, text, sizeof text, 1024 + 0), sizeof text);
    close(fd);
    refused(f, f->path, "damaged");
}

static void a_file_with_two_names_is_refused(void **state)
{
    struct fixture *f = *state;
    made_with(f, 9);
    assert_int_equal(link(f->path, f->other), 0);
    refused(f, f->path, "two names");
    assert_int_equal(unlink(f->other), 0);
    must_have(f, 9);
}

static void a_record_that_makes_no_sense_is_not_delivered_from(void **state)
{
    struct fixture *f = *state;
    const char *const changes[] = {"UPDATE record SET began=9",
                                   "UPDATE record SET began=-1",
                                   "UPDATE record SET began=1, position='x'",
                                   "UPDATE record SET position=-1",
                                   "UPDATE record SET began=3",
                                   "UPDATE record SET live_ms='never'"};
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct record record;
        (void)unlink(f->path);
        made_with(f, 9);
        executed(f->path, changes[i]);
        weir_replay *store = opened(f, f->path);
        struct claim *claim = claimed(f, store);
        assert_int_equal(store_load(store, claim, CHANNEL, &record, within(1000), &f->err),
                         WEIR_STORE);
        assert_non_null(strstr(f->err.message, CHANNEL));
        store_release(store, claim, within(1000));
        weir_replay_free(store);
    }
}

/* In a child that is not root, if this is. */
static void as_nobody(void (*act)(struct fixture *), struct fixture *f)
{
    int status = 0;
    assert_int_equal(chmod(f->folder, 0755), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(99);
        act(f);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void must_be_refused(struct fixture *f)
{
    weir_error err = {0};
    weir_replay *store = weir_replay_sqlite(f->path, &err);
    see(!store && err.status == WEIR_STORE && strstr(err.message, f->path), "refused", &err);
    see(strstr(err.message, "ermission") != NULL, "permission", &err);
}

static void what_may_not_be_read_or_written_is_refused(void **state)
{
    struct fixture *f = *state;
    char lock[160];
    as_nobody(must_be_refused, f); /* the folder */
    made_with(f, 9);
    (void)snprintf(lock, sizeof lock, "%s-lock", f->path);
    assert_int_equal(chmod(f->path, 0), 0);
    as_nobody(must_be_refused, f);
    assert_int_equal(chmod(f->path, 0444), 0);
    as_nobody(must_be_refused, f);
    assert_int_equal(chmod(f->path, 0600), 0);
    must_have(f, 9);
}

static void too_large(struct fixture *f)
{
    weir_replay *store = weir_replay_sqlite(f->path, &f->err);
    struct claim *claim = NULL;
    struct rlimit limit = {64 * 1024, 64 * 1024};
    int64_t saved = 0;
    see(store && store_claim(store, ORG, "", within(1000), &claim, &f->err) == WEIR_OK, "claim",
        &f->err);
    (void)signal(SIGXFSZ, SIG_IGN);
    see(setrlimit(RLIMIT_FSIZE, &limit) == 0, "limit", &f->err);
    while (saved < 1000 && try_save(f, store, claim, saved + 1) == WEIR_OK)
        saved++;
    see(saved > 10 && saved < 1000, "full", &f->err);
    see(f->err.status == WEIR_STORE && strstr(f->err.message, "File too large"), "words", &f->err);
    see(position_of(f, store, claim) == saved, "what was saved is there", &f->err);
    see(try_save(f, store, claim, saved + 1) == WEIR_STORE, "still full", &f->err);
    _exit(position_of(f, store, claim) == saved ? 0 : 1);
}

static void a_full_disk_is_said_and_what_was_saved_is_there(void **state)
{
    struct fixture *f = *state;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        too_large(f);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    weir_replay *store = opened(f, f->path);
    struct claim *claim = claimed(f, store);
    int64_t saved = position_of(f, store, claim);
    assert_true(saved > 10);
    assert_int_equal(try_save(f, store, claim, saved + 1), WEIR_OK);
    store_release(store, claim, within(1000));
    weir_replay_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(what_is_no_store_is_refused_and_left_alone),
        FILE_TEST(a_store_that_cannot_be_believed_is_refused),
        FILE_TEST(a_file_with_two_names_is_refused),
        FILE_TEST(a_record_that_makes_no_sense_is_not_delivered_from),
        FILE_TEST(what_may_not_be_read_or_written_is_refused),
        FILE_TEST(a_full_disk_is_said_and_what_was_saved_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
