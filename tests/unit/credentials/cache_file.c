/* The credentials file as a file: modes, locks, what is broken, other processes. */
#include "unit/credentials/cache_desk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the file ----------------------------------------------------------------------------- */

static void the_file_is_for_our_eyes_in_a_folder_for_our_eyes(void **state)
{
    char deep[160], outer[160];
    (void)state;
    mode_t before = umask(0);
    snprintf(outer, sizeof outer, "%s/a", folder);
    snprintf(deep, sizeof deep, "%s/a/b", folder);
    snprintf(path, sizeof path, "%s/a/b/credentials", folder);
    store(WEIR_OAUTH2(PLAIN), "T1");
    umask(before);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(mode_of(deep), 0700);
    assert_int_equal(mode_of(outer), 0700);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "T1");
}

static void a_file_that_others_can_read_is_read_and_then_closed_to_them(void **state)
{
    (void)state;
    write_file(ZBCTL("T1", LATER), 0644); /* zbctl's is 0640 */
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "T1");
    store(WEIR_OAUTH2(PLAIN), "T2");
    assert_int_equal(mode_of(path), 0600);
}

static void a_file_that_others_can_write_is_neither_believed_nor_touched(void **state)
{
    (void)state;
    write_file(ZBCTL("T1", LATER), 0666);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "");
    assert_non_null(strstr(warnings, "others may write to it (mode 0666; chmod 600 it)"));
    store(WEIR_OAUTH2(PLAIN), "T2");
    assert_false(holds("T2"));
    assert_int_equal(mode_of(path), 0666);
}

static void a_broken_file_is_a_warning_and_put_aside(void **state)
{
    static const char *const broken[] = {
        "no yaml",     "{\"json\": 1}",     "- list\n",  "a: b: c\n",  "\ttab: 1\n",
        "a: \"open\n", "a: 1\n...\nb: 2\n", "a: &x 1\n", "\xff\xfe\n", "a: 1\n---\nb: 2\n"};
    char aside[160];
    (void)state;
    snprintf(aside, sizeof aside, "%s.broken", path);
    for (size_t i = 0; i < COUNT(broken); i++) {
        warnings[0] = '\0';
        write_file(broken[i], 0600);
        assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "");
        if (!strstr(warnings, "is none of a credentials file; no token is taken from it"))
            fail_msg("%s: %s", broken[i], warnings);
        store(WEIR_OAUTH2(PLAIN), "T1");
        assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "T1");
        assert_int_equal(access(aside, F_OK), 0);
        unlink(aside);
    }
}

static void what_cannot_be_written_is_one_warning_and_no_failure(void **state)
{
    struct desk desk;
    (void)state;
    snprintf(path, sizeof path, "/proc/weir/credentials");
    desk = desk_of(WEIR_OAUTH2(PLAIN));
    for (int i = 0; i < 3; i++)
        store_as(&desk, "T1", 300, NULL);
    assert_string_equal(loaded(&desk), "");
    leave(&desk);
    const char *first = strstr(warnings, "cannot make its folder '/proc/weir'");
    assert_non_null(first);
    assert_null(strstr(first + 1, "cannot make"));
    snprintf(path, sizeof path, "%s", folder); /* a folder */
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "");
    assert_non_null(strstr(warnings, "not a regular file"));
}

static void nothing_is_made_to_forget_something(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/none/credentials", folder);
    forget(WEIR_OAUTH2(PLAIN), "T1");
    snprintf(path, sizeof path, "%s/none", folder);
    assert_int_equal(access(path, F_OK), -1);
    assert_string_equal(warnings, "");
}

static void nothing_is_left_lying_about(void **state)
{
    (void)state;
    store(WEIR_OAUTH2(PLAIN), "T1");
    store(WEIR_OAUTH2(PLAIN), "T2");
    DIR *all = opendir(folder);
    for (struct dirent *one; (one = readdir(all)) != NULL;) {
        if (strcmp(one->d_name, "credentials") != 0 && strcmp(one->d_name, "credentials.lock") != 0)
            assert_int_equal(one->d_name[0], '.');
    }
    closedir(all);
}

static void a_lock_that_is_never_given_back_is_waited_for_two_seconds(void **state)
{
    char lock_path[160];
    (void)state;
    store(WEIR_OAUTH2(PLAIN), "T1");
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    int fd = open(lock_path, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    int64_t before = clock_mono(clock_system());
    store(WEIR_OAUTH2(PLAIN), "T2");
    assert_in_range(clock_mono(clock_system()) - before, 1900 * NS_PER_MS, 20 * NS_PER_S);
    assert_non_null(strstr(warnings, "another process has held its lock"));
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "T1"); /* reading needs none */
    close(fd);
    store(WEIR_OAUTH2(PLAIN), "T2");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "T2");
}

#define ROUNDS 40

static void write_rounds(const char *scope)
{
    char text[32];
    for (int i = 1; i <= ROUNDS; i++) {
        snprintf(text, sizeof text, "%s-%d", scope, i);
        store(WEIR_OAUTH2(PLAIN, .scope = scope), text);
    }
}

static void two_processes_share_a_cache_and_lose_nothing(void **state)
{
    int ended = 0;
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_rounds("child");
        _exit(0);
    }
    write_rounds("parent");
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .scope = "child")), "child-40");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .scope = "parent")), "parent-40");
    assert_string_equal(warnings, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_file_is_for_our_eyes_in_a_folder_for_our_eyes),
        CASE(a_file_that_others_can_read_is_read_and_then_closed_to_them),
        CASE(a_file_that_others_can_write_is_neither_believed_nor_touched),
        CASE(a_broken_file_is_a_warning_and_put_aside),
        CASE(what_cannot_be_written_is_one_warning_and_no_failure),
        CASE(nothing_is_made_to_forget_something),
        CASE(nothing_is_left_lying_about),
        CASE(a_lock_that_is_never_given_back_is_waited_for_two_seconds),
        CASE(two_processes_share_a_cache_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
